"""For those who run the service: is it alive, is it ready, what has it done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from .exposition import CONTENT_TYPE
from .ingress.answers import json_answer

__all__ = ["health_routes", "operations_app"]


def health_routes(is_ready: Callable[[], bool]) -> list[BaseRoute]:
    """``/healthz`` answers while the process does; ``/readyz`` is 200 while events are taken, else 503."""

    async def health(_request: Request) -> Response:
        return json_answer({"status": "ok"})

    async def readiness(_request: Request) -> Response:
        ready = is_ready()
        return json_answer({"status": "ready" if ready else "not ready"}, 200 if ready else 503)

    return [Route("/healthz", health), Route("/readyz", readiness)]


def operations_app(health: Sequence[BaseRoute], metrics: Callable[[], Awaitable[str]]) -> Starlette:
    """Health and ``/metrics``: for a network of the operator's own, since names of sources and queues are in it."""

    async def exposed(_request: Request) -> Response:
        return Response(await metrics(), media_type=CONTENT_TYPE)

    return Starlette(routes=[*health, Route("/metrics", exposed)])
