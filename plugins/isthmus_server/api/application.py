"""The API as an ASGI application."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from typing import Final

import msgspec
import trio
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as Path

from isthmus import Engine
from isthmus_server.store import Store

from .calls import Route, Services
from .dispatch import Dispatch, answer_with
from .mediatypes import JSON
from .openapi import document
from .problems import TYPES, problem
from .table import ROUTES
from .throttle import RateLimit, Throttle

__all__ = ["public_api"]

BODY_BYTES: Final = 6 * 1024 * 1024
"""Of a request's body: code of 6 MiB is more than Segment takes."""
PREVIEWS: Final = 4
"""Functions that are tried out at one time."""
DEFAULT_LIMIT: Final = RateLimit()


def public_api(
    store: Store,
    engine: Engine,
    *,
    webhook_url: str = "",
    rate_limit: RateLimit = DEFAULT_LIMIT,
    body_bytes: int = BODY_BYTES,
    clock: Callable[[], float] = time.time,
) -> Starlette:
    """The API over a store; to be served on Trio.

    Its OpenAPI document is at ``/openapi.json``, for anybody.

    Args:
        store: what there is.
        engine: runs functions that are tried out.
        webhook_url: where webhooks of sources arrive, without a query; what sources show has it in it.
        rate_limit: how much each caller may ask for.
        body_bytes: of a request's body at the most.
        clock: seconds since the epoch.
    """
    services = Services(
        store=store, engine=engine, webhook_url=webhook_url, previews=trio.CapacityLimiter(PREVIEWS)
    )
    callers = Throttle(rate_limit.points, rate_limit.window, clock)
    strangers = Throttle(rate_limit.failures, rate_limit.window, clock)
    by_path: defaultdict[str, list[Route]] = defaultdict(list)
    for route in ROUTES:
        by_path[route.path].append(route)
    written = msgspec.json.encode(document(ROUTES))

    async def openapi(_request: Request) -> Response:
        return Response(written, media_type=JSON)

    paths = [Path("/openapi.json", openapi, methods=["GET"])]
    for path, routes in by_path.items():
        dispatch = Dispatch(routes, services, callers=callers, strangers=strangers, body_bytes=body_bytes)
        paths.append(Path(path, dispatch))
    application = Starlette(routes=paths, exception_handlers={HTTPException: _refused, Exception: _failed})
    application.router.redirect_slashes = False
    return application


async def _refused(_request: Request, exc: Exception) -> Response:
    """What the router refuses, as an answer of this API."""
    status = exc.status_code if isinstance(exc, HTTPException) else 500
    detail = "Not found." if status == 404 else "The request can't be answered."
    headers = exc.headers if isinstance(exc, HTTPException) else None
    return answer_with(problem(status if status in TYPES else 400, detail, headers=headers), {})


async def _failed(_request: Request, _exc: Exception) -> Response:
    """A fault of this program; Starlette raises it again for the server's log."""
    return answer_with(problem(500, "An internal error occurred."), {})
