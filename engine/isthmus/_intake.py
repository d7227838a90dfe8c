"""What is handed in, checked and as JSON text, with no more of it decoded than the engine needs."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any, final

import msgspec

from ._instances import Binding
from ._rules.dispatch import Choice
from ._rules.jsontext import well_formed
from .errors import InvalidInput
from .events import Event, Request
from .functions import Kind

__all__ = ["batch_text", "event_text", "event_texts", "prepare"]

PATH_SHOWN = 200
"""Characters that a message repeats of where something is: keys are the sender's, and may be of any length."""


@final
class _Head(msgspec.Struct):
    """All the engine reads of an event; its type may be anything."""

    type: object = None


_HEAD = msgspec.json.Decoder(_Head)


def prepare(binding: Binding, given: Event | Request) -> tuple[Choice, bytes]:
    """What an event or a request comes to, and its JSON text.

    Raises:
        InvalidInput: it is not what the function takes, not JSON, or too large.
    """
    if binding.kind is Kind.SOURCE:
        if not isinstance(given, Request):
            raise InvalidInput(f"a source function takes an isthmus.Request, not {_named(given)}")
        text = _request_text(given)
        _check_size(len(text), binding, "a request")
        return binding.choices[None], text
    text, event_type = _event(binding, given)
    return binding.choice(event_type), text


def event_texts(binding: Binding, given: Sequence[Event | Request]) -> list[bytes]:
    """The JSON texts of the events of a batch.

    Raises:
        InvalidInput: as :func:`event_text`, with the place of the event.
    """
    texts = []
    for place, event in enumerate(given):
        try:
            texts.append(event_text(binding, event))
        except InvalidInput as exc:
            raise InvalidInput(f"event {place} of the batch, counted from 0: {exc}") from None
    return texts


def event_text(binding: Binding, given: Event | Request) -> bytes:
    """The JSON text of one event of a batch.

    Raises:
        InvalidInput: as :func:`prepare`; also where the function takes no events.
    """
    if binding.kind is Kind.SOURCE:
        raise InvalidInput("a source function takes requests, one at a time, and no batch of events")
    return _event(binding, given)[0]


def batch_text(binding: Binding, events: Sequence[bytes]) -> bytes:
    """The JSON text of a batch.

    Raises:
        InvalidInput: it is empty, or too large.
    """
    if not events:
        raise InvalidInput("a batch has one event or more, and this has none")
    text = b"[" + b",".join(events) + b"]"
    _check_size(len(text), binding, f"a batch of {len(events)} events")
    return text


def _event(binding: Binding, given: Event | Request) -> tuple[bytes, object]:
    if isinstance(given, bytes):
        text = given
    elif isinstance(given, str):
        text = _utf8(given)
    elif isinstance(given, Mapping):
        text = _encoded(given)
    else:
        raise InvalidInput(f"an event is JSON text (bytes or str) or a mapping, not {_named(given)}")
    _check_size(len(text), binding, "an event")
    try:
        head = _HEAD.decode(text)
        if not text.isascii():
            text.decode()  # msgspec does not look into what it skips
    except (ValueError, RecursionError) as exc:  # msgspec's errors are ValueErrors, and so is Unicode's
        text, head = _event_again(text, exc)
    return text, head.type


def _event_again(text: bytes, error: Exception) -> tuple[bytes, _Head]:
    """A second look at what could not be read, for a text that can be mended or a better message."""
    try:
        text.decode()
    except UnicodeDecodeError as exc:
        raise InvalidInput(
            f"an event is UTF-8 text, and this is not: {exc.reason} at byte {exc.start}"
        ) from None
    if isinstance(error, msgspec.ValidationError):
        came = str(error).rpartition("got ")[2].strip("`")
        raise InvalidInput(f"an event is a JSON object, and this is JSON of type {came}") from None
    if isinstance(error, RecursionError):
        raise InvalidInput("an event is a JSON object, and this is nested too deeply to be read") from None
    mended = well_formed(text)
    if mended != text:
        try:
            return mended, _HEAD.decode(mended)
        except (ValueError, RecursionError) as exc:
            error = exc
    place = "" if "(byte " in str(error) else f" (byte {len(text)})"
    reason = str(error).removeprefix("JSON is malformed: ")
    raise InvalidInput(f"an event is a JSON object, and this is not JSON: {reason}{place}") from None


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as exc:
        raise InvalidInput(f"an event's text has half a surrogate pair at character {exc.start}") from None


def _encoded(event: Mapping[str, Any]) -> bytes:
    try:
        text = msgspec.json.encode(event if isinstance(event, dict) else dict(event))
    except RecursionError:
        raise InvalidInput("an event that holds itself, or is nested too deeply, has no JSON form") from None
    except UnicodeEncodeError:
        raise InvalidInput("an event's text has half a surrogate pair, which JSON cannot hold") from None
    except Exception as exc:  # noqa: BLE001 -- a mapping of the embedder's may raise anything
        raise InvalidInput(f"an event is what JSON can hold: {exc}") from None
    if b"null" in text and (path := _not_finite(event, "event")):
        raise InvalidInput(f"an event is what JSON can hold, and {path[:PATH_SHOWN]} is no finite number")
    return text


def _not_finite(value: object, path: str) -> str:
    """Where a NaN or an infinity is, which msgspec writes as null; "" for none."""
    if isinstance(value, float):
        return "" if value - value == 0 else path
    if isinstance(value, Mapping):
        parts = ((item, f"{path}.{key}") for key, item in value.items())
    elif isinstance(value, list | tuple):
        parts = ((item, f"{path}[{index}]") for index, item in enumerate(value))
    else:
        return ""
    return next(filter(None, (_not_finite(item, where) for item, where in parts)), "")


def _request_text(request: Request) -> bytes:
    """A webhook as a runtime takes it: its body as ``text``, or as ``base64`` where it is not UTF-8."""
    if not isinstance(request.body, bytes):
        raise InvalidInput(f"a request's body is bytes, not {_named(request.body)}")
    fields: dict[str, object] = {
        "method": request.method,
        "url": request.url,
        "headers": request.headers,
    }
    try:
        fields["text"] = request.body.decode()
    except UnicodeDecodeError:
        fields["base64"] = base64.b64encode(request.body).decode()
    try:
        return msgspec.json.encode(fields)
    except (TypeError, ValueError) as exc:
        raise InvalidInput(f"a request's method, URL and headers are text: {exc}") from None


def _check_size(size: int, binding: Binding, what: str) -> None:
    most = binding.limits.input_bytes
    if size > most:
        raise InvalidInput(
            f"{what} has at most {most} bytes of JSON (Limits.input_bytes), and this has {size}"
        )


def _named(value: object) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
