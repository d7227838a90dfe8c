"""Generations of a pipeline: one takes over from another, and none is left behind."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
import trio.testing

import isthmus
from isthmus.errors import EngineError, LoadError
from isthmus.pipelinefiles import Entrance, LoadedPipeline
from isthmus.pipelines import Destination, Source
from isthmus.testing import MemoryQueue, ScriptedRuntime
from isthmus_server.ingress.answers import Refusal
from isthmus_server.running import Load, Running

from .conftest import Arrivals

EVENT = {"type": "track", "event": "E", "userId": "u"}


def loading(key: str, arrivals: Arrivals, waits: trio.Event | None = None) -> Load:
    """Loads a pipeline with one source, that lets in by this key, and with one instance."""

    async def load(engine: isthmus.Engine) -> LoadedPipeline:
        if waits is not None:
            await waits.wait()
        function = isthmus.Function(name=key, kind=isthmus.Kind.SOURCE_INSERT, language="scripted", code=key)
        insert = await engine.load(function)
        return LoadedPipeline(
            sources=(Source(id="s", inserts=(insert,)),),
            destinations=(Destination(name="d", to=arrivals),),
            entrances=(Entrance(source="s", write_keys=(key,)),),
            instances=(insert,),
        )

    return load


@asynccontextmanager
async def running() -> AsyncIterator[tuple[Running, isthmus.Engine]]:
    """What runs, over a queue in memory; all of it has closed in the end."""
    runtime = ScriptedRuntime({"onTrack": lambda event, settings, world: event})
    queue = MemoryQueue()
    async with isthmus.open_engine(plugins=[runtime], load_entry_points=False) as engine:
        with trio.fail_after(1000):
            async with trio.open_nursery() as nursery:
                yield (
                    Running(
                        nursery,
                        engine,
                        queue,
                        observe=lambda seen: None,
                        archive=None,
                        grace=10.0,
                        event_bytes=1000,
                    ),
                    engine,
                )
        assert "0 instances" in repr(engine)


def key_of(running: Running) -> str:
    with running.enter() as serving:
        return next(key for key in ("one", "two", "three") if serving.sources.by_write_key(key))


async def test_a_call_ends_in_the_generation_it_began_in(autojump_clock: object) -> None:
    arrivals = Arrivals()
    async with running() as (runs, engine):
        await runs.load(loading("one", arrivals))
        with runs.enter() as before:
            await runs.load(loading("two", arrivals))
            assert key_of(runs) == "two"
            assert "2 instances" in repr(engine)
            await trio.sleep(100)
            await before.pipeline.accept("s", EVENT)  # still open
        await trio.sleep(100)
        assert "1 instances" in repr(engine)
        assert len(arrivals.texts) == 1
        runs.stop()


@pytest.mark.parametrize("error", [EngineError("no"), LoadError("no")])
async def test_what_cannot_be_loaded_leaves_what_runs(autojump_clock: object, error: Exception) -> None:
    async def fails(engine: isthmus.Engine) -> LoadedPipeline:
        await trio.sleep(1)
        raise error

    async with running() as (runs, _):
        with pytest.raises(Refusal):
            key_of(runs)
        with pytest.raises(type(error)):
            await runs.load(fails)
        await runs.load(loading("one", Arrivals()))
        with pytest.raises(type(error)):
            await runs.load(fails)
        assert key_of(runs) == "one"
        runs.stop()


async def test_two_sources_of_one_write_key_are_not_run(autojump_clock: object) -> None:
    async def doubled(engine: isthmus.Engine) -> LoadedPipeline:
        await trio.lowlevel.checkpoint()
        return LoadedPipeline(
            sources=(Source(id="a"), Source(id="b")),
            destinations=(),
            entrances=(
                Entrance(source="a", write_keys=("key",)),
                Entrance(source="b", write_keys=("key",)),
            ),
            instances=(),
        )

    async with running() as (runs, _):
        with pytest.raises(EngineError, match="'a' and 'b' have one write key"):
            await runs.load(doubled)
        runs.stop()


async def test_what_is_loaded_while_it_stops_does_not_run(autojump_clock: object) -> None:
    may_load = trio.Event()
    async with running() as (runs, _):
        await runs.load(loading("one", Arrivals()))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(runs.load, loading("two", Arrivals(), may_load))
            await trio.testing.wait_all_tasks_blocked()
            runs.stop()
            may_load.set()
        assert runs.current is None
        await runs.load(loading("three", Arrivals()))
        assert runs.current is None


async def test_loads_at_one_time_take_turns(autojump_clock: object) -> None:
    async with running() as (runs, engine):
        loads: list[Callable[[Any], Any]] = [loading(key, Arrivals()) for key in ("one", "two", "three")]
        async with trio.open_nursery() as nursery:
            for load in loads:
                nursery.start_soon(runs.load, load)
        await trio.sleep(100)
        assert "1 instances" in repr(engine)
        runs.stop()
