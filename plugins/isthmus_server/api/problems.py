"""What the API says when it does not do what it was asked: a status, and an entry for each thing that is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, final

import msgspec

from isthmus.errors import EngineClosed, EngineError, InvalidSettings, IsthmusError, LoadError
from isthmus_server.store import Conflict, Dangling, FieldProblem, NotFound, StoreError, Unfit

__all__ = ["ErrorEnvelope", "Problem", "RequestError", "problem", "problem_of", "unfit"]


@final
class RequestError(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that is wrong.

    Attributes:
        type: what kind of fault it is, ``not-found`` or ``input-validation`` for instance.
        message: for people.
        field: path of the field at fault.
        data: more of it, for programs.
        status: of the whole answer.
    """

    type: str
    message: str | None = None
    field: str | None = None
    data: dict[str, Any] | None = None
    status: int | None = None


@final
class ErrorEnvelope(msgspec.Struct, frozen=True):
    """The body of every answer that is none with data."""

    errors: tuple[RequestError, ...]


@final
class Problem(Exception):
    """An answer that is no success.

    Args:
        status: of HTTP.
        errors: one at least.
        headers: sent with it.
    """

    def __init__(self, status: int, *errors: RequestError, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, errors)
        self.status = status
        self.errors = errors
        self.headers = headers or {}


TYPES: Final[Mapping[int, str]] = {
    400: "bad-request",
    401: "unauthorized",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    406: "not-acceptable",
    409: "conflict",
    413: "payload-too-large",
    415: "unsupported-media-type",
    422: "input-validation",
    500: "internal",
    503: "unavailable",
}
"""What the fault is called that a status stands for."""


def problem(status: int, message: str, *, headers: Mapping[str, str] | None = None) -> Problem:
    """An answer with one error."""
    return Problem(status, RequestError(type=TYPES[status], message=message), headers=headers)


def unfit(problems: Sequence[FieldProblem]) -> Problem:
    """An answer with an entry for each field at fault."""
    return Problem(
        422, *(RequestError(type=TYPES[422], message=each.message, field=each.field) for each in problems)
    )


_STATUSES: Final[tuple[tuple[type[IsthmusError], int], ...]] = (
    (NotFound, 404),
    (Dangling, 400),
    (Conflict, 409),
    (LoadError, 400),
    (EngineClosed, 503),
    (EngineError, 400),
)


def problem_of(exc: IsthmusError) -> Problem:
    """The answer that an error comes to; of what is the operator's fault, callers hear nothing but that it is."""
    if isinstance(exc, Unfit):
        return unfit(exc.problems)
    if isinstance(exc, InvalidSettings):
        return unfit([FieldProblem("settings", each) for each in exc.problems or (str(exc),)])
    if isinstance(exc, StoreError):
        return problem(503, "The store is away. Try again later.", headers={"Retry-After": "5"})
    for kind, status in _STATUSES:
        if isinstance(exc, kind):
            return problem(status, str(exc))
    return problem(500, "An internal error occurred.")
