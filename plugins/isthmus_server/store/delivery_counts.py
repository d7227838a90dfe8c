"""What became of deliveries, counted by the minute: the numbers of Segment's Delivery Overview."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from typing import Final, final

import msgspec
from sqlalchemy import delete, func, insert, select, update

from isthmus.pipelines import PART, Accepted, Attempted, Observation
from isthmus.rules import Delivered, Dropped, Refused, RetryAt

from .schema import delivery_counts
from .work import Work

__all__ = ["Count", "CountKey", "DeliveryCounts", "Step", "count_of"]

MINUTE: Final = 60_000
KEPT: Final = 35 * 24 * 60 * MINUTE
"""Milliseconds for which counts are kept: Segment shows two weeks, and bills by the month."""


@final
class Step(enum.StrEnum):
    """Where on its way an event is counted."""

    RECEIVED = "successfully_received"
    FAILED_ON_INGEST = "failed_on_ingest"
    FILTERED_AT_SOURCE = "filtered_at_source"
    FILTERED_AT_DESTINATION = "filtered_at_destination"
    RETRIED = "retried"
    FAILED = "failed_delivery"
    DELIVERED = "successful_delivery"


@final
class CountKey(msgspec.Struct, frozen=True):
    """What is counted together.

    Attributes:
        minute: milliseconds since the epoch at its beginning.
        source: id.
        destination: id, "" for what happens before any.
        step: where.
        reason: code of a problem, or "".
    """

    minute: int
    source: str
    destination: str
    step: Step
    reason: str = ""


@final
class Count(msgspec.Struct, frozen=True):
    """How many, of one reason, in one span of time.

    Attributes:
        at: milliseconds since the epoch at its beginning.
    """

    at: int
    step: Step
    reason: str
    count: int


def count_of(seen: Observation, now: float) -> CountKey | None:
    """What an observation of a pipeline counts as, None for what is not counted.

    The pipeline's sources and destinations go by their ids in the store.

    Args:
        seen: as the pipeline tells it.
        now: seconds since the epoch.
    """
    minute = int(now * 1000) // MINUTE * MINUTE
    if isinstance(seen, Accepted):
        step = Step.RECEIVED if seen.queues else Step.FILTERED_AT_SOURCE
        return CountKey(minute, seen.source, "", step, "" if seen.queues else "no_destination")
    if not isinstance(seen, Attempted):
        return None
    stage, _, name = seen.queue.partition(":")
    at_destination = stage == "destination"
    source, destination = (
        (seen.delivery.removeprefix(PART).partition(":")[0], name) if at_destination else (name, "")
    )
    reason = seen.problem.code.value if seen.problem else ""
    match seen.decision:
        case Delivered():
            return CountKey(minute, source, destination, Step.DELIVERED) if at_destination else None
        case Dropped():
            step = Step.FILTERED_AT_DESTINATION if at_destination else Step.FILTERED_AT_SOURCE
        case Refused():
            step = Step.FAILED if at_destination else Step.FAILED_ON_INGEST
        case RetryAt():
            step = Step.RETRIED
    return CountKey(minute, source, destination, step, reason)


@final
class DeliveryCounts:
    """The counts of the workspace, within one transaction."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def add(self, counts: Mapping[CountKey, int]) -> None:
        """Add to what was counted, and forget what is older than 35 days."""
        table, execute = delivery_counts, self._work.connection.execute
        for key, count in counts.items():
            row = {"minute": key.minute, "source": key.source, "destination": key.destination}
            row |= {"step": key.step.value, "reason": key.reason}
            where = [table.c[name] == value for name, value in row.items()]
            if not execute(update(table).where(*where).values(count=table.c.count + count)).rowcount:
                execute(insert(table).values(**row, count=count))
        execute(delete(table).where(table.c.minute < self._work.now - KEPT))

    def between(
        self,
        steps: Iterable[Step],
        source: str,
        destination: str,
        *,
        since: int,
        until: int,
        span: int,
    ) -> list[Count]:
        """What was counted of a source, or on the way to one of its destinations, by spans of time and by reasons.

        Args:
            steps: those that are wanted.
            source: id.
            destination: id, "" for the source itself.
            since: milliseconds since the epoch.
            until: likewise, itself excluded.
            span: milliseconds; spans begin at its multiples.
        """
        table = delivery_counts
        begin = table.c.minute - table.c.minute % span
        chosen = (
            select(begin.label("at"), table.c.step, table.c.reason, func.sum(table.c.count).label("number"))
            .where(
                table.c.minute >= since,
                table.c.minute < until,
                table.c.source == source,
                table.c.destination == destination,
                table.c.step.in_([step.value for step in steps]),
            )
            .group_by(begin, table.c.step, table.c.reason)
            .order_by(begin, table.c.step, table.c.reason)
        )
        rows = self._work.connection.execute(chosen)
        return [Count(int(row.at), Step(row.step), row.reason, int(row.number)) for row in rows]
