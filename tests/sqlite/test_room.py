"""A file has a size it keeps to, and gives back what it does not need."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio

import isthmus
from isthmus.queues import Entry, Queue

from .conftest import Opener


def entries(number: int, count: int = 100) -> list[Entry]:
    return [Entry(queue="q", message_id=f"{number}-{each}", body=bytes(10_000)) for each in range(count)]


async def published_until_full(queue: Queue) -> int:
    for number in range(100):
        try:
            await queue.publish(entries(number))
        except isthmus.QueueFull:
            return number
    raise AssertionError("it never was full")


async def test_a_full_file_takes_nothing_in_and_gives_everything_out(open_queue: Opener) -> None:
    async with open_queue(max_bytes="5000000") as queue:
        await queue.declare("q")
        taken = await published_until_full(queue)
        assert (await queue.stats("q")).waiting == taken * 100
        claims = await queue.claim("q", 100)
        await queue.ack(claims)
        await queue.publish(entries(taken))
        assert (await queue.stats("q")).waiting == taken * 100


@pytest.mark.slow
async def test_a_file_that_was_large_becomes_small(open_queue: Opener, tmp_path: Path) -> None:
    file = tmp_path / "queue" / "q.db"
    async with open_queue() as queue:
        await queue.declare("q")
        for number in range(40):
            await queue.publish(entries(number))
        while claims := await queue.claim("q", 500):
            await queue.ack(claims)
        # What is unused goes back in the pauses between jobs.
        with trio.fail_after(60):
            while (await queue._writer.run(queue._store._pages))[1] > 4096:
                await trio.lowlevel.checkpoint()
    assert file.stat().st_size < 20_000_000


async def test_large_bodies_come_out_in_parts_and_whole(open_queue: Opener) -> None:
    async with open_queue() as queue:
        await queue.declare("q")
        bodies = {str(each): bytes([each]) * queue.max_body for each in range(40)}
        await queue.publish([Entry(queue="q", message_id=each, body=body) for each, body in bodies.items()])
        found: dict[str, bytes] = {}
        while claims := await queue.claim("q", 40):
            assert sum(len(claim.body) for claim in claims) <= 32 * 1024 * 1024
            found |= {claim.message_id: claim.body for claim in claims}
        assert found == bodies


async def test_stats_know_bytes(open_queue: Opener) -> None:
    async with open_queue() as queue:
        await queue.declare("q")
        await queue.publish(entries(0, 3))
        assert (await queue.stats("q")).bytes == 30_000
