"""What a log of deliveries and an archive of events cost the pipeline that writes them."""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import trio

from benchmarks._command import parser, run
from benchmarks._figures import Case, Figures, Sample, interleave
from benchmarks._report import Bar
from benchmarks._subject import API_KEY, EVENT, FUNCTION
from isthmus import Engine, open_engine, open_pipeline, open_queue
from isthmus.archive import open_archive
from isthmus.deliveries import open_delivery_log
from isthmus.pipelines import Destination, Filter, Source

__all__ = ["main"]

AT_ONCE = 500
"""Events of one ``accept``."""


def main(arguments: Sequence[str]) -> int:
    """Measure and print."""
    return run("journals", parser("journals", __doc__), _measure, arguments)


async def _measure(given: argparse.Namespace) -> tuple[list[Figures], list[Bar]]:
    count, rounds = (500, 1) if given.quick else (5000, 5)
    async with open_engine() as engine:
        cases = [
            Case(
                name="neither", what="a destination on a queue in one file", sample=_delivered(engine, count)
            ),
            Case(
                name="log",
                what="the same, with a log of deliveries",
                sample=_delivered(engine, count, sample=0.01),
            ),
            Case(
                name="log of all",
                what="the same, every success logged",
                sample=_delivered(engine, count, sample=1.0),
            ),
            Case(
                name="archive",
                what="the same, with an archive of events",
                sample=_delivered(engine, count, archive=True),
            ),
            Case(
                name="condition",
                what="the same, with a filter on three fields",
                sample=_delivered(
                    engine,
                    count,
                    where="type = 'track' and properties.total != 0 and !match(event, 'Internal *')",
                ),
            ),
        ]
        figures = await interleave(cases, rounds)
    neither = figures["neither"]
    least = {"log": 0.95, "archive": 0.75}
    bars = [
        Bar(
            case=name,
            text=f"throughput, {name} / neither",
            value=1 / figures[name].ratio_to(neither),
            least=bar,
        )
        for name, bar in least.items()
    ]
    return list(figures.values()), bars


def _delivered(
    engine: Engine, count: int, *, sample: float | None = None, archive: bool = False, where: str = ""
) -> Sample:
    event = json.loads(EVENT)
    events = [json.dumps({**event, "messageId": f"m{number}"}).encode() for number in range(count)]

    async def run_once() -> Sequence[float]:
        to = await engine.load(FUNCTION, settings={"apiKey": API_KEY})
        destination = Destination(name="d", to=to, filter=Filter(where=where))
        with tempfile.TemporaryDirectory() as name:
            directory = Path(name)
            async with AsyncExitStack() as stack:
                enter = stack.enter_async_context
                queue = await enter(open_queue(f"sqlite:{directory / 'q.db'}"))
                log = await enter(open_delivery_log(directory / "log", sample=sample)) if sample else None
                kept = await enter(open_archive(directory / "archive")) if archive else None
                pipeline = await enter(
                    open_pipeline(
                        engine,
                        queue,
                        sources=[Source(id="s")],
                        destinations=[destination],
                        observe=log,
                        archive=kept,
                        grace=0.0,
                    )
                )
                began = time.perf_counter()
                for start in range(0, count, AT_ONCE):
                    await pipeline.accept("s", events[start : start + AT_ONCE])
                while pipeline.stats().lanes["destination:d"].delivered < count:  # noqa: ASYNC110 -- counts have no event
                    await trio.sleep(0.005)
                seconds = (time.perf_counter() - began) / count
        await to.aclose()
        return [seconds]

    return run_once
