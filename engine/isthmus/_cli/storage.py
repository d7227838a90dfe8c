"""A storage of deliveries opened for a look, or to put something in: also where another process works on it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from isthmus._queues import open_queue
from isthmus.errors import QueueError, QueueInUse

if TYPE_CHECKING:
    from isthmus.queues import Queue

__all__ = ["open_beside"]


@asynccontextmanager
async def open_beside(url: str, plugins: Sequence[object]) -> AsyncIterator[Queue]:
    """Open the queue that a URL names; where another process has it for itself, ask that one.

    Then it hands no deliveries out.

    Raises:
        QueueError: neither is possible.
    """
    async with AsyncExitStack() as stack:
        try:
            queue = await stack.enter_async_context(open_queue(url, plugins=plugins))
        except QueueInUse as in_use:
            if not in_use.beside:
                raise
            try:
                queue = await stack.enter_async_context(open_queue(in_use.beside, plugins=plugins))
            except QueueError:
                raise in_use from None
        yield queue
