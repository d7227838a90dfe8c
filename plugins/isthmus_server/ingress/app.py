"""The application: which path goes where, and what is said where something is not taken."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

import trio
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from isthmus import Request as Webhook
from isthmus.errors import EngineClosed, InvalidInput, QueueError, QueueFull

from .answers import Refusal
from .envelopes import Flaw
from .limits import IngressLimits
from .rates import Turnstile
from .sources import Enter
from .tracking import CALL_PATHS, Tracking
from .webhooks import Webhooks

__all__ = ["IngressObserver", "ingress_app", "ingress_routes"]

logger = logging.getLogger("isthmus.server")

FULL_PAUSE: Final = 30.0
"""Seconds after which room may have been made in a queue that is full."""

AWAY_PAUSE: Final = 5.0

Endpoint = Callable[[Request], Awaitable[Response]]
Received = Callable[[str, Webhook], None]
"""Told of the source and of each webhook that it lets in, before its function runs; must not block."""


class IngressObserver:
    """Told of what comes in; each method does nothing, and must not block where it does something."""

    def taken(self, source: str, count: int, refused: list[str]) -> None:
        """Events of the tracking API: how many were accepted, and a code for each that was not."""

    def answered(self, route: str, status: int, seconds: float) -> None:
        """A request has been answered."""


_UNOBSERVED: Final = IngressObserver()
_NO_LIMITS: Final = IngressLimits()


def _unheard(source: str, webhook: Webhook) -> None:
    """Nobody wants to know of webhooks."""


def ingress_app(
    enter: Enter,
    *,
    limits: IngressLimits = _NO_LIMITS,
    public_url: str = "",
    observer: IngressObserver = _UNOBSERVED,
    received: Received = _unheard,
    clock: Callable[[], float] = time.time,
) -> Starlette:
    """Make an ASGI application that feeds a pipeline; it runs on Trio, as under hypercorn.

    Args:
        enter: gives the sources and the pipeline; entered for each request.
        limits: how much is taken.
        public_url: what senders see of this server, as ``https://hooks.example.com``; by default what their requests say.
        observer: told of what comes in.
        received: told of webhooks themselves.
        clock: seconds since the epoch.
    """
    return Starlette(
        routes=ingress_routes(
            enter, limits=limits, public_url=public_url, observer=observer, received=received, clock=clock
        )
    )


def ingress_routes(
    enter: Enter,
    *,
    limits: IngressLimits = _NO_LIMITS,
    public_url: str = "",
    observer: IngressObserver = _UNOBSERVED,
    received: Received = _unheard,
    clock: Callable[[], float] = time.time,
) -> list[BaseRoute]:
    """The routes of :func:`ingress_app`, for an application that has others beside them."""
    turnstile = Turnstile(limits.requests, limits.events_per_second)
    tracking = Tracking(enter, limits, turnstile, clock=clock, taken=observer.taken)
    webhooks = Webhooks(enter, limits, turnstile, public_url=public_url, received=received)
    guarded = partial(_guarded, turnstile, observer)
    calls: list[BaseRoute] = []
    for call, paths in CALL_PATHS.items():
        take = tracking.batch if call == "batch" else partial(tracking.single, call=call)
        endpoint = guarded(take, f"/v1/{call}")
        calls += [Route(f"/{path}", endpoint, methods=["POST"]) for path in paths]
    # Browsers send from any page; nothing here depends on a cookie.
    cors = Middleware(
        CORSMiddleware,
        allow_origins=["*"],
        allow_methods=["POST"],
        allow_headers=["Authorization", "Content-Encoding", "Content-Type"],
        max_age=86_400,
    )
    take_webhook = guarded(webhooks.take, "/webhooks")
    return [
        Mount("/v1", routes=calls, middleware=[cors]),
        Route("/webhooks/{source}", take_webhook, methods=_ALL),
        Route("/", take_webhook, methods=_ALL),
    ]


_ALL: Final = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


def _guarded(turnstile: Turnstile, observer: IngressObserver, take: Endpoint, route: str) -> Endpoint:
    """An endpoint that lets no more in than may be under way, is timed, and answers whatever goes wrong."""

    async def endpoint(request: Request) -> Response:
        began = trio.current_time()
        try:
            with turnstile.entered():
                response = await take(request)
        except Exception as exc:  # noqa: BLE001 -- raised again where it is nobody's to be told of
            response = _answer_to(exc)
        observer.answered(route, response.status_code, trio.current_time() - began)
        return response

    return endpoint


def _answer_to(exc: Exception) -> Response:
    """What the sender is told of what was raised.

    Raises:
        Exception: it is nobody's to be told of.
    """
    match exc:
        case Refusal():
            refusal = exc
        case Flaw():
            refusal = Refusal(400, exc.code, exc.message)
        case QueueFull():
            refusal = Refusal(503, "queue_full", "there is no room for it now", after=FULL_PAUSE)
        case QueueError():
            logger.warning("what came in is not kept: %s", exc)
            refusal = Refusal(503, "unavailable", "it cannot be kept now", after=AWAY_PAUSE)
        case EngineClosed():
            refusal = Refusal(503, "unavailable", "the server is about to stop", after=AWAY_PAUSE)
        case InvalidInput():
            refusal = Refusal(400, "bad_request", str(exc))
        case _:
            raise exc
    return refusal.answer()
