"""What the messages of a source function may carry on their way out.

A source function often passes on what another source was sent.  The other's ``writeKey`` is a
credential, and its ``messageId`` would make the copy a duplicate of the original to everything that
removes duplicates by id.  So the key never goes out, and an id that came in is replaced.
"""

from __future__ import annotations

import json
import re
import uuid
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec

from isthmus.errors import RuntimeFault
from isthmus.outcomes import Code, Problem

from . import jsontext

__all__ = ["MESSAGE_BYTES", "MessagesRefused", "derived_id", "incoming_ids", "outgoing"]

MESSAGE_BYTES: Final = 32 * 1024
"""Bytes of one message (Segment: Tracking API, 32 KB per event)."""

_NAMESPACE: Final = uuid.UUID("6f0c1d1e-7a5b-5d0e-9c53-1f0b6a2f4c11")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_NESTED_FORM_KEYS = ("[messageId]", ".messageId")


class MessagesRefused(Exception):
    """A message cannot go out; then none of its call does, as where the function throws.

    Attributes:
        problem: for the outcome.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.problem = Problem(name="InvalidEventPayload", message=message, code=Code.MESSAGE_REJECTED)


def outgoing(
    messages: bytes, *, request_body: bytes, source_id: str, max_bytes: int = MESSAGE_BYTES
) -> tuple[msgspec.Raw, ...]:
    """Make what ``Segment.*`` was given ready to be sent.

    From each message every ``writeKey`` is taken out, however deep.  A ``messageId`` that the
    request's payload holds under that name, however deep, is replaced by one derived from it and the source,
    the same at every retry; one the function made itself is kept.

    Args:
        messages: JSON text of an array of objects, ``b""`` for none.
        request_body: of the webhook, raw.
        source_id: of the source the function runs for.
        max_bytes: of one message, before and after.

    Raises:
        MessagesRefused: a message is too large, or cannot be read in order to be cleaned.
        RuntimeFault: ``messages`` is not what its runtime promised.
    """
    if not messages:
        return ()
    try:
        made = jsontext.array_of(messages)
    except jsontext.Unreadable as error:
        if error.malformed:
            raise RuntimeFault("the runtime handed over messages that are not JSON") from error
        raise MessagesRefused("what Segment was given is nested too deeply to be sent") from None
    except msgspec.ValidationError as error:
        raise RuntimeFault("the runtime handed over messages that are no array") from error
    ids = incoming_ids(request_body)
    return tuple(_ready(message, ids, source_id, max_bytes) for message in made)


def _ready(message: msgspec.Raw, ids: frozenset[str], source_id: str, max_bytes: int) -> msgspec.Raw:
    text = bytes(message)
    if jsontext.kind_of(text) != "an object":
        raise RuntimeFault("the runtime handed over a message that is no object")
    _check_size(text, max_bytes)
    if not (_may_name(text, b"writeKey") or (ids and _may_name(text, b"messageId"))):
        return message
    with_key: list[dict[str, Any]] = []

    def without_write_key(fields: dict[str, Any]) -> dict[str, Any]:
        if "writeKey" in fields:
            del fields["writeKey"]
            with_key.append(fields)
        return fields

    try:
        fields: dict[str, Any] = json.loads(text, object_hook=without_write_key)
        if (message_id := _id_text(fields.get("messageId"))) in ids:
            fields["messageId"] = derived_id(source_id, message_id)
        elif not with_key:
            return message
        cleaned = json.dumps(fields, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except RecursionError:
        raise MessagesRefused("what Segment was given is nested too deeply to be sent") from None
    except ValueError:
        raise MessagesRefused("what Segment was given holds text or a number that cannot be read") from None
    text = cleaned.encode("utf-8", "replace")
    _check_size(text, max_bytes)
    return msgspec.Raw(text)


def _check_size(text: bytes, max_bytes: int) -> None:
    if len(text) > max_bytes:
        raise MessagesRefused(
            f"a message given to Segment is {len(text)} bytes, over the limit of {max_bytes} bytes"
        )


def _may_name(text: bytes, name: bytes) -> bool:
    """Say whether JSON text can hold a key, spelled out or with escaped letters."""
    return name in text or b"\\u" in text


def derived_id(source_id: str, message_id: str) -> str:
    """Derive the id under which a source passes on a message that had another."""
    return str(uuid.uuid5(_NAMESPACE, json.dumps([source_id, message_id])))


# ---------------------------------------------------------------- ids that came in


def incoming_ids(body: bytes) -> frozenset[str]:
    r"""Collect every ``messageId`` of a payload, as text.

    Looks through JSON, through forms, and through JSON that is text within either, as wrapping
    services send it (``{"Message": "{\"messageId\": ...}"}``).
    """
    if not (_may_name(body, b"messageId") or b"%" in body):
        return frozenset()
    text = body.decode("utf-8", "replace").removeprefix("\ufeff")
    found: set[str] = set()
    waiting: list[Any] = [_parse(text, or_form=True)]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if message_id := _id_text(value.get("messageId")):
                found.add(message_id)
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, str) and value.lstrip()[:1] in {"{", "["}:
            waiting.append(_parse(value))
    return frozenset(found)


def _id_text(value: object) -> str:
    """Give an id as text, "" for what is none; a number as JavaScript prints it, so far as it is exact."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def _parse(text: str, *, or_form: bool = False) -> Any:
    """Parse JSON, or a form into a list of objects; None where it is neither."""
    try:
        # Numbers stay text: one of 5,000 digits is no reason to overlook an id beside it.
        return json.loads(text, parse_int=str)
    except RecursionError:
        # Too deep for this parser, not for every guest's: every string in it counts as an id.
        return [{"messageId": _unquoted(string[0])} for string in _STRING.finditer(text)]
    except ValueError:
        if not or_form:
            return None
    fields = parse_qsl(text, keep_blank_values=True)
    return [{"messageId" if name.endswith(_NESTED_FORM_KEYS) else name: value} for name, value in fields]


def _unquoted(string: str) -> str:
    try:
        return str(json.loads(string, strict=False))
    except ValueError:
        return string[1:-1]
