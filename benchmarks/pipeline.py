"""The way of an event to a destination through a queue in a file and one on three servers; nine destinations beside a dead one."""

from __future__ import annotations

import argparse
import itertools
import json
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any, Final

import trio
from tests.nats.servers import running

from benchmarks._command import parser, run
from benchmarks._figures import Case, Figures, Sample, interleave
from benchmarks._report import Bar
from benchmarks._subject import API_KEY, EVENT, FUNCTION
from isthmus import Engine, Function, InvalidInput, Kind, Outcome, open_engine, open_pipeline, open_queue
from isthmus.pipelines import Batching, Destination, Source
from isthmus.queues import Queue
from isthmus.sinks import CallableSink

__all__ = ["main"]

INSERT: Final = """
async function onTrack(event) {
  event.properties.seen = true;
  return event;
}
"""
AT_ONCE: Final = 500
"""Events of one ``accept``."""
CALL: Final = 0.02
"""Seconds of a call of the ten destinations."""


def main(arguments: Sequence[str]) -> int:
    """Measure and print."""
    return run("pipeline", parser("pipeline", __doc__), _measure, arguments)


async def _measure(given: argparse.Namespace) -> tuple[list[Figures], list[Bar]]:
    count, rounds = (500, 1) if given.quick else (5000, 5)
    async with AsyncExitStack() as stack:
        servers = ExitStack()
        stack.callback(servers.close)
        cluster = servers.enter_context(running(on_disk=True))
        nats = await stack.enter_async_context(open_queue(cluster.url("bench")))
        engine = await stack.enter_async_context(open_engine())
        cases = [
            Case(
                name="no queue",
                what="insert and destination by Engine.invoke_each",
                sample=_bare(engine, count),
            ),
            Case(
                name="sqlite",
                what="accepted, kept, inserted, delivered, acknowledged",
                sample=_kept(engine, count),
            ),
            Case(
                name="nats",
                what="the same, kept by three servers that each sync it",
                sample=_kept(engine, count, nats),
            ),
            Case(
                name="ten well",
                what="ten destinations, calls of 20 ms",
                sample=_ten(engine, count // 5, dead=0),
            ),
            Case(
                name="one dead", what="the same, one never answering", sample=_ten(engine, count // 5, dead=1)
            ),
        ]
        figures = await interleave(cases, rounds)
    kept, far, well, dead = (figures[name] for name in ("sqlite", "nats", "ten well", "one dead"))
    bars = [
        Bar(case="sqlite", text="events a second", value=1 / kept.median, least=5000),
        Bar(case="nats", text="throughput, nats / sqlite", value=1 / far.ratio_to(kept), least=0.40),
        Bar(
            case="one dead",
            text="throughput of nine, one dead / ten well",
            value=1 / dead.ratio_to(well),
            least=0.95,
        ),
    ]
    return list(figures.values()), bars


def _events(count: int) -> list[bytes]:
    event = json.loads(EVENT)
    return [json.dumps({**event, "messageId": f"m{number}"}).encode() for number in range(count)]


def _insert() -> Function:
    return Function(name="insert", kind=Kind.INSERT, language="javascript", code=INSERT)


def _bare(engine: Engine, count: int) -> Sample:
    async def sample() -> Sequence[float]:
        insert = await engine.load(_insert())
        destination = await engine.load(FUNCTION, settings={"apiKey": API_KEY})
        began = time.perf_counter()
        going: list[bytes] = []
        ended: list[Outcome] = []

        def insert_ended(index: int, outcome: Outcome | InvalidInput) -> None:
            assert isinstance(outcome, Outcome)
            assert outcome.value is not None, outcome
            going.append(bytes(outcome.value))

        def call_ended(index: int, outcome: Outcome | InvalidInput) -> None:
            assert isinstance(outcome, Outcome)
            assert outcome.ok, outcome
            ended.append(outcome)

        await engine.invoke_each(insert, _events(count), insert_ended)
        await engine.invoke_each(destination, going, call_ended)
        assert len(ended) == count
        seconds = (time.perf_counter() - began) / count
        await insert.aclose()
        await destination.aclose()
        return [seconds]

    return sample


def _kept(engine: Engine, count: int, queue: Queue | None = None) -> Sample:
    async def sample() -> Sequence[float]:
        insert = await engine.load(_insert())
        to = await engine.load(FUNCTION, settings={"apiKey": API_KEY})
        seconds = await _through(
            engine,
            [Destination(name="d", to=to, inserts=(insert,))],
            _events(count),
            waited_for=["d"],
            queue=queue,
        )
        await insert.aclose()
        await to.aclose()
        return [seconds]

    return sample


def _ten(engine: Engine, count: int, *, dead: int) -> Sample:
    async def well(event: dict[str, Any]) -> None:
        await trio.sleep(CALL)

    async def never(event: dict[str, Any]) -> None:
        await trio.sleep_forever()

    def destination(number: int) -> Destination:
        call: Callable[[dict[str, Any]], Awaitable[None]] = never if number < dead else well
        return Destination(
            name=f"d{number}",
            to=CallableSink(call),
            concurrency=16,
            batching=Batching(count=1, wait=0.0),
            timeout=5.0,
        )

    async def sample() -> Sequence[float]:
        others = [f"d{number}" for number in range(1, 10)]
        destinations = [destination(number) for number in range(10)]
        return [await _through(engine, destinations, _events(count), waited_for=others)]

    return sample


async def _through(
    engine: Engine,
    destinations: list[Destination],
    events: list[bytes],
    *,
    waited_for: list[str],
    queue: Queue | None = None,
) -> float:
    """Seconds by event until the destinations that are waited for have all of them.

    Args:
        engine: of the destinations.
        destinations: where they go.
        events: from a source of this turn's own, whose ids no queue knows from another.
        waited_for: names of destinations.
        queue: None for one in a file that is new.
    """
    source = f"s{next(_turns)}"
    async with (
        _in_file() if queue is None else nullcontext(queue) as kept,
        open_pipeline(
            engine, kept, sources=[Source(id=source)], destinations=destinations, grace=0.0
        ) as pipeline,
    ):
        began = time.perf_counter()
        for start in range(0, len(events), AT_ONCE):
            await pipeline.accept(source, events[start : start + AT_ONCE])
        names = [f"destination:{name}" for name in waited_for]
        while any(pipeline.stats().lanes[name].delivered < len(events) for name in names):  # noqa: ASYNC110 -- counts have no event
            await trio.sleep(0.005)
        return (time.perf_counter() - began) / len(events)


_turns = itertools.count()


@asynccontextmanager
async def _in_file() -> AsyncIterator[Queue]:
    with tempfile.TemporaryDirectory() as directory:
        async with open_queue(f"sqlite:{Path(directory) / 'deliveries.db'}") as queue:
            yield queue
