"""Functions in three languages for a long time, hostile ones among them, processes killed and networks failing: what must hold."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Final

import trio

from benchmarks import _plot
from benchmarks._command import parser, tell
from benchmarks._figures import Figures, p99
from benchmarks._report import Report

from .conductor import hold
from .functions import MEMBERS
from .laws import STEADY, Seen, laws

__all__ = ["main"]

QUICK: Final = 0.2
"""Minutes."""
SHOWN: Final = 5
"""Wrong outcomes that are shown."""


def main(arguments: Sequence[str]) -> int:
    """Hold a soak and print what was seen; the exit status is 1 where a law does not hold."""
    made = parser("soak", __doc__)
    made.add_argument("--minutes", type=_minutes, default=20.0, help="how long, 20 by default")
    made.add_argument("--seed", type=int, default=1, help="of all that is drawn by chance")
    given = made.parse_args(arguments)
    seen = trio.run(hold, QUICK if given.quick else given.minutes, given.seed, _say)
    for wrong in seen.wrong[:SHOWN]:
        _say(f"wrong: {wrong}")
    kept = laws(seen)
    plot, given.plot = given.plot, None
    tell(Report(bench="soak", figures=_figures(seen), bars=kept), given)
    if plot is not None:
        _plot.write(_plot.lines(_courses(seen), "soak"), plot)
    return 0 if all(law.holds for law in kept) else 1


def _minutes(text: str) -> float:
    minutes = float(text)
    if not 0 < minutes <= 24 * 60:
        raise argparse.ArgumentTypeError("minutes are above 0, a day at the most")
    return minutes


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _figures(seen: Seen) -> list[Figures]:
    whole = Figures(
        name="soak",
        what="from the beginning to the last delivery; time by outcome",
        rounds=[[seen.seconds / max(seen.ended, 1)]],
        extra={
            "minutes": seen.seconds / 60,
            "outcomes": float(seen.ended),
            "rss_mb": seen.rss[-1] / 1e6,
            "descriptors": float(seen.descriptors[-1]),
            "guests_killed": float(seen.guests_killed),
            "crashed": float(seen.crashed),
            "accepted": float(len(seen.promised)),
            "deliveries": float(len(seen.arrivals)),
            "kills": float(len(seen.kills)),
            "requests": float(seen.requests),
            "faults": float(seen.faults),
        },
    )
    each = [
        Figures(name=member.name, what="a call of the mix, until its outcome", rounds=rounds)
        for member in MEMBERS
        if any(rounds := [wave for wave in seen.rounds[member.name] if wave])
    ]
    return [whole, *each]


def _courses(seen: Seen) -> dict[str, list[tuple[float, float]]]:
    """What a drawing shows over time."""

    def course(values: Sequence[float]) -> list[tuple[float, float]]:
        return list(zip(seen.at, values, strict=True))

    return {
        "memory, MiB": course([rss / 2**20 for rss in seen.rss]),
        "descriptors": course([float(count) for count in seen.descriptors]),
        **{
            f"p99 of {name}, ms": course([p99(sorted(wave)) * 1e3 for wave in seen.rounds[name]])
            for name in STEADY
        },
    }
