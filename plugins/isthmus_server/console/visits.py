"""One visit to one page: who looks, at what, and what is shown; and what a page is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Literal, TypeVar, final

import msgspec
import trio
from starlette.responses import RedirectResponse, Response

from isthmus_server.api.access import scope_of
from isthmus_server.api.calls import Call, Route, Services
from isthmus_server.api.decoding import decode
from isthmus_server.api.table import ROUTES
from isthmus_server.store import Role, Session, Store, Token

from .forms import Form
from .live import Live
from .rendering import Rendering

__all__ = ["Handler", "Page", "Visit"]

OPERATIONS: Final[Mapping[str, Route]] = {route.operation: route for route in ROUTES}
SEE_OTHER: Final = 303
T = TypeVar("T")


@final
@dataclass(frozen=True, slots=True)
class Visit:
    """What was asked, by whom.

    Attributes:
        services: what operations of the API work with.
        live: what runs beside the store.
        readers: lets so many pages read the log or the archive at one time; see :meth:`look`.
        rendering: makes pages.
        menu: addresses of the sections that may be seen, by what they are called.
        session: who has signed in.
        token: what they have signed in with.
        functions: class ids of the only functions it may be about, or None for all.
        path: what the variables of the path are.
        query: of the address.
        form: what was sent; empty where nothing was.
        is_partial: only what changes on the page is wanted.
    """

    services: Services
    live: Live
    readers: trio.CapacityLimiter
    rendering: Rendering
    menu: Mapping[str, str]
    session: Session
    token: Token
    functions: frozenset[str] | None
    path: Mapping[str, str]
    query: Form
    form: Form
    is_partial: bool

    @property
    def store(self) -> Store:
        """What there is."""
        return self.services.store

    def may(self, operation: str) -> bool:
        """Whether the roles of who looks cover an operation of the API at all: what they do not cover is not offered."""
        return any(grant.role in OPERATIONS[operation].roles for grant in self.token.grants)

    async def look(self, read: Callable[..., T], *arguments: object) -> T:
        """Read the log or the archive, in a thread that whoever looks may leave.

        Args:
            read: what reads.
            arguments: for it.
        """
        return await trio.to_thread.run_sync(
            partial(read, *arguments), limiter=self.readers, abandon_on_cancel=True
        )

    async def operate(
        self,
        operation: str,
        path: Mapping[str, str] | None = None,
        /,
        *,
        body: object = None,
        **query: object,
    ) -> Any:
        """Call an operation of the API, as who looks.

        Args:
            operation: its id.
            path: what the variables of its path are.
            body: of plain values.
            query: its fields.

        Raises:
            Problem: the roles do not cover it, or what was given is not fit for it.
            IsthmusError: as the operation raises it.
        """
        route, path = OPERATIONS[operation], path or {}
        call = Call(
            services=self.services,
            token=self.token,
            functions=scope_of(self.token, route, path.get("functionId")),
            path=path,
            query=None if route.query is None else decode(route.query, query, from_text=True),
            body=None if route.body is None else decode(route.body, body),
            headers={},
        )
        return await route.handler(call)

    def show(self, template: str, /, status: int = 200, **values: object) -> Response:
        """A page, or the part of one.

        Args:
            template: a file's name.
            status: of HTTP.
            values: what the template shows.
        """
        text = self.rendering.text(template, visit=self, **values)
        return Response(text, status, media_type="text/html; charset=utf-8")

    def go(self, to: str, done: str = "") -> Response:
        """Send the browser on to another page, after something was done.

        Args:
            to: path below the console's.
            done: name of what is said there, see ``templates/layout.html``.
        """
        mark = f"{'&' if '?' in to else '?'}done={done}" if done else ""
        return RedirectResponse(f"{self.rendering.root}{to}{mark}", SEE_OTHER)


Handler = Callable[[Visit], Awaitable[Response]]


@final
class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A page, or something that is done from one.

    Attributes:
        method: of HTTP; a POST is a form with the session's proof in it.
        path: below the console's, with ``{variables}``.
        roles: any of them may see it, or do it.
        scoped: a role over some functions is enough for those: the variable ``functionId`` is compared with them, and
            where there is none the handler sees to it.
        section: what the menu calls it, "" where it is not in there.
        handler: what answers.
    """

    method: Literal["GET", "POST"]
    path: str
    roles: frozenset[Role]
    scoped: bool = False
    section: str = ""
    handler: Handler
