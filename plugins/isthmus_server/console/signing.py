"""Signing in with a token of the API, and out: a cookie with a sealed session in it, that no script sees."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Final, final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from isthmus_server.api.problems import Problem
from isthmus_server.api.throttle import RateLimit, Throttle
from isthmus_server.store import Session, Store, Token

from .forms import read_form
from .rendering import Rendering
from .security import HEADERS, check_origin, check_proof

__all__ = ["SIGN_IN", "SIGN_OUT", "Signing"]

COOKIE: Final = "isthmus_session"
FORM_COOKIE: Final = "isthmus_sign_in"
SIGN_IN: Final = "/sign-in"
SIGN_OUT: Final = "/sign-out"
LASTS: Final = 12 * 3600.0
"""Seconds of a session: a working day, and no night."""
SEE_OTHER: Final = 303


@final
class Signing:
    """Who has signed in.

    A session ends by itself, with the token that it was begun with, or when somebody signs out; of the last, only this
    process knows.

    Args:
        store: knows the tokens.
        rendering: makes the page.
        origin: see :func:`.security.check_origin`.
        limit: tokens that are none, from one address.
        clock: seconds since the epoch.
    """

    def __init__(
        self, store: Store, rendering: Rendering, origin: str, limit: RateLimit, clock: Callable[[], float]
    ) -> None:
        self._store = store
        self._rendering = rendering
        self._origin = origin
        self._strangers = Throttle(limit.failures, limit.window, clock)
        self._clock = clock
        self._ended: dict[str, float] = {}

    def routes(self) -> list[Route]:
        """The pages that are for everybody."""
        return [
            Route(SIGN_IN, self._sign_in, methods=["GET", "POST"]),
            Route(SIGN_OUT, self._sign_out, methods=["POST"]),
        ]

    async def who(self, request: Request) -> tuple[Session, Token] | None:
        """Who sends a request, and the token that they have signed in with; None where nobody has."""
        session = self._store.sessions.read(request.cookies.get(COOKIE, ""), self._clock())
        if session is None or session.id in self._ended:
            return None
        token = await self._store.read(lambda tx: tx.tokens.active(session.token))
        return None if token is None else (session, token)

    async def _sign_in(self, request: Request) -> Response:
        if request.method != "POST":
            return self._page(request, request.query_params.get("next", ""))
        try:
            check_origin(request, self._origin)
            form = await read_form(request)
            check_proof(request.cookies.get(FORM_COOKIE, ""), form.text("proof"))
            token = await self._store.bearer(form.text("token").strip())
            if token is None:
                self._strangers.consume((request.client.host if request.client else "",), 1)
                return self._page(request, form.text("next"), "That is no token, or it was revoked.", 401)
        except Problem as exc:
            return self._page(request, "", exc.errors[0].message or "", exc.status)
        _, sealed = self._store.sessions.begin(token.id, self._clock() + LASTS)
        answer = RedirectResponse(self._within(form.text("next")), SEE_OTHER, HEADERS)
        self._set_cookie(request, answer, COOKIE, sealed)
        answer.delete_cookie(FORM_COOKIE, path=self._rendering.root)
        return answer

    async def _sign_out(self, request: Request) -> Response:
        answer = RedirectResponse(f"{self._rendering.root}{SIGN_IN}", SEE_OTHER, HEADERS)
        session = self._store.sessions.read(request.cookies.get(COOKIE, ""), self._clock())
        if session is not None:
            try:
                check_origin(request, self._origin)
                check_proof(session.proof, (await read_form(request)).text("proof"))
            except Problem as exc:
                return self._page(request, "", exc.errors[0].message or "", exc.status)
            self._end(session)
        answer.delete_cookie(COOKIE, path=self._rendering.root)
        return answer

    def _end(self, session: Session) -> None:
        now = self._clock()
        self._ended = {id_: ends for id_, ends in self._ended.items() if ends > now}
        self._ended[session.id] = session.ends

    def _page(self, request: Request, next_: str, problem: str = "", status: int = 200) -> Response:
        proof = request.cookies.get(FORM_COOKIE, "") or secrets.token_urlsafe(24)
        text = self._rendering.text("sign_in.html", proof=proof, next=next_[:2000], problem=problem)
        answer = Response(text, status, HEADERS, media_type="text/html; charset=utf-8")
        self._set_cookie(request, answer, FORM_COOKIE, proof)
        return answer

    def _set_cookie(self, request: Request, answer: Response, name: str, value: str) -> None:
        secure = request.url.scheme == "https" or self._origin.startswith("https:")
        answer.set_cookie(
            name, value, path=self._rendering.root, secure=secure, httponly=True, samesite="strict"
        )

    def _within(self, asked: str) -> str:
        """Where somebody wanted to go before they signed in, as long as it is a page of the console."""
        root = self._rendering.root
        is_ours = (
            asked.startswith(f"{root}/") and asked.isascii() and asked.isprintable() and "\\" not in asked
        )
        return asked if is_ours and ".." not in asked else f"{root}/"
