"""Calls of a store's functions that may be under way at one time: of a function, of the workspace, over all instances."""

from __future__ import annotations

from pathlib import Path

import trio
from tests.server.test_store import made_destination, made_source

import isthmus
from isthmus.testing import ScriptedRuntime, World
from isthmus_server.sharedslots import SharedSlots
from isthmus_server.snapshotpipeline import load_snapshot
from isthmus_server.store import WORKSPACE, Bounds, Draft, KeyRing, ResourceType, Snapshot, open_store

EVENT = b'{"type":"track","event":"E","userId":"u"}'


def test_slots_stay_while_their_bounds_do() -> None:
    shared = SharedSlots()
    bounds = {WORKSPACE: Bounds(concurrency=5), "f": Bounds(concurrency=2)}
    of_f, whole = shared.of("f", bounds), shared.of("g", bounds)
    assert of_f is not None
    assert whole is not None
    assert (of_f.most, whole.most) == (2, 5)
    assert (shared.of("f", bounds), shared.of("h", bounds)) == (of_f, whole)
    wider = shared.of("f", {**bounds, "f": Bounds(concurrency=3)})
    assert wider is not None
    assert wider.most == 3
    assert shared.of("g", {"f": Bounds(concurrency=3)}) is None
    assert shared.of("f", {"f": Bounds(concurrency=3)}) is not wider  # it is within no other any more


async def test_all_instances_of_a_function_have_its_slots_together(
    quick_path: Path, keys: KeyRing, autojump_clock: object
) -> None:
    under_way = most = 0

    async def runs(event: object, settings: object, world: World) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await trio.sleep(1)
        under_way -= 1

    # Threads and a clock that jumps do not go together: the store is read before anything is waited for.
    snapshot = await trio.to_thread.run_sync(lambda: trio.run(_snapshot, quick_path, keys))
    runtime = ScriptedRuntime({"onTrack": runs})
    async with isthmus.open_engine(plugins=[runtime], load_entry_points=False) as engine:
        loaded = await load_snapshot(engine, snapshot)
        async with trio.open_nursery() as nursery:
            for instance in loaded.instances:
                nursery.start_soon(engine.invoke_each, instance, [EVENT] * 5, lambda *_: None)
        assert (len(loaded.instances), most) == (2, 3)


async def _snapshot(directory: Path, keys: KeyRing) -> Snapshot:
    async with open_store(f"sqlite:{directory}/store.db", keys=keys) as store:
        source = await made_source(store)
        draft = Draft(code="// scripted", display_name="Fn")
        function = await store.write(
            lambda tx: tx.functions.create(ResourceType.DESTINATION, draft, language="scripted")
        )
        for _ in range(2):
            await made_destination(store, source, function.id)
        await store.write(lambda tx: tx.bounds.put(function.id, Bounds(concurrency=3)))
        return await store.snapshot()
