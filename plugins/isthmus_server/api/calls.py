"""One call of one operation: what was asked, by whom, and what answers it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, final

import msgspec
import trio

from isthmus import Engine
from isthmus_server.store import Role, Store, Token, Transaction

from .problems import problem

__all__ = ["Call", "Handler", "Route", "Services", "reading", "writing"]

Method = Literal["GET", "POST", "PATCH", "DELETE"]


@final
@dataclass(frozen=True, slots=True)
class Services:
    """What operations work with.

    Attributes:
        store: what there is.
        engine: what runs functions that are tried out.
        webhook_url: where webhooks of sources arrive, without a query.
        previews: lets so many functions be tried out at one time.
    """

    store: Store
    engine: Engine
    webhook_url: str
    previews: trio.CapacityLimiter


@final
@dataclass(frozen=True, slots=True)
class Call:
    """What was asked.

    Attributes:
        services: what the operation works with.
        token: who asks.
        functions: class ids of the only functions it may be about, or None for all.
        path: what the variables of the path are.
        query, body: as their types say, checked; None where the operation has none.
        headers: of the request, by lower-case name.
    """

    services: Services
    token: Token
    functions: frozenset[str] | None
    path: Mapping[str, str]
    query: Any
    body: Any
    headers: Mapping[str, str]

    def check_function(self, class_id: str) -> None:
        """See that the token's role covers a function.

        Raises:
            Problem: 403, it does not.
        """
        if self.functions is not None and class_id not in self.functions:
            raise problem(403, "The token's role does not cover this function.")


Handler = Callable[[Call], Awaitable[msgspec.Struct]]
T = TypeVar("T", bound=msgspec.Struct)


@final
class Route(msgspec.Struct, frozen=True, kw_only=True):
    """An operation.

    Attributes:
        method: of HTTP.
        path: with ``{variables}``.
        operation: its id in the OpenAPI document.
        summary: what it does.
        roles: any of them may call it.
        scoped: a role over some functions is enough for those: the variable ``functionId`` is compared with them, and
            where there is none the handler sees to it.
        query: type of its query, or None.
        body: type of its body, or None.
        answer: type of what is in ``data``.
        status: of success.
        versions: of the API that have it, the most stable first.
        cost: points that it takes from the caller's.
        gives: variables of other operations' paths, and where in an answer they are, as JSON pointers.
        handler: what answers.
    """

    method: Method
    path: str
    operation: str
    summary: str
    roles: frozenset[Role]
    scoped: bool = False
    query: type[msgspec.Struct] | None = None
    body: type[msgspec.Struct] | None = None
    answer: type[msgspec.Struct]
    status: int = 200
    versions: tuple[str, ...] = ("v1", "v1beta", "v1alpha")
    cost: int = 1
    gives: tuple[tuple[str, str], ...] = ()
    handler: Handler


def reading(action: Callable[[Transaction, Call], T]) -> Handler:
    """Answer by looking at the store, in one transaction."""

    async def handler(call: Call) -> msgspec.Struct:
        return await call.services.store.read(lambda tx: action(tx, call))

    return handler


def writing(action: Callable[[Transaction, Call], T]) -> Handler:
    """Answer by changing the store, in one transaction."""

    async def handler(call: Call) -> msgspec.Struct:
        return await call.services.store.write(lambda tx: action(tx, call), actor=call.token.id)

    return handler
