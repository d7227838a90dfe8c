"""What was measured, as a table for people or JSON lines for programs, with the bars it is held to."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, final

import msgspec

from ._figures import Figures, p99

__all__ = ["Bar", "as_json_lines", "as_table"]

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
    def bar(self) -> str:
        """The promise, as one writes it."""
        return f"<= {self.most:g}" if self.most is not None else f">= {self.least:g}"


def as_table(bench: str, figures: Iterable[Figures], bars: Sequence[Bar]) -> str:
    """Lay it out in columns; times are in microseconds."""
    rows: list[tuple[str, ...]] = [("case", "median µs", "min µs", "p99 µs", "n", "calls/s", "")]
    for each in figures:
        seconds = each.seconds
        notes = "  ".join(f"{name} {value:.4g}" for name, value in each.extra.items())
        rows.append(
            (
                f"{each.name} *" if each.inside else each.name,
                *(f"{figure * 1e6:,.1f}" for figure in (each.median, seconds[0], p99(seconds))),
                str(len(seconds)),
                f"{1 / each.median:,.0f}",
                notes,
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(
            cell.ljust(width) if column in {0, 6} else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    lines += ["", "* by what is no public API", ""]
    width = max((len(bar.text) for bar in bars), default=0)
    for bar in bars:
        verdict = "holds" if bar.holds else "DOES NOT HOLD"
        lines.append(f"{bar.text.ljust(width)}  {bar.value:8.3f} {bar.unit:4} bar {bar.bar:8}  {verdict}")
    machine = " ".join(f"{name}={value}" for name, value in _machine().items())
    return "\n".join([f"{bench}: {machine}", "", *lines])


def as_json_lines(bench: str, figures: Iterable[Figures], bars: Sequence[Bar]) -> str:
    """One JSON object a case, with the bars that are about it."""
    machine = _machine()
    lines = []
    for each in figures:
        seconds = each.seconds
        line: dict[str, Any] = {
            "bench": bench,
            "case": each.name,
            "what": each.what,
            "median_us": round(each.median * 1e6, 2),
            "min_us": round(seconds[0] * 1e6, 2),
            "p99_us": round(p99(seconds) * 1e6, 2),
            "n": len(seconds),
            "per_second": round(1 / each.median, 1),
            "inside": each.inside,
            **{name: round(value, 4) for name, value in each.extra.items()},
            "bars": [
                {
                    "text": bar.text,
                    "value": round(bar.value, 4),
                    "bar": bar.bar,
                    "unit": bar.unit,
                    "holds": bar.holds,
                }
                for bar in bars
                if bar.case == each.name
            ],
            "machine": machine,
        }
        lines.append(json.dumps(line, ensure_ascii=False))
    return "\n".join(lines)


def _machine() -> dict[str, str | int]:
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return {
        "cpus": cpus,
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
