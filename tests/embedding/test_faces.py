"""Both faces have what the engine has: batches, tapes and their replays, what is offered once it is open."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import msgspec
from tests.embedding.scripted import FUNCTION, LIMITS, track

import isthmus.asyncio
import isthmus.sync
from isthmus.tapes import Recording, Tape, decode
from isthmus.testing import ScriptedRuntime, World

GRANTED = msgspec.structs.replace(FUNCTION, capabilities=("geo.lookup",))
ITEMS = [{"status": 200}, {"status": 400}]


async def on_track(event: Any, settings: object, world: World) -> object:
    return msgspec.Raw(await world.host.capability("geo.lookup", b'"oslo"'))


def runtime() -> ScriptedRuntime:
    return ScriptedRuntime({"onTrack": on_track, "onBatch": lambda *_: ITEMS})


def recording(tapes: list[bytes]) -> Recording:
    def keep(_tape: Tape, data: bytes) -> str:
        tapes.append(data)
        return "kept"

    return Recording(keep=keep)


def test_the_one_for_asyncio() -> None:
    tapes: list[bytes] = []
    asked: list[object] = []

    async def main() -> None:
        async with isthmus.asyncio.open_engine(
            plugins=[runtime()], load_entry_points=False, limits=LIMITS
        ) as engine:

            @engine.capability("geo.lookup")
            async def lookup(city: str) -> str:
                asked.append(asyncio.get_running_loop() is loop)
                return city.upper()

            loop = asyncio.get_running_loop()
            instance = await engine.load(GRANTED)
            outcome = await engine.invoke(instance, track(), record=recording(tapes))
            assert bytes(outcome.value or b"") == b'"OSLO"'
            again = await engine.replay(decode(tapes[0]))
            assert again.identical, again.differences
            batch = await engine.invoke_batch(instance, [track(0), track(1)])
            assert [item.status.value for item in batch.items] == ["delivered", "refused"]

    asyncio.run(asyncio.wait_for(main(), 300))
    assert asked == [True]  # and not for the replay


def test_the_one_for_threads() -> None:
    tapes: list[bytes] = []
    threads: list[str] = []

    def lookup(city: str) -> str:
        threads.append(threading.current_thread().name)
        return city.upper()

    with isthmus.sync.open_engine(plugins=[runtime()], load_entry_points=False, limits=LIMITS) as engine:
        engine.capability("geo.lookup")(lookup)
        instance = engine.load(GRANTED)
        outcome = engine.invoke(instance, track(), record=recording(tapes))
        assert bytes(outcome.value or b"") == b'"OSLO"'
        again = engine.replay(decode(tapes[0]))
        assert again.identical, again.differences
        batch = engine.invoke_batch(instance, [track(0), track(1)])
        assert [item.status.value for item in batch.items] == ["delivered", "refused"]
        assert repr(engine).startswith("<isthmus.sync.Engine over <isthmus.Engine of scripted")
    assert len(threads) == 1
    assert threads[0] != "isthmus-trio"
