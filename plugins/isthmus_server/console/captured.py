"""The last webhooks that came in for each source, to try its function out on; in memory, while the process lives."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Final, final
from urllib.parse import parse_qsl, urlsplit

import msgspec

from isthmus import Request

__all__ = ["Captured", "CapturedWebhooks"]

KEPT: Final = 5
"""Webhooks of each source."""
LARGEST: Final = 64 * 1024
"""Bytes of a body: what is larger is nothing to look at in an editor."""
CREDENTIALS: Final = frozenset({"authorization", "cookie", "proxy-authorization"})
"""Headers that are not kept: they are the sender's."""


@final
class Captured(msgspec.Struct, frozen=True):
    """A webhook as it came.

    Attributes:
        at: seconds since the epoch.
        request: without its sender's credentials.
    """

    at: float
    request: Request

    @property
    def payload(self) -> dict[str, Any]:
        """What a trial of a source function takes; a body that is no JSON as text."""
        body: Any
        try:
            body = msgspec.json.decode(self.request.body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            body = self.request.body.decode(errors="replace")
        query = parse_qsl(urlsplit(self.request.url).query, keep_blank_values=True)
        return {"headers": _named(self.request.headers), "queryParameters": _named(query), "body": body}


@final
class CapturedWebhooks:
    """Keeps the last of each source; told from where they come in.

    Args:
        clock: seconds since the epoch.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._last: dict[str, deque[Captured]] = {}

    def keep(self, source: str, webhook: Request) -> None:
        """Take one that its source has let in."""
        if len(webhook.body) > LARGEST:
            return
        headers = tuple(each for each in webhook.headers if each[0].lower() not in CREDENTIALS)
        request = msgspec.structs.replace(webhook, headers=headers)
        last = self._last.get(source)
        if last is None:
            last = self._last[source] = deque(maxlen=KEPT)
        last.append(Captured(self._clock(), request))

    def of(self, source: str) -> list[Captured]:
        """Those of a source, the last one first."""
        return [*self._last.get(source, ())][::-1]


def _named(pairs: Iterable[tuple[str, str]]) -> dict[str, str | list[str]]:
    """Names with their values; a list where a name has several."""
    named: dict[str, list[str]] = {}
    for name, value in pairs:
        named.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in named.items()}
