"""What became of the events of a run, in numbers: bounded, and cheap by the event."""

from __future__ import annotations

import random
from array import array
from bisect import insort
from collections.abc import Sequence
from typing import Final, NamedTuple, final

import msgspec

from isthmus.outcomes import Code, Outcome, Problem, Status

__all__ = ["Counted", "Durations", "Failure", "Row", "Tally", "percentile"]

SAMPLE: Final = 1 << 17
"""Durations kept of one kind of outcome; beyond them, a uniform sample: 99 % ± 0.06 % at p99."""

FAILURES: Final = 200
"""Different errors that are told apart; beyond them they are counted together."""

_PLACES: Final = 5
"""Events that are named for an error."""


def percentile(ordered: Sequence[float], percent: float) -> float:
    """The value below which so many percent lie, between two neighbours in proportion.

    As ``statistics.quantiles(..., method="inclusive")`` does.
    """
    rank = (len(ordered) - 1) * percent / 100
    low = int(rank)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (rank - low)


@final
class Durations:
    """Durations in seconds, all of them up to a bound, then a uniform sample (Vitter's algorithm R)."""

    __slots__ = ("_bound", "_random", "_values", "count")

    def __init__(self, bound: int = SAMPLE) -> None:
        self._values = array("d")
        self._bound = bound
        self._random = random.Random(0).random  # noqa: S311 -- a sample, not a secret
        self.count = 0

    def add(self, duration: float) -> None:
        """Take one."""
        self.count += 1
        if self.count <= self._bound:
            self._values.append(duration)
        elif (place := int(self._random() * self.count)) < self._bound:
            self._values[place] = duration

    def packed(self) -> bytes:
        """All that are kept, as doubles."""
        return self._values.tobytes()

    def merge(self, values: array[float]) -> None:
        """Take many at once."""
        room = self._bound - self.count
        if len(values) <= room:
            self._values.extend(values)
            self.count += len(values)
        else:
            for value in values:
                self.add(value)

    def percentiles(self, *percents: float) -> tuple[float, ...]:
        """See :func:`percentile`; of no durations, zeros."""
        ordered = sorted(self._values)
        return tuple(percentile(ordered, percent) if ordered else 0.0 for percent in percents)


@final
class _Cell:
    __slots__ = ("durations", "events")

    def __init__(self) -> None:
        self.events = 0
        self.durations = Durations()


@final
class Counted(msgspec.Struct, frozen=True, array_like=True):
    """A part of a tally, to be counted with another's.

    Attributes:
        cells: handler, status, code, events, and the durations of their calls as doubles.
        failures: status, name, message, code, how many, and the first places.
    """

    cells: list[tuple[str, str, str, int, bytes]]
    failures: list[tuple[Status, str, str, Code, int, list[tuple[int, int]]]]


class Row(NamedTuple):
    """Outcomes of one kind.

    Attributes:
        code: why, "" of plain success.
        calls: invocations; fewer than events where they came in batches.
        p50: seconds of wall time of one call.
    """

    handler: str
    status: Status
    code: str
    events: int
    calls: int
    p50: float
    p99: float


@final
class Failure:
    """One error, and where it came up first.

    Attributes:
        places: of its first few events, in order: (index of the file, number within it).
    """

    __slots__ = ("code", "count", "message", "name", "places", "status")

    def __init__(self, status: Status, problem: Problem) -> None:
        self.status = status
        self.name = problem.name
        self.message = problem.message
        self.code = problem.code
        self.count = 0
        self.places: list[tuple[int, int]] = []

    def at(self, place: tuple[int, int], times: int = 1) -> None:
        """Count it once more, or so many times."""
        self.count += times
        if len(self.places) < _PLACES or place < self.places[-1]:
            insort(self.places, place)
            del self.places[_PLACES:]


@final
class Tally:
    """Counts outcomes by handler and status.

    Attributes:
        events: how many there were.
        by_status: of those.
        failures: by error, in the order in which they came up.
    """

    def __init__(self) -> None:
        self._cells: dict[tuple[str, str, str], _Cell] = {}
        self._failures: dict[tuple[str, str], Failure] = {}
        self.events = 0
        self.by_status = dict.fromkeys((status.value for status in Status), 0)

    def add(self, outcome: Outcome, numbers: Sequence[int], file: int = 0) -> None:
        """Count an outcome and the events it is of, by their numbers within a file."""
        if outcome.items:
            seen = set()
            for item, number in zip(outcome.items, numbers, strict=True):
                seen.add(self._count(outcome.handler, item.status, item.problem, number, file))
            for cell in seen:
                cell.durations.add(outcome.usage.wall)
        else:
            self.add_one(outcome, numbers[0], file)

    def add_one(self, outcome: Outcome, number: int, file: int = 0) -> None:
        """Count the outcome of one event: what :meth:`add` does, for the path of every event."""
        self._count(outcome.handler, outcome.status, outcome.problem, number, file).durations.add(
            outcome.usage.wall
        )

    def _count(self, handler: str, status: Status, problem: Problem | None, number: int, file: int) -> _Cell:
        # The members' plain strings: an enum's own hash is a call into Python.
        text: str = status._value_
        code: str = "" if problem is None else problem.code._value_
        cell = self._cell(handler, text, code)
        cell.events += 1
        self.events += 1
        self.by_status[text] += 1
        if problem is not None and text in _FAILED:
            self._note(status, problem, (file, number))
        return cell

    def take(self) -> Counted:
        """Hand over what was counted, and begin anew."""
        counted = Counted(
            [(*key, cell.events, cell.durations.packed()) for key, cell in self._cells.items()],
            [
                (failure.status, failure.name, failure.message, failure.code, failure.count, failure.places)
                for failure in self._failures.values()
            ],
        )
        self._cells, self._failures = {}, {}
        return counted

    def merge(self, counted: Counted) -> None:
        """Count what another tally has handed over."""
        for handler, status, code, events, packed in counted.cells:
            cell = self._cell(handler, status, code)
            cell.events += events
            self.events += events
            self.by_status[status] += events
            durations = array("d")
            durations.frombytes(packed)
            cell.durations.merge(durations)
        for status, name, message, code, count, places in counted.failures:
            problem = Problem(name=name, message=message, code=code)
            for place in places:
                self._note(status, problem, place, count - len(places) + 1 if place is places[0] else 1)

    def _cell(self, handler: str, status: str, code: str) -> _Cell:
        key = (handler, status, code)
        cell = self._cells.get(key)
        if cell is None:
            cell = self._cells[key] = _Cell()
        return cell

    def _note(self, status: Status, problem: Problem, place: tuple[int, int], times: int = 1) -> None:
        key = (problem.name, problem.message)
        failure = self._failures.get(key)
        if failure is None:
            if len(self._failures) >= FAILURES:
                key = ("", "other errors")
                problem = Problem(name="", message="other errors", code=problem.code)
                failure = self._failures.get(key)
            if failure is None:
                failure = self._failures[key] = Failure(status, problem)
        failure.at(place, times)

    @property
    def failed(self) -> int:
        """Events that were neither delivered nor dropped on purpose."""
        return sum(self.by_status[status] for status in _FAILED)

    @property
    def failures(self) -> list[Failure]:
        """By error, the most frequent first."""
        return sorted(self._failures.values(), key=lambda failure: (-failure.count, failure.places))

    def rows(self) -> list[Row]:
        """By handler and outcome, in that order."""
        order = {status.value: place for place, status in enumerate(Status)}
        return [
            Row(
                handler,
                Status(status),
                code,
                cell.events,
                cell.durations.count,
                *cell.durations.percentiles(50, 99),
            )
            for (handler, status, code), cell in sorted(
                self._cells.items(), key=lambda entry: (entry[0][0], order[entry[0][1]], entry[0][2])
            )
        ]


_FAILED: Final = frozenset({Status.REFUSED.value, Status.RETRY.value})
