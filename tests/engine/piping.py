"""An engine, a queue and events for tests of pipelines, and a queue whose storage goes away."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import trio

import isthmus
from isthmus import QueueError
from isthmus.queues import DEFAULT_OPTIONS, Claim, DeadLetter, Entry, Queue, QueueOptions, QueueStats
from isthmus.rules import Schedule
from isthmus.testing import Handler, MemoryQueue, ScriptedRuntime

QUICKLY = Schedule(first=(1.0, 2.0), cap=4.0, attempts=6)


@asynccontextmanager
async def opened(
    scripts: Mapping[str, Mapping[str, Handler]], *plugins: object
) -> AsyncIterator[tuple[isthmus.Engine, MemoryQueue]]:
    runtime = ScriptedRuntime(scripts=scripts)
    async with isthmus.open_engine(plugins=[runtime, *plugins], load_entry_points=False) as engine:
        yield engine, MemoryQueue()


async def load(engine: isthmus.Engine, code: str, kind: isthmus.Kind) -> isthmus.Instance:
    return await engine.load(isthmus.Function(name=code, kind=kind, language="scripted", code=code))


def track(number: int, **more: Any) -> dict[str, Any]:
    return {"type": "track", "event": "E", "messageId": f"m{number}", "n": number, **more}


async def until_empty(queue: Queue, *names: str) -> None:
    """Wait until all there was is acknowledged or buried."""
    with trio.fail_after(5000):
        for name in names:
            while (await queue.stats(name)).oldest is not None:  # noqa: ASYNC110 -- a queue has no event for it
                await trio.sleep(5)


class Kept:
    """A destination that keeps what arrives."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.events: list[dict[str, Any]] = []

    def __call__(self, event: dict[str, Any]) -> None:
        self.events.append(event)
        self.numbers.append(event.get("n", -1))


class Unsteady(Queue):
    """A queue that fails as it is told.

    Attributes:
        away: the names of the methods that raise.
        late: they do what is asked before they raise.
        error: what they raise.
        calls: of each method that raised.
    """

    def __init__(self, queue: MemoryQueue) -> None:
        self.queue = queue
        self.away: set[str] = set()
        self.late = False
        self.error: Exception = QueueError("the storage is away")
        self.calls: Counter[str] = Counter()

    async def _ask(self, method: str, *args: Any, **more: Any) -> Any:
        away = method in self.away
        answer = None
        if not away or self.late:
            answer = await getattr(self.queue, method)(*args, **more)
        if away:
            self.calls[method] += 1
            await trio.lowlevel.checkpoint()
            raise self.error
        return answer

    async def declare(self, name: str, options: QueueOptions = DEFAULT_OPTIONS) -> None:
        await self._ask("declare", name, options)

    async def publish(self, entries: Sequence[Entry]) -> None:
        await self._ask("publish", entries)

    async def claim(self, name: str, count: int, *, wait: float = 0.0) -> list[Claim]:
        claims: list[Claim] = await self._ask("claim", name, count, wait=wait)
        return claims

    async def ack(self, claims: Sequence[Claim]) -> None:
        await self._ask("ack", claims)

    async def retry(self, retries: Sequence[tuple[Claim, float]]) -> None:
        await self._ask("retry", retries)

    async def dead_letter(self, buried: Sequence[tuple[Claim, str]]) -> None:
        await self._ask("dead_letter", buried)

    async def extend(self, claims: Sequence[Claim]) -> None:
        await self._ask("extend", claims)

    async def stats(self, name: str) -> QueueStats:
        stats: QueueStats = await self._ask("stats", name)
        return stats

    async def names(self) -> list[str]:
        return await self.queue.names()

    async def dead(self, name: str | None = None, *, after: str = "", count: int = 100) -> list[DeadLetter]:
        return await self.queue.dead(name, after=after, count=count)

    async def revive(self, ids: Sequence[str]) -> int:
        return await self.queue.revive(ids)

    async def discard(self, ids: Sequence[str]) -> int:
        return await self.queue.discard(ids)
