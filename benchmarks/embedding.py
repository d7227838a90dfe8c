"""What a call costs from asyncio and from threads, over the same call on Trio."""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack
from typing import Final, Self

import trio

import isthmus
import isthmus.asyncio
import isthmus.sync
import isthmus_quickjs
from benchmarks._command import parser, run
from benchmarks._figures import Case, Figures, Sample, interleave, timed, timed_async
from benchmarks._report import Bar
from benchmarks._subject import API_KEY, EVENT, FUNCTION

__all__ = ["main"]

TOGETHER: Final = 100
OVERHEAD: Final = 150.0
"""Microseconds that a facade may add to a call."""


def main(arguments: Sequence[str]) -> int:
    """Measure and print."""
    return run("embedding", parser("embedding", __doc__), _measure, arguments)


async def _measure(given: argparse.Namespace) -> tuple[list[Figures], list[Bar]]:
    count, rounds = (5, 1) if given.quick else (400, 9)
    async with AsyncExitStack() as stack:
        engine = await stack.enter_async_context(
            isthmus.open_engine(plugins=[isthmus_quickjs], load_entry_points=False)
        )
        instance = await engine.load(FUNCTION, settings={"apiKey": API_KEY})

        async def call() -> None:
            _check(await engine.invoke(instance, EVENT))

        threads = stack.enter_context(_Threads())
        loop = stack.enter_context(_Loop())
        cases = [
            Case(name="Trio", what="Engine.invoke, one after the other", sample=timed_async(call, count)),
            Case(name="Trio, 100 at once", what="by call", sample=_together(call)),
            Case(name="asyncio", what="the same through isthmus.asyncio", sample=loop.one(count)),
            Case(name="asyncio, 100 at once", what="by call", sample=loop.together()),
            Case(name="sync", what="the same through isthmus.sync", sample=threads.one(count)),
            Case(name="sync, 8 threads", what="800 calls; by call", sample=threads.together()),
        ]
        figures = await interleave(cases, rounds)
    bars = [
        Bar(
            case=name,
            text=f"{name} over Trio",
            value=_added(figures[name], figures["Trio"]) * 1e6,
            most=OVERHEAD,
            unit="µs",
        )
        for name in ("asyncio", "sync")
    ]
    return list(figures.values()), bars


def _added(facade: Figures, native: Figures) -> float:
    """Seconds by which a call is longer, in rounds that both were part of."""
    pairs = zip(facade.rounds, native.rounds, strict=True)
    return statistics.median(statistics.median(mine) - statistics.median(its) for mine, its in pairs)


def _check(outcome: isthmus.Outcome) -> None:
    if not outcome.ok:
        raise AssertionError(outcome.problem)


def _together(call: Callable[[], Awaitable[None]]) -> Sample:
    async def sample() -> Sequence[float]:
        began = time.perf_counter()
        async with trio.open_nursery() as nursery:
            for _ in range(TOGETHER):
                nursery.start_soon(call)
        return [(time.perf_counter() - began) / TOGETHER]

    return sample


class _Loop:
    """An asyncio loop with an engine open in it, run for a sample at a time in a thread of Trio's."""

    def __enter__(self) -> Self:
        self._runner = asyncio.Runner()
        self._stack = AsyncExitStack()
        self._engine, self._instance = self._runner.run(self._open())
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.run(self._stack.aclose())
        self._runner.close()

    async def _open(self) -> tuple[isthmus.asyncio.Engine, isthmus.Instance]:
        engine = await self._stack.enter_async_context(
            isthmus.asyncio.open_engine(plugins=[isthmus_quickjs], load_entry_points=False)
        )
        return engine, await engine.load(FUNCTION, settings={"apiKey": API_KEY})

    async def _call(self) -> None:
        _check(await self._engine.invoke(self._instance, EVENT))

    def one(self, count: int) -> Sample:
        return self._sample(timed_async(self._call, count))

    def together(self) -> Sample:
        async def sample() -> Sequence[float]:
            began = time.perf_counter()
            await asyncio.gather(*(self._call() for _ in range(TOGETHER)))
            return [(time.perf_counter() - began) / TOGETHER]

        return self._sample(sample)

    def _sample(self, inner: Sample) -> Sample:
        async def coroutine() -> Sequence[float]:
            return await inner()

        async def sample() -> Sequence[float]:
            return await trio.to_thread.run_sync(lambda: self._runner.run(coroutine()))

        return sample


class _Threads:
    """An engine as threads have it, called from one and from several."""

    def __enter__(self) -> Self:
        self._stack = ExitStack()
        self._engine = self._stack.enter_context(
            isthmus.sync.open_engine(plugins=[isthmus_quickjs], load_entry_points=False)
        )
        self._instance = self._engine.load(FUNCTION, settings={"apiKey": API_KEY})
        self._pool = self._stack.enter_context(ThreadPoolExecutor(8))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _call(self) -> None:
        _check(self._engine.invoke(self._instance, EVENT))

    def _calls(self, count: int) -> None:
        for _ in range(count):
            self._call()

    def one(self, count: int) -> Sample:
        inner = timed(self._call, count)

        async def sample() -> Sequence[float]:
            return await trio.to_thread.run_sync(lambda: trio.run(inner))

        return sample

    def together(self) -> Sample:
        def calls() -> Sequence[float]:
            began = time.perf_counter()
            list(self._pool.map(self._calls, [TOGETHER] * 8))
            return [(time.perf_counter() - began) / (8 * TOGETHER)]

        async def sample() -> Sequence[float]:
            return await trio.to_thread.run_sync(calls)

        return sample
