"""The crew: the threads that run guests, and the clock that stops them.

A guest is synchronous: while it waits for its host it holds a thread.  So there are two bounds: how many
guests run at the same time, which is a matter of processors, and how many have a thread.  One that waits
gives its place among the running ones to another.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, TypeVar

import trio

if TYPE_CHECKING:
    import wasmtime

__all__ = ["TICK", "Clock", "Crew", "Seat"]

TICK: Final = 0.005
"""Seconds between two looks at a running guest: the grain of every time limit."""
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
    """

    def __init__(self, engine: wasmtime.Engine, running: int, threads: int) -> None:
        self.clock = Clock(engine)
        self.running = trio.CapacityLimiter(running)
        self._threads = trio.CapacityLimiter(threads)
        self._unbounded = trio.CapacityLimiter(math.inf)

    async def run(self, work: Callable[[Seat], T]) -> T:
        """Run ``work`` in a thread when there is a place for it; cancelling it stops its guest."""
        async with self._threads:
            seat = Seat(self.running)
            await seat.take()
            seat.since = trio.current_time()
            try:
                return await trio.to_thread.run_sync(self._work, work, seat, limiter=self._unbounded)
            finally:
                seat.leave()

    def _work(self, work: Callable[[Seat], T], seat: Seat) -> T:
        with self.clock:
            return work(seat)

    async def aclose(self) -> None:
        """End the clock."""
        await trio.to_thread.run_sync(self.clock.close)


class Seat:
    """A place among the running guests, given up while its guest waits.

    Attributes:
        since: ``trio.current_time()`` when it was taken for the first time.
    """

    __slots__ = ("_held", "_running", "since")

    def __init__(self, running: trio.CapacityLimiter) -> None:
        self._running = running
        self._held = False
        self.since = 0.0

    async def take(self) -> None:
        """Wait for a place."""
        await self._running.acquire_on_behalf_of(self)
        self._held = True

    def leave(self) -> None:
        """Give the place to another."""
        if self._held:
            self._held = False
            self._running.release_on_behalf_of(self)

    def outside(self, ask: Callable[..., Awaitable[T]], *arguments: Any) -> T:
        """From the guest's thread: have Trio do something, and wait for it with the place given up."""
        return trio.from_thread.run(self._outside, ask, arguments)

    async def _outside(self, ask: Callable[..., Awaitable[T]], arguments: tuple[Any, ...]) -> T:
        self.leave()
        try:
            return await ask(*arguments)
        finally:
            with trio.CancelScope(shield=True):
                await self.take()
