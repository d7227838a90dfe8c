"""A queue under test, and what its checks are made with."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final, final

import trio

from isthmus.queues import Claim, Entry, Queue, QueueOptions

__all__ = ["QUEUE_CHECKS", "QueueCheck", "QueueSubject", "check", "claimed", "claimed_one", "entries_of"]

_numbers: Final = itertools.count(1)


@final
class QueueSubject:
    """A queue under test, and what is special about it.

    Args:
        open_queue: opens the storage; called again, the same one with what is in it.
        advance: lets so many seconds pass for the storage; ``trio.sleep`` where its time is the real one.
        lease: seconds of a lease in the checks: little where time is real, but more than the storage's grain.
        window: seconds of the window in which ids are remembered, None where it can't be set so short.
        fenced: an acknowledgement whose lease ran out does nothing to the next claim; else it may complete it.
        ordered: it takes ``QueueOptions.ordered``.
        durable: what is published is there when the storage is opened again.
    """

    def __init__(
        self,
        open_queue: Callable[[], AbstractAsyncContextManager[Queue]],
        *,
        advance: Callable[[float], Awaitable[object]] = trio.sleep,
        lease: float = 2.0,
        window: float | None = 2.0,
        fenced: bool = True,
        ordered: bool = True,
        durable: bool = True,
    ) -> None:
        self.open_queue = open_queue
        self.advance = advance
        self.lease = lease
        self.window = window
        self.fenced = fenced
        self.ordered = ordered
        self.durable = durable

    @asynccontextmanager
    async def opened(self, **options: object) -> AsyncIterator[tuple[Queue, str]]:
        """The storage with a queue of a name of its own."""
        async with self.open_queue() as queue:
            yield queue, await self.declared(queue, **options)

    async def declared(self, queue: Queue, **options: object) -> str:
        """Declare a queue that no other check has, with the lease unless it is given."""
        name = f"check-{next(_numbers)}"
        await queue.declare(name, QueueOptions(**{"lease": self.lease, **options}))  # type: ignore[arg-type]
        return name


QueueCheck = Callable[[QueueSubject], Awaitable[None]]
QUEUE_CHECKS: Final[dict[str, QueueCheck]] = {}
"""Each promise by its name."""


def check(promise: QueueCheck) -> QueueCheck:
    """Put a check on the list."""
    QUEUE_CHECKS[promise.__name__] = promise
    return promise


def entries_of(queue: str, count: int, *, first: int = 0, key: str | None = None) -> list[Entry]:
    """So many entries, ``m0`` the first unless said otherwise."""
    numbers = range(first, first + count)
    return [
        Entry(queue=queue, message_id=f"m{number}", body=b"body %d" % number, key=key) for number in numbers
    ]


async def claimed(queue: Queue, name: str, wait: float = 0.5) -> list[Claim]:
    """Claim until nothing comes, acknowledging nothing."""
    found: list[Claim] = []
    while claims := await queue.claim(name, 100, wait=wait):
        found += claims
    return found


async def claimed_one(queue: Queue, name: str, wait: float = 5.0) -> Claim:
    """The one delivery that is there."""
    claims = await queue.claim(name, 1, wait=wait)
    assert len(claims) == 1, "nothing was claimed"
    return claims[0]
