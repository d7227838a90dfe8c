"""Settings that come from somewhere else: asked for when an instance is loaded, and again when they are old."""

from __future__ import annotations

import logging
from typing import Any

import msgspec
import pytest
import trio
import trio.testing
from tests.engine.scripted import TRACK, engine_with, function, secret_settings

import isthmus
from isthmus import Caller, SettingsSource
from isthmus.testing import World


class Vault:
    """Gives a secret with a number that grows with ``version``; counts who asks."""

    def __init__(self) -> None:
        self.version = 1
        self.callers: list[Caller] = []
        self.gate: trio.Event | None = None
        self.broken = False

    async def ask(self, caller: Caller) -> dict[str, object]:
        self.callers.append(caller)
        await trio.lowlevel.checkpoint()
        if self.gate is not None:
            await self.gate.wait()
        if self.broken:
            raise OSError("secret-1 could not be read")
        return {"key": f"secret-{self.version}"}


def on_track(event: Any, settings: Any, world: World) -> object:
    world.host.log("info", settings["key"])
    return len(settings["key"]), settings["key"][-1]


FUNCTION = function(settings=secret_settings("key"))


async def value(engine: isthmus.Engine, instance: isthmus.Instance) -> Any:
    outcome = await engine.invoke(instance, TRACK)
    assert outcome.logs[0].text == "[redacted:key]"
    return msgspec.json.decode(outcome.value or b"null")[1]


async def test_values_are_asked_for_once_and_again_when_they_are_old(
    autojump_clock: trio.testing.MockClock,
) -> None:
    vault = Vault()
    async with engine_with({"onTrack": on_track}) as engine:
        instance = await engine.load(
            FUNCTION, settings=SettingsSource(ask=vault.ask, refresh=60), name="ours"
        )
        assert [await value(engine, instance) for _ in range(3)] == ["1"] * 3
        assert vault.callers == [Caller(function="f", instance="ours")]
        vault.version = 2
        await trio.sleep(61)
        assert await value(engine, instance) == "1"  # a call does not wait for them
        await trio.testing.wait_all_tasks_blocked()
        assert await value(engine, instance) == "2"
        assert len(vault.callers) == 2


async def test_a_run_over_events_has_them_asked_for_as_well(autojump_clock: trio.testing.MockClock) -> None:
    vault = Vault()
    seen: list[str] = []
    async with engine_with({"onTrack": on_track}) as engine:
        instance = await engine.load(FUNCTION, settings=SettingsSource(ask=vault.ask, refresh=60))

        async def events() -> Any:
            for _ in range(4):
                yield TRACK
                vault.version = 2
                await trio.sleep(61)

        def deliver(index: int, outcome: isthmus.Outcome | isthmus.InvalidInput) -> None:
            assert isinstance(outcome, isthmus.Outcome)
            seen.append(msgspec.json.decode(outcome.value or b"null")[1])

        await engine.invoke_each(instance, events(), deliver)
    assert seen[0] == "1"
    assert seen[-1] == "2"


async def test_where_asking_fails_the_values_stay(
    autojump_clock: trio.testing.MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    vault = Vault()
    async with engine_with({"onTrack": on_track}) as engine:
        instance = await engine.load(FUNCTION, settings=SettingsSource(ask=vault.ask, refresh=60))
        vault.broken = True
        for expected in (2, 3):
            await trio.sleep(61)
            with caplog.at_level(logging.ERROR, "isthmus"):
                assert await value(engine, instance) == "1"
                await trio.testing.wait_all_tasks_blocked()
            assert len(vault.callers) == expected
        assert "could not be asked for again: OSError" in caplog.text
        assert "secret-1" not in caplog.text
        with pytest.raises(OSError, match="could not be read"):
            await engine.load(FUNCTION, settings=SettingsSource(ask=vault.ask))


async def test_replace_asks_at_once() -> None:
    vault = Vault()
    async with engine_with({"onTrack": on_track}) as engine:
        instance = await engine.load(FUNCTION, settings=SettingsSource(ask=vault.ask))
        vault.version = 3
        await engine.replace(instance)
        assert await value(engine, instance) == "3"


async def test_an_engine_that_is_closed_waits_for_no_answer(autojump_clock: trio.testing.MockClock) -> None:
    vault = Vault()
    async with engine_with({"onTrack": on_track}) as engine:
        instance = await engine.load(FUNCTION, settings=SettingsSource(ask=vault.ask, refresh=60))
        vault.gate = trio.Event()
        await trio.sleep(61)
        await value(engine, instance)
        await trio.testing.wait_all_tasks_blocked()
    assert trio.current_time() < 1000


async def test_values_that_do_not_fit_are_refused_and_a_source_has_a_positive_refresh() -> None:
    async with engine_with({"onTrack": on_track}) as engine:
        with pytest.raises(isthmus.InvalidSettings):
            await engine.load(FUNCTION, settings=SettingsSource(ask=lambda caller: {"other": 1}))
        with pytest.raises(isthmus.EngineError, match="positive number"):
            SettingsSource(ask=lambda caller: {}, refresh=0)
