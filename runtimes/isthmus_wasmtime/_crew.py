"""The crew: the threads that run guests, and the clock that stops them.

A guest is synchronous: while it waits for its host it holds a thread.  So there are two bounds: how many
guests run at the same time, which is a matter of processors, and how many have a thread.  One that waits
gives its place among the running ones to another.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import trio

if TYPE_CHECKING:
    import wasmtime

__all__ = ["TICK", "Clock", "Crew", "Seat"]

TICK: Final = 0.005
"""Seconds between two looks at a running guest: the grain of every time limit."""
SOON: Final = 0.004
"""Seconds after which a thread that does one work after the other lets others have its place."""
QUIET: Final = 20
"""Ticks without work after which the clock stops."""

T = TypeVar("T")


class Clock:
    """Moves an engine's epoch on while somebody is within ``with clock``."""

    def __init__(self, engine: wasmtime.Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._busy = 0
        self._wanted = threading.Event()
        self._closing = False
        self._thread: threading.Thread | None = None

    def __enter__(self) -> None:
        with self._lock:
            self._busy += 1
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="isthmus wasm clock", daemon=True)
                self._thread.start()
        if not self._wanted.is_set():
            self._wanted.set()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._busy -= 1

    def close(self) -> None:
        """End its thread."""
        self._closing = True
        self._wanted.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        quiet = 0
        while not self._closing:
            self._wanted.wait()
            time.sleep(TICK)
            self._engine.increment_epoch()
            quiet = 0 if self._busy else quiet + 1
            if quiet > QUIET:
                self._wanted.clear()
                if self._busy or self._closing:  # it began between the look and the clearing
                    self._wanted.set()


class Crew:
    """Runs guests of one engine in threads.

    Made within Trio.

    Args:
        engine: of the guests.
        running: how many guests run at the same time.
        threads: how many have a thread, those that wait included.

    Attributes:
        clock: stops them.
        running: places for those that run.
        inline: one runs in the Trio thread itself, or is about to.
    """

    def __init__(self, engine: wasmtime.Engine, running: int, threads: int) -> None:
        self.clock = Clock(engine)
        self.running = trio.CapacityLimiter(running)
        self._threads = trio.CapacityLimiter(threads)
        self._unbounded = trio.CapacityLimiter(math.inf)
        self.inline = False

    @property
    def idle(self) -> bool:
        """Whether no guest runs or is about to: then no other processor would be faster than this one."""
        return not self.inline and not self.running.borrowed_tokens

    async def run(self, work: Callable[[Seat], T]) -> T:
        """Run ``work`` in a thread when there is a place for it; cancelling it stops its guest."""
        async with self._threads:
            seat = Seat(self.running)
            await seat.take()
            seat.begin(trio.current_time())
            try:
                return await trio.to_thread.run_sync(self._work, work, seat, limiter=self._unbounded)
            finally:
                seat.leave()

    async def run_each(self, works: Iterable[Callable[[Seat], T]], deliver: Callable[[int, T], None]) -> None:
        """Run several works, of which each thread does some; ``deliver(index, result)`` for each, in the Trio thread.

        A hop between threads costs as much as a small guest does. While a guest waits for its host, another thread
        goes on with what is left; and a thread that has worked for some milliseconds lets others have its place.
        """
        series = Series(works, deliver)

        async def take_part() -> None:
            while series.left:
                try:
                    await self.run(lambda seat: series.go_on(seat, lend))
                finally:
                    series.tell_all()

        def lend() -> None:
            if series.left:
                nursery.start_soon(take_part)

        async with trio.open_nursery() as nursery:
            for _ in range(min(len(series.left), int(self.running.total_tokens))):
                nursery.start_soon(take_part)

    def _work(self, work: Callable[[Seat], T], seat: Seat) -> T:
        with self.clock:
            return work(seat)

    async def aclose(self) -> None:
        """End the clock."""
        await trio.to_thread.run_sync(self.clock.close)


class Series(Generic[T]):
    """Works that are done one after the other, by one thread or by several.

    Attributes:
        left: those that nobody has begun, by their index.
    """

    def __init__(self, works: Iterable[Callable[[Seat], T]], deliver: Callable[[int, T], None]) -> None:
        self.left = deque(enumerate(works))
        self._deliver = deliver
        self._done: deque[tuple[int, T]] = deque()

    def go_on(self, seat: Seat, lend: Callable[[], None]) -> None:
        """Do some of what is left, in a thread; ``lend`` is called in Trio's when a guest waits."""

        def wait() -> None:
            self.tell_all()
            lend()

        seat.on_leave = wait
        began = time.monotonic()
        while time.monotonic() - began < SOON:
            try:
                index, work = self.left.popleft()
            except IndexError:
                return
            seat.begin_again()
            self._done.append((index, work(seat)))

    def tell_all(self) -> None:
        """Deliver what is done; in the Trio thread."""
        while self._done:
            self._deliver(*self._done.popleft())


class Seat:
    """A place among the running guests, given up while its guest waits.

    Attributes:
        since: ``trio.current_time()`` when its guest began.
        on_leave: called in the Trio thread when its guest begins to wait, or None.
    """

    __slots__ = ("_held", "_running", "_taken", "on_leave", "since")

    def __init__(self, running: trio.CapacityLimiter) -> None:
        self._running = running
        self._held = False
        self.since = self._taken = 0.0
        self.on_leave: Callable[[], None] | None = None

    async def take(self) -> None:
        """Wait for a place."""
        await self._running.acquire_on_behalf_of(self)
        self._held = True

    def begin(self, now: float) -> None:
        """Note when its guest begins: ``trio.current_time()``."""
        self.since, self._taken = now, time.monotonic()

    def begin_again(self) -> None:
        """Note when its next guest begins; in any thread."""
        now = time.monotonic()
        self.since, self._taken = self.since + now - self._taken, now

    def leave(self) -> None:
        """Give the place to another."""
        if self._held:
            self._held = False
            self._running.release_on_behalf_of(self)

    def outside(self, ask: Callable[..., Awaitable[T]], *arguments: Any) -> T:
        """From the guest's thread: have Trio do something, and wait for it with the place given up."""
        return trio.from_thread.run(self._outside, ask, arguments)

    def inside(self, act: Callable[..., T], *arguments: Any) -> T:
        """From the guest's thread: have something done in Trio's that takes no time."""
        return trio.from_thread.run_sync(act, *arguments)

    def look(self) -> None:
        """From the guest's thread: see whether the guest may run on.

        Raises:
            trio.Cancelled: nobody waits for it any more.
        """
        trio.from_thread.check_cancelled()

    async def _outside(self, ask: Callable[..., Awaitable[T]], arguments: tuple[Any, ...]) -> T:
        self.leave()
        if self.on_leave is not None:
            self.on_leave()
        try:
            return await ask(*arguments)
        finally:
            with trio.CancelScope(shield=True):
                await self.take()
