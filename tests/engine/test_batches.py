"""Events that come one by one, gathered for onBatch or handed to their own handlers."""

from __future__ import annotations

import json
from typing import Any

import pytest
import trio
import trio.testing
from hypothesis import given, strategies as st
from tests.engine.scripted import TRACK, instance_with

import isthmus
from isthmus import ItemResult, Kind, Limits, Outcome, Status
from isthmus.testing import ScriptedRuntime, Throw, World


class Results:
    """What was delivered, by index, and when."""

    def __init__(self) -> None:
        self.items: dict[int, ItemResult] = {}
        self.outcomes: dict[int, Outcome] = {}
        self.times: dict[int, float] = {}

    def __call__(self, index: int, result: ItemResult, outcome: Outcome) -> None:
        assert index not in self.items
        self.items[index], self.outcomes[index] = result, outcome
        self.times[index] = trio.current_time()

    def statuses(self) -> list[Status]:
        return [self.items[index].status for index in sorted(self.items)]


def sizes_of(batches: list[int]) -> Any:
    def on_batch(batch: Any, settings: Any, world: World) -> None:
        batches.append(len(batch))

    return on_batch


def event(number: int, type_: str = "track") -> dict[str, Any]:
    return {"type": type_, "messageId": f"m{number}", "n": number}


async def test_choice_5_results_are_paired_with_their_events() -> None:
    def on_batch(batch: Any, settings: Any, world: World) -> Any:
        return [{"status": 200 if event["n"] % 2 else 500} for event in batch]

    results = Results()
    async with (
        instance_with({"onBatch": on_batch}) as (engine, instance),
        engine.open_batcher(instance, results, max_count=2) as batcher,
    ):
        assert [await batcher.add(event(n)) for n in range(5)] == [0, 1, 2, 3, 4]
    assert results.statuses() == [Status.DELIVERED if n % 2 else Status.RETRY for n in range(5)]
    assert results.outcomes[0] is results.outcomes[1]
    assert results.outcomes[0] is not results.outcomes[2]


async def test_choice_4_events_of_an_insert_go_on_under_their_own_index() -> None:
    def on_batch(batch: Any, settings: Any, world: World) -> Any:
        return [{**event, "seen": True} for event in reversed(batch) if event["n"] != 1]

    results = Results()
    async with (
        instance_with({"onBatch": on_batch}, kind=Kind.INSERT) as (engine, instance),
        engine.open_batcher(instance, results) as batcher,
    ):
        for n in range(3):
            await batcher.add(event(n))
    assert results.statuses() == [Status.DELIVERED, Status.DROPPED, Status.DELIVERED]
    assert json.loads(bytes(results.items[2].event or b"")) == {**event(2), "seen": True}


async def test_a_batch_goes_when_it_is_full_or_its_first_event_has_waited(
    autojump_clock: trio.abc.Clock,
) -> None:
    batches: list[int] = []
    results = Results()
    async with (
        instance_with({"onBatch": sizes_of(batches)}) as (engine, instance),
        engine.open_batcher(instance, results, max_count=3, max_wait=10) as batcher,
    ):
        for pause in (0, 1, 1, 5, 9, 9, 0):
            await trio.sleep(pause)
            await batcher.add(TRACK)
    assert batches == [3, 2, 2]
    assert results.times == {0: 2, 1: 2, 2: 2, 3: 17, 4: 17, 5: 25, 6: 25}


@given(
    waits=st.lists(st.sampled_from([0.0, 0.5, 3.0, 20.0]), max_size=30),
    max_count=st.integers(1, 5),
    max_wait=st.sampled_from([0.0, 1.0, 10.0]),
    slow=st.sampled_from([0.0, 2.0]),
    whole=st.booleans(),
)
def test_every_event_has_one_result_in_time(
    waits: list[float], max_count: int, max_wait: float, slow: float, whole: bool
) -> None:
    results = Results()
    arrived: list[float] = []
    batches: list[int] = []

    async def on_batch(batch: Any, settings: Any, world: World) -> None:
        batches.append(len(batch))
        await trio.sleep(slow)

    async def on_track(event: Any, settings: Any, world: World) -> None:
        await trio.sleep(slow)

    async def main() -> None:
        async with (
            instance_with({"onBatch": on_batch} if whole else {"onTrack": on_track}) as (engine, instance),
            engine.open_batcher(instance, results, max_count=max_count, max_wait=max_wait) as batcher,
        ):
            for wait in waits:
                await trio.sleep(wait)
                arrived.append(trio.current_time())
                await batcher.add(TRACK)

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    assert results.statuses() == [Status.DELIVERED] * len(waits)
    for index, at in enumerate(arrived):
        assert at + slow <= results.times[index] <= at + slow + (max_wait if whole else 0)
    if whole:
        assert sum(batches) == len(waits)
        assert all(count <= max_count for count in batches)


async def test_without_on_batch_each_event_goes_to_its_own_handler_at_once(
    autojump_clock: trio.abc.Clock,
) -> None:
    def on_track(event: Any, settings: Any, world: World) -> Any:
        return event if event["n"] else None

    results = Results()
    async with (
        instance_with({"onTrack": on_track}, kind=Kind.INSERT) as (engine, instance),
        engine.open_batcher(instance, results) as batcher,
    ):
        for n, type_ in enumerate(("track", "track", "page")):
            await batcher.add(event(n, type_))
        await trio.sleep(1)
        assert len(results.items) == 3
    assert results.statuses() == [Status.DROPPED, Status.DELIVERED, Status.REFUSED]
    assert json.loads(bytes(results.items[1].event or b"")) == event(1)
    assert results.items[2].problem is results.outcomes[2].problem is not None
    assert set(results.times.values()) == {0.0}


async def test_a_batch_that_throws_or_breaks_has_results_all_the_same() -> None:
    def on_batch(batch: Any, settings: Any, world: World) -> Any:
        raise isthmus.RuntimeFault("broken") if batch[0]["n"] else Throw("ValidationError", "no")

    results = Results()
    async with (
        instance_with({"onBatch": on_batch}) as (engine, instance),
        engine.open_batcher(instance, results, max_count=2) as batcher,
    ):
        for n in range(4):
            await batcher.add(event(n))
    assert results.statuses() == [Status.REFUSED, Status.REFUSED, Status.RETRY, Status.RETRY]


@pytest.mark.parametrize(("spare", "sizes"), [(3, [2, 2, 2]), (2, [1] * 6)])  # two brackets and a comma
async def test_a_batch_keeps_within_what_may_be_handed_in(spare: int, sizes: list[int]) -> None:
    batches: list[int] = []
    results = Results()
    limits = Limits(input_bytes=len(TRACK) * 2 + spare)
    async with (
        instance_with({"onBatch": sizes_of(batches)}, limits=limits) as (engine, instance),
        engine.open_batcher(instance, results) as batcher,
    ):
        for _ in range(5):
            await batcher.add(TRACK)
        with pytest.raises(isthmus.InvalidInput, match="batch of 1 events has at most"):
            await batcher.add(TRACK + b" " * (len(TRACK) + 2))
        with pytest.raises(isthmus.InvalidInput, match="type array"):
            await batcher.add(b"[]")
        assert await batcher.add(TRACK) == 5
    assert batches == sizes
    assert results.statuses() == [Status.DELIVERED] * 6


async def test_add_waits_while_too_many_calls_are_under_way(autojump_clock: trio.abc.Clock) -> None:
    async def on_batch(batch: Any, settings: Any, world: World) -> None:
        await trio.sleep(1)

    added = []
    async with (
        instance_with({"onBatch": on_batch}) as (engine, instance),
        engine.open_batcher(instance, Results(), max_count=1, concurrency=2) as batcher,
    ):
        for _ in range(5):
            await batcher.add(TRACK)
            added.append(trio.current_time())
    assert added == [0, 0, 1, 1, 2]


async def test_wrong_bounds_and_wrong_kinds_are_errors_at_the_call() -> None:
    async with instance_with({"onBatch": sizes_of([])}) as (engine, instance):
        with pytest.raises(isthmus.EngineError, match="max_count=0"):
            engine.open_batcher(instance, Results(), max_count=0)
        with pytest.raises(isthmus.EngineError, match="concurrency=0"):
            engine.open_batcher(instance, Results(), concurrency=0)
    async with instance_with({"onRequest": sizes_of([])}, kind=Kind.SOURCE) as (engine, instance):
        with pytest.raises(isthmus.InvalidInput, match="no batch"):
            engine.open_batcher(instance, Results())


# ---------------------------------------------------------------- leaving early


async def test_an_exception_in_the_body_comes_out_as_it_is_and_drops_what_waits() -> None:
    batches: list[int] = []
    runtime = ScriptedRuntime({"onBatch": sizes_of(batches)})
    async with instance_with(runtime) as (engine, instance):

        async def fail() -> None:
            async with engine.open_batcher(instance, Results()) as batcher:
                await batcher.add(TRACK)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await fail()
        assert runtime.running == 0
    assert batches == []


@pytest.mark.parametrize("handler", ["onBatch", "onTrack"])
async def test_an_error_of_deliver_comes_out_of_the_batcher(handler: str) -> None:
    def deliver(index: int, result: ItemResult, outcome: Outcome) -> None:
        delivered.append(index)
        raise ZeroDivisionError

    delivered: list[int] = []
    async with instance_with({handler: sizes_of([])} if handler == "onBatch" else {handler: ignore}) as (
        engine,
        instance,
    ):

        async def add() -> None:
            async with engine.open_batcher(instance, deliver, max_count=3) as batcher:
                for _ in range(3):
                    await batcher.add(TRACK)
                await trio.sleep_forever()

        with pytest.raises(ZeroDivisionError):
            await add()
        assert (await engine.invoke(instance, {"type": "other"})).ok
    assert delivered == [0]


def ignore(event: Any, settings: Any, world: World) -> None:
    return None


@pytest.mark.parametrize("handler", ["onBatch", "onTrack"])
async def test_a_batcher_whose_instance_is_closed_says_so(handler: str) -> None:
    results = Results()
    async with instance_with({handler: ignore}) as (engine, instance):

        async def add() -> None:
            async with engine.open_batcher(instance, results) as batcher:
                await batcher.add(TRACK)
                await trio.testing.wait_all_tasks_blocked()
                await instance.aclose()
                with pytest.raises(isthmus.EngineClosed, match="has been closed") as refused:
                    await batcher.add(TRACK)
                raise refused.value

        with pytest.raises(isthmus.EngineClosed, match="has been closed"):
            await add()
        with pytest.raises(isthmus.EngineClosed):
            engine.open_batcher(instance, results)
    assert len(results.items) == (0 if handler == "onBatch" else 1)


async def test_what_waits_when_the_instance_is_closed_is_not_dropped_in_silence() -> None:
    async with instance_with({"onBatch": ignore}) as (engine, instance):

        async def add() -> None:
            async with engine.open_batcher(instance, Results()) as batcher:
                await batcher.add(TRACK)
                await instance.aclose()

        with pytest.raises(isthmus.EngineClosed):
            await add()
