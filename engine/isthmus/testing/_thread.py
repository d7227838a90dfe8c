"""An engine in a thread of its own, for tests that are not asynchronous, or are so on another loop."""

from __future__ import annotations

import concurrent.futures
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import TypeVar, final

import trio

from isthmus import Engine

__all__ = ["EngineThread", "engine_thread"]

T = TypeVar("T")


@final
class EngineThread:
    """An engine, and a way into the thread it runs in; made by :func:`engine_thread`.

    Attributes:
        engine: to be touched within :meth:`run` alone.
    """

    def __init__(self, engine: Engine, nursery: trio.Nursery) -> None:
        self.engine = engine
        self._nursery = nursery
        self._token = trio.lowlevel.current_trio_token()

    def begin(self, function: Callable[..., Awaitable[T]], *args: object) -> concurrent.futures.Future[T]:
        """Start an asynchronous function in the engine's thread; safe in any thread, and within any loop."""
        future: concurrent.futures.Future[T] = concurrent.futures.Future()
        try:
            self._token.run_sync_soon(self._start, future, function, args)
        except trio.RunFinishedError:
            raise RuntimeError("the engine of the tests has been closed") from None
        return future

    def run(self, function: Callable[..., Awaitable[T]], *args: object) -> T:
        """Run an asynchronous function in the engine's thread and give what it returns."""
        return self.begin(function, *args).result()

    async def arun(self, function: Callable[..., Awaitable[T]], *args: object) -> T:
        """As :meth:`run`, for a test that runs in Trio or in asyncio."""
        future = self.begin(function, *args)
        if trio.lowlevel.in_trio_task():
            return await trio.to_thread.run_sync(future.result)
        import asyncio

        return await asyncio.wrap_future(future)

    def _start(
        self,
        future: concurrent.futures.Future[T],
        function: Callable[..., Awaitable[T]],
        args: tuple[object, ...],
    ) -> None:
        self._nursery.start_soon(self._settle, future, function, args)

    async def _settle(
        self,
        future: concurrent.futures.Future[T],
        function: Callable[..., Awaitable[T]],
        args: tuple[object, ...],
    ) -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            future.set_result(await function(*args))
        except Exception as exc:  # noqa: BLE001 -- whoever waits for it has it
            future.set_exception(exc)
        except BaseException:
            future.set_exception(RuntimeError("the engine of the tests was closed during the call"))
            raise


@contextmanager
def engine_thread(open_it: Callable[[], AbstractAsyncContextManager[Engine]]) -> Iterator[EngineThread]:
    """Open an engine in a thread of its own, and close both on the way out.

    Args:
        open_it: opens it, as :func:`isthmus.open_engine`; what that raises is raised here.
    """
    opened: concurrent.futures.Future[tuple[EngineThread, trio.Event]] = concurrent.futures.Future()

    async def main() -> None:
        over = trio.Event()
        async with open_it() as engine, trio.open_nursery() as nursery:
            opened.set_result((EngineThread(engine, nursery), over))
            await over.wait()
            nursery.cancel_scope.cancel()

    def target() -> None:
        try:
            trio.run(main)
        except BaseException as exc:
            if opened.done():
                raise
            opened.set_exception(exc)

    thread = threading.Thread(target=target, name="isthmus engine of the tests", daemon=True)
    thread.start()
    bridge, over = opened.result()
    try:
        yield bridge
    finally:
        bridge._token.run_sync_soon(over.set)  # noqa: SLF001 -- its own maker
        thread.join()
