"""From a request to a page: who looks, whether they may, whether the form is theirs; then the page."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final, final
from urllib.parse import parse_qsl, quote

import trio
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from isthmus.errors import IsthmusError
from isthmus_server.api.access import scope_of
from isthmus_server.api.calls import Services
from isthmus_server.api.problems import Problem, problem, problem_of
from isthmus_server.store import StoreError, Token

from .forms import Form, read_form
from .live import Live
from .rendering import Rendering
from .security import HEADERS, check_origin, check_proof
from .signing import SIGN_IN, Signing
from .visits import Page, Visit

__all__ = ["Desk", "PageDispatch"]

LOG: Final = logging.getLogger("isthmus_server.console")
SEE_OTHER: Final = 303
READERS: Final = 2
"""Pages that read the log or the archive at one time: a gigabyte of it takes a processor for a while."""
NO_FORM: Final = Form([])


@final
class Desk:
    """What all pages are made with.

    Args:
        services: what operations of the API work with.
        live: what runs beside the store.
        rendering: makes pages.
        signing: knows who has signed in.
        origin: see :func:`.security.check_origin`.
        sections: the pages of the menu.
    """

    def __init__(
        self,
        services: Services,
        live: Live,
        rendering: Rendering,
        signing: Signing,
        *,
        origin: str,
        sections: Iterable[Page],
    ) -> None:
        self.services = services
        self.live = live
        self.rendering = rendering
        self.signing = signing
        self.origin = origin
        self.readers = trio.CapacityLimiter(READERS)
        self._sections = tuple(sections)

    def menu(self, token: Token) -> Mapping[str, str]:
        """Addresses of the sections that a token may see, by what they are called."""
        return {
            page.section: f"{self.rendering.root}{page.path}"
            for page in self._sections
            if any(
                grant.role in page.roles and (page.scoped or not grant.functions) for grant in token.grants
            )
        }


@final
class PageDispatch:
    """Answers the requests for one path.

    Args:
        pages: of that path, one for each method.
        desk: see there.
    """

    def __init__(self, pages: Iterable[Page], desk: Desk) -> None:
        self._pages: Mapping[str, Page] = {page.method: page for page in pages}
        self._path = next(iter(self._pages.values())).path
        self._desk = desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, as an ASGI application."""
        request = Request(scope, receive)
        response = await self._answer(request)
        response.headers.update(HEADERS)
        if request.method == "HEAD":
            response.body = b""
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        found = await self._desk.signing.who(request)
        if found is None:
            return self._to_sign_in(request)
        session, token = found
        desk, page = self._desk, self._pages.get("GET" if request.method == "HEAD" else request.method)
        visit = Visit(
            services=desk.services,
            live=desk.live,
            readers=desk.readers,
            rendering=desk.rendering,
            menu=desk.menu(token),
            session=session,
            token=token,
            functions=None,
            path=dict(request.path_params),
            query=_query(request),
            form=NO_FORM,
            is_partial="hx-request" in request.headers,
        )
        try:
            if page is None:
                raise problem(405, f"{request.method} is not allowed here.")
            functions = scope_of(token, page, visit.path.get("functionId"))
            form = NO_FORM
            if page.method == "POST":
                check_origin(request, desk.origin)
                form = await read_form(request)
                check_proof(session.proof, form.text("proof"))
            return await page.handler(_with(visit, functions, form))
        except Problem as exc:
            return _said(visit, exc)
        except IsthmusError as exc:
            said = problem_of(exc)
            if said.status >= 500:
                # The path as it was asked for may have a write key in it, and others' messages anything.
                what = exc if isinstance(exc, StoreError) else type(exc).__name__
                LOG.error("console %s %s: %s", request.method, self._path, what)
            return _said(visit, said)

    def _to_sign_in(self, request: Request) -> Response:
        root = self._desk.rendering.root
        path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        to = f"{root}{SIGN_IN}"
        if request.method == "GET" and path != f"{root}/":
            to += f"?next={quote(path)}"
        if "hx-request" in request.headers:
            return Response(status_code=401, headers={"HX-Redirect": f"{root}{SIGN_IN}"})
        return RedirectResponse(to, SEE_OTHER)


def _with(visit: Visit, functions: frozenset[str] | None, form: Form) -> Visit:
    return replace(visit, functions=functions, form=form)


def _said(visit: Visit, exc: Problem) -> Response:
    """What is wrong, as a page or as a part of one."""
    template = "problem_part.html" if visit.is_partial else "problem.html"
    return visit.show(template, exc.status, status_code=exc.status, problems=exc.errors)


def _query(request: Request) -> Form:
    text = request.scope["query_string"].decode("latin-1")
    try:
        return Form(parse_qsl(text, keep_blank_values=True, max_num_fields=100))
    except ValueError:
        return NO_FORM
