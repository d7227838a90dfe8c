"""What a function in Python needs of isthmus, over the types that componentize-py makes of function.wit.

Keep it as it is, or change it: it is yours, and everything in it can also be had from ``wit_world`` itself.
"""

import json
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from componentize_py_types import Err
from wit_world.imports import cache, capabilities, fetch as fetching, log as logging, segment, timers
from wit_world.imports.types import (
    Argument_Batch,
    Argument_Event,
    Argument_Request,
    Body_Bytes,
    Body_Text,
    Call,
    Error,
    ErrorKind_DropEvent,
    ErrorKind_EventNotSupported,
    ErrorKind_InvalidEventPayload,
    ErrorKind_Other,
    ErrorKind_Retry,
    ErrorKind_ValidationError,
    Handler as Named,
    Outcome_Done,
    Outcome_Value,
    Setting_Mapping,
    Setting_Other,
)

Handler = Callable[[Any, dict[str, Any]], object]
"""Gets an event (of ``onBatch`` a list of them, of ``onRequest`` a Request) and the settings of one instance."""


class EventNotSupported(Exception):
    """The function takes no such events: refused."""


class InvalidEventPayload(Exception):
    """The event is not as it has to be: refused."""


class ValidationError(Exception):
    """As InvalidEventPayload."""


class RetryError(Exception):
    """Later it may go well: tried again."""


class DropEvent(Exception):
    """An insert leaves the event out on purpose."""


class FetchError(Exception):
    """No response came; ``code`` is ``ECONNREFUSED`` and the like, or ""."""

    def __init__(self, message: str, code: str, kind: str) -> None:
        super().__init__(message)
        self.code = code
        self.kind = kind


class CapabilityError(Exception):
    """A capability gave nothing; ``code`` says why: ``not_granted``, ``invalid_argument``, ... or what it says itself."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


KINDS: dict[type[Exception], Callable[[], Any]] = {
    EventNotSupported: ErrorKind_EventNotSupported,
    InvalidEventPayload: ErrorKind_InvalidEventPayload,
    ValidationError: ErrorKind_ValidationError,
    RetryError: ErrorKind_Retry,
    DropEvent: ErrorKind_DropEvent,
}


@dataclass(frozen=True)
class Request:
    """A webhook."""

    url: str
    method: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        """The first header of a name, None for none."""
        return next((value for each, value in self.headers if each.lower() == name.lower()), None)

    def json(self) -> Any:
        """The body, which is JSON."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Response:
    """What a request got for an answer, whatever its status."""

    status: int
    reason: str
    headers: list[tuple[str, str]]
    body: bytes
    url: str

    def json(self) -> Any:
        """The body, which is JSON."""
        return json.loads(self.body)


def fetch(
    method: str,
    url: str,
    headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
    body: str | bytes | None = None,
    redirect: str = "follow",
) -> Response:
    """Send a request and wait for its response.

    Raises:
        FetchError: none came.
    """
    pairs = list(headers.items() if isinstance(headers, Mapping) else headers)
    sent = None if body is None else Body_Text(body) if isinstance(body, str) else _body(body)
    asked = fetching.Request(method, url, pairs, sent, fetching.Redirect[redirect.upper()])
    try:
        came = fetching.fetch(asked)
    except Err as error:
        raise FetchError(error.value.message, error.value.code, error.value.kind) from None
    return Response(came.status, came.reason, came.headers, _bytes(came.body), came.url)


def _body(data: bytes) -> Body_Text | Body_Bytes:
    try:
        return Body_Text(data.decode())
    except UnicodeDecodeError:
        return Body_Bytes(data)


def _bytes(body: Body_Text | Body_Bytes) -> bytes:
    return body.value.encode() if isinstance(body, Body_Text) else body.value


def cached(key: str, make: Callable[[], Any], seconds: float | None = None) -> Any:
    """What the instance keeps under a key, made where it keeps nothing; JSON can hold it."""
    if (held := cache.load(key)) is not None:
        return json.loads(held)
    try:
        made = make()
        cache.store(key, json.dumps(made), None if seconds is None else int(seconds * 1000))
    except BaseException:
        cache.fail(key)
        raise
    return made


def capability(name: str, argument: object = None) -> Any:
    """What the service that runs the function offers it by a name; JSON can hold both.

    Raises:
        CapabilityError: it gave nothing.
    """
    try:
        return json.loads(capabilities.call(name, json.dumps(argument)))
    except Err as error:
        raise CapabilityError(error.value.message, error.value.code) from None


def log(*what: object, level: str = "log") -> None:
    """Write a line to the log; ``print`` does too, without a level."""
    logging.log(logging.Level[level.upper()], " ".join(map(str, what)))


def send(message: Mapping[str, object]) -> None:
    """Of a source: send a message on, ``{"type": "track", ...}``."""
    segment.send(json.dumps(message, ensure_ascii=False))


def sleep(seconds: float) -> None:
    """Wait."""
    timers.sleep(int(seconds * 1000))


def handlers(**functions: Handler) -> type:
    """Make what a component exports, a class, of functions by the names of Segment's handlers."""

    class Handlers:
        def offered(self) -> list[Named]:
            return [Named[_snake(name)] for name in functions]

        def handle(self, call: Call) -> Any:
            run = next(each for name, each in functions.items() if Named[_snake(name)] == call.handler)
            try:
                returned = run(_argument(call), {name: _setting(value) for name, value in call.settings})
                return (
                    Outcome_Done()
                    if returned is None
                    else Outcome_Value(json.dumps(returned, ensure_ascii=False))
                )
            except Exception as error:
                raise Err(_error(error)) from None

    return Handlers


def _snake(name: str) -> str:
    """``onTrack`` as ``ON_TRACK``."""
    return f"ON_{name.removeprefix('on').upper()}"


def _argument(call: Call) -> Any:
    match call.argument:
        case Argument_Event(event):
            return json.loads(event.json)
        case Argument_Batch(events):
            return [json.loads(event.json) for event in events]
        case Argument_Request(request):
            return Request(request.url, request.method, request.headers, _bytes(request.body))


def _setting(setting: Any) -> Any:
    match setting:
        case Setting_Mapping(pairs):
            return dict(pairs)
        case Setting_Other(text):
            return json.loads(text)
        case _:
            return setting.value


def _error(error: Exception) -> Error:
    for kind, made in KINDS.items():
        if isinstance(error, kind):
            return Error(made(), str(error))
    traceback.print_exception(error, file=sys.stderr)  # the log
    return Error(ErrorKind_Other(type(error).__name__), str(error))
