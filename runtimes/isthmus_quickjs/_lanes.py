"""Lanes: a few long-lived threads that run guests, and the clock that stops those.

What is queued goes to a lane together, many calls in one crossing; what a crossing leaves comes back to
Trio in one wake-up.  A call that waits for its host holds a world, no lane.

A call that runs for long keeps its lane; another is opened in its place, so that it takes its share of
the processors and holds up nobody.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, Protocol

import trio

from ._wasm import increment_epoch

if TYPE_CHECKING:
    import wasmtime

__all__ = ["TICK", "Lanes", "Work"]

TICK: Final = 0.005
"""Seconds between two looks at a running guest: the grain of every time limit."""

QUIET: Final = 20
"""Ticks without work after which the clock stops."""

LONG: Final = 2 * TICK
"""Seconds after which work is long, and its lane no longer counted on."""

MOST_LONG: Final = 32
"""Lanes that are opened in the place of others; beyond them, what is new waits for what is long."""

NATIVE_STACK: Final = 32 * 1024 * 1024
"""Bytes of a lane's stack: what WebAssembly may use (``_wasm.WASM_STACK``) and room for Python's own."""


class Work(Protocol):
    """Something with calls to run."""

    def step(self, lanes: int) -> bool:
        """Run some of it, in a lane; whether there is more.  It does not raise."""


class _Lane:
    """One thread; ``since`` is when it began what it runs, on ``time.monotonic``'s clock, None while it runs nothing."""

    __slots__ = ("since", "thread")

    def __init__(self, run: Callable[[_Lane], None], name: str) -> None:
        self.since: float | None = None
        self.thread = threading.Thread(target=run, args=(self,), name=name, daemon=True)
        self.thread.start()


class Lanes:
    """A pool of lane threads.

    Made and closed within Trio; :meth:`post` alone may be called from the lanes.

    Args:
        engines: of wasmtime, whose epochs the clock moves on.
        count: how many lanes there are, those not counted that long calls keep.
    """

    def __init__(self, engines: Sequence[wasmtime.Engine], count: int) -> None:
        self.count = count
        self._engines = list(engines)
        self._urgent: deque[Work] = deque()
        self._ready: deque[Work] = deque()
        # One token for each piece of work; False ends a lane.
        self._tokens: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._lanes: list[_Lane] = []
        self._opened = 0
        self._clock: threading.Thread | None = None
        self._ticking = threading.Event()
        self._outside = 0  # guests that have begun in no lane
        self._changing = threading.Lock()  # which lanes there are
        self._closing = False
        self._over = False
        self._token: trio.lowlevel.TrioToken | None = None
        self._posted: deque[Callable[[], None]] = deque()
        self._waking = False

    @property
    def idle(self) -> bool:
        """Whether nothing runs or waits for a lane."""
        # A lane notes its start before it takes its work, and its end after it has left some: looked at in this
        # order, nothing is overlooked.
        return not self._urgent and not self._ready and not any(lane.since for lane in self._lanes)

    def offer(self, work: Work, *, urgent: bool = False) -> None:
        """Queue work; what is urgent (a call that goes on) comes before what is new."""
        if self._clock is None:
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
        with self._changing:
            self._closing = True
        for _ in self._lanes:
            self._tokens.put(False)
        for lane in list(self._lanes):
            await _joined(lane.thread)
        self._lanes.clear()
        if self._clock is not None:
            self._over = True
            self._ticking.set()
            await _joined(self._clock)

    def watch(self, engine: wasmtime.Engine) -> None:
        """Have the clock move another engine's epoch on as well."""
        self._engines.append(engine)

    def keep_ticking(self) -> None:
        """See to it that the clock moves on for ``QUIET`` ticks more: a guest begins that runs in no lane."""
        self._outside += 1  # before the look: a clock that is about to stop looks at it once it has
        if not self._ticking.is_set():
            if self._clock is None:
                self._start()
            self._ticking.set()

    # -- opening and closing

    def _start(self) -> None:
        self._token = trio.lowlevel.current_trio_token()
        for _ in range(self.count):
            self._open_lane()
        self._clock = threading.Thread(target=self._tick, name="isthmus clock", daemon=True)
        self._clock.start()

    def _open_lane(self) -> None:
        before = threading.stack_size(NATIVE_STACK)
        try:
            self._lanes.append(_Lane(self._run, f"isthmus lane {self._opened}"))
            self._opened += 1
        finally:
            threading.stack_size(before)

    def _drain(self) -> None:
        self._waking = False
        while self._posted:
            self._posted.popleft()()

    # -- a lane's thread

    def _run(self, lane: _Lane) -> None:
        urgent, ready = self._urgent, self._ready
        while self._tokens.get() and not self._closing:
            began = lane.since = time.monotonic()
            try:
                work = urgent.popleft()
            except IndexError:
                work = ready.popleft()
            if not self._ticking.is_set():
                self._ticking.set()
            if work.step(self.count):
                self.offer(work)
            lane.since = None
            if time.monotonic() - began > LONG and self._is_one_too_many(lane):
                return

    def _is_one_too_many(self, lane: _Lane) -> bool:
        """Whether another was opened in the place of this lane, which is then left out."""
        with self._changing:
            if self._closing or len(self._lanes) - self._long() <= self.count:
                return False
            self._lanes.remove(lane)
            return True

    # -- the clock's thread

    def _tick(self) -> None:
        quiet = outside = 0
        while not self._over:
            self._ticking.wait()
            if self._outside != outside:
                quiet, outside = 0, self._outside
            time.sleep(TICK)
            for engine in self._engines:
                increment_epoch(engine)
            if any(lane.since for lane in self._lanes):
                quiet = 0
                self._replace_long()
                continue
            quiet += 1
            if quiet > QUIET:
                quiet = 0
                self._ticking.clear()
                # What began between the look and the clearing has seen a clock that moves.
                if self._outside != outside or any(lane.since for lane in self._lanes):
                    self._ticking.set()

    def _long(self) -> int:
        """How many lanes are kept by long work."""
        before = time.monotonic() - LONG
        return sum(1 for lane in self._lanes if (since := lane.since) is not None and since < before)

    def _replace_long(self) -> None:
        """Open a lane in the place of one that long work keeps, while somebody waits for it."""
        with self._changing:
            if self._closing or self._tokens.empty() or len(self._lanes) >= self.count + MOST_LONG:
                return
            if len(self._lanes) - self._long() < self.count:
                self._open_lane()


async def _joined(thread: threading.Thread) -> None:
    with trio.CancelScope(shield=True):
        await trio.to_thread.run_sync(thread.join)
