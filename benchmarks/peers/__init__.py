"""A fresh world for every event, here and elsewhere: the same handler, event and hostile calls for all contenders."""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Sequence

from benchmarks import _plot
from benchmarks._command import drawable

from .contenders import CONTENDERS, Contender
from .contest import Sizes, hold
from .table import as_json_lines, as_markdown, bars

__all__ = ["main"]

QUICK = Sizes(turn=20, turns=1, stream=40, probes=1)


def main(arguments: Sequence[str]) -> int:
    """Hold the contest and print its tables; the exit status says nothing of the bars."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks peers", description=__doc__)
    parser.add_argument("--json", action="store_true", help="JSON lines, one a contender")
    parser.add_argument("--quick", action="store_true", help="few events of each, to see that it runs")
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="NAME",
        help="a contender beside isthmus; may be given again",
    )
    parser.add_argument(
        "--plot", type=drawable, metavar="FILE.svg", help="a drawing as well (isthmus[bench])"
    )
    given = parser.parse_args(arguments)
    taking_part = _chosen(parser, given.only)
    results = hold(taking_part, QUICK if given.quick else Sizes(), _say, given.only)
    show = as_json_lines if given.json else as_markdown
    print(show(taking_part, results, bars(taking_part, results)))
    if given.plot is not None:
        medians = [
            (result.contender, statistics.median(result.fresh) * 1e6) for result in results if result.fresh
        ]
        medians.sort(key=lambda each: each[1])
        _plot.write(_plot.bars(medians, "an event in a fresh world"), given.plot)
    return 0


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def _chosen(parser: argparse.ArgumentParser, only: Sequence[str]) -> tuple[Contender, ...]:
    names = {contender.name for contender in CONTENDERS}
    if unknown := [name for name in only if name not in names]:
        parser.error(f"no contender is called {unknown[0]!r}; there are {', '.join(sorted(names))}")
    return tuple(
        contender
        for contender in CONTENDERS
        if not only or contender.name == "isthmus" or contender.name in only
    )
