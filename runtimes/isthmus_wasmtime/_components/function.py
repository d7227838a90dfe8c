"""isthmus:function: what the world's imports do, a call as its records have it, and what comes of its outcome."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from isthmus.abc import Call, Ending, FetchRequest, Killed, Returned, Thrown
from isthmus.errors import CapabilityError, FetchError
from isthmus_wasmtime._operations import (
    CacheDelete,
    CacheFail,
    CacheLoad,
    CacheStore,
    Capability,
    Log,
    Send,
    Sleep,
)

from .offers import gives
from .world import ComponentWorld

__all__ = ["HANDLER_NAMES", "argument_of", "ending_of"]

MOST_BYTES: Final = 1 << 20
"""Bytes of a body that is no text: each takes the place of 32 on its way."""
CACHE: Final = "isthmus:function/cache"
HANDLER_NAMES: Final = {
    "on-identify": "onIdentify", "on-track": "onTrack", "on-page": "onPage", "on-screen": "onScreen",
    "on-group": "onGroup", "on-alias": "onAlias", "on-delete": "onDelete", "on-batch": "onBatch",
    "on-request": "onRequest",
}  # fmt: skip
"""Segment's names of handlers, by the world's."""
ERROR_NAMES: Final = {
    "event-not-supported": "EventNotSupported",
    "invalid-event-payload": "InvalidEventPayload",
    "validation-error": "ValidationError",
    "retry": "RetryError",
    "drop-event": "DropEvent",
}


class Event(msgspec.Struct, frozen=True):
    """What is taken out of an event; what is no string counts as not there."""

    type: object = ""
    messageId: object = None  # noqa: N815 -- Segment's
    userId: object = None  # noqa: N815
    anonymousId: object = None  # noqa: N815
    event: object = None
    name: object = None
    timestamp: object = None


class Webhook(msgspec.Struct, frozen=True):
    """A webhook as the engine hands it to a runtime: its body is text, or Base64 where it is not UTF-8."""

    url: str
    method: str
    headers: list[tuple[str, str]]
    text: str = ""
    base64: bytes | None = None


# -- a call, and what comes of it


def argument_of(call: Call) -> dict[str, Any]:
    """A call, as the record ``call`` of the world."""
    handler = next(name for name, each in HANDLER_NAMES.items() if each == call.handler)
    argument: tuple[str, Any]
    if call.handler == "onRequest":
        request = msgspec.json.decode(call.argument, type=Webhook)
        argument = ("request", {
            "url": request.url,
            "method": request.method,
            "headers": request.headers,
            "body": ("text", request.text) if request.base64 is None else _body(request.base64),
        })  # fmt: skip
    elif call.handler == "onBatch":
        events = msgspec.json.decode(call.argument, type=list[msgspec.Raw])
        argument = ("batch", [_event(bytes(each)) for each in events])
    else:
        argument = ("event", _event(call.argument))
    settings = msgspec.json.decode(call.settings, type=dict[str, msgspec.Raw])
    return {
        "handler": handler,
        "argument": argument,
        "settings": [(name, _setting(bytes(value))) for name, value in settings.items()],
    }


def _event(text: bytes) -> dict[str, Any]:
    try:
        event = msgspec.json.decode(text, type=Event)
    except msgspec.ValidationError:  # no object: left to the function, as any other language's is
        event = Event()
    name = event.event if event.event is not None else event.name
    return {
        "kind": _text(event.type) or "",
        "message-id": _text(event.messageId),
        "user-id": _text(event.userId),
        "anonymous-id": _text(event.anonymousId),
        "name": _text(name),
        "timestamp": _text(event.timestamp),
        "json": text.decode("utf-8", "replace"),
    }


def _body(data: bytes) -> tuple[str, Any]:
    """A body as the world has it.

    Raises:
        ValueError: it is too large for that.
    """
    try:
        return "text", data.decode()
    except UnicodeDecodeError:
        pass
    if len(data) > MOST_BYTES:
        raise ValueError(
            f"a body of {len(data)} bytes is no text, and of such {MOST_BYTES} bytes are the most"
        )
    return "bytes", data


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _setting(text: bytes) -> tuple[str, Any]:
    kinds: dict[str, Any] = {
        "text": str,
        "boolean": bool,
        "texts": list[str],
        "mapping": dict[str, str],
    }
    for kind, type_ in kinds.items():
        try:
            value = msgspec.json.decode(text, type=type_)
        except msgspec.ValidationError:
            continue
        return kind, list(value.items()) if kind == "mapping" else value
    return "other", text.decode()


def ending_of(answer: tuple[str, Any], most: int) -> Ending:
    """What comes of what ``handle`` has returned.

    Args:
        answer: as it was read.
        most: bytes that may be handed out.
    """
    good, found = answer
    if good != "ok":
        (kind, other), message = found["kind"], found["message"]
        return Thrown(ERROR_NAMES.get(kind) or other or "Error", message)
    kind, payload = found
    if kind == "done":
        return Returned()
    if kind == "items":
        return Returned(msgspec.json.encode([_item(each) for each in payload]))
    texts = [payload] if kind == "value" else payload
    parts = [text.encode("utf-8", "replace") for text in texts]
    if sum(len(part) + 1 for part in parts) > most + 1:
        return Killed("output", f"the call handed out more bytes than its limit of {most}")
    for part in parts:
        try:
            msgspec.json.decode(part, type=msgspec.Raw)
        except msgspec.DecodeError as error:
            shown = part[:200].decode("utf-8", "replace")
            return Thrown("InvalidReply", f"what it returned is no JSON ({error}): {shown}")
    return Returned(parts[0] if kind == "value" else b"[" + b",".join(parts) + b"]")


def _item(item: dict[str, Any]) -> dict[str, Any]:
    shown = {"status": item["status"]}
    return shown if item["message"] is None else {**shown, "errormessage": item["message"]}


# -- what the world imports


@gives("isthmus:function/fetch", "fetch")
def fetch(world: ComponentWorld, request: dict[str, Any]) -> tuple[str, Any]:
    body = request["body"]
    asked = FetchRequest(
        url=request["url"],
        method=request["method"].upper(),
        headers=tuple((name, value) for name, value in request["headers"]),
        body=None if body is None else body[1].encode() if body[0] == "text" else body[1],
        redirect=request["redirect"],
    )
    try:
        response = world.speaking().fetch(asked)
        shown = _body(response.body)
    except FetchError as error:
        return "err", {"message": str(error), "code": error.code, "kind": error.type}
    except ValueError as error:
        return "err", {"message": str(error), "code": "", "kind": "max-size"}
    return "ok", {
        "status": response.status,
        "reason": response.reason,
        "headers": response.headers,
        "body": shown,
        "url": response.url,
        "redirected": response.redirected,
    }


@gives(CACHE, "load")
def cache_load(world: ComponentWorld, key: str) -> str | None:
    found = world.speaking().do(CacheLoad(key))
    assert isinstance(found, dict)  # noqa: S101 -- what a load answers
    return bytes(found["value"]).decode() if found["hit"] else None


@gives(CACHE, "store")
def cache_store(world: ComponentWorld, key: str, value: str, milliseconds: int | None) -> None:
    try:
        kept = msgspec.json.decode(value, type=msgspec.Raw)
    except msgspec.DecodeError as error:
        raise ValueError(f"the value to be cached is no JSON: {error}") from None
    world.speaking().do(CacheStore(key, kept, milliseconds))


@gives(CACHE, "fail")
def cache_fail(world: ComponentWorld, key: str) -> None:
    world.speaking().do(CacheFail(key))


@gives(CACHE, "delete")
def cache_delete(world: ComponentWorld, key: str) -> None:
    world.speaking().do(CacheDelete(key))


@gives("isthmus:function/capabilities", "call")
def capability(world: ComponentWorld, name: str, argument: str) -> tuple[str, Any]:
    try:
        asked = msgspec.json.decode(argument, type=msgspec.Raw)
    except msgspec.DecodeError as error:
        return "err", {"message": f"the argument is no JSON: {error}", "code": "invalid_argument"}
    try:
        answer = world.speaking().do(Capability(name, asked))
    except CapabilityError as error:
        return "err", {"message": str(error), "code": error.code}
    assert isinstance(answer, msgspec.Raw)  # noqa: S101 -- what a capability answers
    return "ok", bytes(answer).decode()


@gives("isthmus:function/log", "log")
def log(world: ComponentWorld, level: Any, text: str) -> None:
    world.speaking().do(Log(text, level))


@gives("isthmus:function/timers", "sleep")
def sleep(world: ComponentWorld, milliseconds: int) -> None:
    world.speaking().do(Sleep(milliseconds))


@gives("isthmus:function/segment", "send")
def send(world: ComponentWorld, message: str) -> None:
    try:
        sent = msgspec.json.decode(message, type=msgspec.Raw)
    except msgspec.DecodeError as error:
        raise ValueError(f"the message to be sent is no JSON: {error}") from None
    world.speaking().do(Send(sent))
