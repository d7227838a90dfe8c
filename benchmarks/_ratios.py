"""Ratios of a run beside those of runs before it: what has become worse, and what only seems so; pure.

A ratio is *worse* by what its median has moved in the wrong direction. It has *regressed* where that is more than ``MOST`` and
none of the runs now is as good as the worst of those before: of three runs and three, chance sorts one case in twenty so, of six
and three one in eighty-four (the rank-sum test's extreme). Where it is worse but the runs overlap, more runs can tell.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, final

import msgspec

__all__ = [
    "MOST",
    "YARDSTICK",
    "Ratios",
    "Record",
    "Verdict",
    "compared",
    "joined",
    "judge",
    "lost",
    "of_lines",
]

MOST: Final = 0.10
"""The part by which a ratio may be worse."""
YARDSTICK: Final = " / yardstick"
"""Ends the names of ratios to a fixed piece of work, which mean something on one kind of processor only."""

State = Literal["steady", "better", "unsure", "regressed"]


@final
class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One ratio, as runs had it.

    Attributes:
        better: which way is good.
        values: one a run, all above 0.
    """

    better: Literal["lower", "higher"]
    values: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.values or min(self.values) <= 0:
            raise ValueError(f"a ratio has values above 0, and not {self.values}")


Ratios = dict[str, dict[str, Record]]
"""By benchmark and name."""


@final
class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """How a ratio stands beside what it was.

    Attributes:
        bench: its benchmark.
        name: what is compared.
        worse: the part by which it is worse, below 0 where it is better.
        state: what that means.
    """

    bench: str
    name: str
    worse: float
    state: State


def judge(then: Record, now: Record) -> tuple[float, State]:
    """The part by which a ratio is worse, and what that means."""
    before, after = _costs(then), _costs(now)
    worse = statistics.median(after) / statistics.median(before) - 1
    if worse > MOST:
        return worse, "regressed" if min(after) > max(before) else "unsure"
    return worse, "better" if 1 / (1 + worse) - 1 > MOST and max(after) < min(before) else "steady"


def compared(then: Ratios, now: Ratios, *, same_processor: bool = True) -> list[Verdict]:
    """The verdict on each ratio that both have.

    Args:
        then: of runs before.
        now: of runs now.
        same_processor: both are of one kind; else ratios to the yardstick are left out.
    """
    return [
        Verdict(bench=bench, name=name, worse=worse, state=state)
        for bench, records in now.items()
        for name, record in records.items()
        if (same_processor or not name.endswith(YARDSTICK)) and (known := then.get(bench, {}).get(name))
        for worse, state in [judge(known, record)]
    ]


def lost(then: Ratios, now: Ratios) -> list[str]:
    """Ratios that were and are no more, of the benchmarks that were run: a case that is gone is not held to anything."""
    return [
        f"{bench}: {name}"
        for bench, records in then.items()
        if bench in now
        for name in records
        if name not in now[bench]
    ]


def of_lines(lines: Iterable[Mapping[str, Any]]) -> Ratios:
    """What is in the lines that ``--json`` makes, of one run or of several."""
    found: Ratios = {}
    for line in lines:
        for ratio in line.get("ratios", ()):
            record = Record(better=ratio["better"], values=(ratio["value"],))
            records = found.setdefault(line["bench"], {})
            found[line["bench"]] = joined(records, {ratio["name"]: record})
    return found


def joined(some: Mapping[str, Record], more: Mapping[str, Record]) -> dict[str, Record]:
    """The ratios of several runs of a benchmark together."""
    return {
        **some,
        **{
            name: Record(
                better=record.better, values=(*(some[name].values if name in some else ()), *record.values)
            )
            for name, record in more.items()
        },
    }


def _costs(record: Record) -> list[float]:
    """The values, so that less is better."""
    return [value if record.better == "lower" else 1 / value for value in record.values]
