"""The pipeline from asyncio and from threads, over a queue in a file."""

from __future__ import annotations

import asyncio
import inspect
from pathlib import Path
from typing import Any

import pytest
from tests.embedding.scripted import FUNCTION, Script, track

import isthmus
import isthmus.asyncio
import isthmus.sync
from isthmus.pipelines import Destination, Source
from isthmus.sinks import FileSink

EVENTS = [{**track(number), "messageId": f"m{number}"} for number in range(10)]
SOURCES = [Source(id="web")]


def destinations(directory: Path, instance: isthmus.Instance) -> list[Destination]:
    return [
        Destination(name="crm", to=instance),
        Destination(name="archive", to=FileSink(str(directory / "archive.ndjson"))),
    ]


def archived(directory: Path) -> int:
    return len((directory / "archive.ndjson").read_text().splitlines())


def test_events_go_through_it_from_asyncio(tmp_path: Path) -> None:
    async def main() -> None:
        async with isthmus.asyncio.open_engine(
            plugins=[Script().runtime(batches=False)], load_entry_points=False
        ) as engine:
            instance = await engine.load(FUNCTION)
            async with isthmus.asyncio.open_pipeline(
                engine,
                f"sqlite:{tmp_path}/q.db",
                sources=SOURCES,
                destinations=destinations(tmp_path, instance),
                grace=5.0,
            ) as pipeline:
                assert await pipeline.accept("web", EVENTS) == [f"m{number}" for number in range(10)]
                await pipeline.drain()
                stats = await pipeline.stats()
                assert stats.accepted == 10
                assert (await pipeline.metrics()).stats == stats
                assert stats.lanes["destination:crm"].delivered == 10
                assert await pipeline.replay("web", EVENTS[:2], to=["archive"]) == 2
                await pipeline.drain()
                with pytest.raises(isthmus.InvalidInput, match="no source 'none'"):
                    await pipeline.accept("none", EVENTS[0])
            with pytest.raises(isthmus.EngineError, match="closed"):
                await pipeline.accept("web", EVENTS[0])

    asyncio.run(asyncio.wait_for(main(), 300))
    assert archived(tmp_path) == 12


def test_events_go_through_it_from_threads(tmp_path: Path) -> None:
    with isthmus.sync.open_engine(
        plugins=[Script().runtime(batches=False)], load_entry_points=False
    ) as engine:
        instance = engine.load(FUNCTION)
        with isthmus.sync.open_pipeline(
            engine,
            f"sqlite:{tmp_path}/q.db",
            sources=SOURCES,
            destinations=destinations(tmp_path, instance),
        ) as pipeline:
            pipeline.accept("web", EVENTS, timeout=300)
            pipeline.drain(timeout=300)
            assert pipeline.stats().lanes["destination:archive"].delivered == 10
            assert pipeline.replay("web", EVENTS[:2], to=["archive"]) == 2
        assert archived(tmp_path) >= 10
        with (
            pytest.raises(isthmus.EngineError, match="no-such"),
            isthmus.sync.open_pipeline(engine, "no-such:queue", sources=SOURCES, destinations=[]),
        ):
            pass


@pytest.mark.parametrize("face", [isthmus.asyncio, isthmus.sync])
def test_its_methods_take_what_those_of_the_pipeline_take(face: Any) -> None:
    public = [name for name in vars(face.Pipeline) if not name.startswith("_")]
    assert public == [name for name in vars(isthmus.Pipeline) if not name.startswith("_")]
    for name in public:
        mine = inspect.signature(getattr(face.Pipeline, name)).parameters
        its = inspect.signature(getattr(isthmus.Pipeline, name)).parameters
        assert [one for one in mine if one != "timeout"] == list(its)
