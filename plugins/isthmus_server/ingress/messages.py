"""What Segment asks of an event, and the event that is made of what was sent.

The rules and the codes of what breaks them are Segment's (HTTP API; delivery overview, "failed on ingest").  What Segment
leaves open is decided so that an event is taken wherever it means something: an empty array where an object belongs
(as PHP writes one) is an empty object, and null is what is not there.
"""

from __future__ import annotations

from typing import Final, final

import msgspec

from .envelopes import NULL, Envelope, Flaw, JsonObject, decoded, object_of
from .times import times

__all__ = ["CALLS", "Arrival", "as_event"]

CALLS: Final = ("identify", "track", "page", "screen", "group", "alias")

ID_LENGTH: Final = 100
"""Characters of a message id (Segment)."""

_EMPTY: Final = msgspec.Raw(b"{}")
_OBJECT = msgspec.json.Decoder(JsonObject)
_ANY = msgspec.json.Decoder(object)


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
    text: bytes, envelope: Envelope, arrival: Arrival, *, call: str | None, most: int, message_id: str
) -> bytes:
    """Make an event of what was sent, as destinations see it.

    Args:
        text: its JSON.
        envelope: what its batch says for all.
        arrival: see there.
        call: the kind of call, None where the event says which.
        most: bytes of ``text``.
        message_id: what it gets where it has none.

    Returns:
        its JSON, with its type, its ids and its times.

    Raises:
        Flaw: it is not taken.
    """
    if len(text) > most:
        raise Flaw("message_too_large", f"an event has at most {most} bytes, and this has {len(text)}")
    event: JsonObject = decoded(_OBJECT, text)
    kind = call or _value(event, "type")
    if kind not in CALLS:
        raise Flaw("invalid_type", f"the type of an event is one of {', '.join(CALLS)}")
    for name in ("properties", "traits"):
        if name in event and not object_of(event[name], name) and event[name] != NULL:
            event[name] = _EMPTY
    _check(str(kind), event)
    made: dict[str, object] = {"type": kind, **event, "messageId": _message_id(event) or message_id}
    made["type"] = kind
    context = dict(envelope.context) | object_of(event.get("context", NULL), "context")
    if bytes(context.get("direct", NULL)) == b"true":
        context.setdefault("ip", msgspec.Raw(msgspec.json.encode(arrival.address)))
    integrations = dict(envelope.integrations) | object_of(event.get("integrations", NULL), "integrations")
    if context or "context" in event:
        made["context"] = context
    if integrations or "integrations" in event:
        made["integrations"] = integrations
    original_at = _value(event, "originalTimestamp") or _value(event, "timestamp")
    made.update(times(original_at, _value(event, "sentAt"), envelope.sent_at, arrival.at))
    made["projectId"] = arrival.source
    made.pop("writeKey", None)
    return msgspec.json.encode(made)


def _value(event: JsonObject, name: str) -> object:
    """One of its values, decoded; None where it is not there."""
    return decoded(_ANY, bytes(event[name])) if name in event else None


def _message_id(event: JsonObject) -> str:
    message_id = _value(event, "messageId") or ""
    if not isinstance(message_id, str):
        raise Flaw("message_id_not_string", "the messageId of an event is a string")
    if len(message_id) > ID_LENGTH:
        raise Flaw("message_id_too_long", f"a messageId has at most {ID_LENGTH} characters")
    return message_id


def _check(kind: str, event: JsonObject) -> None:
    """What Segment asks of each kind of event."""
    if not (_has_id(event, "userId") | _has_id(event, "anonymousId")):
        raise Flaw("no_user_anon_id", "an event has a userId or an anonymousId")
    if kind == "track":
        name = _value(event, "event")
        if name is None or name == "":
            raise Flaw("event_not_defined", "a track event has an event, its name")
        if not isinstance(name, str):
            raise Flaw("event_not_string", "the event of a track event, its name, is a string")
    elif kind == "group" and not _has_id(event, "groupId"):
        raise Flaw("no_group_id", "a group event has a groupId")
    elif kind == "alias" and not _has_id(event, "previousId"):
        raise Flaw("no_previous_id", "an alias event has a previousId")
    elif kind in {"page", "screen"} and not isinstance(_value(event, "name"), str | None):
        raise Flaw("name_not_string", f"the name of a {kind} event is a string")


def _has_id(event: JsonObject, name: str) -> bool:
    value = _value(event, name)
    if value is not None and not isinstance(value, str):
        raise Flaw("id_not_string", f"the {name} of an event is a string")
    return bool(value)
