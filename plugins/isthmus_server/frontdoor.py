"""One address for several applications: the ingress, and an API and a console beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["front_door", "with_console"]

CONSOLE: Final = "/console"
_INGRESS: Final = ("/v1/", "/webhooks/", "/plugins/")
_HEALTH: Final = frozenset({"/healthz", "/readyz"})


def front_door(ingress: ASGIApp, beside: ASGIApp) -> ASGIApp:
    """An application that hands each request to one of two.

    ``/`` is both: Segment's webhooks have their source in its query, and its API the workspace.
    """

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await (ingress if _enters(scope) else beside)(scope, receive, send)

    return app


def with_console(api: ASGIApp, console: ASGIApp) -> ASGIApp:
    """An application that hands pages to the console, and all else to the API.

    A browser that asks for ``/`` wants pages: whoever calls the API has a token with them.
    """

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if path == "/" and _is_browser(scope):
            scope, path = {**scope, "path": CONSOLE}, CONSOLE
        is_page = path == CONSOLE or path.startswith(f"{CONSOLE}/")
        await (console if is_page else api)(scope, receive, send)

    return app


def _is_browser(scope: Scope) -> bool:
    headers = dict(scope["headers"])
    return (
        scope["method"] == "GET"
        and b"text/html" in headers.get(b"accept", b"")
        and b"authorization" not in headers
    )


def _enters(scope: Scope) -> bool:
    if scope["type"] != "http":
        return True  # of the two only the ingress is told of the server's own life
    path: str = scope["path"]
    if path == "/":
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        return scope["method"] == "POST" or any(name == "b" for name, _ in query)
    return path in _HEALTH or path.startswith(_INGRESS)
