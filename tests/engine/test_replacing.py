"""An instance whose function is replaced while it is in use: old calls end on the old one, new ones begin on the new."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import trio
from tests.engine.scripted import TRACK, engine_with, function, secret_settings

import isthmus
from isthmus import Kind, Limits, Status
from isthmus.testing import Handler, ScriptedRuntime, World


class Versions:
    """Two versions of a function; calls of the old one wait for a gate."""

    def __init__(self) -> None:
        self.gate = trio.Event()
        self.waiting = 0

    async def old(self, event: Any, settings: Any, world: World) -> object:
        self.waiting += 1
        await self.gate.wait()
        return {"version": 1, **settings}

    def new(self, event: Any, settings: Any, world: World) -> object:
        return {"version": 2, **settings}

    def runtime(self) -> ScriptedRuntime:
        new: dict[str, Handler] = {"onTrack": self.new, "onPage": self.new}
        return ScriptedRuntime(
            scripts={"old": {"onTrack": self.old}, "new": new, "bad": isthmus.LoadError("no")}
        )


def value(outcome: isthmus.Outcome) -> Any:
    return msgspec.json.decode(outcome.value or b"null")


async def test_calls_under_way_end_on_the_old_code_and_new_ones_begin_on_the_new() -> None:
    versions = Versions()
    runtime = versions.runtime()
    seen: list[int] = []

    async with engine_with(runtime) as engine:
        instance = await engine.load(function(code="old"))

        async def call() -> None:
            seen.append(value(await engine.invoke(instance, TRACK))["version"])

        async with trio.open_nursery() as nursery:
            nursery.start_soon(call)
            await trio.testing.wait_all_tasks_blocked()
            nursery.start_soon(engine.replace, instance, function(code="new"))
            await trio.testing.wait_all_tasks_blocked()
            assert runtime.programs == 2  # the old one has a call under way
            await call()
            assert seen == [2]
            versions.gate.set()
        assert seen == [2, 1]
        assert runtime.programs == 1
        assert instance.function.code == "new"
        assert instance.handlers == {"onTrack", "onPage"}
        assert (await engine.invoke(instance, b'{"type":"page"}')).ok


async def test_settings_limits_and_egress_are_replaced_alone(autojump_clock: object) -> None:
    versions = Versions()
    async with engine_with(versions.runtime()) as engine:
        defined = function(code="new", settings=secret_settings("key"))
        instance = await engine.load(defined, settings={"key": "first"})
        await engine.replace(instance, settings={"key": "second"})
        outcome = await engine.invoke(instance, TRACK)
        assert value(outcome) == {"version": 2, "key": "[redacted:key]"}
        await engine.replace(instance, msgspec.structs.replace(defined, code="old"), limits=Limits(wall=1))
        stuck = await engine.invoke(instance, TRACK)
        assert stuck.problem is not None
        assert stuck.problem.name == "Timeout"
        await engine.replace(instance, egress=isthmus.Egress(allow=("example.com",)))


async def test_a_secret_of_before_stays_hidden_in_calls_that_began_with_it() -> None:
    """What such a call says is redacted by the settings it has, not by those that came after."""
    versions = Versions()
    outcomes: list[isthmus.Outcome] = []
    async with engine_with(versions.runtime()) as engine:
        instance = await engine.load(
            function(code="old", settings=secret_settings("key")), settings={"key": "first-secret"}
        )

        async def call() -> None:
            outcomes.append(await engine.invoke(instance, TRACK))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(call)
            await trio.testing.wait_all_tasks_blocked()
            nursery.start_soon(lambda: engine.replace(instance, settings={"key": "other-secret"}))
            await trio.testing.wait_all_tasks_blocked()
            versions.gate.set()
    assert b"first-secret" not in msgspec.json.encode(outcomes[0])


async def test_what_does_not_load_changes_nothing() -> None:
    versions = Versions()
    async with engine_with(versions.runtime()) as engine:
        instance = await engine.load(function(code="new"))
        with pytest.raises(isthmus.LoadError):
            await engine.replace(instance, function(code="bad"))
        with pytest.raises(isthmus.InvalidSettings):
            await engine.replace(instance, settings={"none": "such"})
        with pytest.raises(
            isthmus.InvalidFunction, match="a function of its kind, not by one of kind insert"
        ):
            await engine.replace(instance, function(Kind.INSERT, code="new"))
        assert (await engine.invoke(instance, TRACK)).ok
        await instance.aclose()
        with pytest.raises(isthmus.EngineClosed):
            await engine.replace(instance, function(code="new"))


async def test_a_run_over_events_goes_over_to_the_new_code_and_loses_none() -> None:
    versions = Versions()
    versions.gate.set()
    seen: dict[int, int] = {}

    async with engine_with(versions.runtime()) as engine:
        instance = await engine.load(function(code="old"))

        async def events() -> AsyncIterator[bytes]:
            for number in range(600):
                if number == 300:
                    await engine.replace(instance, function(code="new"))
                yield TRACK

        def deliver(index: int, outcome: isthmus.Outcome | isthmus.InvalidInput) -> None:
            assert isinstance(outcome, isthmus.Outcome)
            seen[index] = value(outcome)["version"]

        await engine.invoke_each(instance, events(), deliver, concurrency=16)
        assert sorted(seen) == [*range(600)]
        assert {seen[index] for index in range(200)} == {1}
        assert {seen[index] for index in range(400, 600)} == {2}


async def test_events_that_the_new_code_has_no_handler_for_are_refused() -> None:
    versions = Versions()
    async with engine_with(versions.runtime()) as engine:
        instance = await engine.load(function(code="new"))
        statuses: dict[int, Status] = {}

        def deliver(index: int, outcome: isthmus.Outcome | isthmus.InvalidInput) -> None:
            assert isinstance(outcome, isthmus.Outcome)
            statuses[index] = outcome.status

        async def events() -> AsyncIterator[bytes]:
            yield b'{"type":"page"}'
            versions.gate.set()
            await engine.replace(instance, function(code="old"))
            yield b'{"type":"page"}'

        await engine.invoke_each(instance, events(), deliver)
        assert len(statuses) == 2
        assert statuses[1] is Status.REFUSED


async def test_a_batcher_goes_on_with_the_new_code() -> None:
    def batch(version: int) -> Handler:
        return lambda events, settings, world: world.host.log("info", f"version {version}")

    runtime = ScriptedRuntime(
        scripts={"old": {"onBatch": batch(1)}, "new": {"onBatch": batch(2)}, "none": {}}
    )
    said: list[str] = []
    async with engine_with(runtime) as engine:
        instance = await engine.load(function(code="old"))

        def deliver(index: int, result: isthmus.ItemResult, outcome: isthmus.Outcome) -> None:
            said.append(outcome.logs[0].text if outcome.logs else str(result.status))

        for code in ("new", "none"):
            async with engine.open_batcher(instance, deliver, max_count=2) as batcher:
                await batcher.add(TRACK)
                await engine.replace(instance, function(code=code))
        assert said == ["version 2", "refused"]


async def test_one_of_two_replacements_at_once_is_left_and_nothing_leaks() -> None:
    versions = Versions()
    runtime = versions.runtime()
    async with engine_with(runtime) as engine:
        instance = await engine.load(function(code="new"))
        async with trio.open_nursery() as nursery:
            for number in range(4):
                nursery.start_soon(
                    lambda name: engine.replace(instance, function(code="new", file=name)), f"{number}.js"
                )
        assert runtime.programs == 1
        assert (await engine.invoke(instance, TRACK)).ok
        await instance.aclose()
        assert runtime.programs == 0
