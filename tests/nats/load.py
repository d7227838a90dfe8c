"""Publishers and claimers at work while something breaks, and the account of what was accepted and what arrived."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

import trio

from isthmus.queues import Entry, Queue, QueueOptions

BATCH = 20


class Load:
    """Works on one queue until told to end."""

    def __init__(self, queue: Queue, name: str = "load") -> None:
        self.queue = queue
        self.name = name
        self.accepted: set[str] = set()
        self.arrived: Counter[str] = Counter()
        self._numbers = count()
        self._publishing = True
        self._publishers = 0
        self._changed = trio.Event()

    @property
    def lost(self) -> set[str]:
        """Accepted, and not arrived."""
        return self.accepted - set(self.arrived)

    @property
    def duplicates(self) -> int:
        """Deliveries beyond the first of an id."""
        return self.arrived.total() - len(self.arrived)

    async def grow(self, count: int) -> None:
        """Wait until that many more have been accepted: the service is there."""
        goal = len(self.accepted) + count
        with trio.fail_after(90):
            while len(self.accepted) < goal:
                await self._changed.wait()

    async def end(self) -> None:
        """Publish no more, and wait until everything has arrived, what is being published now as well."""
        self._publishing = False
        with trio.move_on_after(90):
            while self._publishers or self.lost:
                await self._changed.wait()

    async def publish(self) -> None:
        self._publishers += 1
        while self._publishing:
            entries = [
                Entry(queue=self.name, message_id=f"m{next(self._numbers)}", body=b"x" * 200)
                for _ in range(BATCH)
            ]
            await self.queue.publish(entries)
            self.accepted.update(entry.message_id for entry in entries)
            self._tell()
            await trio.sleep(0.005)
        self._publishers -= 1
        self._tell()

    async def claim(self) -> None:
        while True:
            claims = await self.queue.claim(self.name, 100, wait=0.5)
            self.arrived.update(claim.message_id for claim in claims)
            await self.queue.ack(claims)
            self._tell()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = trio.Event()


@asynccontextmanager
async def working(queue: Queue, *, publishers: int = 3, claimers: int = 2) -> AsyncIterator[Load]:
    """A load that has begun."""
    load = Load(queue)
    await queue.declare(load.name, QueueOptions(lease=3))
    async with trio.open_nursery() as nursery:
        for _ in range(publishers):
            nursery.start_soon(load.publish)
        for _ in range(claimers):
            nursery.start_soon(load.claim)
        await load.grow(200)
        yield load
        await load.end()
        nursery.cancel_scope.cancel()
