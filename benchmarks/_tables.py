"""A report as a table for a terminal, as one for a README, and as JSON lines."""

from __future__ import annotations

import json
from collections.abc import Sequence

from ._figures import Figures, p99
from ._ratios import Verdict
from ._report import Bar, Report, machine

__all__ = ["as_json_lines", "as_markdown", "as_table", "verdicts_as_table"]


def as_table(report: Report) -> str:
    """Columns; times are in microseconds, and a star is at what is measured by what is no public API."""
    rows = [("case", "median µs", "min µs", "p99 µs", "n", "calls/s", "")]
    rows += [_row(each) for each in report.figures]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(
            cell.ljust(width) if column in {0, 6} else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    lines += ["", "* by what is no public API", ""] if any(each.inside for each in report.figures) else [""]
    width = max((len(bar.text) for bar in report.bars), default=0)
    lines += [
        f"{bar.text.ljust(width)}  {bar.value:8.3f} {bar.unit:4} bar {bar.bar:8}  {_verdict(bar)}"
        for bar in report.bars
    ]
    return "\n".join([f"{report.bench}: {_machine()}", "", *lines])


def as_markdown(report: Report) -> str:
    """Two tables, of the cases and of the promises."""
    lines = ["| case | median µs | p99 µs | calls/s | |", "|---|--:|--:|--:|---|"]
    for each in report.figures:
        name, median, _, high, _, rate, notes = _row(each)
        lines.append(f"| {name} | {median} | {high} | {rate} | {notes} |")
    if report.bars:
        lines += ["", "| what | found | to be | |", "|---|--:|--:|---|"]
    for bar in report.bars:
        found = f"{bar.value:.3g} {bar.unit}".rstrip()
        lines.append(f"| {bar.text} | {found} | {bar.bar} {bar.unit}".rstrip() + f" | {_verdict(bar)} |")
    return "\n".join([*lines, "", f"`python -m benchmarks {report.bench}`, {_machine()}"])


def as_json_lines(report: Report) -> str:
    """One JSON object a case."""
    return "\n".join(json.dumps(line, ensure_ascii=False) for line in report.lines())


def verdicts_as_table(verdicts: Sequence[Verdict]) -> str:
    """Each ratio with what it has become, the worst first."""
    width = max((len(f"{each.bench}: {each.name}") for each in verdicts), default=0)
    return "\n".join(
        f"{f'{each.bench}: {each.name}'.ljust(width)}  {abs(each.worse):6.1%} {'worse' if each.worse > 0 else 'better':6}  "
        f"{each.state if each.state != 'steady' else ''}".rstrip()
        for each in sorted(verdicts, key=lambda each: -each.worse)
    )


def _row(figures: Figures) -> tuple[str, str, str, str, str, str, str]:
    seconds = figures.seconds
    return (
        f"{figures.name} *" if figures.inside else figures.name,
        f"{figures.median * 1e6:,.1f}",
        f"{seconds[0] * 1e6:,.1f}",
        f"{p99(seconds) * 1e6:,.1f}",
        str(len(seconds)),
        f"{1 / figures.median:,.0f}",
        "  ".join(f"{name} {value:.4g}" for name, value in figures.extra.items()),
    )


def _verdict(bar: Bar) -> str:
    return "holds" if bar.holds else "DOES NOT HOLD"


def _machine() -> str:
    return ", ".join(f"{name} {value}" for name, value in machine().items())
