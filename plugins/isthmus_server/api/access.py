"""Who asks, and what they may: a bearer token, and the roles it was given."""

from __future__ import annotations

from typing import Protocol

from isthmus_server.store import Role, Store, Token, class_id

from .problems import Problem, problem

__all__ = ["Guarded", "bearer", "scope_of"]


class Guarded(Protocol):
    """What takes a role to be reached: an operation, or a page of the console; see :class:`.calls.Route`."""

    @property
    def roles(self) -> frozenset[Role]:
        """Any of them is enough."""

    @property
    def scoped(self) -> bool:
        """A role over some functions is enough for those."""


async def bearer(store: Store, header: str | None) -> Token:
    """Who presents a token.

    Args:
        store: where tokens are known.
        header: ``Authorization``.

    Raises:
        Problem: 401, nobody who is known.
    """
    scheme, _, token = (header or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise _unknown("The request has no bearer token.")
    found = await store.bearer(token.strip())
    if found is None:
        raise _unknown("The token is invalid, or was revoked.")
    return found


def scope_of(token: Token, route: Guarded, function: str | None) -> frozenset[str] | None:
    """The functions that a call of an operation may be about, by their class ids; None for all.

    Args:
        token: who asks.
        route: what is asked.
        function: the id in the operation's path, where there is one.

    Raises:
        Problem: 403, none of the token's roles covers it.
    """
    granted = [grant for grant in token.grants if grant.role in route.roles]
    if any(not grant.functions for grant in granted):
        return None
    functions = frozenset(each for grant in granted for each in grant.functions)
    if not granted or not route.scoped:
        raise problem(403, "The token has no role that covers this operation.")
    if function is not None and class_id(function) not in functions:
        raise problem(403, "The token's role does not cover this function.")
    return functions


def _unknown(message: str) -> Problem:
    return problem(401, message, headers={"WWW-Authenticate": "Bearer"})
