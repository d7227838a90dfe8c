"""wasi:http's requests, as a component makes them: their parts, their bodies, how long they may take."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, Final, final

from isthmus.abc import FetchRequest

from .fields import ERR, NAME, OK, TYPES, Fields
from .offers import gives
from .world import ComponentWorld

if TYPE_CHECKING:
    from .http import Future

__all__ = ["Options", "Outgoing", "set_method", "set_path", "set_scheme"]

METHODS: Final = frozenset(["get", "head", "post", "put", "delete", "connect", "options", "trace", "patch"])


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
