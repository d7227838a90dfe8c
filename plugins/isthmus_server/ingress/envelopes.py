"""Bodies of the tracking API, read as far as the events that are in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, final

import msgspec

from isthmus.rules import well_formed

__all__ = ["NULL", "Envelope", "Flaw", "JsonObject", "decoded", "object_of", "read_batch", "read_single"]

JsonObject = dict[str, msgspec.Raw]
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


NULL: Final = msgspec.Raw(b"null")


@final
class _Batch(msgspec.Struct, frozen=True):
    batch: list[msgspec.Raw]
    write_key: object = msgspec.field(default=None, name="writeKey")
    sent_at: object = msgspec.field(default=None, name="sentAt")
    context: msgspec.Raw = NULL
    integrations: msgspec.Raw = NULL


@final
class _Single(msgspec.Struct, frozen=True):
    write_key: object = msgspec.field(default=None, name="writeKey")
    sent_at: object = msgspec.field(default=None, name="sentAt")


_BATCH = msgspec.json.Decoder(_Batch)
_SINGLE = msgspec.json.Decoder(_Single)
_OBJECT = msgspec.json.Decoder(JsonObject)


def read_batch(body: bytes) -> Envelope:
    """Read ``{"batch": [...], ...}``.

    Raises:
        Flaw: it is none.
    """
    read = decoded(_BATCH, body)
    context = object_of(read.context, "context")
    integrations = object_of(read.integrations, "integrations")
    return Envelope(read.batch, _text_of(read.write_key), read.sent_at, context, integrations)


def read_single(body: bytes) -> Envelope:
    """Read one event.

    Raises:
        Flaw: it is none.
    """
    read = decoded(_SINGLE, body)
    return Envelope([msgspec.Raw(body)], _text_of(read.write_key), read.sent_at)


def decoded(decoder: msgspec.json.Decoder[Any], text: bytes) -> Any:
    """Decode JSON of a client, half surrogate pairs replaced.

    Raises:
        Flaw: it is none, or not of the decoder's type.
    """
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


def object_of(value: msgspec.Raw, name: str) -> JsonObject:
    """The object that a field holds, empty for null and for an empty array.

    Raises:
        Flaw: it holds anything else; its code is made of the field's name.
    """
    text = bytes(value)
    if text.startswith(b"{"):
        read: JsonObject = decoded(_OBJECT, text)
        return read
    if text == b"null" or (text.startswith(b"[") and not text[1:-1].strip()):
        return {}
    raise Flaw(f"{name}_not_object", f"the {name} of an event is an object")


def _text_of(value: object) -> str:
    return value if isinstance(value, str) else ""
