"""The asyncio side: a coroutine that waits for a call in the Trio thread, and the other way round."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any, Generic, TypeVar, final

import trio

from isthmus.errors import EngineClosed

from .holding import Holding
from .thread import Crossing, Settle, TrioThread

__all__ = ["LoopBridge", "in_loop", "open_bridge"]

T = TypeVar("T")


def _settle_in(loop: asyncio.AbstractEventLoop, future: asyncio.Future[Any]) -> Settle:
    def finish(value: Any, error: BaseException | None) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(value)
        else:
            future.set_exception(error)

    def settle(value: Any, error: BaseException | None) -> None:
        with suppress(RuntimeError):  # the loop is closed, and nobody waits in it
            loop.call_soon_threadsafe(finish, value, _raisable(error))

    return settle


def _raisable(error: BaseException | None) -> BaseException | None:
    """What can come out of a future: one of these ends the generator it meets, the other the task that awaits it."""
    if isinstance(error, StopIteration | asyncio.CancelledError):
        return RuntimeError(f"a call raised {type(error).__name__}")
    return error


@final
class _Answer(Generic[T]):
    """What a task waits for, and goes on waiting for where it is cancelled.

    Its future is awaited as it is: a shield around it would cost each call two more turns of the loop.

    Attributes:
        future: cancelled with the task that awaits it.
        value: once it has come.
        error: in its place, or None.
    """

    __slots__ = ("_come", "_late", "_loop", "error", "future", "value")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._come = False
        self._late: asyncio.Future[None] | None = None
        self.future: asyncio.Future[T] = loop.create_future()
        self.value: T
        self.error: BaseException | None = None

    def settle(self, value: Any, error: BaseException | None) -> None:
        """It has come; in the Trio thread."""
        with suppress(RuntimeError):  # the loop is closed, and nobody waits in it
            self._loop.call_soon_threadsafe(self._finish, value, _raisable(error))

    def _finish(self, value: Any, error: BaseException | None) -> None:
        self._come = True
        self.value, self.error = value, error
        if self.future.done():
            if self._late is not None and not self._late.done():
                self._late.set_result(None)
        elif error is None:
            self.future.set_result(value)
        else:
            self.future.set_exception(error)

    async def late(self) -> None:
        """Wait for it, whatever else is cancelled meanwhile: what it stands for must not outlive its caller."""
        while not self._come:
            self._late = self._loop.create_future()
            with suppress(asyncio.CancelledError):
                await self._late


@final
class LoopBridge:
    """Calls into one Trio thread, from any number of asyncio loops in any threads.

    Attributes:
        thread: where the calls go.
    """

    def __init__(self, thread: TrioThread) -> None:
        self.thread = thread

    async def call(
        self,
        function: Callable[..., Awaitable[T]],
        *args: Any,
        lost: Callable[[T], Awaitable[object]] | None = None,
    ) -> T:
        """Await a call in the Trio thread; cancelling it cancels the call, and waits until that has unwound.

        Args:
            function: async, of Trio.
            args: its arguments.
            lost: called in the Trio thread with a value that came as the caller was being cancelled.
        """
        answer: _Answer[T] = _Answer(asyncio.get_running_loop())
        crossing = Crossing(function, args, answer.settle)
        self.thread.submit(crossing)
        try:
            return await answer.future
        except asyncio.CancelledError:
            self.thread.cancel(crossing)
            await answer.late()
            if lost is not None and answer.error is None and not crossing.cancelled:
                self.thread.submit(Crossing(lost, (answer.value,), lambda *_: None))
            raise

    @asynccontextmanager
    async def hold(self, manager: AbstractAsyncContextManager[T]) -> AsyncIterator[T]:
        """Enter a context manager of Trio there, and leave it as this one is left: in peace, by an error, or cancelled."""
        loop = asyncio.get_running_loop()
        entered: asyncio.Future[T] = loop.create_future()
        holding = Holding(self.thread, manager, _settle_in(loop, entered))
        task = loop.create_task(self.call(holding.run))
        try:
            first: set[asyncio.Future[Any]] = {entered, task}
            await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
            if not entered.done():
                await task  # raises why it could not be entered
            try:
                yield entered.result()
            except Exception as exc:
                holding.leave(exc)
                await task
                raise
            holding.leave(None)
            await task
        except BaseException:
            if not task.done():
                task.cancel()
                await asyncio.wait({task})
            raise


async def _settled(future: asyncio.Future[Any]) -> None:
    """Wait for it, whatever else is cancelled meanwhile: what it stands for must not outlive its caller."""
    while not future.done():
        try:
            await asyncio.wait([future])
        except asyncio.CancelledError:
            continue


@asynccontextmanager
async def open_bridge(manager: AbstractAsyncContextManager[T]) -> AsyncIterator[tuple[LoopBridge, T]]:
    """Start a Trio thread within a context manager of Trio, and stop it on the way out."""
    loop = asyncio.get_running_loop()
    started: asyncio.Future[T] = loop.create_future()
    ended: asyncio.Future[None] = loop.create_future()
    settle_ended = _settle_in(loop, ended)
    thread = TrioThread(manager, _settle_in(loop, started), lambda error: settle_ended(None, error))
    thread.start()
    try:
        value = await asyncio.shield(started)
    except asyncio.CancelledError:
        await _settled(started)
        if started.exception() is None:
            thread.stop()
            await _settled(ended)
        raise
    try:
        yield LoopBridge(thread), value
    finally:
        thread.stop()
        await _settled(ended)
        ended.result()


async def in_loop(loop: asyncio.AbstractEventLoop, function: Callable[..., Awaitable[T]], *args: Any) -> T:
    """Await, in Trio, a coroutine of an asyncio loop in another thread; cancelled with who waits, and waited for.

    Raises:
        EngineClosed: the loop has ended.
    """
    waiting = trio.lowlevel.current_task()
    token = trio.lowlevel.current_trio_token()
    context = contextvars.copy_context()
    running: list[asyncio.Task[T]] = []
    given_up: list[Callable[[], Any]] = []

    async def coroutine() -> T:
        return await function(*args)

    def ended(task: asyncio.Task[T]) -> None:
        try:
            token.run_sync_soon(trio.lowlevel.reschedule, waiting)
        except trio.RunFinishedError:
            task.cancelled() or task.exception()  # looked at, that asyncio does not complain

    def start() -> None:
        task = loop.create_task(coroutine(), context=context)
        running.append(task)
        task.add_done_callback(ended)
        if given_up:
            task.cancel()

    def cancel() -> None:
        if running:
            running[0].cancel()

    def abort(raise_cancel: Callable[[], Any]) -> trio.lowlevel.Abort:
        given_up.append(raise_cancel)
        try:
            loop.call_soon_threadsafe(cancel)
        except RuntimeError:
            return trio.lowlevel.Abort.SUCCEEDED
        return trio.lowlevel.Abort.FAILED

    try:
        loop.call_soon_threadsafe(start)
    except RuntimeError:
        raise EngineClosed("the asyncio loop that was asked has ended") from None
    await trio.lowlevel.wait_task_rescheduled(abort)
    task = running[0]
    if task.cancelled():
        if given_up:
            given_up[0]()
        raise EngineClosed("the asyncio loop that was asked cancelled what it was asked for")
    return task.result()
