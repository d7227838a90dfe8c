"""Deliveries of 1 KB into the embedded queue and out of it, on the disk before they count; beside PyPI's litequeue."""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final, final

import trio

import isthmus
from benchmarks._command import parser, run
from benchmarks._figures import Case, Figures, interleave
from benchmarks._report import Bar
from isthmus.queues import Entry, Queue

__all__ = ["main"]

BODY: Final = b'{"type":"track","event":"Order Completed","messageId":"%s"' % (b"0" * 36) + b" " * 940 + b"}"
BATCH: Final = 1000
TASKS: Final = 100


def main(arguments: Sequence[str]) -> int:
    """Measure and print."""
    return run("queue", parser("queue", __doc__), _measure, arguments)


async def _measure(given: argparse.Namespace) -> tuple[list[Figures], list[Bar]]:
    with tempfile.TemporaryDirectory() as directory:
        async with isthmus.open_queue(f"sqlite:{directory}/q.db") as queue:
            await queue.declare("q")
            cases = _Ours(queue, quick=given.quick).cases
            peer = _peer(Path(directory) / "lite.db")
            if peer is not None:
                cases += _Theirs(peer, quick=given.quick).cases
            figures = await interleave(cases, 1 if given.quick else 7)
    return list(figures.values()), _bars(figures)


def _peer(path: Path) -> Any:
    """A litequeue as durable as ours; None where it is not installed."""
    try:
        from litequeue import LiteQueue
    except ImportError:
        print("litequeue is not there to compare with: pip install 'isthmus[peers]'", file=sys.stderr)
        return None
    peer = LiteQueue(path)
    peer.conn.execute("PRAGMA synchronous = FULL")
    return peer


@final
class _Ours:
    """Cases of the embedded queue; each takes out what it puts in, or the other way about."""

    def __init__(self, queue: Queue, *, quick: bool) -> None:
        self._queue = queue
        self._numbers = itertools.count()
        few, many, batches = (20, 200, 1) if quick else (400, 6000, 10)
        self.cases = [
            self._case("publish, 1 task", "one at a time", lambda: self._publish(few, 1), self._drain),
            self._case(
                "publish, 100 tasks", "each one at a time", lambda: self._publish(many, TASKS), self._drain
            ),
            self._case("publish, batches", "of 1000", lambda: self._publish_batches(batches), self._drain),
            self._case("claim+ack, 1 task", "one at a time", lambda: self._take(few, 1), self._fill),
            self._case(
                "claim+ack, 100 tasks", "each one at a time", lambda: self._take(many, TASKS), self._fill
            ),
            self._case("claim+ack, batches", "of 1000", lambda: self._take_batches(batches), self._fill),
        ]
        self._enough = max(many, batches * BATCH)

    @staticmethod
    def _case(
        name: str, what: str, work: Callable[[], Awaitable[int]], before: Callable[[], Awaitable[object]]
    ) -> Case:
        async def sample() -> Sequence[float]:
            await before()
            began = time.perf_counter()
            count = await work()
            return [(time.perf_counter() - began) / count]

        return Case(name=name, what=what, sample=sample)

    def _entry(self) -> Entry:
        return Entry(queue="q", message_id=f"{next(self._numbers):036}", body=BODY)

    async def _fill(self) -> None:
        while (await self._queue.stats("q")).waiting < self._enough:
            await self._queue.publish([self._entry() for _ in range(BATCH)])

    async def _drain(self) -> None:
        while claims := await self._queue.claim("q", BATCH):
            await self._queue.ack(claims)

    async def _publish(self, count: int, tasks: int) -> int:
        async def publish() -> None:
            for _ in range(count // tasks):
                await self._queue.publish([self._entry()])

        async with trio.open_nursery() as nursery:
            for _ in range(tasks):
                nursery.start_soon(publish)
        return count

    async def _publish_batches(self, count: int) -> int:
        for _ in range(count):
            await self._queue.publish([self._entry() for _ in range(BATCH)])
        return count * BATCH

    async def _take(self, count: int, tasks: int) -> int:
        async def take() -> None:
            for _ in range(count // tasks):
                claims = await self._queue.claim("q", 1)
                if len(claims) != 1:
                    raise RuntimeError("the queue ran dry")
                await self._queue.ack(claims)

        async with trio.open_nursery() as nursery:
            for _ in range(tasks):
                nursery.start_soon(take)
        return count

    async def _take_batches(self, count: int) -> int:
        for _ in range(count):
            claims = await self._queue.claim("q", BATCH)
            if len(claims) != BATCH:
                raise RuntimeError("the queue ran dry")
            await self._queue.ack(claims)
        return count * BATCH


@final
class _Theirs:
    """The two cases of litequeue: all it offers is one at a time."""

    def __init__(self, peer: Any, *, quick: bool) -> None:
        self._peer = peer
        self._count = 20 if quick else 400
        self.cases = [
            Case(name="litequeue put", what="one at a time, synchronous=FULL", sample=self._put),
            Case(name="litequeue pop+done", what="one at a time, synchronous=FULL", sample=self._pop),
        ]

    async def _put(self) -> Sequence[float]:
        await trio.lowlevel.checkpoint()
        text = BODY.decode()
        began = time.perf_counter()
        for _ in range(self._count):
            self._peer.put(text)
        took = time.perf_counter() - began
        while (message := self._peer.pop()) is not None:
            self._peer.done(message.message_id)
        self._peer.prune()
        return [took / self._count]

    async def _pop(self) -> Sequence[float]:
        await trio.lowlevel.checkpoint()
        for _ in range(self._count):
            self._peer.put(BODY.decode())
        began = time.perf_counter()
        for _ in range(self._count):
            self._peer.done(self._peer.pop().message_id)
        took = time.perf_counter() - began
        self._peer.prune()
        return [took / self._count]


def _bars(figures: dict[str, Figures]) -> list[Bar]:
    def bar(slow: str, quick: str, least: float) -> Bar:
        return Bar(
            case=quick, text=f"{quick} / {slow}", value=figures[slow].ratio_to(figures[quick]), least=least
        )

    bars = [bar("publish, 1 task", "publish, 100 tasks", 10.0)]
    if "litequeue put" in figures:
        bars += [
            bar("litequeue put", "publish, batches", 15.0),
            bar("litequeue pop+done", "claim+ack, batches", 8.0),
        ]
    return bars
