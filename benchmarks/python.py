"""A Python call: in a process that was ready, and in one forked for it; beside a bare interpreter; and its bars."""

from __future__ import annotations

import argparse
import subprocess
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Final

import trio

from benchmarks._command import parser, run
from benchmarks._figures import Case, Figures, Sample, interleave, timed, timed_async
from benchmarks._report import Bar
from benchmarks._subject import API_KEY, EVENT
from isthmus import Function, Kind, Limits
from isthmus._host import Door, InvocationHost
from isthmus.abc import Call, Egress, Host, Killed, Returned
from isthmus_cpython import CPythonRuntime
from isthmus_cpython._program import CPythonProgram
from isthmus_cpython._spawning import executable

__all__ = ["main"]

AT_ONCE: Final = 4
"""Calls under way at once where throughput is measured."""
LIMITS: Final = Limits()
LIMIT: Final = 0.2
"""Seconds that the loop without end is given."""

CODE: Final = """
def on_track(event, settings):
    items = event["properties"]["items"]
    return {
        "user": event["userId"],
        "total": sum(item["price"] * item["qty"] for item in items),
        "key": settings["apiKey"][:4],
        "tags": [item["sku"].lower() for item in items],
    }
"""

ENDLESS: Final = """
import signal

def on_track(event, settings):
    for number in range(1, 65):
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
    signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
    while True:
        try:
            while True:
                pass
        except BaseException:
            continue
"""


def main(arguments: Sequence[str]) -> int:
    """Measure and print."""
    return run("python", parser("python", __doc__), _measure, arguments)


async def _measure(given: argparse.Namespace) -> tuple[list[Figures], list[Bar]]:
    quick = given.quick
    async with AsyncExitStack() as stack:
        armed = await _loaded(stack, CODE, ready=8)
        forked = await _loaded(stack, CODE, ready=0)
        bare = await _loaded(stack, CODE, ready=0, isolation="process")
        count = 3 if quick else 10
        cases = [
            Case(
                name="interpreter",
                what="python -I -S -c pass, from its start to its end",
                sample=timed(_start, count, warm_up=1),
            ),
            Case(
                name="ready",
                what="a call in a process forked and confined before it",
                sample=_when_ready(armed, count),
                inside=True,
            ),
            Case(
                name="forked",
                what="a call in a process forked and confined for it",
                sample=timed_async(lambda: _run(forked), count),
            ),
            Case(
                name="forked, unconfined",
                what="the same with limits alone",
                sample=timed_async(lambda: _run(bare), count),
            ),
            Case(
                name=f"{AT_ONCE} at once",
                what=f"confined calls, {AT_ONCE} under way at any time, each in a process forked for it; wall time by call",
                sample=_at_once(forked, 4 * count),
            ),
            Case(
                name=f"{AT_ONCE} at once, unconfined",
                what="the same with limits alone",
                sample=_at_once(bare, 4 * count),
            ),
        ]
        figures = await interleave(cases, 3 if quick else 30)
        stopped = await _stopped(stack, 2 if quick else 20)
    return [*figures.values(), stopped], _bars(figures, stopped)


async def _loaded(
    stack: AsyncExitStack, code: str, *, ready: int, isolation: str = "kernel+ns", limits: Limits = LIMITS
) -> CPythonProgram:
    runtime = CPythonRuntime(isolation=isolation, require_isolation="process", ready=ready)
    function = Function(
        name="subject", kind=Kind.DESTINATION, language="python", code=code, file="subject.py"
    )
    program = await runtime.load(function, limits)
    stack.push_async_callback(program.aclose)
    return program


def _start() -> None:
    subprocess.run([executable(), "-I", "-S", "-c", "pass"], check=True)


def _call() -> Call:
    settings = b'{"apiKey":"%b"}' % API_KEY.encode()
    return Call("onTrack", EVENT, settings, "subject#1", 1_700_000_000.0, bytes(32))


def _host(limits: Limits) -> Host:
    return InvocationHost(Door(limits, fetcher=None, egress=Egress(), redactor=None))


async def _run(program: CPythonProgram) -> None:
    reply = await program.run(_call(), _host(LIMITS))
    assert isinstance(reply.ending, Returned), reply


def _when_ready(program: CPythonProgram, count: int) -> Sample:
    """Calls that each find a process waiting; what makes the next one ready is over before a call begins."""

    async def sample() -> Sequence[float]:
        seconds = []
        for _ in range(count):
            while not program._pool._ready or program._pool._arming:  # noqa: ASYNC110 -- nobody is told of it
                await trio.sleep(0.002)
            await trio.sleep(0.005)  # the last call's process is gone by then
            began = time.perf_counter()
            await _run(program)
            seconds.append(time.perf_counter() - began)
        return seconds

    return sample


def _at_once(program: CPythonProgram, count: int) -> Sample:
    """The mean of calls that are made by a few tasks, each one call after the other."""

    async def sample() -> Sequence[float]:
        async def task() -> None:
            for _ in range(count // AT_ONCE):
                await _run(program)

        began = time.perf_counter()
        async with trio.open_nursery() as nursery:
            for _ in range(AT_ONCE):
                nursery.start_soon(task)
        return [(time.perf_counter() - began) / (count // AT_ONCE * AT_ONCE)]

    return sample


async def _stopped(stack: AsyncExitStack, times: int) -> Figures:
    """A loop without end that swallows every exception and blocks every signal, until its process is gone."""
    limits = Limits(wall=LIMIT)
    program = await _loaded(stack, ENDLESS, ready=1, limits=limits)
    seconds = []
    for _ in range(times):
        began = time.perf_counter()
        reply = await program.run(_call(), _host(limits))
        seconds.append(time.perf_counter() - began)
        assert isinstance(reply.ending, Killed), reply
        assert reply.ending.reason == "timeout", reply
        assert set(program._zygote._children.values()) <= set(program._pool._ready), "something was left"
    return Figures(
        name="endless loop",
        what=f"one that swallows and blocks all it can, under a limit of {LIMIT * 1e3:.0f} ms, until its process is gone",
        rounds=[seconds],
    )


def _bars(figures: dict[str, Figures], stopped: Figures) -> list[Bar]:
    def ratio(case: str, other: str, most: float) -> Bar:
        value = figures[case].ratio_to(figures[other])
        return Bar(case=case, text=f"{case} / {other}", value=value, most=most)

    confined = figures[f"{AT_ONCE} at once"]
    return [
        ratio("ready", "interpreter", 1 / 10),
        ratio("forked", "interpreter", 1 / 2.5),
        Bar(
            case=confined.name,
            text="throughput confined / unconfined",
            value=figures[f"{AT_ONCE} at once, unconfined"].ratio_to(confined),
            least=0.75,
        ),
        Bar(
            case=stopped.name,
            text="endless loop, worst",
            value=stopped.seconds[-1] * 1e3,
            most=LIMIT * 1e3 + 60,
            unit="ms",
        ),
    ]
