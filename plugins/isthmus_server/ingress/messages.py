"""What Segment asks of an event, and the event that is made of what was sent.

The rules and the codes of what breaks them are Segment's (HTTP API; delivery overview, "failed on ingest").  What Segment
leaves open is decided so that an event is taken wherever it means something: an empty array where an object belongs
(as PHP writes one) is an empty object, and null is what is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, final

import msgspec

from isthmus.rules import times

from .envelopes import NULL, Envelope, Flaw, JsonObject, decoded, object_of

__all__ = ["CALLS", "Arrival", "as_event"]

CALLS: Final = ("identify", "track", "page", "screen", "group", "alias")

ID_LENGTH: Final = 100
"""Characters of a message id (Segment)."""

_EMPTY: Final = msgspec.Raw(b"{}")
_TRUE: Final = msgspec.Raw(b"true")


@final
class _Head(msgspec.Struct, frozen=True, rename="camel"):
    """What is looked at of an event; each may be of any type."""

    type: object = None
    user_id: object = None
    anonymous_id: object = None
    group_id: object = None
    previous_id: object = None
    event: object = None
    name: object = None
    message_id: object = None
    timestamp: object = None
    sent_at: object = None
    original_timestamp: object = None


_HEAD = msgspec.json.Decoder(_Head)
_OBJECT = msgspec.json.Decoder(JsonObject)


@final
class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """When and where events came in.

    Attributes:
        at: seconds since the epoch.
        address: of the client.
        source: the id of their source.
    """

    at: float
    address: str
    source: str


def as_event(
    text: bytes,
    envelope: Envelope,
    arrival: Arrival,
    *,
    call: str | None,
    most: int,
    message_id: Callable[[], str],
) -> bytes:
    """Make an event of what was sent, as destinations see it.

    Args:
        text: its JSON.
        envelope: what its batch says for all.
        arrival: see there.
        call: the kind of call, None where the event says which.
        most: bytes of ``text``.
        message_id: gives it an id where it has none.

    Returns:
        its JSON, with its type, its ids and its times.

    Raises:
        Flaw: it is not taken.
    """
    if len(text) > most:
        raise Flaw("message_too_large", f"an event has at most {most} bytes, and this has {len(text)}")
    event: JsonObject = decoded(_OBJECT, text)
    head: _Head = decoded(_HEAD, text)
    kind = call or head.type
    if kind not in CALLS:
        raise Flaw("invalid_type", f"the type of an event is one of {', '.join(CALLS)}")
    for name in ("properties", "traits"):
        if name in event and not bytes(event[name]).startswith(b"{"):
            object_of(event[name], name)
            event[name] = NULL if event[name] == NULL else _EMPTY
    _check(str(kind), head)
    context = _merged("context", envelope.context, event)
    if context and context.get("direct", NULL) == _TRUE:
        context.setdefault("ip", msgspec.Raw(msgspec.json.encode(arrival.address)))
    integrations = _merged("integrations", envelope.integrations, event)
    made: dict[str, object] = {"type": kind, **event, "messageId": _message_id(head) or message_id()}
    made["type"] = kind
    if context is not None:
        made["context"] = context
    if integrations is not None:
        made["integrations"] = integrations
    original_at = head.original_timestamp or head.timestamp
    made.update(times(original_at, head.sent_at, envelope.sent_at, arrival.at))
    made["projectId"] = arrival.source
    made.pop("writeKey", None)
    return msgspec.json.encode(made)


def _merged(name: str, shared: Mapping[str, msgspec.Raw], event: JsonObject) -> JsonObject | None:
    """What a batch says for all and what the event says, which wins; None where neither says anything."""
    own = object_of(event[name], name) if name in event else None
    if not shared:
        return own
    return {**shared, **(own or {})}


def _message_id(head: _Head) -> str:
    message_id = head.message_id or ""
    if not isinstance(message_id, str):
        raise Flaw("message_id_not_string", "the messageId of an event is a string")
    if len(message_id) > ID_LENGTH:
        raise Flaw("message_id_too_long", f"a messageId has at most {ID_LENGTH} characters")
    return message_id


def _check(kind: str, head: _Head) -> None:
    """What Segment asks of each kind of event."""
    if not (_is_id(head.user_id, "userId") | _is_id(head.anonymous_id, "anonymousId")):
        raise Flaw("no_user_anon_id", "an event has a userId or an anonymousId")
    if kind == "track":
        if head.event is None or head.event == "":
            raise Flaw("event_not_defined", "a track event has an event, its name")
        if not isinstance(head.event, str):
            raise Flaw("event_not_string", "the event of a track event, its name, is a string")
    elif kind == "group" and not _is_id(head.group_id, "groupId"):
        raise Flaw("no_group_id", "a group event has a groupId")
    elif kind == "alias" and not _is_id(head.previous_id, "previousId"):
        raise Flaw("no_previous_id", "an alias event has a previousId")
    elif kind in {"page", "screen"} and not isinstance(head.name, str | None):
        raise Flaw("name_not_string", f"the name of a {kind} event is a string")


def _is_id(value: object, name: str) -> bool:
    if value is not None and not isinstance(value, str):
        raise Flaw("id_not_string", f"the {name} of an event is a string")
    return bool(value)
