"""wasi:http's way out and back: requests carried out by the host's fetch, within its limits and egress rules.

A request is sent when its body is finished, or at once where it has none, and is on its way while the component
runs on.  A response comes whole.
"""

from __future__ import annotations

import math
from typing import Any, Final, final

from isthmus.abc import FetchResponse
from isthmus.errors import FetchError

from .errands import Errand
from .fields import ERR, TYPES, Fields
from .offers import gives
from .requests import Options, Outgoing
from .streams import Arrival, Input, Ready
from .world import ComponentWorld

__all__ = ["Future"]

HANDLER: Final = "wasi:http/outgoing-handler"
ENDINGS: Final = {
    "ECONNREFUSED": "connection-refused",
    "ECONNRESET": "connection-terminated",
    "ETIMEDOUT": "connection-timeout",
    "EHOSTUNREACH": "destination-IP-unroutable",
    "ENETUNREACH": "destination-IP-unroutable",
}


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
        self.headers = [(name, value.encode()) for name, value in response.headers]
        self.consumed = self.streamed = False


@gives(HANDLER, "handle")
def handle(world: ComponentWorld, outgoing: Outgoing, options: Options | None) -> tuple[str, Any]:
    if not outgoing.authority:
        return "err", ("HTTP-request-URI-invalid", None)
    if outgoing.scheme is not None and outgoing.scheme[0] == "other":
        return "err", ("HTTP-protocol-error", None)
    if outgoing.body is not None and outgoing.body.dropped:
        return "err", ("HTTP-request-body-size", int(outgoing.body.limit))
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
    if errand is not None and not errand.done:
        world.speaking().look()
    if errand is None or not errand.done:
        return None
    if future.taken:
        return ERR
    future.taken = True
    return "ok", _answer(errand)


def _answer(errand: Errand) -> tuple[str, Any]:
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
    return Fields(incoming.headers, fixed=True)


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
