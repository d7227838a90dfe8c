"""What an engine tells of its calls: counts, and observers."""

from __future__ import annotations

import logging
from typing import Any

import msgspec
import pytest
import trio
import trio.testing
from tests.engine.scripted import TRACK, engine_with, function, secret_settings

import isthmus
from isthmus import CallEnded, CallEvent, CallStarted, Code, EngineStats, Kind, Status
from isthmus.hookspecs import hookimpl
from isthmus.testing import ScriptedRuntime, Throw, World


def on_track(event: Any, settings: Any, world: World) -> object:
    if event.get("bad"):
        raise Throw("RetryError", settings.get("key", ""))
    return None


async def on_identify(event: Any, settings: Any, world: World) -> None:
    await trio.sleep_forever()


HANDLERS = {"onTrack": on_track, "onIdentify": on_identify}
BAD = b'{"type":"track","bad":true}'


async def test_calls_are_counted_by_instance_status_and_code() -> None:
    async with engine_with(HANDLERS) as engine:
        one = await engine.load(function())
        other = await engine.load(function())
        for event in (TRACK, TRACK, BAD, b'{"type":"page"}'):
            await engine.invoke(one, event)
        await engine.invoke_each(other, [TRACK, BAD, b'{"type":"page"}', b"no json"], lambda *_: None)
        stats = engine.stats()
        first, second = stats.instances["f"], stats.instances["f#2"]
        assert (first.calls, first.codes, first.unrun) == ({"delivered": 2, "retry": 1}, {"retry": 1}, 1)
        assert (second.calls, second.codes, second.unrun) == ({"delivered": 1, "retry": 1}, {"retry": 1}, 1)
        assert (stats.ended, stats.in_flight, stats.programs) == (5, 0, 1)
        await one.aclose()
        assert set(engine.stats().instances) == {"f"}
        assert engine.stats().ended == 5
        assert msgspec.json.decode(msgspec.json.encode(stats), type=EngineStats) == stats


async def test_calls_under_way_and_cancelled_ones_are_counted() -> None:
    async with engine_with(HANDLERS) as engine:
        instance = await engine.load(function(), limits=isthmus.Limits(wall=600))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(engine.invoke, instance, b'{"type":"identify"}')
            nursery.start_soon(engine.invoke_each, instance, [b'{"type":"identify"}'] * 2, lambda *_: None)
            await trio.testing.wait_all_tasks_blocked()
            assert (engine.stats().in_flight, engine.stats().instances["f"].in_flight) == (3, 3)
            nursery.cancel_scope.cancel()
        found = engine.stats().instances["f"]
        assert (found.in_flight, found.cancelled, found.calls) == (0, 3, {})


async def test_an_observer_is_told_of_each_call_and_of_no_secret() -> None:
    told: list[CallEvent] = []
    runtime = ScriptedRuntime(HANDLERS)
    async with isthmus.open_engine(
        plugins=[runtime], load_entry_points=False, observe=told.append, wall_clock=lambda: 7.0
    ) as engine:
        instance = await engine.load(
            function(settings=secret_settings("key")), settings={"key": "a-secret"}, name="ours"
        )
        await engine.invoke(instance, BAD)
        await engine.invoke_each(instance, [TRACK], lambda *_: None)
    started, ended = told[0], told[1]
    assert started == CallStarted(call=1, function="f", instance="ours", handler="onTrack", at=7.0)
    assert isinstance(ended, CallEnded)
    assert (ended.call, ended.status, ended.code, ended.at) == (1, Status.RETRY, Code.RETRY, 7.0)
    assert [type(event) for event in told] == [CallStarted, CallEnded] * 2
    assert [event.call for event in told] == [1, 1, 2, 2]
    assert b"a-secret" not in msgspec.json.encode(told)


async def test_a_call_that_is_cancelled_ends_without_status() -> None:
    told: list[CallEvent] = []
    async with engine_with(HANDLERS, observe=told.append) as engine:
        instance = await engine.load(function())
        with trio.move_on_after(0):
            await engine.invoke(instance, b'{"type":"identify"}')
    ended = told[-1]
    assert isinstance(ended, CallEnded)
    assert ended.status is None


class Observing:
    def __init__(self) -> None:
        self.told: list[CallEvent] = []

    @hookimpl
    def isthmus_observers(self) -> list[Any]:
        def broken(event: CallEvent) -> None:
            raise ValueError("a-secret")

        return [broken, self.told.append]


class Nonsense:
    @hookimpl
    def isthmus_observers(self) -> list[Any]:
        return [1]


async def test_plugins_observe_and_one_that_fails_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    observing = Observing()
    with caplog.at_level(logging.ERROR, "isthmus"):
        async with engine_with(HANDLERS, observing, Nonsense()) as engine:
            instance = await engine.load(function(Kind.DESTINATION))
            assert (await engine.invoke(instance, TRACK)).ok
            said = {info.name: (info.offers, info.error) for info in engine.plugins}
    assert len(observing.told) == 2
    assert "an observer of calls failed: ValueError" in caplog.text
    assert "a-secret" not in caplog.text
    assert said["Observing"][0] == ("observer", "observer")
    assert "cannot be called" in said["Nonsense"][1]
