"""Where a pipeline sends an event, beyond what Segment's routing has: conditions, samples, windows, fan-out."""

from __future__ import annotations

from typing import Any

import pytest
import trio

import isthmus
from isthmus import EngineError, InvalidInput
from isthmus.pipelines import Destination, Filter, Source
from isthmus.sinks import CallableSink
from isthmus.testing import Throw

from .piping import Kept, load, opened, track, until_empty


async def test_a_destination_gets_the_events_that_meet_its_condition(autojump_clock: object) -> None:
    large, sampled, all_of_them = Kept(), Kept(), Kept()
    destinations = [
        Destination(name="large", to=CallableSink(large), filter=Filter(where="n >= 5 and type = 'track'")),
        Destination(name="sampled", to=CallableSink(sampled), filter=Filter(where="sample(0.5)")),
        Destination(name="all", to=CallableSink(all_of_them)),
    ]
    async with (
        opened({}) as (engine, queue),
        isthmus.open_pipeline(
            engine, queue, sources=[Source(id="s")], destinations=destinations, clock=queue._now
        ) as pipeline,
    ):
        await pipeline.accept("s", [track(number) for number in range(40)])
        assert await pipeline.replay("s", [track(1), track(7)], to=["large"]) == 1
        await pipeline.drain()
    assert sorted(large.numbers) == [*range(5, 8), *range(7, 40)]
    assert 8 < len(sampled.numbers) < 32
    assert sorted(all_of_them.numbers) == list(range(40))


async def test_an_event_too_deep_to_look_into_is_not_taken(autojump_clock: object) -> None:
    kept = Kept()
    destination = Destination(name="d", to=CallableSink(kept), filter=Filter(where="n = 1"))
    deep = b'{"type":"track","n":1,"d":' + b"[" * 5000 + b"]" * 5000 + b"}"
    async with (
        opened({}) as (engine, queue),
        isthmus.open_pipeline(
            engine, queue, sources=[Source(id="s")], destinations=[destination], clock=queue._now
        ) as pipeline,
    ):
        with pytest.raises(InvalidInput, match=r"deeply|recursion"):
            await pipeline.accept("s", [track(1), deep])
        await pipeline.drain()
    assert kept.numbers == []


async def test_the_window_in_which_an_id_is_remembered_is_a_destinations_own(autojump_clock: object) -> None:
    short, long = Kept(), Kept()
    destinations = [
        Destination(name="short", to=CallableSink(short), dedupe_window=5),
        Destination(name="long", to=CallableSink(long), dedupe_window=3600),
    ]
    async with (
        opened({}) as (engine, queue),
        isthmus.open_pipeline(
            engine, queue, sources=[Source(id="s")], destinations=destinations, clock=queue._now
        ) as pipeline,
    ):
        for _ in range(2):
            await pipeline.accept("s", track(1))
            await trio.sleep(60)
        await pipeline.drain()
    assert (short.numbers, long.numbers) == ([1, 1], [1])


def test_windows_out_of_their_range_are_refused() -> None:
    with pytest.raises(EngineError, match="dedupe_window"):
        Source(id="s", dedupe_window=-1)
    with pytest.raises(EngineError, match="dedupe_window"):
        Destination(name="d", to=CallableSink(Kept()), dedupe_window=1e9)


async def test_what_an_error_asks_to_wait_is_waited_for(autojump_clock: object) -> None:
    times: list[float] = []

    def on_track(event: dict[str, Any], _settings: object, _world: object) -> None:
        times.append(trio.current_time())
        if len(times) == 1:
            raise Throw("RetryError", "later", retry_after=900.0)

    async with opened({"d": {"onTrack": on_track}}) as (engine, queue):
        destination = Destination(name="d", to=await load(engine, "d", isthmus.Kind.DESTINATION))
        async with isthmus.open_pipeline(
            engine, queue, sources=[Source(id="s")], destinations=[destination], clock=queue._now
        ) as pipeline:
            await pipeline.accept("s", track(1))
            await until_empty(queue, "destination:d")
    first, second = times
    assert 900 <= second - first < 960
