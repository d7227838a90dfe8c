"""What tasks ask of the writer: one object a call, which comes back with its answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, final

import trio

from isthmus.queues import Claim, Entry, QueueOptions

__all__ = ["Job", "Lease", "Leasing", "Line", "Publishing", "Settling", "Work"]


class Lease(NamedTuple):
    """The token of a claim.

    Attributes:
        opening: tells the claims of this opening of the file from those of earlier ones.
        id: of the delivery.
        attempt: at which it was claimed; another claim has another one.
    """

    opening: int
    id: int
    attempt: int


@final
class Line:
    """One queue, as the writer knows it.

    Attributes:
        id: in the file.
        name: outside.
        options: as declared.
        unacked: deliveries that have been claimed and are neither acknowledged nor dead.
    """

    __slots__ = ("id", "name", "options", "unacked")

    def __init__(self, id: int, name: str, options: QueueOptions, unacked: int = 0) -> None:  # noqa: A002 -- the table's name
        self.id = id
        self.name = name
        self.options = options
        self.unacked = unacked


@final
class Publishing(NamedTuple):
    """Keep entries."""

    entries: Sequence[Entry]


@final
class Leasing(NamedTuple):
    """Claim deliveries; answered by ``(claims, when)``: when the next may be claimed, for want of any now."""

    queue: str
    most: int


@final
class Settling(NamedTuple):
    """Do one thing to what claims stand for.

    Attributes:
        how: ``ack``, ``retry``, ``bury``, ``extend``, or ``release``: as if it had never been claimed.
        claims: which.
        details: of each: seconds of a retry, the reason of a burial.
    """

    how: str
    claims: Sequence[Claim]
    details: Sequence[Any] = ()


Work = Publishing | Leasing | Settling | Callable[[], Any]
"""A plain callable asks or changes something by itself."""


@final
class Job:
    """Work on its way through the writer.

    Attributes:
        work: what is to be done.
        task: who waits; None where nobody does.
        given_up: the task was cancelled meanwhile.
        answer: what came of it.
        error: what went wrong.
    """

    __slots__ = ("answer", "error", "given_up", "task", "work")

    def __init__(self, work: Work, task: trio.lowlevel.Task | None = None) -> None:
        self.work = work
        self.task = task
        self.given_up = False
        self.answer: Any = None
        self.error: BaseException | None = None
