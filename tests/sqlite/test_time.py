"""Clocks that are set move nothing while a file is open, and hold nothing up when it is opened again."""

from __future__ import annotations

import time

import pytest

from isthmus.queues import Entry, QueueOptions

from .conftest import Opener, Times

DAY = 86_400.0


@pytest.mark.parametrize("jump", [DAY, -DAY])
async def test_a_clock_that_is_set_moves_no_lease_and_no_delay(
    open_queue: Opener, times: Times, jump: float
) -> None:
    async with open_queue() as queue:
        await queue.declare("q", QueueOptions(lease=60.0))
        await queue.publish([Entry(queue="q", message_id=each, body=b"") for each in "ab"])
        leased, delayed = await queue.claim("q", 2)
        await queue.retry([(delayed, 120.0)])
        times.set_by = jump
        assert not await queue.claim("q", 2)
        await times.advance(61)
        (again,) = await queue.claim("q", 2)
        assert again.message_id == leased.message_id
        # Told on the clock as it is now: how long ago is what stays true.
        assert abs(time.time() + jump + times.passed - again.published_at - 61) < 5
        await queue.ack([again])
        await times.advance(60)
        assert [claim.message_id for claim in await queue.claim("q", 2)] == [delayed.message_id]


async def test_a_clock_set_back_while_the_file_was_closed_holds_nothing_up(
    open_queue: Opener, times: Times
) -> None:
    async with open_queue() as queue:
        await queue.declare("q")
        await queue.publish([Entry(queue="q", message_id="a", body=b"", delay=60.0)])
    times.set_by = -DAY
    async with open_queue() as queue:
        assert not await queue.claim("q", 1)
        await times.advance(61)
        (claim,) = await queue.claim("q", 1)
        assert 60 < claim.first_at - claim.published_at < 70


async def test_leases_end_with_the_process_that_held_them(open_queue: Opener) -> None:
    async with open_queue() as queue:
        await queue.declare("q", QueueOptions(lease=3600.0))
        await queue.publish([Entry(queue="q", message_id="a", body=b"")])
        (old,) = await queue.claim("q", 1)
    async with open_queue() as queue:
        (new,) = await queue.claim("q", 1)
        assert new.attempt == 2
        await queue.ack([old])
        assert (await queue.stats("q")).in_flight == 1
