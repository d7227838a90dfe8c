"""Many deliveries that wait for their retry all come, none of them early."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import trio

import isthmus
from isthmus.queues import Entry, QueueOptions

from .conftest import LONG

COUNT = 100_000 if LONG else 5_000
DELAY = 60.0 if LONG else 3.0


@pytest.mark.slow
async def test_all_that_were_delayed_come_when_they_are_due(tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path}/q.db"
    async with isthmus.open_queue(url) as queue:
        await queue.declare("q", QueueOptions(max_unacked=2 * COUNT, lease=3600.0))
        for first in range(0, COUNT, 1000):
            await queue.publish(
                [Entry(queue="q", message_id=str(first + each), body=b"x" * 500) for each in range(1000)]
            )
        while claims := await queue.claim("q", 1000):
            await queue.retry([(claim, DELAY) for claim in claims])
            last = trio.current_time()
    found: set[str] = set()
    async with isthmus.open_queue(url) as queue:
        while claims := await queue.claim("q", 1000, wait=2 * DELAY if len(found) < COUNT else 0.0):
            assert all(time.time() > claim.first_at + DELAY - 1 for claim in claims), "one came early"
            found |= {claim.message_id for claim in claims}
            assert all(claim.attempt == 2 for claim in claims)
            await queue.ack(claims)
        assert trio.current_time() >= last + DELAY - 1
    assert found == {str(number) for number in range(COUNT)}
