"""What is gathered in memory, written down now and then."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import trio

__all__ = ["flushing"]


@asynccontextmanager
async def flushing(flush: Callable[[], Awaitable[None]], *, every: float) -> AsyncIterator[None]:
    """Call ``flush`` every so many seconds, and a last time on the way out; it is never cancelled half-way.

    Args:
        flush: raises nothing.
        every: seconds between the end of one call and the next.
    """

    async def now_and_then() -> None:
        while True:
            await trio.sleep(every)
            with trio.CancelScope(shield=True):
                await flush()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(now_and_then)
        try:
            yield
        finally:
            nursery.cancel_scope.cancel()
            with trio.CancelScope(shield=True):
                await flush()
