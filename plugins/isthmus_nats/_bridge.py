"""The asyncio thread in which the NATS client lives, as seen from Trio.

Within Trio itself the client would need an event loop in guest mode for every call; one thread for the life of a queue
is several times faster (README, Figures) and changes nothing in the process.

Cancellation goes both ways.  A cancelled caller has its coroutine cancelled and waits until that has tidied up; where the
coroutine was faster, its result is returned, so that what it claimed is not lost between the two threads.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar, final

import trio

from isthmus.errors import QueueError

__all__ = ["Bridge"]

T = TypeVar("T")


@final
class Bridge:
    """Runs coroutines of asyncio for Trio; an async context manager."""

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread: threading.Thread | None = None

    async def __aenter__(self) -> Self:
        """Start the thread."""
        ready = trio.Event()
        token = trio.lowlevel.current_trio_token()

        async def serve() -> None:
            self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
            _tell(token, ready.set)
            await self._stop.wait()

        # Not a daemon's business to be killed in the middle: __aexit__ always ends it.
        self._thread = threading.Thread(target=asyncio.run, args=(serve(),), name="isthmus-nats", daemon=True)
        self._thread.start()
        with trio.CancelScope(shield=True):
            await ready.wait()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the thread, and whatever still runs in it."""
        loop, stop, thread = self._loop, self._stop, self._thread
        self._loop = None
        if loop is None or stop is None or thread is None or os.getpid() != self._pid:
            return
        loop.call_soon_threadsafe(stop.set)
        with trio.CancelScope(shield=True):
            await trio.to_thread.run_sync(thread.join)

    async def run(self, function: Callable[..., Coroutine[Any, Any, T]], *args: Any) -> T:
        """Run a coroutine function in the thread.

        Raises:
            QueueError: the bridge is closed, or belongs to the process that this one was forked from.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        if os.getpid() != self._pid:
            raise QueueError(
                "a queue that was opened before a fork is the parent's; open one in each process"
            )
        loop = self._loop
        if loop is None:
            raise QueueError("the queue is closed")
        done, token = trio.Event(), trio.lowlevel.current_trio_token()
        tasks: list[asyncio.Task[T]] = []

        def start() -> None:
            task = loop.create_task(function(*args))
            tasks.append(task)
            task.add_done_callback(lambda _: _tell(token, done.set))

        loop.call_soon_threadsafe(start)
        try:
            await done.wait()
        except trio.Cancelled:
            loop.call_soon_threadsafe(lambda: tasks[0].cancel())
            with trio.CancelScope(shield=True):
                await done.wait()
            if tasks[0].cancelled():
                raise
        return _result(tasks[0])


def _result(task: asyncio.Task[T]) -> T:
    if task.cancelled():
        raise QueueError("the queue was closed meanwhile")
    exc = task.exception()
    while isinstance(exc, BaseExceptionGroup) and len(exc.exceptions) == 1:
        exc = exc.exceptions[0]
    if exc is not None:
        raise exc
    return task.result()


def _tell(token: trio.lowlevel.TrioToken, what: Callable[[], object]) -> None:
    """Call something in Trio's thread, unless Trio has ended by an error and nobody waits any more."""
    try:
        token.run_sync_soon(what)
    except trio.RunFinishedError:
        return
