"""The console as an ASGI application."""

from __future__ import annotations

import gzip
import hashlib
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import trio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send

from isthmus import Egress, Engine
from isthmus_server.api.calls import Services
from isthmus_server.api.throttle import RateLimit
from isthmus_server.store import Store

from .bundling import BUNDLES
from .dispatch import Desk, PageDispatch
from .live import NOTHING, Live
from .rendering import Rendering
from .security import HEADERS
from .signing import Signing
from .table import PAGES
from .visits import Page

__all__ = ["ROOT", "console"]

ROOT: Final = "/console"
ASSETS: Final = Path(__file__).parent / "assets"
PREVIEWS: Final = 2
"""Functions that are tried out in browsers at one time."""
FOR_GOOD: Final = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Vary": "Accept-Encoding",
    "X-Content-Type-Options": "nosniff",
}
DEFAULT_EGRESS: Final = Egress()
DEFAULT_LIMIT: Final = RateLimit()


def console(
    store: Store,
    engine: Engine,
    *,
    live: Live = NOTHING,
    url: str = "",
    egress: Egress = DEFAULT_EGRESS,
    rate_limit: RateLimit = DEFAULT_LIMIT,
    scripts: Path | None = None,
    clock: Callable[[], float] = time.time,
) -> Starlette:
    """Pages over a store, below ``/console``; to be served on Trio.

    Args:
        store: what there is.
        engine: runs functions that are tried out.
        live: what runs beside the store.
        url: of this server as others see it, with a slash at its end, or "".
        egress: where the requests of functions that are tried out may go.
        rate_limit: how many tokens that are none may come from one address.
        scripts: directory of the pages' scripts; by default those of this machine, as far as it has them.
        clock: seconds since the epoch.
    """
    files = {
        "console.css": ((ASSETS / "console.css").read_bytes(), "text/css; charset=utf-8"),
        "icon.svg": ((ASSETS / "icon.svg").read_bytes(), "image/svg+xml"),
    }
    bundled = BUNDLES.find() if scripts is None else scripts
    if bundled is not None and (script := bundled / "console.js").is_file():
        files["console.js"] = (script.read_bytes(), "text/javascript; charset=utf-8")
    packed = {name: gzip.compress(content, 6, mtime=0) for name, (content, _) in files.items()}
    addresses = {
        name: f"{ROOT}/assets/{hashlib.sha256(content).hexdigest()[:16]}/{name}"
        for name, (content, _) in files.items()
    }
    named = {"style": "console.css", "icon": "icon.svg", "script": "console.js"}
    rendering = Rendering(ROOT, {key: addresses.get(name, "") for key, name in named.items()}, clock)
    parts = urlsplit(url)
    origin = f"{parts.scheme}://{parts.netloc}" if url else ""
    signing = Signing(store, rendering, origin, rate_limit, clock)
    services = Services(
        store=store,
        engine=engine,
        webhook_url=url,
        previews=trio.CapacityLimiter(PREVIEWS),
        egress=egress,
    )
    sections = [page for page in PAGES if page.section]
    desk = Desk(services, live, rendering, signing, origin=origin, sections=sections)

    async def asset(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in files or request.url.path != addresses[name]:
            return Response(status_code=404, headers=HEADERS)
        content, kind = files[name]
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(packed[name], headers={**FOR_GOOD, "Content-Encoding": "gzip"}, media_type=kind)
        return Response(content, headers=FOR_GOOD, media_type=kind)

    by_path: defaultdict[str, list[Page]] = defaultdict(list)
    for page in PAGES:
        by_path[page.path].append(page)
    pages = [Route(path, PageDispatch(those, desk)) for path, those in by_path.items()]
    inner = [
        Route("/assets/{digest}/{name}", asset),
        *signing.routes(),
        *pages,
        Mount("/", _Missing(rendering)),
    ]
    return Starlette(routes=[Route(ROOT, _to_root), Mount(ROOT, routes=inner)])


async def _to_root(_request: Request) -> Response:
    return RedirectResponse(f"{ROOT}/", 308)


class _Missing:
    """What is at no address."""

    def __init__(self, rendering: Rendering) -> None:
        self._rendering = rendering

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        text = self._rendering.text("missing.html")
        answer = Response(text, 404, HEADERS, media_type="text/html; charset=utf-8")
        await answer(scope, receive, send)
