"""What was measured, with the bars it is held to, as values; and the machine it was measured on."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, final

import msgspec

from ._figures import Figures, p99
from ._ratios import YARDSTICK

__all__ = ["Bar", "Report", "machine"]

GUEST = Path(__file__).parents[1] / "runtimes" / "isthmus_quickjs" / "guest"


@final
class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """A promise and how it stands.

    Attributes:
        case: the case whose figure it is about.
        text: what is compared: ``restored / warm``.
        value: what was measured.
        most: the promise is kept up to this value, None where it has no upper end.
        least: the promise is kept from this value on, None where it has no lower end.
        unit: of the value, "" for a ratio.
    """

    case: str
    text: str
    value: float
    most: float | None = None
    least: float | None = None
    unit: str = ""

    @property
    def holds(self) -> bool:
        """Whether the promise is kept."""
        return (self.most is None or self.value <= self.most) and (
            self.least is None or self.value >= self.least
        )

    @property
    def better(self) -> str:
        """Which way is good: ``lower`` or ``higher``."""
        return "lower" if self.most is not None else "higher"

    @property
    def bar(self) -> str:
        """The promise, as one writes it."""
        return f"<= {self.most:g}" if self.most is not None else f">= {self.least:g}"


@final
class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a benchmark has found.

    Attributes:
        bench: its name.
        figures: of its cases.
        bars: the promises.
    """

    bench: str
    figures: Sequence[Figures]
    bars: Sequence[Bar]

    def lines(self) -> list[dict[str, Any]]:
        """For programs: an object a case, with the bars that are about it and the ratios that runs are compared by."""
        found = machine()
        return [self._line(each, found) for each in self.figures]

    def _line(self, figures: Figures, found: Mapping[str, str | int]) -> dict[str, Any]:
        seconds = figures.seconds
        bars = [bar for bar in self.bars if bar.case == figures.name]
        ratios = [
            {"name": bar.text, "better": bar.better, "value": bar.value}
            for bar in bars
            if not bar.unit and 0 < bar.value < math.inf
        ]
        if (times := figures.in_yardsticks) is not None:
            ratios.append({"name": figures.name + YARDSTICK, "better": "lower", "value": times})
        return {
            "bench": self.bench,
            "case": figures.name,
            "what": figures.what,
            "median_us": round(figures.median * 1e6, 2),
            "min_us": round(seconds[0] * 1e6, 2),
            "p99_us": round(p99(seconds) * 1e6, 2),
            "n": len(seconds),
            "per_second": round(1 / figures.median, 1),
            "inside": figures.inside,
            **{name: round(value, 4) for name, value in figures.extra.items()},
            "bars": [
                {
                    "text": bar.text,
                    "value": round(bar.value, 4),
                    "bar": bar.bar,
                    "unit": bar.unit,
                    "holds": bar.holds,
                }
                for bar in bars
            ],
            "ratios": ratios,
            "machine": found,
        }


def machine() -> dict[str, str | int]:
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return {
        "cpus": cpus,
        "processor": _processor(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "trio": version("trio"),
        "wasmtime": version("wasmtime"),
        "quickjs_ng": _quickjs(),
    }


def _quickjs() -> str:
    """The version that the guest's build names; unknown where only the built guest is there."""
    try:
        build = (GUEST / "build.py").read_text("utf-8")
    except OSError:
        return "unknown"
    return next(
        (
            line.split('"')[1].partition("==")[2]
            for line in build.splitlines()
            if line.startswith("QUICKJS") and '"' in line
        ),
        "unknown",
    )


def _processor() -> str:
    """What the system calls the processor, "" where it does not say."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
