"""On a full disk nothing is taken in, nothing is lost, and what is there can be delivered."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import isthmus
from isthmus.queues import Entry, Queue

from .conftest import Disk


def entries(number: int) -> list[Entry]:
    return [Entry(queue="q", message_id=f"{number}-{each}", body=bytes(20_000)) for each in range(10)]


async def fill(queue: Queue, kept: set[str]) -> None:
    for number in range(1000):
        await queue.publish(entries(number))
        kept |= {entry.message_id for entry in entries(number)}


async def drained(url: str) -> set[str]:
    found: set[str] = set()
    async with isthmus.open_queue(url) as queue:
        while claims := await queue.claim("q", 20):
            found |= {claim.message_id for claim in claims}
            await queue.ack(claims)
        await queue.publish(entries(5000))
    return found


@pytest.mark.slow
async def test_what_is_left_free_is_enough_to_deliver_everything(make_disk: Callable[[int], Disk]) -> None:
    url = f"sqlite:{make_disk(32).mounted}/q.db?min_free=3000000"
    kept: set[str] = set()
    async with isthmus.open_queue(url) as queue:
        await queue.declare("q")
        with pytest.raises(isthmus.QueueFull, match="there is no room for"):
            await fill(queue, kept)
    assert len(kept) > 100
    assert await drained(url) == kept


@pytest.mark.slow
async def test_a_disk_that_others_fill_loses_nothing(make_disk: Callable[[int], Disk]) -> None:
    disk = make_disk(32)
    others = disk.mounted / "others"
    others.write_bytes(bytes(8 << 20))
    url = f"sqlite:{disk.mounted}/q.db?min_free=0"
    kept: set[str] = set()
    async with isthmus.open_queue(url) as queue:
        await queue.declare("q")
        with pytest.raises(isthmus.QueueFull):
            await fill(queue, kept)
    assert len(kept) > 100
    others.unlink()
    assert await drained(url) == kept
