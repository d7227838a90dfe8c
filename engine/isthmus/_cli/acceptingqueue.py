"""A queue that takes deliveries and hands none out, so that a pipeline over it only accepts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import trio

from isthmus.queues import DEFAULT_OPTIONS, Claim, DeadLetter, Entry, Measure, Queue, QueueOptions, QueueStats

__all__ = ["AcceptingQueue"]


@final
class AcceptingQueue(Queue):
    """Another queue, whose deliveries are left to other processes.

    Args:
        queue: that other one.
    """

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self.max_body = queue.max_body
        self.max_batch = queue.max_batch

    async def claim(self, name: str, count: int, *, wait: float = 0.0) -> list[Claim]:
        """Find nothing, however much there is."""
        await trio.sleep(wait)
        return []

    async def declare(self, name: str, options: QueueOptions = DEFAULT_OPTIONS) -> None:
        """As of the other."""
        await self._queue.declare(name, options)

    async def publish(self, entries: Sequence[Entry]) -> None:
        """As of the other."""
        await self._queue.publish(entries)

    async def ack(self, claims: Sequence[Claim]) -> None:
        """As of the other."""
        await self._queue.ack(claims)

    async def retry(self, retries: Sequence[tuple[Claim, float]]) -> None:
        """As of the other."""
        await self._queue.retry(retries)

    async def dead_letter(self, buried: Sequence[tuple[Claim, str]]) -> None:
        """As of the other."""
        await self._queue.dead_letter(buried)

    async def extend(self, claims: Sequence[Claim]) -> None:
        """As of the other."""
        await self._queue.extend(claims)

    async def stats(self, name: str) -> QueueStats:
        """As of the other."""
        return await self._queue.stats(name)

    async def names(self) -> list[str]:
        """As of the other."""
        return await self._queue.names()

    async def dead(self, name: str | None = None, *, after: str = "", count: int = 100) -> list[DeadLetter]:
        """As of the other."""
        return await self._queue.dead(name, after=after, count=count)

    async def measures(self) -> list[Measure]:
        """As of the other."""
        return await self._queue.measures()

    async def revive(self, ids: Sequence[str]) -> int:
        """As of the other."""
        return await self._queue.revive(ids)

    async def discard(self, ids: Sequence[str]) -> int:
        """As of the other."""
        return await self._queue.discard(ids)
