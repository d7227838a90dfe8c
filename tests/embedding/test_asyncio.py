"""The engine as services on asyncio have it."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
import trio
from tests.embedding.scripted import FUNCTION, IDENTIFY, LIMITS, TENANT, Script, track

import isthmus
import isthmus.asyncio
from isthmus.testing import ScriptedRuntime

Opened = tuple[isthmus.asyncio.Engine, isthmus.Instance]


@asynccontextmanager
async def opened(runtime: ScriptedRuntime) -> AsyncIterator[Opened]:
    async with isthmus.asyncio.open_engine(
        plugins=[runtime], load_entry_points=False, limits=LIMITS
    ) as engine:
        yield engine, await engine.load(FUNCTION)


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run it, and see that asyncio has nothing to complain of."""

    async def watched() -> None:
        complaints: list[str] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, said: complaints.append(said["message"]))
        await asyncio.wait_for(main, 1800)
        gc.collect()
        await asyncio.sleep(0)
        assert complaints == []

    asyncio.run(watched())


async def until_waiting(script: Script, calls: int) -> None:
    while script.waiting < calls:  # noqa: ASYNC110 -- it is counted in another thread
        await asyncio.sleep(0.001)


def test_a_call_runs_in_a_thread_of_its_own_and_comes_back() -> None:
    script = Script()

    async def main() -> None:
        async with opened(script.runtime()) as (engine, instance):
            outcome = await engine.invoke(instance, track(3))
            assert msgspec.json.decode(outcome.value or b"") == {"number": 3, "tenant": "nobody"}
            assert "Engine over <isthmus.Engine of scripted" in repr(engine)

    run(main())
    assert script.threads == {"isthmus-trio"}


def test_context_variables_of_each_caller_go_with_its_call() -> None:
    async def main() -> None:
        async with opened(Script().runtime()) as (engine, instance):

            async def call(tenant: str) -> object:
                TENANT.set(tenant)
                outcome = await engine.invoke(instance, track())
                return msgspec.json.decode(outcome.value or b"")["tenant"]

            assert await asyncio.gather(*(call(name) for name in "abc")) == ["a", "b", "c"]

    run(main())


def test_cancelling_the_caller_cancels_its_call_and_waits_for_it() -> None:
    script = Script()

    async def main() -> None:
        async with opened(script.runtime()) as (engine, instance):
            task = asyncio.create_task(engine.invoke(instance, IDENTIFY))
            await until_waiting(script, 1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            # The call had unwound when the caller went on, so that nothing outlives a request.
            assert (script.waiting, script.cancelled) == (0, 1)
            assert (await engine.invoke(instance, track())).ok

    run(main())


def test_what_comes_for_a_caller_who_has_gone_is_given_back() -> None:
    """An instance that has loaded, say, as whoever loads it is cancelled."""
    given_back: list[str] = []

    async def stubborn() -> str:
        with trio.CancelScope(shield=True):
            script.begun.set()
            await trio.to_thread.run_sync(gone.wait)
        return "value"

    async def lost(value: str) -> None:
        given_back.append(value)

    script, gone = Script(), threading.Event()

    async def main() -> None:
        async with opened(script.runtime()) as (engine, instance):
            task = asyncio.create_task(engine._bridge.call(stubborn, lost=lost))
            await asyncio.to_thread(script.begun.wait, 30)
            for _ in range(3):  # who is cancelled more than once waits all the same
                task.cancel()
                await asyncio.sleep(0)
            assert not task.done()
            gone.set()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert (await engine.invoke(instance, track())).ok
        assert given_back == ["value"]

    run(main())


@pytest.mark.slow
def test_ten_thousand_calls_are_cancelled_cleanly() -> None:
    script = Script()

    async def main() -> None:
        async with opened(script.runtime()) as (engine, instance):
            tasks = [asyncio.create_task(engine.invoke(instance, IDENTIFY)) for _ in range(10_000)]
            await until_waiting(script, 10_000)
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            assert {type(result) for result in results} == {asyncio.CancelledError}
            assert (script.waiting, script.cancelled) == (0, 10_000)
            assert (await engine.invoke(instance, track())).ok

    run(main())


def test_exceptions_come_as_they_are_and_in_no_group() -> None:
    async def main() -> None:
        async with opened(Script().runtime()) as (engine, instance):
            with pytest.raises(isthmus.InvalidInput):
                await engine.invoke(instance, b"no json")
            with pytest.raises(isthmus.PluginError, match="no plugin offers a runtime"):
                await engine.load(msgspec.structs.replace(FUNCTION, language="cobol"))
            await engine.unload(instance)
            with pytest.raises(isthmus.EngineClosed):
                await engine.invoke(instance, track())

    run(main())


def test_settings_are_asked_for_and_replaced_in_the_callers_loop() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()

        async def ask(caller: isthmus.Caller) -> dict[str, object]:
            assert asyncio.get_running_loop() is loop
            asked.append(caller.instance)
            return {}

        asked: list[str] = []
        async with opened(Script().runtime()) as (engine, _):
            instance = await engine.load(FUNCTION, settings=isthmus.SettingsSource(ask=ask), name="ours")
            await engine.replace(instance, msgspec.structs.replace(FUNCTION, file="next"))
            assert asked == ["ours", "ours"]
            assert instance.function.file == "next"
            assert engine.stats().programs == 2

    run(main())


def test_an_engine_that_does_not_open_says_why() -> None:
    async def main() -> None:
        with pytest.raises(isthmus.PluginError):
            async with isthmus.asyncio.open_engine(plugins=[object()], load_entry_points=False):
                pass

    run(main())


def test_calls_under_way_at_the_end_and_later_ones_hear_that_it_is_closed() -> None:
    script = Script()

    async def main() -> None:
        async with opened(script.runtime()) as (engine, instance):
            task = asyncio.create_task(engine.invoke(instance, IDENTIFY))
            await until_waiting(script, 1)
        with pytest.raises(isthmus.EngineClosed, match="closed while"):
            await task
        with pytest.raises(isthmus.EngineClosed):
            await engine.invoke(instance, track())
        with pytest.raises(isthmus.EngineClosed):
            await engine.load(FUNCTION)

    run(main())


def test_an_error_in_the_body_closes_the_engine_and_comes_out_plain() -> None:
    runtime = Script().runtime()

    async def main() -> None:
        with pytest.raises(ZeroDivisionError):
            async with opened(runtime):
                raise ZeroDivisionError

    run(main())
    assert runtime.closed


def test_loops_in_other_threads_call_the_same_engine() -> None:
    async def main() -> None:
        async with opened(Script().runtime()) as (engine, instance):

            async def calls() -> int:
                outcomes = await asyncio.gather(*(engine.invoke(instance, track(n)) for n in range(20)))
                return sum(outcome.ok for outcome in outcomes)

            assert (
                await asyncio.gather(calls(), *(asyncio.to_thread(asyncio.run, calls()) for _ in range(3)))
                == [20] * 4
            )

    run(main())


def test_many_events_are_read_and_delivered_in_the_loop() -> None:
    seen: dict[int, object] = {}
    threads: set[int] = set()

    def deliver(index: int, outcome: isthmus.Outcome | isthmus.InvalidInput) -> None:
        threads.add(threading.get_ident())
        seen[index] = outcome

    async def slowly() -> AsyncIterator[dict[str, object]]:
        for number in range(5):
            await asyncio.sleep(0)
            yield track(number)

    async def main() -> None:
        async with opened(Script().runtime()) as (engine, instance):
            events = [track(number) for number in range(3000)]
            await engine.invoke_each(instance, [*events, b"no json"], deliver, concurrency=8)
            assert len(seen) == 3001
            assert isinstance(seen.pop(3000), isthmus.InvalidInput)
            assert all(isinstance(outcome, isthmus.Outcome) for outcome in seen.values())
            assert msgspec.json.decode(seen[7].value)["number"] == 7  # type: ignore[attr-defined]
            seen.clear()
            await engine.invoke_each(instance, slowly(), deliver)
            assert sorted(seen) == [0, 1, 2, 3, 4]

    run(main())
    assert threads == {threading.get_ident()}


def test_what_reading_or_delivering_raises_ends_the_run() -> None:
    script = Script()

    def broken() -> Iterator[dict[str, object]]:
        yield track()
        raise ZeroDivisionError

    def deliver(index: int, outcome: object) -> None:
        raise LookupError

    async def main() -> None:
        async with opened(script.runtime()) as (engine, instance):
            with pytest.raises(ZeroDivisionError):
                await engine.invoke_each(instance, broken(), lambda *_: None)
            with pytest.raises(LookupError):
                await engine.invoke_each(instance, [track(), IDENTIFY], deliver)
            assert script.waiting == 0

    run(main())


def test_a_run_over_events_is_stopped_in_peace() -> None:
    script = Script()
    stop = asyncio.Event()
    delivered: list[int] = []

    async def endless() -> AsyncIterator[dict[str, object]]:
        while True:
            await asyncio.sleep(0)
            yield track()

    def deliver(index: int, outcome: object) -> None:
        delivered.append(index)
        if len(delivered) == 10:
            stop.set()

    async def main() -> None:
        async with opened(script.runtime()) as (engine, instance):
            await engine.invoke_each(instance, endless(), deliver, stop=stop)

    run(main())
    assert len(delivered) >= 10


def test_a_batcher_gathers_and_delivers_in_the_loop() -> None:
    delivered: dict[int, isthmus.Status] = {}
    threads: set[int] = set()

    def deliver(index: int, result: isthmus.ItemResult, outcome: isthmus.Outcome) -> None:
        threads.add(threading.get_ident())
        delivered[index] = result.status

    async def main() -> None:
        async with opened(Script().runtime()) as (engine, instance):
            async with engine.open_batcher(instance, deliver, max_count=4) as batcher:
                assert [await batcher.add(track(number)) for number in range(10)] == [*range(10)]
            assert delivered == dict.fromkeys(range(10), isthmus.Status.DELIVERED)

            def broken(index: int, result: object, outcome: object) -> None:
                raise LookupError

            with pytest.raises(LookupError):
                async with engine.open_batcher(instance, broken, max_count=1) as batcher:
                    await batcher.add(track())
            with pytest.raises(isthmus.EngineError, match="concurrency=0"):
                async with engine.open_batcher(instance, deliver, concurrency=0):
                    pass
            with pytest.raises(ZeroDivisionError):
                async with engine.open_batcher(instance, deliver):
                    raise ZeroDivisionError

    run(main())
    assert threads == {threading.get_ident()}


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_is_told_that_the_engine_stayed_behind() -> None:
    async def main() -> None:
        async with opened(Script().runtime()) as (engine, instance):
            reader, writer = os.pipe()
            child = os.fork()
            if child == 0:
                said = b"nothing"
                try:
                    asyncio.run(engine.invoke(instance, track()))
                except isthmus.EngineError as exc:
                    said = str(exc).encode()
                finally:
                    os.write(writer, said)
                    os._exit(0)
            os.close(writer)
            os.waitpid(child, 0)  # noqa: ASYNC222 -- it ends at once
            with os.fdopen(reader, "rb") as pipe:
                assert b"open an engine after the fork" in pipe.read()

    run(main())
