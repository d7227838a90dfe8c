"""The contest as Markdown for people and JSON lines for programs."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Sequence

from benchmarks._figures import p99
from benchmarks._report import Bar

from .contenders import Contender
from .contest import LIMIT, Probed, Result

__all__ = ["as_json_lines", "as_markdown", "bars"]

GONE = float("inf")
"""Seconds until a call was stopped that had to be killed from outside."""

SLACK = 1.5
"""A limit holds where a hostile call is stopped within so many times its limit."""


def as_markdown(contenders: Sequence[Contender], results: Iterable[Result], kept: Sequence[Bar]) -> str:
    """Two tables: what an event costs, and how hostile calls end."""
    results = list(results)
    by_name = {contender.name: contender for contender in contenders}
    lines = [
        "| contender | boundary | fresh world, µs | p99 | kept world, µs | fresh, events/s | KB a live world | first event, ms |",
        "|---|---|--:|--:|--:|--:|--:|--:|",
    ]
    for result in results:
        isolation = by_name[result.contender].isolation
        if result.absent:
            lines.append(f"| {result.contender} | {isolation} | absent: {result.absent} | | | | | |")
            continue
        live = "" if result.live is None else f"{result.live / 1024:,.0f}"
        figures = (
            _us(statistics.median(result.fresh)),
            _us(p99(result.fresh)),
            _us(statistics.median(result.kept)),
            f"{result.throughput:,.0f}",
            live,
            f"{result.first * 1e3:,.0f}",
        )
        lines.append(f"| {result.contender} | {isolation} | " + " | ".join(figures) + " |")
    taking_part = [result for result in results if not result.absent]
    names = list(dict.fromkeys(name for result in taking_part for name in result.probes))
    lines += ["", f"Milliseconds until a hostile call was stopped, the limit being {LIMIT * 1e3:g}:", ""]
    lines += [f"| contender | {' | '.join(names)} |", f"|---|{'--:|' * len(names)}"]
    for result in taking_part:
        cells = [_cell(result.probes.get(name)) for name in names]
        lines.append(f"| {result.contender} | {' | '.join(cells)} |")
    lines += [""]
    for bar in kept:
        lines.append(
            f"{bar.text}: {bar.value:.3g} (bar {bar.bar}, {'holds' if bar.holds else 'DOES NOT HOLD'})"
        )
    return "\n".join(lines)


def as_json_lines(contenders: Sequence[Contender], results: Iterable[Result], kept: Sequence[Bar]) -> str:
    """One JSON object a contender, then one a bar."""
    by_name = {contender.name: contender for contender in contenders}
    lines: list[dict[str, object]] = []
    for result in results:
        contender = by_name[result.contender]
        line: dict[str, object] = {
            "contender": result.contender,
            "language": contender.language,
            "boundary": contender.boundary,
            "isolation": contender.isolation,
        }
        if result.absent:
            lines.append({**line, "absent": result.absent})
            continue
        line |= {
            "fresh_us": round(statistics.median(result.fresh) * 1e6, 1),
            "fresh_p99_us": round(p99(result.fresh) * 1e6, 1),
            "kept_us": round(statistics.median(result.kept) * 1e6, 1),
            "kept_p99_us": round(p99(result.kept) * 1e6, 1),
            "fresh_per_second": round(result.throughput, 1),
            "live_bytes": result.live,
            "first_ms": round(result.first * 1e3, 1),
            "probes": {
                name: {
                    "ms": None if probed.seconds is None else round(probed.seconds * 1e3, 1),
                    "how": probed.how,
                }
                for name, probed in result.probes.items()
            },
        }
        lines.append(line)
    lines += [
        {"bar": bar.text, "value": round(bar.value, 4), "promise": bar.bar, "holds": bar.holds}
        for bar in kept
    ]
    return "\n".join(json.dumps(line) for line in lines)


def bars(contenders: Sequence[Contender], results: Iterable[Result]) -> list[Bar]:
    """The promises: JavaScript in fresh worlds against the best of each kind, and the limits of our own."""
    taking_part = {result.contender: result for result in results if not result.absent}
    ours = taking_part["isthmus"]
    others = [
        (contender, taking_part[contender.name])
        for contender in contenders
        if contender.name in taking_part
        and contender.language == "javascript"
        and not contender.name.startswith("isthmus")
    ]
    kept = []
    for text, boundaries, least in (
        (
            "fresh JavaScript worlds a second / the best other behind a boundary",
            {"memory-safe", "process"},
            3.0,
        ),
        ("fresh JavaScript worlds a second / the best other without one", {"none"}, 1.0),
    ):
        rivals = [result.throughput for contender, result in others if contender.boundary in boundaries]
        if rivals:
            kept.append(Bar(case="isthmus", text=text, value=ours.throughput / max(rivals), least=least))
    stopped = [GONE if probed.seconds is None else probed.seconds for probed in ours.probes.values()]
    kept.append(
        Bar(case="isthmus", text="slowest hostile call / its limit", value=max(stopped) / LIMIT, most=SLACK)
    )
    return kept


def _us(seconds: float) -> str:
    return f"{seconds * 1e6:,.0f}"


def _cell(probed: Probed | None) -> str:
    if probed is None:
        return ""
    if probed.seconds is None:
        return f"**{probed.how}**"
    milliseconds = f"{probed.seconds * 1e3:,.0f}"
    return milliseconds if probed.seconds <= LIMIT * SLACK else f"**{milliseconds}**"
