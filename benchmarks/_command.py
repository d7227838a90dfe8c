"""A benchmark as a command: its arguments, the thread it measures in, and how it is told."""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import threading
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import trio

from . import _plot
from ._figures import Figures
from ._ratios import Ratios, compared, of_lines
from ._report import Bar, Report, machine
from ._tables import as_json_lines, as_markdown, as_table, verdicts_as_table

__all__ = ["Measure", "drawable", "parser", "run", "tell"]

NATIVE_STACK = 64 * 1024 * 1024
"""Bytes of the measuring thread's stack: worlds want as much as a lane has."""

Measure = Callable[[argparse.Namespace], Awaitable[tuple[list[Figures], list[Bar]]]]
"""Measures, within Trio, as the arguments say: what was found, and how the bars stand."""


def parser(name: str, summary: str | None) -> argparse.ArgumentParser:
    """The arguments that all benchmarks take: ``json``, ``markdown``, ``quick``, ``history`` and ``plot``."""
    made = argparse.ArgumentParser(prog=f"python -m benchmarks {name}", description=summary)
    told = made.add_mutually_exclusive_group()
    told.add_argument("--json", action="store_true", help="JSON lines, one a case")
    told.add_argument("--markdown", action="store_true", help="tables for a README")
    made.add_argument("--quick", action="store_true", help="few calls, figures that say little: that it runs")
    made.add_argument(
        "--history",
        type=_earlier,
        metavar="FILE",
        help="JSON lines of earlier runs, which ratios are compared with",
    )
    made.add_argument("--plot", type=drawable, metavar="FILE.svg", help="a drawing as well (isthmus[bench])")
    return made


def drawable(path: str) -> Path:
    """Where a drawing is to go: asked before anything is measured."""
    if not path.endswith(".svg"):
        raise argparse.ArgumentTypeError(f"a drawing is an SVG, and {path} is not called one")
    if importlib.util.find_spec("vl_convert") is None:
        raise argparse.ArgumentTypeError("what draws is not there: pip install 'isthmus[bench]'")
    return Path(path)


def _earlier(path: str) -> tuple[Ratios, bool]:
    """What earlier runs had, and whether it was on this kind of processor."""
    try:
        lines = [json.loads(line) for line in Path(path).read_text("utf-8").splitlines() if line.strip()]
        same = all(line["machine"]["processor"] == machine()["processor"] for line in lines)
        return of_lines(lines), same
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise argparse.ArgumentTypeError(f"{path} has no JSON lines of earlier runs: {error!r}") from None


def run(name: str, made: argparse.ArgumentParser, measure: Measure, arguments: Sequence[str]) -> int:
    """Measure and print; the exit status says nothing of the bars."""
    given = made.parse_args(arguments)
    done: list[tuple[list[Figures], list[Bar]]] = []
    before = threading.stack_size(NATIVE_STACK)
    try:
        thread = threading.Thread(target=lambda: done.append(trio.run(measure, given)))
        thread.start()
    finally:
        threading.stack_size(before)
    thread.join()
    if not done:
        return 1  # the thread has said why
    figures, bars = done[0]
    tell(Report(bench=name, figures=figures, bars=bars), given)
    return 0


def tell(report: Report, given: argparse.Namespace) -> None:
    """Print a report as the arguments say, and beside it what earlier runs had; draw it, where that is asked for."""
    print((as_json_lines if given.json else as_markdown if given.markdown else as_table)(report))
    if given.history is not None:
        then, same = given.history
        verdicts = compared(then, of_lines(report.lines()), same_processor=same)
        # Beside JSON lines, which a program reads, it goes where a person looks.
        print(f"\n{verdicts_as_table(verdicts)}", file=sys.stderr if given.json else sys.stdout)
    if given.plot is not None:
        _plot.write(
            _plot.bars([(each.name, each.median * 1e6) for each in report.figures], report.bench), given.plot
        )
