"""What a pipeline is made of, and what it tells of its work: values, for :func:`isthmus.open_pipeline`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, final

import msgspec

from ._pipeline.observations import (
    LATENCY_BOUNDS as LATENCY_BOUNDS,
    Accepted as Accepted,
    Attempted as Attempted,
    BreakerMoved as BreakerMoved,
    LaneStats as LaneStats,
    Observation as Observation,
    PipelineStats as PipelineStats,
    QueueAway as QueueAway,
)
from ._rules.batching import DEFAULT_BYTES, DEFAULT_COUNT, DEFAULT_WAIT
from ._rules.breaker import BreakerPolicy as BreakerPolicy
from ._rules.pacing import Rate as Rate
from ._rules.retry import DESTINATION, SOURCE, SOURCE_INSERT, Schedule
from ._rules.selection import Filter as Filter
from .errors import EngineError
from .outcomes import Exchange, LogLine, Problem, Status

if TYPE_CHECKING:
    from ._instances import Instance

__all__ = [
    "PART",
    "Accepted",
    "Attempt",
    "Attempted",
    "Batching",
    "BreakerMoved",
    "BreakerPolicy",
    "Destination",
    "Filter",
    "LaneStats",
    "Observation",
    "PipelineStats",
    "QueueAway",
    "Rate",
    "Sink",
    "Source",
]

DEDUPE_WINDOW: Final = 120.0
"""Seconds; as ``QueueOptions``."""

LONGEST_WINDOW: Final = 604_800.0
"""Seconds, a week."""

PART: Final = "part "
"""Begins the id of a delivery that a destination's inserts made of another, before the id of its source: which has no
white space in it, so that no sender of events can make one up."""

NAME_LENGTH: Final = 100
"""Characters of a source's id or a destination's name, which are part of a queue's."""


@final
class Attempt(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How one attempt to deliver ended.

    Attributes:
        status: as an outcome's.
        problem: what went wrong, sensitive values redacted; or None.
        retry_after: seconds for which the other side asked to be left alone, or None.
        exchanges: requests that were made and what came back, sensitive values redacted; of failed attempts.
        logs: what was printed, sensitive values redacted; of failed attempts.
    """

    status: Status
    problem: Problem | None = None
    retry_after: float | None = None
    exchanges: tuple[Exchange, ...] = ()
    logs: tuple[LogLine, ...] = ()


class Sink(ABC):
    """A place events go to that is no function; see :mod:`isthmus.sinks`."""

    @abstractmethod
    async def deliver(self, events: Sequence[bytes]) -> Attempt | Sequence[Attempt]:
        """Take events and say how that ended.

        Cancelled where it takes longer than ``Destination.timeout``; an exception counts as one attempt of them all
        that may be tried again.

        Args:
            events: JSON text of each, at most ``Destination.batching.count``.

        Returns:
            one attempt for each event, in order; or one for all of them together: where that is refused and
            there are several, halves of them are tried until those that are to blame are alone.
        """

    async def aclose(self) -> None:  # noqa: B027 -- most have nothing to close
        """Give back what it holds; called where the pipeline closes, and cancelled where all sinks take more than 10 s."""


@final
class Batching(msgspec.Struct, frozen=True, kw_only=True):
    """How many events go together.

    Attributes:
        count: events at the most.
        wait: seconds that the first of them waits for others; with 0 those go that are there.
        bytes: of JSON at the most; a larger event goes alone.

    Raises:
        EngineError: a number is out of its range.
    """

    count: int = DEFAULT_COUNT
    wait: float = DEFAULT_WAIT
    bytes: int = DEFAULT_BYTES

    def __post_init__(self) -> None:
        if not 1 <= self.count <= 10_000:
            raise EngineError(f"Batching.count takes a number from 1 to 10000, not {self.count!r}")
        if not 0 <= self.wait <= 3600:
            raise EngineError(f"Batching.wait takes seconds from 0 to an hour, not {self.wait!r}")
        if self.bytes < 1:
            raise EngineError(f"Batching.bytes takes a number from 1, not {self.bytes!r}")


@final
class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Where events come from.

    Attributes:
        id: what it is called; part of its queues' names.
        function: turns webhooks into events, for :meth:`Pipeline.receive`; or None.
        inserts: source inserts that every event passes, in this order.
        destinations: names of those its events may go to, None for all.
        schedule: of webhooks whose function is to be tried again.
        insert_schedule: of events whose insert is.
        concurrency: calls of its functions under way at one time.
        dedupe_window: seconds for which a message id is remembered where the source has inserts or a function; after
            that an event with the same id is another one.
        paused: its functions run for nothing that waits: what is accepted stays in its queues until a pipeline is opened in
            which it is not.

    Raises:
        EngineError: the id is none.
    """

    id: str
    function: Instance | None = None
    inserts: tuple[Instance, ...] = ()
    destinations: tuple[str, ...] | None = None
    schedule: Schedule = SOURCE
    insert_schedule: Schedule = SOURCE_INSERT
    concurrency: int = 256
    dedupe_window: float = DEDUPE_WINDOW
    paused: bool = False

    def __post_init__(self) -> None:
        _check_name("Source.id", self.id)
        _check_count("Source.concurrency", self.concurrency)
        _check_window("Source.dedupe_window", self.dedupe_window)


@final
class Destination(msgspec.Struct, frozen=True, kw_only=True):
    """A place events go to, with all that is decided for it alone.

    Attributes:
        name: what it is called, once in a pipeline; part of its queue's name.
        to: an instance of a destination function, or a sink.
        integration: its name in ``integrations`` objects, ``name`` by default.
        inserts: insert functions that every event passes on its way, in this order.  Where one makes several events of
            it (``Function.fan_out``), each is a delivery of its own from then on, and order is not kept.
        filter: which events it wants.
        enabled: switched on; else only replays reach it.
        concurrency: calls under way at one time; of batches, where events go in batches.
        rate: attempts of single events in a time, None for as many as there are.
        batching: for a function with ``onBatch`` and for sinks; other functions get events one by one.
        timeout: seconds that a sink may take; a function has ``Limits.wall``.
        schedule: when it is tried again.
        breaker: when it is left alone for a while, None for never.
        ordered_by: a path such as ``userId`` or ``context.groupId``: events that have the same value there arrive
            one after the other, in the order in which they were accepted.
        lease: seconds after which another process takes over what a dead one was at.
        max_unacked: deliveries that may be under way or wait for a retry.
        dedupe_window: seconds for which a message id is remembered; after that an event with the same id is another one.
        paused: nothing is tried: what it is to get stays in its queue until a pipeline is opened in which it is not.

    Raises:
        EngineError: a value is out of its range.
    """

    name: str
    to: Instance | Sink
    integration: str = ""
    inserts: tuple[Instance, ...] = ()
    filter: Filter = Filter()
    enabled: bool = True
    concurrency: int = 256
    rate: Rate | None = None
    batching: Batching | None = None
    timeout: float = 30.0
    schedule: Schedule = DESTINATION
    breaker: BreakerPolicy | None = BreakerPolicy()
    ordered_by: str | None = None
    lease: float = 30.0
    max_unacked: int = 10_000
    dedupe_window: float = DEDUPE_WINDOW
    paused: bool = False

    def __post_init__(self) -> None:
        _check_name("Destination.name", self.name)
        _check_count("Destination.concurrency", self.concurrency)
        _check_window("Destination.dedupe_window", self.dedupe_window)
        if not 0 < self.timeout <= 86_400:
            raise EngineError(
                f"Destination.timeout takes seconds above 0, a day at the most, not {self.timeout!r}"
            )
        if not self.integration:
            msgspec.structs.force_setattr(self, "integration", self.name)


def _check_name(what: str, name: str) -> None:
    if not 1 <= len(name) <= NAME_LENGTH or not name.isprintable() or any(map(str.isspace, name)):
        raise EngineError(
            f"{what} takes 1 to {NAME_LENGTH} printable characters without white space, not {name!r}"
        )


def _check_window(what: str, seconds: float) -> None:
    if not 0 <= seconds <= LONGEST_WINDOW:
        raise EngineError(f"{what} takes seconds from 0 to a week, not {seconds!r}")


def _check_count(what: str, count: int) -> None:
    if not 1 <= count <= 100_000:
        raise EngineError(f"{what} takes a number from 1 to 100000, not {count!r}")
