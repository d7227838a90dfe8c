"""``--coverage`` of commands that try functions out: which lines ran, on the screen and in reports."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

from isthmus._linetrace import LineTrace

from .definition import Project
from .faults import UsageFault
from .linereport import Lines, cobertura, lcov, summary
from .options import Parser
from .screen import Screen, visible

__all__ = ["add_coverage", "tell_coverage", "wants_coverage"]


def add_coverage(parser: Parser) -> None:
    """Give a command the options."""
    group = parser.add_argument_group("which lines ran")
    group.add_argument(
        "--coverage",
        action="store_true",
        help="say which lines of the code ran, where its runtime can tell (Python's can)",
    )
    group.add_argument("--lcov", metavar="FILE", help="write it as an LCOV tracefile as well")
    group.add_argument("--cobertura", metavar="FILE", help="write it as Cobertura's XML as well")


def wants_coverage(arguments: argparse.Namespace) -> bool:
    """Whether any of them was given."""
    return bool(arguments.coverage or arguments.lcov or arguments.cobertura)


def tell_coverage(
    arguments: argparse.Namespace, traced: Sequence[tuple[Project, LineTrace]], screen: Screen
) -> None:
    """Say it, and write the reports; what no runtime has told is said to be so, and in no report.

    Raises:
        UsageFault: a report cannot be written.
    """
    files: list[Lines] = []
    for project, trace in traced:
        if not trace.among:
            text = f"{project.name}: its runtime does not tell which lines ran"
            screen.print(screen.paint(visible(text), "dim"))
            continue
        found = Lines(file=str(project.code), among=frozenset(trace.among), ran=frozenset(trace.ran))
        screen.print(visible(summary(found)))
        files.append(found)
    for path, report in (
        (arguments.lcov, lcov(files)),
        (arguments.cobertura, cobertura(files, time.time_ns() // 1_000_000)),
    ):
        if path:
            try:
                Path(path).write_bytes(report)
            except OSError as exc:
                raise UsageFault(f"{path} cannot be written: {exc.strerror}") from None
