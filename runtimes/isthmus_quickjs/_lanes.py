"""Lanes: a few long-lived threads that run guests, and the clock that stops those.

What is queued goes to a lane together, many calls in one crossing; what a crossing leaves comes back to
Trio in one wake-up.  A call that waits for its host holds a world, no lane.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol

import trio

if TYPE_CHECKING:
    import wasmtime

__all__ = ["TICK", "Lanes", "Work"]

TICK: Final = 0.005
"""Seconds between two looks at a running guest: the grain of every time limit."""

QUIET: Final = 20
"""Ticks without work after which the clock stops."""

NATIVE_STACK: Final = 32 * 1024 * 1024
"""Bytes of a lane's stack: what WebAssembly may use (``_wasm.WASM_STACK``) and room for Python's own."""


class Work(Protocol):
    """Something with calls to run."""

    def step(self, lanes: int) -> bool:
        """Run some of it, in a lane; whether there is more.  It does not raise."""


class Lanes:
    """A pool of lane threads for one engine of wasmtime.

    Made and closed within Trio; :meth:`post` alone may be called from the lanes.
    """

    def __init__(self, engine: wasmtime.Engine, count: int) -> None:
        self.count = count
        self._engine = engine
        self._urgent: deque[Work] = deque()
        self._ready: deque[Work] = deque()
        # One token for each piece of work; False ends a lane.
        self._tokens: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._busy = [False] * count
        self._ticking = threading.Event()
        self._closing = False
        self._threads: list[threading.Thread] = []
        self._token: trio.lowlevel.TrioToken | None = None
        self._posted: deque[Callable[[], None]] = deque()
        self._waking = False

    def offer(self, work: Work, *, urgent: bool = False) -> None:
        """Queue work; what is urgent (a call that goes on) comes before what is new."""
        if not self._threads:
            self._start()
        (self._urgent if urgent else self._ready).append(work)
        self._tokens.put(True)

    async def run(self, function: Callable[[], None]) -> None:
        """Run a function in a lane, which has the stack that a guest needs, and wait for it.

        What it raises is raised here.  Cancelling leaves it to run to its end.
        """
        done = trio.Event()
        raised: list[BaseException] = []

        class Once:
            def step(self, lanes: int) -> bool:
                try:
                    function()
                except BaseException as error:  # noqa: BLE001 -- raised again where it is awaited
                    raised.append(error)
                pool.post(done.set)
                return False

        pool = self
        self.offer(Once())
        await done.wait()
        if raised:
            raise raised[0]

    def post(self, callback: Callable[[], None]) -> None:
        """Have a callback run in the Trio thread, soon, together with what else was posted."""
        self._posted.append(callback)
        if not self._waking:
            self._waking = True
            try:
                assert self._token is not None  # noqa: S101 -- lanes run only once started
                self._token.run_sync_soon(self._drain)
            except trio.RunFinishedError:
                pass  # nobody waits any more

    async def aclose(self) -> None:
        """Let the lanes finish what they run, and end them."""
        self._closing = True
        for _ in self._threads:
            self._tokens.put(False)
        self._ticking.set()
        for thread in self._threads:
            with trio.CancelScope(shield=True):
                await trio.to_thread.run_sync(thread.join)
        self._threads.clear()

    def _start(self) -> None:
        self._token = trio.lowlevel.current_trio_token()
        before = threading.stack_size(NATIVE_STACK)
        try:
            for index in range(self.count):
                thread = threading.Thread(
                    target=self._lane, args=(index,), name=f"isthmus lane {index}", daemon=True
                )
                thread.start()
                self._threads.append(thread)
        finally:
            threading.stack_size(before)
        thread = threading.Thread(target=self._clock, name="isthmus clock", daemon=True)
        thread.start()
        self._threads.append(thread)

    def _drain(self) -> None:
        self._waking = False
        while self._posted:
            self._posted.popleft()()

    def _lane(self, index: int) -> None:
        urgent, ready, busy = self._urgent, self._ready, self._busy
        while self._tokens.get() and not self._closing:
            try:
                work = urgent.popleft()
            except IndexError:
                work = ready.popleft()
            busy[index] = True
            if not self._ticking.is_set():
                self._ticking.set()
            more = work.step(self.count)
            busy[index] = False
            if more:
                self.offer(work)

    def _clock(self) -> None:
        quiet = 0
        while not self._closing:
            self._ticking.wait()
            time.sleep(TICK)
            self._engine.increment_epoch()
            quiet = 0 if any(self._busy) else quiet + 1
            if quiet > QUIET:
                self._ticking.clear()
                if any(self._busy):  # it began between the look and the clearing
                    self._ticking.set()
