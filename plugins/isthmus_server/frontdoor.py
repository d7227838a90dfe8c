"""One address for two applications: the ingress, and an API beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["front_door"]

_INGRESS: Final = ("/v1/", "/webhooks/", "/plugins/")
_HEALTH: Final = frozenset({"/healthz", "/readyz"})


def front_door(ingress: ASGIApp, beside: ASGIApp) -> ASGIApp:
    """An application that hands each request to one of two.

    ``/`` is both: Segment's webhooks have their source in its query, and its API the workspace.
    """

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await (ingress if _enters(scope) else beside)(scope, receive, send)

    return app


def _enters(scope: Scope) -> bool:
    if scope["type"] != "http":
        return True  # of the two only the ingress is told of the server's own life
    path: str = scope["path"]
    if path == "/":
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        return scope["method"] == "POST" or any(name == "b" for name, _ in query)
    return path in _HEALTH or path.startswith(_INGRESS)
