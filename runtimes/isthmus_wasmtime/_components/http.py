"""wasi:http: outgoing requests, carried out by the host's fetch within its limits and egress rules.

A request is sent when its body is finished, or at once where it has none, and is on its way while the component
runs on.  A response comes whole.
"""

from __future__ import annotations

import math
import re
from typing import Any, Final, final

from isthmus.abc import FetchRequest, FetchResponse
from isthmus.errors import FetchError

from .errands import Errand
from .offers import gives
from .streams import Arrival, Input, Ready
from .world import ComponentWorld

__all__ = ["Fields"]

TYPES, HANDLER = "wasi:http/types", "wasi:http/outgoing-handler"
NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
FORBIDDEN: Final = frozenset(
    [
        "connection", "host", "http2-settings", "keep-alive", "proxy-authenticate", "proxy-authorization",
        "proxy-connection", "transfer-encoding", "upgrade",
    ]
)  # fmt: skip
"""Headers that belong to the connection, and so to the host."""
MOST_FIELDS: Final = 256 * 1024
"""Bytes of headers that a component keeps in one place."""
OK: Final = ("ok", None)
ERR: Final = ("err", None)
ENDINGS: Final = {
    "ECONNREFUSED": "connection-refused",
    "ECONNRESET": "connection-terminated",
    "ETIMEDOUT": "connection-timeout",
    "EHOSTUNREACH": "destination-IP-unroutable",
    "ENETUNREACH": "destination-IP-unroutable",
}
METHODS: Final = frozenset(["get", "head", "post", "put", "delete", "connect", "options", "trace", "patch"])


# -- fields


@final
class Fields:
    """Headers, in order."""

    def __init__(self, entries: list[tuple[str, bytes]] | None = None, *, fixed: bool = False) -> None:
        self.entries = entries or []
        self.fixed = fixed

    def change(self, entries: list[tuple[str, bytes]]) -> tuple[str, Any]:
        """Have other entries, if these are such as may be."""
        if self.fixed:
            return "err", ("immutable", None)
        for name, value in entries:
            if not NAME.fullmatch(name) or any(byte in value for byte in b"\0\r\n"):
                return "err", ("invalid-syntax", None)
            if name.lower() in FORBIDDEN:
                return "err", ("forbidden", None)
        if sum(len(name) + len(value) for name, value in entries) > MOST_FIELDS:
            raise ValueError(f"headers of more than {MOST_FIELDS} bytes were set")
        self.entries = entries
        return OK

    def without(self, name: str) -> list[tuple[str, bytes]]:
        """The entries of other names."""
        return [each for each in self.entries if each[0].lower() != name.lower()]


@gives(TYPES, "[constructor]fields")
def new_fields(_world: ComponentWorld) -> Fields:
    return Fields()


@gives(TYPES, "[static]fields.from-list")
def fields_of(_world: ComponentWorld, entries: list[list[Any]]) -> tuple[str, Any]:
    made = Fields()
    answer = made.change([(name, value) for name, value in entries])
    return ("ok", made) if answer is OK else answer


@gives(TYPES, "[method]fields.get")
def get_field(_world: ComponentWorld, fields: Fields, name: str) -> list[bytes]:
    return [value for key, value in fields.entries if key.lower() == name.lower()]


@gives(TYPES, "[method]fields.has")
def has_field(world: ComponentWorld, fields: Fields, name: str) -> bool:
    return bool(get_field(world, fields, name))


@gives(TYPES, "[method]fields.set")
def set_field(_world: ComponentWorld, fields: Fields, name: str, values: list[bytes]) -> tuple[str, Any]:
    return fields.change([*fields.without(name), *((name, value) for value in values)])


@gives(TYPES, "[method]fields.delete")
def delete_field(_world: ComponentWorld, fields: Fields, name: str) -> tuple[str, Any]:
    return fields.change(fields.without(name))


@gives(TYPES, "[method]fields.append")
def append_field(_world: ComponentWorld, fields: Fields, name: str, value: bytes) -> tuple[str, Any]:
    return fields.change([*fields.entries, (name, value)])


@gives(TYPES, "[method]fields.entries")
def field_entries(_world: ComponentWorld, fields: Fields) -> list[tuple[str, bytes]]:
    return fields.entries


@gives(TYPES, "[method]fields.clone")
def clone_fields(_world: ComponentWorld, fields: Fields) -> Fields:
    return Fields(list(fields.entries))


# -- requests


@final
class Body:
    """A body that is being written."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.limit = math.inf
        self.written = self.finished = self.dropped = False
        self.future: Future | None = None

    def put(self, world: ComponentWorld, data: bytes) -> bool:
        """Take bytes; False where there are too many, or the body is finished."""
        self.limit = world.speaking().limits.fetch_request_bytes
        if self.finished or len(self.data) + len(data) > self.limit:
            self.dropped = self.dropped or not self.finished
            return False
        self.data += data
        return True


@final
class Outgoing:
    """A request, or a response that nobody gets, as it is being made."""

    def __init__(self, fields: Fields) -> None:
        self.fields = Fields(fields.entries, fixed=True)
        self.method: tuple[str, Any] = ("get", None)
        self.scheme: tuple[str, Any] | None = None
        self.authority: str | None = None
        self.path: str | None = None
        self.status = 200
        self.body: Body | None = None

    def request(self) -> FetchRequest:
        """What a host takes."""
        kind, other = self.method
        scheme = self.scheme[1] or self.scheme[0].lower() if self.scheme else "https"
        return FetchRequest(
            url=f"{scheme}://{self.authority}{self.path or '/'}",
            method=(other or kind).upper(),
            headers=tuple((name, _shown(value)) for name, value in self.fields.entries),
            body=None if self.body is None or not self.body.data else bytes(self.body.data),
            redirect="manual",
        )


def _shown(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


@gives(TYPES, "[constructor]outgoing-request", "[constructor]outgoing-response")
def new_outgoing(_world: ComponentWorld, fields: Fields) -> Outgoing:
    return Outgoing(fields)


@gives(TYPES, "[method]outgoing-request.body", "[method]outgoing-response.body")
def body_of(_world: ComponentWorld, outgoing: Outgoing) -> tuple[str, Any]:
    if outgoing.body is not None:
        return ERR
    outgoing.body = Body()
    return "ok", outgoing.body


@gives(TYPES, "[method]outgoing-request.headers", "[method]outgoing-response.headers")
def headers_of(_world: ComponentWorld, outgoing: Outgoing) -> Fields:
    return outgoing.fields


@gives(TYPES, "[method]outgoing-request.method")
def method_of(_world: ComponentWorld, outgoing: Outgoing) -> tuple[str, Any]:
    return outgoing.method


@gives(TYPES, "[method]outgoing-request.set-method")
def set_method(_world: ComponentWorld, outgoing: Outgoing, method: tuple[str, Any]) -> tuple[str, Any]:
    kind, other = method
    if kind == "other" and not NAME.fullmatch(other):
        return ERR
    outgoing.method = (other.lower(), None) if kind == "other" and other.lower() in METHODS else method
    return OK


@gives(TYPES, "[method]outgoing-request.scheme")
def scheme_of(_world: ComponentWorld, outgoing: Outgoing) -> tuple[str, Any] | None:
    return outgoing.scheme


@gives(TYPES, "[method]outgoing-request.set-scheme")
def set_scheme(_world: ComponentWorld, outgoing: Outgoing, scheme: tuple[str, Any] | None) -> tuple[str, Any]:
    if (
        scheme is not None
        and scheme[0] == "other"
        and not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*", scheme[1])
    ):
        return ERR
    outgoing.scheme = scheme
    return OK


@gives(TYPES, "[method]outgoing-request.authority")
def authority_of(_world: ComponentWorld, outgoing: Outgoing) -> str | None:
    return outgoing.authority


@gives(TYPES, "[method]outgoing-request.set-authority")
def set_authority(_world: ComponentWorld, outgoing: Outgoing, authority: str | None) -> tuple[str, Any]:
    if authority is not None and not re.fullmatch(r"[^\s/?#\\]+", authority):
        return ERR
    outgoing.authority = authority
    return OK


@gives(TYPES, "[method]outgoing-request.path-with-query")
def path_of(_world: ComponentWorld, outgoing: Outgoing) -> str | None:
    return outgoing.path


@gives(TYPES, "[method]outgoing-request.set-path-with-query")
def set_path(_world: ComponentWorld, outgoing: Outgoing, path: str | None) -> tuple[str, Any]:
    if path is not None and not re.fullmatch(r"([/?][^\s#]*)?", path):
        return ERR
    outgoing.path = f"/{path}" if path and path[0] == "?" else path
    return OK


@gives(TYPES, "[method]outgoing-response.status-code")
def status_of(_world: ComponentWorld, outgoing: Outgoing) -> int:
    return outgoing.status


@gives(TYPES, "[method]outgoing-response.set-status-code")
def set_status(_world: ComponentWorld, outgoing: Outgoing, status: int) -> tuple[str, Any]:
    outgoing.status = status
    return OK


@gives(TYPES, "[method]outgoing-body.write")
def write_body(_world: ComponentWorld, body: Body) -> tuple[str, Any]:
    if body.written:
        return ERR
    body.written = True
    return "ok", body


@gives(TYPES, "[static]outgoing-body.finish")
def finish_body(world: ComponentWorld, body: Body, trailers: Fields | None) -> tuple[str, Any]:
    if trailers is not None and trailers.entries:
        return "err", ("internal-error", "trailers are not sent here")
    body.finished = True
    if body.dropped:
        return "err", ("HTTP-request-body-size", int(body.limit))
    if body.future is not None:
        body.future.send(world)
    return OK


# -- options


@final
class Options:
    """How long a request may take: nanoseconds, by what is waited for."""

    def __init__(self) -> None:
        self.times: dict[str, int | None] = {}

    @property
    def seconds(self) -> float:
        """For connection and response together, whole."""
        first = self.times.get("first-byte")
        return math.inf if first is None else (first + (self.times.get("connect") or 0)) / 1e9


@gives(TYPES, "[constructor]request-options")
def new_options(_world: ComponentWorld) -> Options:
    return Options()


def _option(name: str) -> None:
    @gives(TYPES, f"[method]request-options.{name}-timeout")
    def get(_world: ComponentWorld, options: Options) -> int | None:
        return options.times.get(name)

    @gives(TYPES, f"[method]request-options.set-{name}-timeout")
    def set(_world: ComponentWorld, options: Options, time: int | None) -> tuple[str, Any]:  # noqa: A001 -- as WIT says
        options.times[name] = time
        return OK


for _each in ("connect", "first-byte", "between-bytes"):
    _option(_each)


# -- the way out and back


@final
class Future:
    """A response that is on its way, or will be when the request's body is finished."""

    def __init__(self, outgoing: Outgoing, seconds: float) -> None:
        self.arrival = Arrival(None)
        self.taken = False
        self._outgoing = outgoing
        self._seconds = seconds

    def send(self, world: ComponentWorld) -> None:
        """Send the request."""
        if self.arrival.errand is None and world.errands is not None:
            self.arrival.errand = world.speaking().in_trio(
                world.errands.start, self._outgoing.request(), self._seconds
            )


@final
class Incoming:
    """A response that has come."""

    def __init__(self, response: FetchResponse) -> None:
        self.response = response
        self.consumed = self.streamed = False


@gives(HANDLER, "handle")
def handle(world: ComponentWorld, outgoing: Outgoing, options: Options | None) -> tuple[str, Any]:
    if not outgoing.authority:
        return "err", ("HTTP-request-URI-invalid", None)
    if outgoing.scheme is not None and outgoing.scheme[0] == "other":
        return "err", ("HTTP-protocol-error", None)
    future = Future(outgoing, math.inf if options is None else options.seconds)
    if outgoing.body is None or outgoing.body.finished:
        future.send(world)
    else:
        outgoing.body.future = future
    return "ok", future


@gives(TYPES, "[method]future-incoming-response.subscribe")
def subscribe(_world: ComponentWorld, future: Future) -> Arrival:
    return future.arrival


@gives(TYPES, "[method]future-incoming-response.get")
def get(world: ComponentWorld, future: Future) -> tuple[str, Any] | None:
    errand = future.arrival.errand
    if errand is None or not errand.done:
        # Who looks again and again without waiting would never let the response in.
        return None
    if future.taken:
        return ERR
    future.taken = True
    return "ok", _answer(world, errand)


def _answer(_world: ComponentWorld, errand: Errand) -> tuple[str, Any]:
    if errand.fault is not None:
        raise errand.fault
    if errand.late:
        return "err", ("HTTP-response-timeout", None)
    if errand.error is not None:
        return "err", _error_code(errand.error)
    assert errand.response is not None  # noqa: S101 -- it is done, and nothing else came of it
    return "ok", Incoming(errand.response)


def _error_code(error: FetchError) -> tuple[str, Any]:
    if error.code in {"ENOTFOUND", "EAI_AGAIN"}:
        return "DNS-error", {"rcode": error.code, "info-code": None}
    if error.type == "max-size":
        return "HTTP-response-body-size", None
    if error.code in ENDINGS:
        return ENDINGS[error.code], None
    return "internal-error", str(error)


@gives(TYPES, "http-error-code")
def http_error_code(_world: ComponentWorld, _error: object) -> None:
    return None


@gives(TYPES, "[method]incoming-response.status")
def status(_world: ComponentWorld, incoming: Incoming) -> int:
    return incoming.response.status


@gives(TYPES, "[method]incoming-response.headers")
def headers(_world: ComponentWorld, incoming: Incoming) -> Fields:
    return Fields([(name, value.encode()) for name, value in incoming.response.headers], fixed=True)


@gives(TYPES, "[method]incoming-response.consume")
def consume(_world: ComponentWorld, incoming: Incoming) -> tuple[str, Any]:
    if incoming.consumed:
        return ERR
    incoming.consumed = True
    return "ok", incoming


@gives(TYPES, "[method]incoming-body.stream")
def stream(_world: ComponentWorld, incoming: Incoming) -> tuple[str, Any]:
    if incoming.streamed:
        return ERR
    incoming.streamed = True
    return "ok", Input(incoming.response.body)


@gives(TYPES, "[static]incoming-body.finish")
def finish(_world: ComponentWorld, _incoming: Incoming) -> str:
    return "no trailers"


@gives(TYPES, "[method]future-trailers.subscribe")
def subscribe_trailers(_world: ComponentWorld, _trailers: object) -> Ready:
    return Ready()


@gives(TYPES, "[method]future-trailers.get")
def trailers(_world: ComponentWorld, _trailers: object) -> tuple[str, Any]:
    return "ok", ("ok", None)
