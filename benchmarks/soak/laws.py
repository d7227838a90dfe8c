"""What must hold of a soak, as bars over what was seen; pure."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Sequence
from typing import Final, TypeVar, final

import msgspec

from benchmarks._figures import p99
from benchmarks._report import Bar

__all__ = ["STEADY", "Seen", "doubled", "growth", "laws", "thirds"]

_Value = TypeVar("_Value")

WARM_UP: Final = 0.2
"""The part of the waves that comes first and does not count: pools fill, caches grow, code is compiled."""
LONG: Final = 300.0
"""Seconds from which on a soak says something of memory's growth and of times; before, allocators still reach their level."""
GROWTH: Final = 0.05
"""The part by which memory may grow from the end of the warm-up to the end."""
SHORT_GROWTH: Final = 0.5
MORE: Final = 4.0
"""By how many descriptors or threads the last third may hold more than the first: a lane, a process in readiness."""
SHORT_MORE: Final = 64.0
"""In a short soak a third is a wave or two, and what was killed last may not have been replaced."""
LATENCY: Final = 1.5
STEADY: Final = ("JavaScript", "WebAssembly")
"""Functions whose latency is judged: they are called most, and nobody kills their processes."""


@final
class Seen(msgspec.Struct, kw_only=True):
    """What a soak has seen.

    Attributes:
        seconds: that it took.
        at: seconds of each wave's end from the beginning.
        rss: bytes after each wave.
        descriptors: after each wave.
        threads: after each wave.
        rounds: seconds of the calls that ended as they should, by function and wave.
        expected: calls that were made.
        ended: outcomes that came.
        wrong: what is wrong with outcomes.
        crashed: outcomes that say that their process was killed.
        guests_killed: processes of guests.
        promised: ids whose ``accept`` returned.
        arrivals: monotonic seconds and id of each delivery that was answered with success.
        kills: monotonic seconds of each kill of the process that delivers.
        requests: to the endpoint.
        faults: requests that it failed.
    """

    seconds: float = 0.0
    at: list[float] = []
    rss: list[int] = []
    descriptors: list[int] = []
    threads: list[int] = []
    rounds: dict[str, list[Sequence[float]]] = {}
    expected: int = 0
    ended: int = 0
    wrong: list[str] = []
    crashed: int = 0
    guests_killed: int = 0
    promised: set[str] = set()
    arrivals: list[tuple[float, str]] = []
    kills: list[float] = []
    requests: int = 0
    faults: int = 0


def laws(seen: Seen) -> list[Bar]:
    """How the promises stand; those about time are left out of a soak that was too short for them."""
    long = seen.seconds >= LONG
    arrived = {identity for _, identity in seen.arrivals}
    bars = [
        _none("outcomes that did not come", seen.expected - seen.ended),
        _none("outcomes that are wrong", len(seen.wrong)),
        _none("accepted events that did not arrive", len(seen.promised - arrived)),
        _none("events that arrived twice without a kill between", doubled(seen.arrivals, seen.kills)),
        Bar(
            case="process",
            text="growth of resident memory",
            value=growth(_warm(seen.at), _warm(seen.rss)),
            most=GROWTH if long else SHORT_GROWTH,
        ),
        _more("descriptors", seen.descriptors, most=MORE if long else SHORT_MORE),
        _more("threads", seen.threads, most=MORE if long else SHORT_MORE),
    ]
    if long:
        for name in STEADY:
            first, last = (
                p99([*itertools.chain.from_iterable(waves)]) for waves in thirds(_warm(seen.rounds[name]))
            )
            bars.append(
                Bar(case=name, text=f"p99 of {name}, last third / first", value=last / first, most=LATENCY)
            )
    return bars


def growth(at: Sequence[float], values: Sequence[float]) -> float:
    """The part by which values grow over their time: the median of the slopes of all pairs, which no spike moves."""
    slopes = [
        (later - earlier) / (after - before)
        for (before, earlier), (after, later) in itertools.combinations(zip(at, values, strict=True), 2)
        if after > before
    ]
    if not slopes:
        return 0.0
    return statistics.median(slopes) * (at[-1] - at[0]) / statistics.median(values)


def doubled(arrivals: Sequence[tuple[float, str]], kills: Sequence[float]) -> int:
    """How often something arrived again though nothing was killed since it had arrived before."""
    count, last = 0, dict[str, float]()
    for when, identity in sorted(arrivals):
        before = last.get(identity)
        count += before is not None and not any(before <= kill <= when for kill in kills)
        last[identity] = when
    return count


def thirds(values: Sequence[_Value]) -> tuple[Sequence[_Value], Sequence[_Value]]:
    """The first third and the last, each of one value at least."""
    size = max(len(values) // 3, 1)
    return values[:size], values[-size:]


def _warm(values: Sequence[_Value]) -> Sequence[_Value]:
    return values[min(int(len(values) * WARM_UP), len(values) - 1) :]


def _none(text: str, value: int) -> Bar:
    return Bar(case="soak", text=text, value=float(value), most=0.0)


def _more(what: str, values: Sequence[int], *, most: float) -> Bar:
    first, last = thirds(_warm(values))
    # What is least: between two waves a connection or a ready process may be there or not.
    return Bar(
        case="process",
        text=f"more {what}, last third over first",
        value=float(min(last) - min(first)),
        most=most,
    )
