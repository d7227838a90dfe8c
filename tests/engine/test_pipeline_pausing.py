"""Destinations and sources that are paused: what they are to get waits, and nothing of it is tried."""

from __future__ import annotations

import isthmus
from isthmus import Kind, Request
from isthmus.pipelines import Destination, Source
from isthmus.testing import Handler, Throw, World

from .piping import Kept, load, opened, track, until_empty


async def test_what_waits_for_a_paused_destination_is_delivered_once_it_is_not(
    autojump_clock: object,
) -> None:
    kept, other = Kept(), Kept()
    scripts = {
        "d": {"onTrack": lambda event, settings, world: kept(event)},
        "o": {"onTrack": lambda event, settings, world: other(event)},
    }
    async with opened(scripts) as (engine, queue):
        to, beside = await load(engine, "d", Kind.DESTINATION), await load(engine, "o", Kind.DESTINATION)
        for paused in (True, False):
            destinations = [Destination(name="d", to=to, paused=paused), Destination(name="o", to=beside)]
            async with isthmus.open_pipeline(
                engine, queue, sources=[Source(id="s")], destinations=destinations
            ) as pipeline:
                if paused:
                    await pipeline.accept("s", [track(1), track(2)])
                await pipeline.drain()  # does not wait for what is paused
                if paused:
                    metrics = await pipeline.metrics()
                    assert metrics.queues["destination:d"].waiting == 2
                    assert (kept.numbers, sorted(other.numbers)) == ([], [1, 2])
                else:
                    await until_empty(queue, "destination:d")
        assert sorted(kept.numbers) == [1, 2]


async def test_a_paused_source_keeps_events_and_webhooks_and_runs_nothing(autojump_clock: object) -> None:
    kept, ran = Kept(), list[str]()

    def inserted(event: dict[str, object], settings: object, world: World) -> object:
        ran.append("insert")
        return event

    def hooked(request: object, settings: object, world: World) -> None:
        ran.append("hook")
        raise Throw("ValidationError", "no")

    scripts: dict[str, dict[str, Handler]] = {
        "d": {"onTrack": lambda event, settings, world: kept(event)},
        "i": {"onTrack": inserted},
        "h": {"onRequest": hooked},
    }
    async with opened(scripts) as (engine, queue):
        to, insert = await load(engine, "d", Kind.DESTINATION), await load(engine, "i", Kind.SOURCE_INSERT)
        function = await load(engine, "h", Kind.SOURCE)
        for paused in (True, False):
            source = Source(id="s", function=function, inserts=(insert,), paused=paused)
            async with isthmus.open_pipeline(
                engine, queue, sources=[source], destinations=[Destination(name="d", to=to)]
            ) as pipeline:
                if paused:
                    await pipeline.accept("s", track(1))
                    await pipeline.receive("s", Request(url="https://hooks.test/", body=b"{}"))
                    await pipeline.drain()
                    assert (ran, kept.numbers) == ([], [])
                else:
                    await until_empty(queue, "source:s", "webhook:s", "destination:d")
        assert (sorted(ran), kept.numbers) == (["hook", "insert"], [1])
