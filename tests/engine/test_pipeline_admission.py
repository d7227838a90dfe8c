"""How much a lane claims, and when: in groups, so that a claim costs little by the event, and never late by more than moments."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import trio
import trio.testing

from isthmus._pipeline.admission import CHUNK, GATHER, Admission
from isthmus._pipeline.items import Policy
from isthmus._pipeline.pulse import Pulse
from isthmus._rules.retry import DESTINATION


def admission(slots: int, held: Callable[[], int] = lambda: 0) -> Admission:
    policy = Policy(schedule=DESTINATION, concurrency=slots)
    return Admission(policy, held=held, changed=Pulse(), moved=lambda _: None)


@pytest.mark.parametrize(
    ("slots", "claims"), [(1, [1]), (16, [16]), (100, [64, 36]), (256, [128, 128]), (1000, [CHUNK] * 5)]
)
async def test_many_slots_are_filled_by_several_claims(
    slots: int, claims: list[int], autojump_clock: trio.testing.MockClock
) -> None:
    tested = admission(slots)
    found = []
    for _ in claims:
        found.append(await tested.wait(CHUNK))
        tested.took(found[-1])
    assert found == claims
    with trio.move_on_after(60) as waiting:
        await tested.wait(CHUNK)
    assert waiting.cancelled_caught


@pytest.mark.parametrize(
    ("freed", "took", "seconds"), [(1, 1, GATHER), (7, 7, GATHER), (8, 8, 0.0), (16, 16, 0.0)]
)
async def test_a_claim_waits_a_moment_for_more_slots(
    freed: int, took: int, seconds: float, autojump_clock: trio.testing.MockClock
) -> None:
    tested = admission(16)
    tested.took(await tested.wait(CHUNK))
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def claim() -> None:
            assert await tested.wait(CHUNK) == took

        await trio.testing.wait_all_tasks_blocked()
        began = trio.current_time()
        for _ in range(freed):
            tested.free()
    assert trio.current_time() - began == pytest.approx(seconds)


async def test_slots_that_become_free_one_by_one_are_claimed_together(
    autojump_clock: trio.testing.MockClock,
) -> None:
    tested = admission(16)
    tested.took(await tested.wait(CHUNK))
    claimed: list[int] = []
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def claim() -> None:
            while sum(claimed) < 16:
                claimed.append(await tested.wait(CHUNK))
                tested.took(claimed[-1])

        for _ in range(16):
            await trio.sleep(GATHER / 20)
            tested.free()
    assert claimed == [8, 8]


async def test_what_is_not_written_down_yet_is_not_added_to(autojump_clock: trio.testing.MockClock) -> None:
    tested = admission(16, held=lambda: 2 * 16 + CHUNK)
    with trio.move_on_after(60) as waiting:
        await tested.wait(CHUNK)
    assert waiting.cancelled_caught
