"""The side of plain threads: any of them waits for a call in the Trio thread, for as long as it likes."""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from typing import Any, Final, Generic, TypeVar, final

from isthmus.errors import EngineError

from .holding import Holding
from .thread import Crossing, TrioThread

__all__ = ["Answer", "BlockingBridge", "open_bridge", "until"]

T = TypeVar("T")

UNWINDING: Final = 30.0
"""Seconds that a call may take to unwind once nobody waits for it; it is left to itself then."""


@final
class Answer(Generic[T]):
    """What a thread waits for; settled once, in the Trio thread."""

    __slots__ = ("_ready", "_settled", "error", "value")

    def __init__(self) -> None:
        self._ready = threading.Lock()
        self._ready.acquire()
        self._settled = False
        self.value: T
        self.error: BaseException | None = None

    def settle(self, value: Any, error: BaseException | None) -> None:
        """It is there; what comes after the first is nobody's."""
        if not self._settled:
            self._settled = True
            self.value, self.error = value, error
            self._ready.release()

    def wait(self, timeout: float | None = None) -> bool:
        """Whether it is there, after so many seconds at the most; of one thread."""
        come = self._ready.acquire(timeout=-1 if timeout is None else max(0.0, timeout))
        if come:
            self._ready.release()
        return come

    def result(self) -> T:
        """The value; raises the error."""
        if self.error is not None:
            raise self.error
        return self.value


@final
class BlockingBridge:
    """Calls into one Trio thread, from any number of threads.

    Attributes:
        thread: where the calls go.
    """

    def __init__(self, thread: TrioThread) -> None:
        self.thread = thread

    def call(self, function: Callable[..., Awaitable[T]], *args: Any, timeout: float | None = None) -> T:
        """Wait for a call in the Trio thread.

        Args:
            function: async, of Trio.
            args: its arguments.
            timeout: seconds; the call is cancelled then, and has unwound when this raises.

        Raises:
            TimeoutError: it took longer.
        """
        answer: Answer[T] = Answer()
        crossing = Crossing(function, args, answer.settle)
        try:
            self.thread.submit(crossing)
            come = answer.wait(timeout)
        except BaseException:  # Ctrl-C in the main thread, at whatever place that was
            self.thread.cancel(crossing)
            answer.wait(UNWINDING)
            raise
        if not come:
            self.thread.cancel(crossing)
            if not answer.wait(UNWINDING) or crossing.cancelled:
                raise TimeoutError(f"the call took longer than {timeout:g} s")
        return answer.result()

    @contextmanager
    def hold(self, manager: AbstractAsyncContextManager[T], timeout: float | None = None) -> Iterator[T]:
        """Enter a context manager of Trio there, and leave it as this one is left: in peace, or by an error.

        Args:
            manager: of Trio.
            timeout: seconds that entering may take.
        """
        entered: Answer[T] = Answer()
        ended: Answer[None] = Answer()
        holding = Holding(self.thread, manager, entered.settle)

        def settle(value: object, error: BaseException | None) -> None:
            ended.settle(None, error)
            entered.settle(None, error or RuntimeError("it was left before it was entered"))

        crossing = Crossing(holding.run, (), settle)
        try:
            self.thread.submit(crossing)
            if not entered.wait(timeout):
                raise TimeoutError(f"opening took longer than {timeout:g} s")
            try:
                yield entered.result()
            except Exception as exc:
                holding.leave(exc)
                ended.wait()
                raise
            holding.leave(None)
            ended.wait()
        except BaseException:
            self.thread.cancel(crossing)
            ended.wait(UNWINDING)
            raise
        ended.result()


@contextmanager
def open_bridge(manager: AbstractAsyncContextManager[T]) -> Iterator[tuple[BlockingBridge, T]]:
    """Start a Trio thread within a context manager of Trio, and stop it on the way out."""
    started: Answer[T] = Answer()
    ended: Answer[None] = Answer()
    thread = TrioThread(manager, started.settle, lambda error: ended.settle(None, error))
    thread.start()
    started.wait()
    value = started.result()

    def stop() -> None:
        thread.stop()
        ended.wait()

    def stop_at_exit() -> None:
        # Later than this the thread gets no more turn, and whoever left the engine open would wait for it for ever.
        with suppress(EngineError):  # a child of a fork has no such thread
            stop()

    atexit.register(stop_at_exit)
    try:
        yield BlockingBridge(thread), value
    finally:
        atexit.unregister(stop_at_exit)
        stop()
        ended.result()


def until(deadline: float | None) -> float | None:
    """Seconds left until a time of ``time.monotonic``; None for no end."""
    return None if deadline is None else max(0.0, deadline - time.monotonic())
