"""What a pipeline reads of an event and of what is kept, and the id it gives to an event that has none."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from typing import Final, final

import msgspec

from isthmus._rules.jsontext import fields_of, kind_of, well_formed
from isthmus.errors import InvalidInput
from isthmus.events import Event, Request

__all__ = [
    "ID_LENGTH",
    "MARK_LENGTH",
    "Head",
    "Taken",
    "kept_event",
    "kept_request",
    "key_of",
    "random_ids",
    "taken",
    "with_replay",
]

ID_LENGTH: Final = 255
"""Characters of a message id."""
_DRAWN: Final = 64

MARK_LENGTH: Final = 64
"""Characters of what tells a replay from others, which is added to a message id."""


@final
class Head(msgspec.Struct, frozen=True):
    """The part of an event that routing reads; each may be of any type."""

    type: object = None
    event: object = None
    integrations: object = None
    message_id: object = msgspec.field(default=None, name="messageId")


@final
class Taken(msgspec.Struct, frozen=True, gc=False):
    """An event on its way.

    Attributes:
        text: its JSON, with a message id in it.
        head: what routing reads.
        message_id: its own, or the one it was given.
    """

    text: bytes
    head: Head
    message_id: str


def random_ids() -> Iterator[str]:
    """UUIDs of version 4; the system is asked for many at once, for that costs more than all else done for an event."""
    while True:
        drawn = os.urandom(16 * _DRAWN)
        for at in range(0, len(drawn), 16):
            yield str(uuid.UUID(bytes=drawn[at : at + 16], version=4))


_HEAD = msgspec.json.Decoder(Head)
# What is changed in an event leaves all else of it as it was written: numbers no double holds, too.
_FIELDS: msgspec.json.Decoder[dict[str, msgspec.Raw]] = msgspec.json.Decoder(dict[str, msgspec.Raw])
_NULL: Final = msgspec.Raw(b"null")


def taken(event: Event, *, most: int, default_id: Callable[[], str]) -> Taken:
    """Look at an event, and give it a message id where it has none.

    Args:
        event: JSON text or a mapping.
        most: bytes of JSON it may have.
        default_id: gives the id that it gets where it has none.

    Raises:
        InvalidInput: it is not one, or too large.
    """
    if isinstance(event, bytes):
        text = event
    else:
        try:
            text = event.encode() if isinstance(event, str) else msgspec.json.encode(event)
        except (TypeError, ValueError, RecursionError) as exc:
            raise InvalidInput(f"an event is what JSON can hold: {exc}") from None
    if len(text) > most:
        raise InvalidInput(f"an event has at most {most} bytes of JSON here, and this has {len(text)}")
    try:
        text, head = _read(text)
    except (ValueError, RecursionError) as exc:
        raise InvalidInput(f"an event is a JSON object in UTF-8: {exc}") from None
    message_id = head.message_id
    if not isinstance(message_id, str) or not message_id:
        message_id = default_id()
        text = _with_id(text, message_id, present=head.message_id is not None or b'"messageId"' in text)
    elif len(message_id) > ID_LENGTH:
        raise InvalidInput(f"a messageId has at most {ID_LENGTH} characters, and this has {len(message_id)}")
    return Taken(text, head, message_id)


def _read(text: bytes) -> tuple[bytes, Head]:
    if not text.isascii():
        text.decode()
    try:
        return text, _HEAD.decode(text)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        text = well_formed(text)
        return text, _HEAD.decode(text)


def _with_id(text: bytes, message_id: str, *, present: bool) -> bytes:
    """The event with an id; where it may have one already it is written anew, else only added to."""
    if present:
        fields = _FIELDS.decode(text)
        fields["messageId"] = msgspec.Raw(msgspec.json.encode(message_id))
        return msgspec.json.encode(fields)
    body = text.lstrip()[1:].lstrip()
    comma = b"" if body.startswith(b"}") else b","
    return b'{"messageId":' + msgspec.json.encode(message_id) + comma + body


def with_replay(event: Taken, mark: str) -> Taken:
    """The event with the mark of a replay in its ``context``; as it is where that is no object, or too deep."""
    try:
        fields = _FIELDS.decode(event.text)
        context = fields.get("context", _NULL)
        if kind_of(context) not in {"an object", "null"}:
            return event
        inner = _FIELDS.decode(context) if kind_of(context) == "an object" else {}
    except RecursionError:
        return event
    inner["replay"] = msgspec.Raw(msgspec.json.encode({"id": mark}))
    fields["context"] = msgspec.Raw(msgspec.json.encode(inner))
    return Taken(msgspec.json.encode(fields), event.head, event.message_id)


def key_of(text: bytes, path: str) -> str | None:
    """The value at a path such as ``context.groupId``, as text; None where there is none, or the event is too deep to look."""
    try:
        value: object = fields_of(text)
    except RecursionError:
        return None
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if isinstance(value, str):
        return value or None
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


@final
class _KeptRequest(msgspec.Struct, frozen=True):
    """A webhook as it is kept: all of it is there, so that no other object passes for one."""

    url: str
    method: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


_KEPT_REQUEST = msgspec.json.Decoder(_KeptRequest)


def kept_request(body: bytes) -> Request:
    """A webhook out of its queue.

    Raises:
        InvalidInput: it is none; another program may have written it.
    """
    try:
        kept = _KEPT_REQUEST.decode(body)
    except (ValueError, RecursionError):
        raise InvalidInput("what was kept is no webhook") from None
    return Request(url=kept.url, method=kept.method, headers=kept.headers, body=kept.body)


def kept_event(body: bytes) -> bytes:
    """The JSON text of an event out of its queue, or as an insert left it.

    Raises:
        InvalidInput: it is none; another program may have written it.
    """
    try:
        return _read(body)[0]
    except (ValueError, RecursionError):
        raise InvalidInput("what was kept is no event") from None
