"""The distributed queue beside the embedded one: publishing and claiming, three servers that sync each write, one machine."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, ExitStack
from itertools import count

import trio
from tests.nats.servers import running

import isthmus
from benchmarks._command import parser, run
from benchmarks._figures import Case, Figures, interleave
from benchmarks._report import Bar
from isthmus.queues import Entry, Queue

__all__ = ["main"]

BODY = b"x" * 1024
PUBLISHERS = 100
MOST = {"publish 1,000": 10.0, "claim 500, ack": 10.0}
"""Times as long as the embedded queue, whose events are written once and cross no network."""

Turn = Callable[[Queue], Awaitable[float]]
"""Does something with a queue, and says how many seconds it took for each event."""


def main(arguments: Sequence[str]) -> int:
    """Measure and print."""
    return run("nats", parser("nats", __doc__), _measure, arguments)


async def _measure(given: argparse.Namespace) -> tuple[list[Figures], list[Bar]]:
    turns: dict[str, Turn] = {
        "publish 1": _publishing(1),
        "publish 100": _publishing(100),
        "publish 1,000": _publishing(1000),
        "100 publishers": _publishers,
        "claim 500, ack": _claiming,
    }
    async with AsyncExitStack() as stack:
        servers = ExitStack()
        stack.callback(servers.close)
        directory = servers.enter_context(tempfile.TemporaryDirectory())
        cluster = servers.enter_context(running(on_disk=True))
        queues = {
            "nats": await stack.enter_async_context(isthmus.open_queue(cluster.url("bench"))),
            "sqlite": await stack.enter_async_context(isthmus.open_queue(f"sqlite:{directory}/queue.db")),
        }
        for queue in queues.values():
            await queue.declare("published")
            await queue.declare("claimed")
        cases = [
            _case(f"{name}: {what}", turn, queue)
            for what, turn in turns.items()
            for name, queue in queues.items()
        ]
        figures = await interleave(cases, 1 if given.quick else 7)
    bars = [
        Bar(
            case=f"nats: {what}",
            text=f"{what}: time of one event / of the embedded queue",
            value=figures[f"nats: {what}"].ratio_to(figures[f"sqlite: {what}"]),
            most=most,
        )
        for what, most in MOST.items()
    ]
    alone, together = figures["nats: publish 1"], figures["nats: 100 publishers"]
    bars.append(
        Bar(
            case=alone.name,
            text="time of one event: one publisher / a hundred",
            value=alone.ratio_to(together),
            least=5.0,
        )
    )
    return list(figures.values()), bars


def _case(name: str, turn: Turn, queue: Queue) -> Case:
    async def sample() -> Sequence[float]:
        return [await turn(queue)]

    return Case(name=name, what=name, sample=sample)


_numbers = count()


def _entries(queue: str, size: int) -> list[Entry]:
    return [Entry(queue=queue, message_id=f"m{next(_numbers)}", body=BODY) for _ in range(size)]


def _publishing(size: int) -> Turn:
    calls = max(1, 100 // size)

    async def turn(queue: Queue) -> float:
        batches = [_entries("published", size) for _ in range(calls)]
        begun = time.perf_counter()
        for batch in batches:
            await queue.publish(batch)
        return (time.perf_counter() - begun) / (size * calls)

    return turn


async def _publishers(queue: Queue) -> float:
    async def publish(entries: Sequence[Entry]) -> None:
        for entry in entries:
            await queue.publish([entry])

    share = [_entries("published", 5) for _ in range(PUBLISHERS)]
    begun = time.perf_counter()
    async with trio.open_nursery() as nursery:
        for entries in share:
            nursery.start_soon(publish, entries)
    return (time.perf_counter() - begun) / (5 * PUBLISHERS)


async def _claiming(queue: Queue) -> float:
    await queue.publish(_entries("claimed", 1000))
    seen = 0
    begun = time.perf_counter()
    while seen < 1000:
        claims = await queue.claim("claimed", 500, wait=5)
        await queue.ack(claims)
        seen += len(claims)
    return (time.perf_counter() - begun) / 1000
