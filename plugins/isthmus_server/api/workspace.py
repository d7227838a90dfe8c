"""Operations on the workspace itself: its name, its audit trail, and an echo for clients to try their error paths with."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, final

import msgspec
import trio

from isthmus_server.store import AuditEvent, Role, Transaction

from .calls import Call, Route, reading
from .function_types import Text, Wire
from .pagination import PaginationInput, PaginationOutput, page_of, pagination_of
from .problems import Problem, RequestError, problem
from .times import iso, milliseconds

__all__ = ["ROUTES"]

ANYONE: Final = frozenset(Role)
LONGEST_DELAY: Final = 5000
"""Milliseconds that an echo waits at the most."""
PRIVATE: Final = frozenset({"authorization", "cookie", "proxy-authorization"})
"""Headers that are not echoed."""


@final
class WorkspaceV1(Wire, frozen=True, kw_only=True):
    """The workspace."""

    id: str
    slug: str
    name: str


@final
class WorkspaceOutput(Wire, frozen=True, kw_only=True):
    """The workspace that the token is of."""

    workspace: WorkspaceV1


@final
class ListAuditEventsQuery(Wire, frozen=True, kw_only=True):
    """Which events are wanted.

    Attributes:
        start_time: ISO 8601.
        end_time: ISO 8601; what happened then is not among them.
    """

    start_time: Text | None = None
    end_time: Text | None = None
    resource_id: Text | None = None
    resource_type: Text | None = None
    pagination: PaginationInput = PaginationInput()


@final
class AuditEventV1(Wire, frozen=True, kw_only=True):
    """Who did what."""

    id: str
    timestamp: str
    type: str
    actor: str
    resource_id: str
    resource_type: str
    resource_name: str


@final
class ListAuditEventsOutput(Wire, frozen=True, kw_only=True):
    """Events, the newest first."""

    events: tuple[AuditEventV1, ...]
    pagination: PaginationOutput


@final
class EchoQuery(Wire, frozen=True, kw_only=True):
    """What is to come back.

    Attributes:
        delay: milliseconds to wait.
        trigger_error: answer with one error.
        trigger_multiple_errors: answer with two.
        trigger_unexpected_error: answer as if the server had failed.
        status_code: of the answer with errors.
    """

    message: Text
    delay: Annotated[int, msgspec.Meta(ge=0, le=LONGEST_DELAY)] = 0
    trigger_error: bool = False
    trigger_multiple_errors: bool = False
    trigger_unexpected_error: bool = False
    status_code: Annotated[int, msgspec.Meta(ge=400, le=599)] = 400


@final
class EchoOutput(Wire, frozen=True, kw_only=True):
    """What came in."""

    method: Literal["get"]
    message: str
    headers: dict[str, Any]


def _workspace(tx: Transaction, _call: Call) -> WorkspaceOutput:
    found = tx.workspace()
    return WorkspaceOutput(workspace=WorkspaceV1(id=found.id, slug=found.slug, name=found.name))


def _audit(tx: Transaction, call: Call) -> ListAuditEventsOutput:
    query: ListAuditEventsQuery = call.query
    page = page_of(query.pagination)
    found, total = tx.audit.page(
        page,
        since=None if query.start_time is None else milliseconds(query.start_time, "startTime"),
        until=None if query.end_time is None else milliseconds(query.end_time, "endTime"),
        resource_id=query.resource_id,
        resource_type=query.resource_type,
    )
    return ListAuditEventsOutput(events=tuple(map(_event, found)), pagination=pagination_of(page, total))


def _event(event: AuditEvent) -> AuditEventV1:
    return AuditEventV1(
        id=event.id,
        timestamp=iso(event.at),
        type=event.type,
        actor=event.actor,
        resource_id=event.resource_id,
        resource_type=event.resource_type,
        resource_name=event.resource_name,
    )


async def _echo(call: Call) -> EchoOutput:
    query: EchoQuery = call.query
    await trio.sleep(query.delay / 1000)
    if query.trigger_unexpected_error:
        raise problem(500, "An unexpected error, as was asked for.")
    if query.trigger_error or query.trigger_multiple_errors:
        errors = [
            RequestError(type="bad-request", message=query.message, field="message", status=query.status_code)
        ]
        raise Problem(query.status_code, *errors * (2 if query.trigger_multiple_errors else 1))
    headers = {name: value for name, value in call.headers.items() if name not in PRIVATE}
    return EchoOutput(method="get", message=query.message, headers=headers)


ROUTES: Final = (
    Route(
        method="GET",
        path="/",
        operation="getWorkspace",
        summary="Look at the workspace that the token is of.",
        roles=ANYONE,
        scoped=True,
        answer=WorkspaceOutput,
        handler=reading(_workspace),
    ),
    Route(
        method="GET",
        path="/audit-events",
        operation="listAuditEvents",
        summary="Look at who did what, the newest first.",
        roles=frozenset({Role.OWNER}),
        query=ListAuditEventsQuery,
        answer=ListAuditEventsOutput,
        handler=reading(_audit),
    ),
    Route(
        method="GET",
        path="/echo",
        operation="echo",
        summary="Answer what was asked, or with the errors that were asked for.",
        roles=ANYONE,
        scoped=True,
        query=EchoQuery,
        answer=EchoOutput,
        handler=_echo,
    ),
)
