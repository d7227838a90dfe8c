"""A thread with a Trio run in it, and calls that cross into it from outside and can be cancelled from there.

A crossing costs two wake-ups: one into the Trio run, one back.  Whoever waits outside is told by ``settle``, which is all
that differs between an asyncio loop and a plain thread.
"""

from __future__ import annotations

import contextvars
import os
import threading
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, final

import trio

from isthmus.errors import EngineClosed, EngineError

__all__ = ["Crossing", "Settle", "TrioThread"]

UNDER_WAY: Final = "the engine was closed while the call was under way"

OWN_THREAD: Final = (
    "a facade was called in the engine's own thread, which would wait for itself: call it from a thread or an asyncio loop "
    "of yours"
)

Settle = Callable[[Any, BaseException | None], None]
"""Told in the Trio thread how a call ended: its value, or its error.  Does not raise."""


@final
class Crossing:
    """A call on its way: made outside, run in the Trio thread with the maker's context variables.

    Args:
        function: async.
        args: its arguments.
        settle: told once how it ended; of a call that was cancelled, no value and no error.
    """

    __slots__ = ("args", "begun", "context", "function", "scope", "settle")

    def __init__(
        self, function: Callable[..., Awaitable[Any]], args: tuple[Any, ...], settle: Settle
    ) -> None:
        self.function = function
        self.args = args
        self.settle = settle
        self.begun = False
        self.context = contextvars.copy_context()
        self.scope = trio.CancelScope()

    @property
    def cancelled(self) -> bool:
        """Whether it was cancelled before it had ended; once it is settled."""
        return self.scope.cancelled_caught


@final
class TrioThread:
    """Runs Trio in a daemon thread, within a context manager of its own.

    The thread dies with the process: whoever ends without closing it hangs on nothing.

    Args:
        manager: entered in the Trio run, and left when the thread is stopped.
        started: told in the thread of the manager's value, or of why there is none.
        ended: told in the thread, as the last thing it does, of what went wrong in leaving.
    """

    def __init__(
        self,
        manager: AbstractAsyncContextManager[Any],
        started: Settle,
        ended: Callable[[BaseException | None], None],
    ) -> None:
        self._manager = manager
        self._started = started
        self._ended = ended
        self._pid = os.getpid()
        self._calls: trio.Nursery
        self._token: trio.lowlevel.TrioToken
        self._stop = trio.Event()
        self._open = False
        self._thread = threading.Thread(target=self._main, name="isthmus-trio", daemon=True)

    def start(self) -> None:
        """Start it; ``started`` or ``ended`` is told."""
        self._thread.start()

    # ------------------------------------------------------------ from outside

    def submit(self, crossing: Crossing) -> None:
        """Send a call in, or settle it at once: with :class:`EngineClosed` where the run has ended.

        With :class:`EngineError` in a child process, which has no such thread, and in the thread itself, which would wait
        for itself.
        """
        if os.getpid() != self._pid:
            crossing.settle(None, self._forked())
        elif threading.current_thread() is self._thread:
            crossing.settle(None, EngineError(OWN_THREAD))
        elif not self.run_soon(self._begin, crossing):
            crossing.settle(None, EngineClosed("the engine has been closed"))

    def cancel(self, crossing: Crossing) -> None:
        """Cancel a call; it is settled once it has unwound, also where an interrupt kept it from being sent in."""
        if not self.run_soon(self._cancel, crossing):
            crossing.settle(None, EngineClosed("the engine has been closed"))

    def run_soon(self, function: Callable[..., object], *args: object) -> bool:
        """Call a plain function in the Trio thread; False where the run has ended."""
        try:
            self._token.run_sync_soon(function, *args)
        except trio.RunFinishedError:
            return False
        return True

    def stop(self) -> None:
        """Have the manager left, and all calls ended with it; ``ended`` is told.

        Raises:
            EngineError: asked in a child process.
        """
        if os.getpid() != self._pid:
            raise self._forked()
        if not self.run_soon(self._stop.set):
            self._thread.join()

    def _forked(self) -> EngineError:
        return EngineError(
            f"this engine was opened in process {self._pid}, and its thread is not in process {os.getpid()}, which was "
            "forked from it: open an engine after the fork, as a server's lifespan or post_fork hook does"
        )

    # ------------------------------------------------------------ in the thread

    def _main(self) -> None:
        error: BaseException | None = None
        try:
            trio.run(self._run)
        except BaseException as exc:  # noqa: BLE001 -- told to whoever closes it
            error = plain(exc)
        if self._open:
            self._ended(error)
        else:
            self._started(None, error or EngineClosed("the engine ended before it was open"))

    async def _run(self) -> None:
        # The engine is left before its calls are cancelled: it ends them itself, each with an error that says so.
        async with trio.open_nursery() as calls:
            async with self._manager as value:
                self._calls = calls
                self._token = trio.lowlevel.current_trio_token()
                self._open = True
                self._started(value, None)
                await self._stop.wait()
            calls.cancel_scope.cancel()

    def _begin(self, crossing: Crossing) -> None:
        crossing.begun = True
        try:
            crossing.context.run(self._calls.start_soon, self._perform, crossing)
        except RuntimeError:  # its nursery is closed
            crossing.settle(None, EngineClosed("the engine has been closed"))

    def _cancel(self, crossing: Crossing) -> None:
        crossing.scope.cancel()
        if not crossing.begun:  # what is sent in comes in order: it never will begin
            crossing.settle(None, None)

    async def _perform(self, crossing: Crossing) -> None:
        value = None
        try:
            with crossing.scope:
                value = await crossing.function(*crossing.args)
        except trio.Cancelled:
            crossing.settle(None, EngineClosed(UNDER_WAY))
            raise
        except BaseExceptionGroup as group:
            cancelled, rest = group.split(trio.Cancelled)
            crossing.settle(None, EngineClosed(UNDER_WAY) if rest is None else plain(rest))
            if cancelled is not None:
                raise cancelled from None
        except BaseException as exc:  # noqa: BLE001 -- its caller's; nothing of one call is to end the others
            crossing.settle(None, exc)
        else:
            crossing.settle(value, None)


def plain(exc: BaseException) -> BaseException:
    """The one error of a group of one, which Trio's nurseries make; groups of several stay what they are."""
    while isinstance(exc, BaseExceptionGroup):
        left = exc.split(trio.Cancelled)[1] or exc
        if len(left.exceptions) != 1:
            return left
        exc = left.exceptions[0]
    return exc
