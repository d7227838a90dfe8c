"""Cases measured in turns, so that whatever else the machine does hits all of them alike.

A *round* runs every case once, for a few calls each; the next round runs them in the opposite order.
A ratio of two cases is the median over the rounds of the ratio of their medians within one round.
"""

from __future__ import annotations

import hashlib
import json
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, final

import msgspec

__all__ = ["Case", "Figures", "Sample", "interleave", "p99", "timed", "timed_async"]

Sample = Callable[[], Awaitable[Sequence[float]]]


@final
class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One operation to be measured.

    Attributes:
        name: how it is called in every output.
        what: one sentence.
        sample: one turn: seconds of each call; where many calls are one measurement, their mean.
        inside: it reaches for what is no public API, because there is none.
    """

    name: str
    what: str
    sample: Sample
    inside: bool = False


@final
class Figures(msgspec.Struct, kw_only=True):
    """What was measured of a case.

    Attributes:
        rounds: seconds of each call, by round.
        yardstick: seconds of the yardstick in the same rounds; empty where none was measured beside it.
        extra: what else there is to say, by name with its unit: ``rss_mb_each``.
    """

    name: str
    what: str
    inside: bool = False
    rounds: list[Sequence[float]] = []
    yardstick: list[Sequence[float]] = []
    extra: dict[str, float] = {}

    @property
    def seconds(self) -> list[float]:
        """All calls, the quickest first."""
        return sorted(seconds for round_ in self.rounds for seconds in round_)

    @property
    def median(self) -> float:
        """Seconds of a call."""
        return statistics.median(self.seconds)

    def ratio_to(self, other: Figures) -> float:
        """How many times as long as the other's a call took, in rounds that both were part of."""
        return _ratio(self.rounds, other.rounds)

    @property
    def in_yardsticks(self) -> float | None:
        """How many times as long as the yardstick a call took; None where there was none beside it."""
        return _ratio(self.rounds, self.yardstick) if self.yardstick else None


def _ratio(mine: Sequence[Sequence[float]], others: Sequence[Sequence[float]]) -> float:
    pairs = zip(mine, others, strict=True)
    return statistics.median(statistics.median(these) / statistics.median(those) for these, those in pairs)


async def interleave(cases: Sequence[Case], rounds: int) -> dict[str, Figures]:
    """Run the cases round after round, after one round that does not count, and the yardstick in each."""
    yardstick: list[Sequence[float]] = []
    figures = {
        case.name: Figures(name=case.name, what=case.what, inside=case.inside, yardstick=yardstick)
        for case in cases
    }
    measure = timed(_yardstick, 10)
    for number in range(rounds + 1):
        lengths = await measure()
        if number:
            yardstick.append(lengths)
        for case in cases if number % 2 else reversed(cases):
            seconds = await case.sample()
            if number:
                figures[case.name].rounds.append(seconds)
    return figures


_TEXT: Final = json.dumps(
    [{"name": f"thing {number}", "price": number / 7, "tags": ["a", "b"]} for number in range(100)]
)


def _yardstick() -> None:
    """A piece of work that is the same for ever, of Python's own and nothing of ours: by it a machine's pace is told."""
    items = json.loads(_TEXT)
    items.sort(key=lambda item: -item["price"])
    hashlib.sha256(json.dumps(items).encode()).digest()


def timed(call: Callable[[], object], count: int, *, warm_up: int = 2) -> Sample:
    """A sample of so many calls, each timed alone, after some that do not count: the last case had the caches."""

    async def sample() -> Sequence[float]:
        for _ in range(warm_up):
            call()
        seconds = []
        for _ in range(count):
            began = time.perf_counter()
            call()
            seconds.append(time.perf_counter() - began)
        return seconds

    return sample


def timed_async(call: Callable[[], Awaitable[object]], count: int, *, warm_up: int = 2) -> Sample:
    """As :func:`timed`, of calls that are awaited one after the other."""

    async def sample() -> Sequence[float]:
        for _ in range(warm_up):
            await call()
        seconds = []
        for _ in range(count):
            began = time.perf_counter()
            await call()
            seconds.append(time.perf_counter() - began)
        return seconds

    return sample


def p99(times: Sequence[float]) -> float:
    """What ninety-nine of a hundred do not exceed; of one alone, that one."""
    return statistics.quantiles(times, n=100, method="inclusive")[98] if len(times) > 1 else times[0]
