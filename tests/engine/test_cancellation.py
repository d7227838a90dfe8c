"""Cancel at each step of each operation: afterwards nothing is held and the engine works."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import contextmanager
from typing import Any

import pytest
import trio
import trio.testing
from tests.engine.scripted import TRACK, engine_with, function

import isthmus
from isthmus import Engine, Instance
from isthmus.abc import FetchRequest, FetchResponse
from isthmus.testing import MockFetcher, ScriptedRuntime, World

EVENTS = [TRACK] * 5 + [b"nonsense", b'{"type":"page"}', b'{"type":"screen"}'] + [TRACK] * 70
MOST_STEPS = 3000


class CancelAt(trio.abc.Instrument):
    """Cancels a scope before the n-th step that any task makes."""

    def __init__(self, scope: trio.CancelScope, steps: int) -> None:
        self._scope = scope
        self._steps = steps

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self._steps -= 1
        if self._steps == 0:
            self._scope.cancel()


async def cancelled(operation: Callable[[], Awaitable[object]], steps: int) -> bool:
    """Whether the operation was cut short by a cancellation before its n-th step."""
    with trio.CancelScope() as scope:
        instrument = CancelAt(scope, steps)
        trio.lowlevel.add_instrument(instrument)
        try:
            await operation()
        finally:
            trio.lowlevel.remove_instrument(instrument)
    return scope.cancelled_caught


async def on_track(event: Any, settings: Any, world: World) -> None:
    host = world.host
    if (await host.cache_load("token")).value is None:
        await host.fetch(FetchRequest(url="https://api.example/token"))
        host.cache_store("token", b'"t"', 0.001)
    await host.sleep(0.001)
    world.host.log("info", "done")


async def on_batch(batch: Any, settings: Any, world: World) -> None:
    await on_track(batch[0], settings, world)


async def on_screen(event: Any, settings: Any, world: World) -> None:
    raise isthmus.RuntimeFault("the world fell apart")


def new_runtime() -> ScriptedRuntime:
    handlers = {"onTrack": on_track, "onScreen": on_screen}
    return ScriptedRuntime(handlers, scripts={"batching": {**handlers, "onBatch": on_batch}})


async def answer(request: FetchRequest) -> FetchResponse:
    await trio.sleep(0.001)
    return FetchResponse(status=200)


async def as_async(events: list[bytes]) -> AsyncIterator[bytes]:
    for event in events:
        await trio.lowlevel.checkpoint()
        yield event


def ignore(*args: object) -> None:
    pass


async def single(engine: Engine, instance: Instance) -> None:
    await engine.invoke(instance, TRACK)


async def without_handler(engine: Engine, instance: Instance) -> None:
    await engine.invoke(instance, {"type": "page"})


async def several(engine: Engine, instance: Instance) -> None:
    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(engine.invoke, instance, TRACK)


async def after_a_fault(engine: Engine, instance: Instance) -> None:
    await engine.invoke(instance, {"type": "screen"})
    await several(engine, instance)


async def batch(engine: Engine, instance: Instance) -> None:
    await engine.invoke_batch(instance, [TRACK, TRACK])


async def each(engine: Engine, instance: Instance) -> None:
    await engine.invoke_each(instance, EVENTS[:20], ignore, concurrency=7)


async def each_async(engine: Engine, instance: Instance) -> None:
    events = as_async(EVENTS[:20])
    try:
        await engine.invoke_each(instance, events, ignore, concurrency=7)
    finally:
        await events.aclose()  # type: ignore[attr-defined]


async def gathered(engine: Engine, instance: Instance) -> None:
    async with engine.open_batcher(instance, ignore, max_count=2, max_wait=1, concurrency=2) as batcher:
        for _ in range(5):
            await batcher.add(TRACK)
        await trio.sleep(2)
        await batcher.add(TRACK)


async def another_instance(engine: Engine, instance: Instance) -> None:
    another = await engine.load(function(name="another"))
    await engine.invoke(another, TRACK)
    await another.aclose()


@contextmanager
def nothing_is_left(engine: Engine, runtime: ScriptedRuntime) -> Any:
    yield
    assert runtime.running == 0
    assert len(engine._scopes) == 0
    for binding in engine._bindings.values():
        assert binding.busy == 0
        assert not binding.door.cache._flights
        assert binding.shared.current is None or binding.shared.current.calls == 0
    loaded = [shared for shared in engine._programs._shared.values() if shared.current is not None]
    assert runtime.programs == len(loaded)
    for shared in engine._programs._shared.values():
        users = [binding for binding in engine._bindings.values() if binding.shared is shared]
        assert shared.users == len(users) > 0


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        (single, "code"),
        (without_handler, "code"),
        (several, "code"),
        (after_a_fault, "code"),
        (batch, "batching"),
        (each, "code"),
        (each_async, "code"),
        (gathered, "code"),
        (gathered, "batching"),
        (another_instance, "code"),
    ],
)
async def test_cancelled_at_any_step_an_operation_leaves_nothing_behind(
    operation: Callable[[Engine, Instance], Awaitable[None]], code: str, autojump_clock: trio.abc.Clock
) -> None:
    runtime = new_runtime()
    async with engine_with(runtime, MockFetcher(answer)) as engine:
        instance = await engine.load(function(code=code))
        for steps in range(1, MOST_STEPS):
            with nothing_is_left(engine, runtime):
                cut = await cancelled(lambda: operation(engine, instance), steps)
                for other in tuple(engine._bindings):
                    if other is not instance:  # loaded, and cancelled before it could be closed
                        await other.aclose()
            assert (await engine.invoke(instance, TRACK)).ok
            if not cut:
                break
        assert steps > 1
    assert not cut
    assert (runtime.programs, runtime.closed) == (0, True)


async def test_cancelled_at_any_step_a_close_has_closed() -> None:
    for steps in range(1, MOST_STEPS):
        runtime = new_runtime()
        async with engine_with(runtime) as engine:
            instance, keeper = await engine.load(function()), await engine.load(function())
            async with trio.open_nursery() as nursery:
                nursery.start_soon(engine.invoke, keeper, {"type": "page"})
                cut = await cancelled(instance.aclose, steps)
            with pytest.raises(isthmus.EngineClosed):
                await engine.invoke(instance, TRACK)
            assert (await engine.invoke(keeper, {"type": "page"})).handler == "onPage"
            await keeper.aclose()
            assert runtime.programs == 0
        if not cut:
            break
    assert not cut


async def test_cancelled_at_any_step_an_engine_has_closed_everything(autojump_clock: trio.abc.Clock) -> None:
    async def life() -> None:
        async with engine_with(runtime, fetcher) as engine:
            instance = await engine.load(function())
            async with trio.open_nursery() as nursery:
                nursery.start_soon(engine.invoke, instance, TRACK)
                nursery.start_soon(engine.invoke_each, instance, [TRACK] * 3, ignore)

    for steps in range(1, MOST_STEPS):
        runtime, fetcher = new_runtime(), MockFetcher(answer)
        cut = await cancelled(life, steps)
        assert (runtime.running, runtime.programs) == (0, 0)
        assert runtime.closed
        assert fetcher.closed
        if not cut:
            break
    assert not cut


async def test_a_loader_that_is_cancelled_leaves_the_load_to_who_waits() -> None:
    class Slow:
        first = True

    started = trio.Event()
    runtime = new_runtime()
    real = runtime.load

    async def load(*args: Any) -> Any:
        if Slow.first:
            Slow.first = False
            started.set()
            await trio.sleep_forever()
        return await real(*args)

    runtime.load = load  # type: ignore[method-assign, assignment]
    async with engine_with(runtime) as engine, trio.open_nursery() as nursery:
        first = trio.CancelScope()

        async def cancelled_load() -> None:
            with first:
                await engine.load(function())

        nursery.start_soon(cancelled_load)
        await started.wait()
        nursery.start_soon(engine.load, function())
        await trio.testing.wait_all_tasks_blocked()
        first.cancel()
        await trio.testing.wait_all_tasks_blocked()
        assert len(engine._bindings) == 1
