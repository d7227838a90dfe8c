"""What functions have used, by the day, and how much of their quotas that is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, Literal, final

import msgspec
from sqlalchemy import ColumnElement, delete, func, insert, select, update

from .bounds import WORKSPACE, KeptBounds
from .ids import function_id
from .schema import functions, quota_notices, usage
from .values import ResourceType
from .work import Work

__all__ = [
    "NOTICES",
    "Measure",
    "Standing",
    "Usage",
    "UsageKey",
    "Used",
    "UsedBy",
    "UsedOn",
    "day_of",
    "month_of",
]

DAY: Final = 86_400_000
KEPT: Final = 800 * DAY
"""Milliseconds for which usage is kept: two years, and some months to look at them."""
SECOND: Final = 1_000_000
"""Times are kept in microseconds: so many whole numbers add up to what they are."""

NOTICES: Final = (75, 90, 100)
"""Percent of a quota at which somebody is told (Segment: fn/usage.md)."""

Measure = Literal["execution", "events"]

_FIELDS: Final = ("calls", "failed", "wall", "cpu", "events")


@final
class UsageKey(msgspec.Struct, frozen=True):
    """What is added up.

    Attributes:
        day: milliseconds since the epoch at its beginning, in UTC.
        function: class id, "" for events that came in.
        instance: id of the source, destination or insert instance.
    """

    day: int
    function: str
    instance: str


@final
class Used(msgspec.Struct, kw_only=True):
    """How much.

    Attributes:
        calls: of functions that ended; retries and batches are one each.
        failed: calls that ended with a problem, retries asked for included.
        wall: microseconds from the beginning of each call to its end, summed.
        cpu: microseconds that code ran.
        events: that came in.
    """

    calls: int = 0
    failed: int = 0
    wall: int = 0
    cpu: int = 0
    events: int = 0

    def add(self, more: Used) -> None:
        """Add to it."""
        for name in _FIELDS:
            setattr(self, name, getattr(self, name) + getattr(more, name))


@final
class UsedBy(msgspec.Struct, frozen=True, kw_only=True):
    """What one function, or one instance of it, used in a span of time.

    Attributes:
        function: class id; a function that was deleted since is there as well.
        instance: id, "" where all instances are together.
        calls, failed: see :class:`Used`.
        wall, cpu: seconds.
    """

    function: str
    instance: str
    calls: int
    failed: int
    wall: float
    cpu: float


@final
class UsedOn(msgspec.Struct, frozen=True, kw_only=True):
    """What was used on one day.

    Attributes:
        day: milliseconds since the epoch at its beginning, in UTC.
        calls, failed, events: see :class:`Used`.
        wall, cpu: seconds.
    """

    day: int
    calls: int
    failed: int
    wall: float
    cpu: float
    events: int


@final
class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a quota is used up this month.

    Attributes:
        function: class id, :data:`.bounds.WORKSPACE` for the workspace.
        measure: what it is a quota of: seconds of execution, or events.
        used: so far.
        quota: the bound.
        locks: it stops what it is of where it is used up.
    """

    function: str
    measure: Measure
    used: float
    quota: float
    locks: bool

    @property
    def percent(self) -> float:
        """Of the quota, above 100 too."""
        return 100 * self.used / self.quota

    @property
    def is_locked(self) -> bool:
        """Whether what it is of is stopped now."""
        return self.locks and self.used >= self.quota


@final
class Usage:
    """The usage of the workspace, within one transaction."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def add(self, used: Mapping[UsageKey, Used]) -> None:
        """Add to what was used, and forget what is older than 800 days."""
        execute = self._work.connection.execute
        for key, more in used.items():
            row = msgspec.structs.asdict(key)
            where = [usage.c[name] == value for name, value in row.items()]
            sums: dict[str, Any] = {name: usage.c[name] + getattr(more, name) for name in _FIELDS}
            if not execute(update(usage).where(*where).values(**sums)).rowcount:
                execute(insert(usage).values(**row, **msgspec.structs.asdict(more)))
        execute(delete(usage).where(usage.c.day < self._work.now - KEPT))

    def by_function(
        self, *, since: int | None = None, until: int | None = None, instances: bool = False
    ) -> list[UsedBy]:
        """What each function used, the one that took the most time first.

        Args:
            since: milliseconds since the epoch: days that begin then or later; by default this month's.
            until: likewise, itself excluded; by default there is no end.
            instances: each instance for itself.
        """
        keys = [usage.c.function, *([usage.c.instance] if instances else [])]
        chosen = (
            select(*keys, *_sums("calls", "failed", "wall", "cpu"))
            .where(*self._span(since, until), usage.c.function != "")
            .group_by(*keys)
            .order_by(func.sum(usage.c.wall).desc(), *keys)
        )
        return [
            UsedBy(
                function=row.function,
                instance=row.instance if instances else "",
                calls=int(row.calls),
                failed=int(row.failed),
                wall=int(row.wall) / SECOND,
                cpu=int(row.cpu) / SECOND,
            )
            for row in self._work.connection.execute(chosen)
        ]

    def by_day(
        self, *, since: int | None = None, until: int | None = None, function: str | None = None
    ) -> list[UsedOn]:
        """What was used on each day on which something was.

        Args:
            since: milliseconds since the epoch: days that begin then or later; by default this month's.
            until: likewise, itself excluded; by default there is no end.
            function: class id of one, None for all, and for the events that came in.
        """
        where = self._span(since, until)
        if function is not None:
            where.append(usage.c.function == function)
        chosen = (
            select(usage.c.day, *_sums(*_FIELDS)).where(*where).group_by(usage.c.day).order_by(usage.c.day)
        )
        return [
            UsedOn(
                day=int(row.day),
                calls=int(row.calls),
                failed=int(row.failed),
                wall=int(row.wall) / SECOND,
                cpu=int(row.cpu) / SECOND,
                events=int(row.events),
            )
            for row in self._work.connection.execute(chosen)
        ]

    def standings(self) -> list[Standing]:
        """How much of each quota that there is has been used this month, those of the workspace first."""
        quotas = [
            (function, measure, quota, kept.locks)
            for function, kept in sorted(KeptBounds(self._work).all().items())
            for measure, quota in (("execution", kept.execution), ("events", kept.events))
            if quota is not None
        ]
        if not quotas:
            return []
        by_function = {each.function: each.wall for each in self.by_function()}
        events = sum(each.events for each in self.by_day(function=""))
        return [
            Standing(
                function=function,
                measure="events" if measure == "events" else "execution",
                used=float(events)
                if measure == "events"
                else sum(by_function.values())
                if function == WORKSPACE
                else by_function.get(function, 0.0),
                quota=float(quota),
                locks=locks,
            )
            for function, measure, quota, locks in quotas
        ]

    def unnoticed(self, standings: Iterable[Standing]) -> list[tuple[Standing, int]]:
        """Quotas of which a share of :data:`NOTICES` is used that nobody was told of this month, with that percentage."""
        month = month_of(self._work.now)
        noticed = {
            (row.function, row.measure, row.percent)
            for row in self._work.connection.execute(
                select(quota_notices).where(quota_notices.c.month == month)
            )
        }
        return [
            (standing, percent)
            for standing in standings
            for percent in NOTICES
            if standing.percent >= percent and (standing.function, standing.measure, percent) not in noticed
        ]

    def notice(self, standings: Iterable[Standing]) -> list[tuple[Standing, int]]:
        """Write down in the audit trail what is unnoticed, once a month each; and give it."""
        work, found = self._work, self.unnoticed(standings)
        for standing, percent in found:
            work.add(
                quota_notices,
                month=month_of(work.now),
                function=standing.function,
                measure=standing.measure,
                percent=percent,
            )
            what = "Execution" if standing.measure == "execution" else "Event"
            work.note(f"{what} Quota {percent}% Used", *self._named(standing.function))
        return found

    def _named(self, function: str) -> tuple[str, str, str]:
        """The kind of resource, the id and the name that an audit event has."""
        if function == WORKSPACE:
            return "Workspace", "Workspace", "Workspace"
        kept = select(functions.c.resource_type, functions.c.display_name).where(functions.c.id == function)
        row = self._work.connection.execute(kept).first()
        if row is None:
            return "Functions", function, function
        return "Functions", function_id(ResourceType(row.resource_type), function), row.display_name

    def _span(self, since: int | None, until: int | None) -> list[ColumnElement[bool]]:
        where = [usage.c.day >= (month_of(self._work.now) if since is None else since)]
        return where if until is None else [*where, usage.c.day < until]


def day_of(at: int) -> int:
    """The beginning of a moment's day, in UTC; both in milliseconds since the epoch."""
    return at // DAY * DAY


def month_of(at: int) -> int:
    """The beginning of a moment's month, as :func:`day_of`."""
    moment = datetime.fromtimestamp(at / 1000, UTC)
    return int(datetime(moment.year, moment.month, 1, tzinfo=UTC).timestamp() * 1000)


def _sums(*names: str) -> list[Any]:
    return [func.sum(usage.c[name]).label(name) for name in names]
