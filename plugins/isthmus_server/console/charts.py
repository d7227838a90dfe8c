"""Numbers of a chart: where its bars begin and how long they are.  Pure; templates draw them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import final

import msgspec

from isthmus.outcomes import Exchange
from isthmus_server.store import Count, Step

__all__ = ["Bar", "Column", "columns", "heights", "waterfall"]

PARTS: Mapping[Step, str] = {
    Step.DELIVERED: "delivered",
    Step.FILTERED_AT_DESTINATION: "filtered",
    Step.FILTERED_AT_SOURCE: "filtered",
    Step.RETRIED: "retried",
    Step.FAILED: "failed",
    Step.FAILED_ON_INGEST: "failed",
}
"""What a step is called in a chart; those that are not here are in no bar."""


@final
class Bar(msgspec.Struct, frozen=True):
    """A bar, in percent of the width, or of the height, that there is."""

    start: float
    length: float


@final
class Column(msgspec.Struct, frozen=True):
    """What happened in one span of time.

    Attributes:
        at: seconds since the epoch at its beginning.
        counts: by what it is called, in the order in which it is stacked.
        bars: likewise, from the bottom.
    """

    at: float
    counts: dict[str, int]
    bars: dict[str, Bar]


def columns(counts: Iterable[Count], *, since: int, until: int, span: int) -> list[Column]:
    """A column for each span of time, those in which nothing happened as well; the tallest fills the height.

    Args:
        counts: by spans.
        since: milliseconds since the epoch.
        until: likewise, itself excluded.
        span: milliseconds; spans begin at its multiples.
    """
    found: dict[int, dict[str, int]] = defaultdict(lambda: dict.fromkeys(dict.fromkeys(PARTS.values()), 0))
    for count in counts:
        if count.step in PARTS:
            found[count.at][PARTS[count.step]] += count.count
    tallest = max((sum(parts.values()) for parts in found.values()), default=0) or 1
    begins = range(since // span * span, until, span)
    return [Column(at / 1000, found[at], _stacked(found[at], tallest)) for at in begins]


def _stacked(parts: Mapping[str, int], tallest: int) -> dict[str, Bar]:
    bars, bottom = {}, 0.0
    for name, count in parts.items():
        length = round(100 * count / tallest, 3)
        bars[name] = Bar(bottom, length)
        bottom = round(bottom + length, 3)
    return {name: bar for name, bar in bars.items() if bar.length}


def waterfall(exchanges: Sequence[Exchange], took: float) -> list[Bar]:
    """A bar for each request, within the time of the call.

    Args:
        exchanges: of one call.
        took: seconds of the call.
    """
    whole = max([took, *(each.started + each.duration for each in exchanges), 1e-6])
    return [
        Bar(round(100 * each.started / whole, 2), round(max(100 * each.duration / whole, 0.6), 2))
        for each in exchanges
    ]


def heights(numbers: Sequence[float]) -> list[float]:
    """Each number in percent of the largest."""
    tallest = max(numbers, default=0.0) or 1.0
    return [round(100 * number / tallest, 2) for number in numbers]
