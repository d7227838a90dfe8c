"""A Python call within WebAssembly, in a fresh instance; beside a bare interpreter, and the bar it is held to."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Final

import trio

from benchmarks._command import parser, run
from benchmarks._figures import Case, Figures, Sample, interleave, timed, timed_async
from benchmarks._report import Bar
from benchmarks.python import AT_ONCE, CODE, LIMITS, _at_once, _run, _start
from isthmus import Function, Kind
from isthmus_cpython._program import CPythonProgram
from isthmus_cpython_wasm import CPythonWasmRuntime

__all__ = ["main"]

BUSY: Final = """
def on_track(event, settings):
    total = 0
    for number in range(200_000):
        total += number
    return total
"""


def main(arguments: Sequence[str]) -> int:
    """Measure and print."""
    return run("python_wasm", parser("python_wasm", __doc__), _measure, arguments)


async def _measure(given: argparse.Namespace) -> tuple[list[Figures], list[Bar]]:
    count = 3 if given.quick else 10
    async with AsyncExitStack() as stack:
        subject = await _loaded(stack, CODE)
        busy = await _loaded(stack, BUSY)
        cases = [
            Case(
                name="interpreter",
                what="python -I -S -c pass, from its start to its end",
                sample=timed(_start, count, warm_up=1),
            ),
            Case(
                name="fresh",
                what="calls one after the other, each in an instance made for it",
                sample=timed_async(lambda: _run(subject), 2 * count),
            ),
            Case(
                name="ready",
                what="calls that each find an instance waiting",
                sample=_when_ready(subject, count),
                inside=True,
            ),
            Case(
                name=f"{AT_ONCE} at once",
                what=f"{AT_ONCE} calls under way at any time; wall time by call",
                sample=_at_once(subject, 4 * count),
            ),
            Case(
                name="loop",
                what="a call that goes 200,000 times round a loop",
                sample=timed_async(lambda: _run(busy), 2),
            ),
        ]
        figures = await interleave(cases, 3 if given.quick else 20)
    value = figures["fresh"].ratio_to(figures["interpreter"])
    return [*figures.values()], [Bar(case="fresh", text="fresh / interpreter", value=value, most=1 / 2)]


async def _loaded(stack: AsyncExitStack, code: str) -> CPythonProgram:
    function = Function(
        name="subject",
        kind=Kind.DESTINATION,
        language="python",
        code=code,
        file="subject.py",
        isolation="wasm",
    )
    program = await CPythonWasmRuntime().load(function, LIMITS)
    stack.push_async_callback(program.aclose)
    return program


def _when_ready(program: CPythonProgram, count: int) -> Sample:
    pool = program._pool

    async def until_ready() -> None:
        while not pool._ready or pool._arming or pool._returning:  # noqa: ASYNC110 -- nobody is told of it
            await trio.sleep(0.002)

    async def sample() -> Sequence[float]:
        seconds: list[float] = []
        for _ in range(count):
            await until_ready()
            seconds += await timed_async(lambda: _run(program), 1, warm_up=0)()
        return seconds

    return sample
