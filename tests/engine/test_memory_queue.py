"""The queue in memory keeps every promise of queues but that of durability."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import final

import pytest
import trio
from hypothesis import settings

import isthmus
from isthmus.queues import Entry, Queue
from isthmus.testing import QUEUE_CHECKS, MemoryQueue, QueueSubject
from isthmus.testing.queue_machine import queue_machine


@pytest.mark.parametrize("name", QUEUE_CHECKS)
async def test_it_keeps_its_promises(name: str, autojump_clock: trio.testing.MockClock) -> None:
    queue = MemoryQueue()

    @asynccontextmanager
    async def open_queue() -> AsyncIterator[Queue]:
        yield queue

    await QUEUE_CHECKS[name](QueueSubject(open_queue, durable=False))


async def test_what_has_no_room_is_refused_whole() -> None:
    queue = MemoryQueue(max_bytes=10)
    await queue.declare("q")
    await queue.publish([Entry(queue="q", message_id="a", body=b"12345")])
    with pytest.raises(isthmus.QueueFull, match="5 bytes of 10"):
        await queue.publish([Entry(queue="q", message_id=each, body=b"123") for each in "bc"])
    (claim,) = await queue.claim("q", 10)
    await queue.ack([claim])
    await queue.publish([Entry(queue="q", message_id=each, body=b"123") for each in "bc"])
    assert len(await queue.claim("q", 10)) == 2


async def test_it_says_that_it_is_for_tests() -> None:
    (finding,) = await MemoryQueue().findings()
    assert finding.level == "unsafe"


@final
class MemorySubject:
    """A queue in memory whose clock stands still."""

    reopens = False

    def __init__(self) -> None:
        self._now = 0.0

    @asynccontextmanager
    async def open_queue(self) -> AsyncIterator[Queue]:
        yield MemoryQueue(clock=lambda: self._now)

    def advance(self, seconds: float) -> None:
        self._now += seconds

    def close(self) -> None:
        """Nothing is left of it."""


TestModel = queue_machine(MemorySubject).TestCase
TestModel.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
