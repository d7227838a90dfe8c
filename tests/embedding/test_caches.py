"""The embedder's cache: asked in the loop that it belongs to, or in a thread; one that fails is as if it were empty."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import Any

import msgspec
import pytest
from tests.embedding.scripted import FUNCTION, LIMITS, track

import isthmus.asyncio
import isthmus.sync
from isthmus.abc import SharedCache
from isthmus.testing import ScriptedRuntime, World


class Kept(SharedCache):
    """Keeps values in memory, and notes where it was asked."""

    def __init__(self) -> None:
        self.values: dict[tuple[str, str], Any] = {}
        self.threads: set[str] = set()
        self.loops: set[object] = set()
        self.deleted: list[str] = []

    async def load(self, instance: str, key: str) -> bytes | None:
        self.threads.add(threading.current_thread().name)
        self.loops.add(asyncio.get_running_loop())
        return self.values.get((instance, key))

    def store(self, instance: str, key: str, value: bytes, ttl: float | None) -> None:
        self.values[instance, key] = value

    def delete(self, instance: str, key: str) -> None:
        self.deleted.append(key)
        self.values.pop((instance, key), None)


class KeptByThreads(Kept):
    def load(self, instance: str, key: str) -> bytes | None:  # type: ignore[override] # as threads have it
        self.threads.add(threading.current_thread().name)
        return self.values.get((instance, key))


async def on_track(event: Any, settings: object, world: World) -> object:
    """A number, which is loaded where none is kept; every third event has it forgotten first."""
    if event["number"] % 3 == 2:
        world.host.cache_delete("k")
    entry = await world.host.cache_load("k")
    if entry.value is not None:
        return msgspec.Raw(entry.value)
    world.host.cache_store("k", b"%d" % event["number"], 60.0)
    return event["number"]


def runtime() -> ScriptedRuntime:
    return ScriptedRuntime({"onTrack": on_track})


def test_in_a_service_on_asyncio_it_is_asked_in_the_callers_loop() -> None:
    cache = Kept()

    async def main() -> None:
        async with isthmus.asyncio.open_engine(
            plugins=[runtime()], load_entry_points=False, limits=LIMITS, cache=cache
        ) as engine:
            instance = await engine.load(FUNCTION, name="ours")
            outcomes = [await engine.invoke(instance, track(number)) for number in range(4)]
        assert [bytes(outcome.value or b"") for outcome in outcomes] == [b"0", b"0", b"2", b"2"]
        assert cache.loops == {asyncio.get_running_loop()}

    asyncio.run(asyncio.wait_for(main(), 300))
    assert cache.values == {("ours", "k"): b"2"}
    assert cache.deleted == ["k"]


def test_in_a_script_it_is_asked_in_a_thread() -> None:
    cache = KeptByThreads()
    with isthmus.sync.open_engine(
        plugins=[runtime()], load_entry_points=False, limits=LIMITS, cache=cache
    ) as engine:
        instance = engine.load(FUNCTION, name="ours")
        outcomes = [engine.invoke(instance, track(number)) for number in range(3)]
    assert [bytes(outcome.value or b"") for outcome in outcomes] == [b"0", b"0", b"2"]
    assert "isthmus-trio" not in cache.threads


def test_what_it_gives_that_is_no_bytes_is_nothing(caplog: pytest.LogCaptureFixture) -> None:
    cache = KeptByThreads()
    cache.values["ours", "k"] = "a text"
    with (
        caplog.at_level(logging.ERROR),
        isthmus.sync.open_engine(
            plugins=[runtime()], load_entry_points=False, limits=LIMITS, cache=cache
        ) as engine,
    ):
        outcome = engine.invoke(engine.load(FUNCTION, name="ours"), track(0))
    assert bytes(outcome.value or b"") == b"0"
    assert "the cache that was handed in failed" in caplog.text
