"""What a guest may ask its host for in JSON, of ours or of Extism's: one request, one answer."""

from __future__ import annotations

from typing import Literal, final

import msgspec

from isthmus.abc import FetchRequest, FetchResponse
from isthmus.errors import CapabilityError, FetchError

__all__ = [
    "CacheDelete",
    "CacheFail",
    "CacheLoad",
    "CacheStore",
    "Capability",
    "Fetch",
    "Log",
    "Operation",
    "Send",
    "Sleep",
    "answer",
    "joined_headers",
    "parse_http_request",
    "parse_operation",
    "refusal",
]


@final
class Fetch(msgspec.Struct, frozen=True, tag_field="op", tag="fetch"):
    """A request; ``base64`` says that the body is written so."""

    url: str
    method: str = "GET"
    headers: dict[str, str] | list[tuple[str, str]] = {}
    body: str | None = None
    base64: bool = False
    redirect: Literal["follow", "manual", "error"] = "follow"


@final
class Sleep(msgspec.Struct, frozen=True, tag_field="op", tag="sleep"):
    """Wait so many milliseconds."""

    ms: float


@final
class CacheLoad(msgspec.Struct, frozen=True, tag_field="op", tag="cache_load"):
    """What the instance has cached; without a value the caller owes a store or a fail."""

    key: str


@final
class CacheStore(msgspec.Struct, frozen=True, tag_field="op", tag="cache_store"):
    """Keep a value for ``ttl`` milliseconds; -1 or nothing for as long as there is room."""

    key: str
    value: msgspec.Raw
    ttl: float | None = None


@final
class CacheFail(msgspec.Struct, frozen=True, tag_field="op", tag="cache_fail"):
    """The value could not be had."""

    key: str


@final
class CacheDelete(msgspec.Struct, frozen=True, tag_field="op", tag="cache_delete"):
    """Forget a key."""

    key: str


@final
class Capability(msgspec.Struct, frozen=True, tag_field="op", tag="capability"):
    """Something that the embedder offers by name."""

    name: str
    argument: msgspec.Raw = msgspec.Raw(b"null")


@final
class Log(msgspec.Struct, frozen=True, tag_field="op", tag="log"):
    """A line for the log."""

    text: str
    level: Literal["debug", "log", "info", "warn", "error"] = "log"


@final
class Send(msgspec.Struct, frozen=True, tag_field="op", tag="send"):
    """A message of a source function, as ``Segment.track`` and its like make them."""

    message: msgspec.Raw


Operation = Fetch | Sleep | CacheLoad | CacheStore | CacheFail | CacheDelete | Capability | Log | Send

_decoder: msgspec.json.Decoder[Operation] = msgspec.json.Decoder(Operation)


def parse_operation(text: bytes) -> Operation:
    """Read a request.

    Raises:
        ValueError: it is none; the message says what was expected.
    """
    try:
        return _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"what was asked of the host is no request: {error}") from None


def answer(value: object = None) -> bytes:
    """The answer to a request that went well."""
    return msgspec.json.encode({"value": value})


def refusal(error: FetchError | CapabilityError | ValueError) -> bytes:
    """The answer to one that did not."""
    shown = {"name": "TypeError", "message": str(error)}
    if isinstance(error, FetchError):
        shown = {"name": "FetchError", "message": str(error), "code": error.code, "type": error.type}
    elif isinstance(error, CapabilityError):
        shown = {"name": "CapabilityError", "message": str(error), "code": error.code}
    return msgspec.json.encode({"error": shown})


@final
class HttpRequest(msgspec.Struct, frozen=True):
    """A request as Extism's development kits write it."""

    url: str
    method: str | None = None
    headers: dict[str, str] | None = None


_http_decoder = msgspec.json.Decoder(HttpRequest)


def parse_http_request(text: bytes, body: bytes | None) -> FetchRequest:
    """Read what ``http_request`` of Extism's interface is given.

    Raises:
        ValueError: it is no request.
    """
    try:
        request = _http_decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"http_request was given no request: {error}") from None
    return FetchRequest(
        url=request.url,
        method=(request.method or "GET").upper(),
        headers=tuple((request.headers or {}).items()),
        body=body,
    )


def joined_headers(response: FetchResponse) -> bytes:
    """A response's headers as ``http_headers`` gives them: a JSON object, names in lower case, values of one name joined."""
    headers: dict[str, str] = {}
    for name, value in response.headers:
        name = name.lower()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return msgspec.json.encode(headers)
