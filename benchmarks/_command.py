"""A benchmark as a command: its arguments, the thread it measures in, and how it is told."""

from __future__ import annotations

import argparse
import threading
from collections.abc import Awaitable, Callable, Sequence

import trio

from ._figures import Figures
from ._report import Bar, as_json_lines, as_table

__all__ = ["Measure", "parser", "run"]

NATIVE_STACK = 64 * 1024 * 1024
"""Bytes of the measuring thread's stack: worlds want as much as a lane has."""

Measure = Callable[[argparse.Namespace], Awaitable[tuple[list[Figures], list[Bar]]]]
"""Measures, within Trio, as the arguments say: what was found, and how the bars stand."""


def parser(name: str, summary: str | None) -> argparse.ArgumentParser:
    """The arguments that all benchmarks take: ``json`` and ``quick``."""
    made = argparse.ArgumentParser(prog=f"python -m benchmarks {name}", description=summary)
    made.add_argument("--json", action="store_true", help="JSON lines, one a case")
    made.add_argument("--quick", action="store_true", help="few calls, figures that say little: that it runs")
    return made


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
    print((as_json_lines if given.json else as_table)(name, *done[0]))
    return 0
