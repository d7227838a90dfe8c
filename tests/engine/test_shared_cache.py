"""A cache that is the embedder's: asked once for all who wait, shared by engines, and never in a call's way."""

from __future__ import annotations

import logging
from typing import Any

import msgspec
import pytest
import trio
import trio.testing
from tests.engine.scripted import TRACK, engine_with, function

import isthmus
from isthmus.abc import SharedCache
from isthmus.testing import World


class Shared(SharedCache):
    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], bytes] = {}
        self.asked: list[tuple[str, str]] = []
        self.broken = False
        self.gate: trio.Event | None = None

    async def load(self, instance: str, key: str) -> bytes | None:
        self.asked.append((instance, key))
        await trio.lowlevel.checkpoint()
        if self.gate is not None:
            await self.gate.wait()
        self._fail()
        return self.kept.get((instance, key))

    def store(self, instance: str, key: str, value: bytes, ttl: float | None) -> None:
        self._fail()
        self.kept[instance, key] = value

    def delete(self, instance: str, key: str) -> None:
        self._fail()
        self.kept.pop((instance, key), None)

    def _fail(self) -> None:
        if self.broken:
            raise OSError("redis://user:password@host is away")


class Loads:
    """A handler that caches a number, which grows with each load."""

    def __init__(self) -> None:
        self.loads = 0

    async def on_track(self, event: Any, settings: Any, world: World) -> object:
        if event.get("forget"):
            world.host.cache_delete("k")
        entry = await world.host.cache_load("k")
        if entry.value is None:
            self.loads += 1
            entry = msgspec.structs.replace(entry, value=b"%d" % self.loads)
            assert entry.value is not None
            world.host.cache_store("k", entry.value, event.get("ttl"))
        return msgspec.Raw(entry.value or b"")


async def value(engine: isthmus.Engine, instance: isthmus.Instance, event: bytes = TRACK) -> int:
    outcome = await engine.invoke(instance, event)
    return msgspec.json.decode(outcome.value or b"", type=int)


async def test_engines_share_what_their_instances_of_one_name_load() -> None:
    shared, loads = Shared(), Loads()
    for _ in range(2):
        async with engine_with({"onTrack": loads.on_track}, cache=shared) as engine:
            ours = await engine.load(function(), name="ours")
            assert await value(engine, ours) == 1
            other = await engine.load(function(), name="other")
            assert await value(engine, other) == 2
    assert shared.kept == {("ours", "k"): b"1", ("other", "k"): b"2"}


async def test_it_is_asked_once_for_all_who_wait() -> None:
    shared, loads = Shared(), Loads()
    shared.gate = trio.Event()
    found: list[int] = []
    async with engine_with({"onTrack": loads.on_track}, cache=shared) as engine:
        instance = await engine.load(function())

        async def call() -> None:
            found.append(await value(engine, instance))

        async with trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(call)
            await trio.testing.wait_all_tasks_blocked()
            assert len(shared.asked) == 1
            shared.gate.set()
        assert found == [1] * 5
        assert loads.loads == 1
        assert await value(engine, instance) == 1
        assert len(shared.asked) == 2  # nothing is kept beside it


async def test_what_is_deleted_or_expires_at_once_is_not_kept() -> None:
    shared, loads = Shared(), Loads()
    async with engine_with({"onTrack": loads.on_track}, cache=shared) as engine:
        instance = await engine.load(function())
        assert await value(engine, instance) == 1
        assert await value(engine, instance, b'{"type":"track","forget":true,"ttl":0}') == 2
        assert shared.kept == {}


async def test_one_that_fails_is_as_if_it_were_empty(caplog: pytest.LogCaptureFixture) -> None:
    shared, loads = Shared(), Loads()
    shared.broken = True
    async with engine_with({"onTrack": loads.on_track}, cache=shared) as engine:
        instance = await engine.load(function())
        with caplog.at_level(logging.ERROR, "isthmus"):
            assert [await value(engine, instance) for _ in range(2)] == [1, 2]
            assert await value(engine, instance, b'{"type":"track","forget":true}') == 3
    assert "the cache that was handed in failed: OSError" in caplog.text
    assert "password" not in caplog.text


async def test_a_call_that_is_cancelled_while_it_asks_leaves_the_load_to_another() -> None:
    shared, loads = Shared(), Loads()
    shared.gate = trio.Event()
    async with engine_with({"onTrack": loads.on_track}, cache=shared) as engine:
        instance = await engine.load(function())
        async with trio.open_nursery() as nursery:
            scope = trio.CancelScope()

            async def first() -> None:
                with scope:
                    await value(engine, instance)

            nursery.start_soon(first)
            await trio.testing.wait_all_tasks_blocked()
            nursery.start_soon(value, engine, instance)
            await trio.testing.wait_all_tasks_blocked()
            scope.cancel()
            shared.gate.set()
        assert loads.loads == 1
