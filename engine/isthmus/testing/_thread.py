"""An engine in a thread of its own, for tests that are not asynchronous, or are so on another loop."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import TypeVar, final

import trio

from isthmus import Engine
from isthmus._bridge.blocking import BlockingBridge, open_bridge

__all__ = ["EngineThread", "engine_thread"]

T = TypeVar("T")


@final
class EngineThread:
    """An engine, and a way into the thread it runs in; made by :func:`engine_thread`.

    Attributes:
        engine: to be touched within :meth:`run` alone.
    """

    def __init__(self, engine: Engine, bridge: BlockingBridge) -> None:
        self.engine = engine
        self._bridge = bridge

    def run(self, function: Callable[..., Awaitable[T]], *args: object) -> T:
        """Run an asynchronous function in the engine's thread and give what it returns."""
        return self._bridge.call(function, *args)

    async def arun(self, function: Callable[..., Awaitable[T]], *args: object) -> T:
        """As :meth:`run`, for a test that runs in Trio or in asyncio."""
        if trio.lowlevel.in_trio_task():
            return await trio.to_thread.run_sync(self.run, function, *args)
        import asyncio

        return await asyncio.to_thread(self.run, function, *args)


@contextmanager
def engine_thread(open_it: Callable[[], AbstractAsyncContextManager[Engine]]) -> Iterator[EngineThread]:
    """Open an engine in a thread of its own, and close both on the way out.

    Args:
        open_it: opens it, as :func:`isthmus.open_engine`; what that raises is raised here.
    """
    with open_bridge(open_it()) as (bridge, engine):
        yield EngineThread(engine, bridge)
