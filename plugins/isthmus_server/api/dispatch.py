"""From a request to its answer: who asks, how much, in which form, whether they may, what they say; then the operation."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any, Final, final
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from isthmus.errors import IsthmusError
from isthmus_server.store import StoreError, Token

from .access import bearer, scope_of
from .bodies import body_of
from .calls import Call, Route, Services
from .decoding import decode, parse
from .mediatypes import JSON, accepts_json, is_json
from .problems import ErrorEnvelope, Problem, problem, problem_of
from .queries import nested
from .throttle import Throttle

__all__ = ["Dispatch", "answer_with"]

LOG: Final = logging.getLogger("isthmus_server.api")
CONTENT_TYPE: Final = f"{JSON}; charset=utf-8"
SAFE: Final = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}


@final
class Dispatch:
    """Answers the requests for the operations of one path.

    Args:
        routes: of that path, one for each method.
        services: what operations work with.
        callers: how much each may ask for.
        strangers: how many tokens that are none may come from one address.
        body_bytes: of a request's body at the most.
    """

    def __init__(
        self,
        routes: Iterable[Route],
        services: Services,
        *,
        callers: Throttle,
        strangers: Throttle,
        body_bytes: int,
    ) -> None:
        self._routes: Mapping[str, Route] = {route.method: route for route in routes}
        self._path = next(iter(self._routes.values())).path
        self._services = services
        self._callers = callers
        self._strangers = strangers
        self._body_bytes = body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, as an ASGI application."""
        request = Request(scope, receive)
        response = await self.answer(request)
        if request.method == "HEAD":
            response.body = b""
        await response(scope, receive, send)

    async def answer(self, request: Request) -> Response:
        """The answer to a request, whatever it is."""
        headers: dict[str, str] = {}
        try:
            return await self._answer(request, headers)
        except Problem as exc:
            return answer_with(exc, headers)
        except IsthmusError as exc:
            found = problem_of(exc)
            if found.status >= 500:
                # The path as it was asked for may have a write key in it, and others' messages anything.
                said = exc if isinstance(exc, StoreError) else type(exc).__name__
                LOG.error("%s %s: %s", request.method, self._path, said)
            return answer_with(found, headers)

    async def _answer(self, request: Request, headers: dict[str, str]) -> Response:
        route = self._routes.get("GET" if request.method == "HEAD" else request.method)
        if route is None:
            allowed = {"Allow": ", ".join(sorted(self._routes))}
            raise problem(405, f"{request.method} is not allowed here.", headers=allowed)
        address = request.client.host if request.client else ""
        token = await self._known(request, address)
        headers |= self._callers.consume((address, token.id), route.cost)
        if not accepts_json(request.headers.get("accept")):
            raise problem(406, "The answer would be JSON, in one of the media types of this API.")
        path = dict(request.path_params)
        scope = scope_of(token, route, path.get("functionId"))
        raw = await self._body(request)
        call = Call(
            services=self._services,
            token=token,
            functions=scope,
            path=path,
            query=None if route.query is None else _query(request, route.query, raw),
            body=None if route.body is None else decode(route.body, parse(raw)),
            headers=dict(request.headers),
        )
        data = await route.handler(call)
        return Response(
            msgspec.json.encode({"data": data}), route.status, SAFE | headers, media_type=CONTENT_TYPE
        )

    async def _known(self, request: Request, address: str) -> Token:
        """Who asks.  A token that is one is heard however many that are none come from its address: it may be a proxy's."""
        try:
            return await bearer(self._services.store, request.headers.get("authorization"))
        except Problem:
            self._strangers.consume((address,), 1)
            raise

    async def _body(self, request: Request) -> bytes:
        """The body, of a size and a type that are taken."""
        body = await body_of(request, self._body_bytes)
        if body and not is_json(request.headers.get("content-type")):
            raise problem(415, "The body has to be JSON, in one of the media types of this API.")
        return body


def _query(request: Request, kind: type[msgspec.Struct], body: bytes) -> msgspec.Struct:
    """A query; what a body of JSON says goes before it."""
    text = request.scope["query_string"].decode("latin-1")
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=1000, errors="strict")
    except (ValueError, UnicodeDecodeError):
        raise problem(400, "The query can't be read.") from None
    values: dict[str, Any] = nested(pairs)
    if body:
        given = parse(body)
        values |= given if isinstance(given, dict) else {}
    return decode(kind, values, from_text=True)


def answer_with(problem: Problem, headers: Mapping[str, str]) -> Response:
    """A problem as an answer."""
    return Response(
        msgspec.json.encode(ErrorEnvelope(problem.errors)),
        problem.status,
        SAFE | dict(headers) | dict(problem.headers),
        media_type=CONTENT_TYPE,
    )
