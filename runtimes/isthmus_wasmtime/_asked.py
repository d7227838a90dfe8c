"""What a guest may ask of its host by name: each operation, done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from isthmus.abc import Host
from isthmus.guest import fetch_request, shown_response

from ._operations import (
    CacheDelete,
    CacheFail,
    CacheLoad,
    CacheStore,
    Capability,
    Fetch,
    Log,
    Operation,
    Send,
    Sleep,
)

if TYPE_CHECKING:
    from ._talk import Talk

__all__ = ["LONGEST_WAIT", "do"]

LONGEST_WAIT: Final = 86_400.0
"""Seconds that one wait may ask for; a call's own limit ends it sooner."""


def do(talk: Talk, host: Host, operation: Operation) -> object:
    """Do what a guest asks; the value of the answer.

    Args:
        talk: of the call; waits for the host in the guest's place.
        host: of the call.
        operation: what is asked.

    Raises:
        FetchError, CapabilityError, ValueError: it could not be done.
        Ended: a limit of the call was reached.
    """
    match operation:
        case Fetch(url=url, method=method, headers=headers, body=body, base64=encoded, redirect=redirect):
            request = fetch_request(
                url=url, method=method, headers=headers, body=body, encoded=encoded, redirect=redirect
            )
            return shown_response(talk.fetch(request))
        case Sleep(ms=ms):
            talk.waiting(host.sleep, min(max(0.0, ms / 1000), LONGEST_WAIT))
        case Capability(name=name, argument=argument):
            return msgspec.Raw(talk.waiting(host.capability, name, bytes(argument)))
        case CacheLoad(key=key):
            entry = talk.waiting(host.cache_load, key)
            return {"hit": False} if entry.value is None else {"hit": True, "value": msgspec.Raw(entry.value)}
        case CacheStore(key=key, value=value, ttl=ttl):
            talk.in_trio(host.cache_store, key, bytes(value), None if ttl is None or ttl < 0 else ttl / 1000)
        case CacheFail(key=key):
            talk.in_trio(host.cache_fail, key)
        case CacheDelete(key=key):
            talk.in_trio(host.cache_delete, key)
        case Log(level=level, text=text):
            talk.log.add(level, text)
        case Send(message=message):
            talk.send(bytes(message))
    return None
