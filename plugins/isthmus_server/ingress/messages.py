"""The tracking API's calls: what a body holds, what is wrong with an event of it, and the event that is made of it.

The rules and the codes of what breaks them are Segment's (HTTP API; delivery overview, "failed on ingest").  What Segment
leaves open is decided so that an event is taken wherever it means something: an empty array where an object belongs
(as PHP writes one) is an empty object, and null is what is not there.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, final

import msgspec

from isthmus.rules import well_formed

__all__ = ["CALLS", "Arrival", "Envelope", "Flaw", "as_event", "read_batch", "read_single"]

CALLS: Final = ("identify", "track", "page", "screen", "group", "alias")

ID_LENGTH: Final = 100
"""Characters of a message id (Segment)."""

_Object = dict[str, msgspec.Raw]
"""A JSON object whose values stay as they were written: no number loses a digit, and nothing is decoded that nobody reads."""


@final
class Flaw(Exception):
    """A body, or an event in it, is not what it should be.

    Args:
        code: Segment's word for it, where it has one.
        message: a sentence, without anything of the event's values.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@final
class Envelope(msgspec.Struct, frozen=True):
    """A body, read as far as its events.

    Attributes:
        events: the JSON text of each.
        write_key: whose it says it is, "" where it does not.
        sent_at: as it is written, or None.
        context: of all events.
        integrations: of all events.
    """

    events: list[msgspec.Raw]
    write_key: str = ""
    sent_at: object = None
    context: Mapping[str, msgspec.Raw] = {}
    integrations: Mapping[str, msgspec.Raw] = {}


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


_NULL: Final = msgspec.Raw(b"null")


@final
class _Batch(msgspec.Struct, frozen=True):
    batch: list[msgspec.Raw]
    write_key: object = msgspec.field(default=None, name="writeKey")
    sent_at: object = msgspec.field(default=None, name="sentAt")
    context: msgspec.Raw = _NULL
    integrations: msgspec.Raw = _NULL


@final
class _Single(msgspec.Struct, frozen=True):
    write_key: object = msgspec.field(default=None, name="writeKey")
    sent_at: object = msgspec.field(default=None, name="sentAt")


_BATCH = msgspec.json.Decoder(_Batch)
_SINGLE = msgspec.json.Decoder(_Single)
_OBJECT = msgspec.json.Decoder(_Object)
_ANY = msgspec.json.Decoder(object)


def read_batch(body: bytes) -> Envelope:
    """Read ``{"batch": [...], ...}``.

    Raises:
        Flaw: it is none.
    """
    read = _decoded(_BATCH, body)
    context = _object_of(read.context, "context")
    integrations = _object_of(read.integrations, "integrations")
    return Envelope(read.batch, _text_of(read.write_key), read.sent_at, context, integrations)


def read_single(body: bytes) -> Envelope:
    """Read one event.

    Raises:
        Flaw: it is none.
    """
    read = _decoded(_SINGLE, body)
    return Envelope([msgspec.Raw(body)], _text_of(read.write_key), read.sent_at)


def _decoded(decoder: msgspec.json.Decoder[Any], text: bytes) -> Any:
    try:
        if not text.isascii():
            text.decode()
        try:
            return decoder.decode(text)
        except msgspec.ValidationError:
            raise
        except msgspec.DecodeError:
            return decoder.decode(well_formed(text))
    except UnicodeDecodeError:
        raise Flaw("malformed_body", "the body is not UTF-8") from None
    except RecursionError:
        raise Flaw("malformed_body", "the body is nested too deeply") from None
    except msgspec.ValidationError as exc:
        raise Flaw("malformed_body", f"the body is not what this call takes: {exc}") from None
    except msgspec.DecodeError:
        raise Flaw("malformed_body", "the body is not JSON") from None


# ---------------------------------------------------------------- one event


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
    event: _Object = _decoded(_OBJECT, text)
    kind = call or _value(event, "type")
    if kind not in CALLS:
        raise Flaw("invalid_type", f"the type of an event is one of {', '.join(CALLS)}")
    for name in ("properties", "traits"):
        if name in event:
            _object_of(event[name], name)
    _check(str(kind), event)
    made: dict[str, object] = {"type": kind, **event, "messageId": _message_id(event) or message_id}
    made["type"] = kind
    context = dict(envelope.context) | _object_of(event.get("context", _NULL), "context")
    if bytes(context.get("direct", _NULL)) == b"true":
        context.setdefault("ip", msgspec.Raw(msgspec.json.encode(arrival.address)))
    integrations = dict(envelope.integrations) | _object_of(event.get("integrations", _NULL), "integrations")
    if context or "context" in event:
        made["context"] = context
    if integrations or "integrations" in event:
        made["integrations"] = integrations
    made.update(_times(event, envelope.sent_at, arrival.at), projectId=arrival.source)
    made.pop("writeKey", None)
    return msgspec.json.encode(made)


def _value(event: _Object, name: str) -> object:
    """One of its values, decoded; None where it is not there."""
    return _decoded(_ANY, bytes(event[name])) if name in event else None


def _message_id(event: _Object) -> str:
    message_id = _value(event, "messageId") or ""
    if not isinstance(message_id, str):
        raise Flaw("message_id_not_string", "the messageId of an event is a string")
    if len(message_id) > ID_LENGTH:
        raise Flaw("message_id_too_long", f"a messageId has at most {ID_LENGTH} characters")
    return message_id


def _check(kind: str, event: _Object) -> None:
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


def _has_id(event: _Object, name: str) -> bool:
    value = _value(event, name)
    if value is not None and not isinstance(value, str):
        raise Flaw("id_not_string", f"the {name} of an event is a string")
    return bool(value)


def _object_of(value: msgspec.Raw, name: str) -> _Object:
    text = bytes(value)
    if text.startswith(b"{"):
        read: _Object = _decoded(_OBJECT, text)
        return read
    if text == b"null" or (text.startswith(b"[") and not text[1:-1].strip()):
        return {}
    raise Flaw(f"{name}_not_object", f"the {name} of an event is an object")


def _text_of(value: object) -> str:
    return value if isinstance(value, str) else ""


# ---------------------------------------------------------------- its times


def _times(event: _Object, sent_at: object, received: float) -> dict[str, str]:
    """Make the four times (Segment, spec, common fields): a device's clock is corrected by when it sent the event."""
    at = datetime.fromtimestamp(received, UTC)
    original = _moment(_value(event, "originalTimestamp")) or _moment(_value(event, "timestamp"))
    sent = _moment(_value(event, "sentAt")) or _moment(sent_at)
    try:
        happened = at if original is None else original if sent is None else at - (sent - original)
    except OverflowError:
        happened = at
    return {
        "receivedAt": _written(at),
        "sentAt": _written(sent or at),
        "originalTimestamp": _written(original or sent or at),
        "timestamp": _written(happened),
    }


def _moment(value: object) -> datetime | None:
    """A time as clients write it, ISO 8601; without a zone it is UTC; None for anything else."""
    if not isinstance(value, str) or not 10 <= len(value) <= 40:
        return None
    try:
        moment = datetime.fromisoformat(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _written(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
