"""Calls that take slots: no more than there are run at one time, over all instances that share them."""

from __future__ import annotations

import pytest
import trio
import trio.testing
from hypothesis import given, strategies as st
from tests.engine.scripted import TRACK, engine_with, function

import isthmus
from isthmus import EngineClosed, EngineError, RuntimeFault, Slots
from isthmus.testing import World

STRETCHED = isthmus.Limits(wall=600)


class Calls:
    """Counts the calls under way; each takes a second."""

    def __init__(self) -> None:
        self.under_way = self.most = self.done = 0

    async def __call__(self, event: object, settings: object, world: World) -> None:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await trio.sleep(1)
        finally:
            self.under_way -= 1
        self.done += 1


async def test_instances_share_slots_however_they_are_called(autojump_clock: object) -> None:
    calls, slots = Calls(), Slots(3)
    async with engine_with({"onTrack": calls, "onBatch": calls}) as engine:
        one = await engine.load(function(), slots=slots)
        other = await engine.load(function(), slots=slots)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(engine.invoke_each, one, [TRACK] * 20, lambda *_: None)
            nursery.start_soon(engine.invoke_each, other, [TRACK] * 20, lambda *_: None)
            for _ in range(5):
                nursery.start_soon(engine.invoke, one, TRACK)
                nursery.start_soon(engine.invoke_batch, other, [TRACK, TRACK])
        assert (calls.done, calls.most, slots.free) == (50, 3, 3)


async def test_slots_within_others_keep_to_both(autojump_clock: object) -> None:
    few, many, whole = Calls(), Calls(), Slots(4)
    narrow = Slots(2, within=whole)
    async with engine_with({"onTrack": few}) as engine, engine_with({"onTrack": many}) as beside:
        one, other = await engine.load(function(), slots=narrow), await beside.load(function(), slots=whole)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(engine.invoke_each, one, [TRACK] * 10, lambda *_: None)
            nursery.start_soon(beside.invoke_each, other, [TRACK] * 10, lambda *_: None)
        assert (few.done, many.done, few.most) == (10, 10, 2)
        assert (many.most <= 4, narrow.free, whole.free) == (True, 2, 4)


async def test_the_time_that_a_call_waits_for_its_turn_is_not_its_own(autojump_clock: object) -> None:
    async with engine_with({"onTrack": Calls()}) as engine:
        instance = await engine.load(function(), slots=Slots(1))
        outcomes: list[isthmus.Outcome] = []

        async def invoke() -> None:
            outcomes.append(await engine.invoke(instance, TRACK))

        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(invoke)
        assert [outcome.usage.wall for outcome in outcomes] == [1.0] * 3


async def test_what_is_cancelled_fails_or_is_closed_gives_its_slots_back(autojump_clock: object) -> None:
    def fails(event: object, settings: object, world: World) -> None:
        raise RuntimeFault("it broke")

    slots = Slots(2)
    async with engine_with({"onTrack": Calls(), "onPage": fails}) as engine:
        instance = await engine.load(function(), slots=slots)
        with trio.move_on_after(0.5):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(engine.invoke_each, instance, [TRACK] * 5, lambda *_: None)
                nursery.start_soon(engine.invoke, instance, TRACK)  # waits for its turn
        assert slots.free == 2
        await engine.invoke(instance, b'{"type":"page"}')
        await engine.invoke_each(instance, [b'{"type":"page"}'] * 3, lambda *_: None)
        assert slots.free == 2
        with pytest.RaisesGroup(EngineClosed):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(engine.invoke_each, instance, [TRACK] * 5, lambda *_: None)
                await trio.testing.wait_all_tasks_blocked()
                await instance.aclose()
        assert slots.free == 2


async def test_calls_that_wait_run_on_what_has_replaced_their_function(autojump_clock: object) -> None:
    calls = Calls()
    async with engine_with({"onTrack": calls}) as engine:
        instance = await engine.load(function(), slots=Slots(1))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(engine.invoke_each, instance, [TRACK] * 3, lambda *_: None)
            await trio.sleep(0.5)
            await engine.replace(instance, limits=STRETCHED)
        assert (calls.done, calls.most) == (3, 1)


def test_no_slot_at_all_is_none() -> None:
    with pytest.raises(EngineError, match="from 1, not 0"):
        Slots(0)


@given(
    st.integers(1, 4),
    st.integers(1, 4),
    st.lists(st.tuples(st.booleans(), st.integers(1, 6), st.integers(0, 3), st.integers(0, 2)), max_size=12),
)
def test_nothing_is_lost_whatever_is_taken_given_and_cancelled(
    most: int, inner_most: int, takers: list[tuple[bool, int, int, int]]
) -> None:
    async def main() -> None:
        whole = Slots(most)
        inner = Slots(inner_most, within=whole)
        held = 0

        async def take(narrow: bool, wanted: int, holds: int, patience: int) -> None:
            nonlocal held
            slots = inner if narrow else whole
            while wanted:
                with trio.move_on_after(patience or 1000) as scope:
                    taken = await slots.take(wanted)
                if scope.cancelled_caught:
                    return
                held += taken
                assert 1 <= taken <= wanted
                assert held <= most
                await trio.sleep(holds)
                held -= taken
                slots.give(taken)
                wanted -= taken

        with trio.fail_after(10_000):
            async with trio.open_nursery() as nursery:
                for taker in takers:
                    nursery.start_soon(take, *taker)
        assert (whole.free, inner.free) == (most, inner_most)

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
