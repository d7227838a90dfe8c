"""What a queue is compared with: a model of one delivery, and the storage under test in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeVar

import trio

from isthmus.queues import Entry, Queue

__all__ = ["MachineSubject", "ModelDelivery", "Portal"]

Answer = TypeVar("Answer")


class MachineSubject(Protocol):
    """A storage of its own, with a clock that stands still but for what it is told.

    Attributes:
        reopens: it can be opened again with what was in it; the leases of before are over then.
    """

    reopens: bool

    def open_queue(self) -> AbstractAsyncContextManager[Queue]:
        """Open the storage."""

    def advance(self, seconds: float) -> None:
        """Let time pass."""

    def close(self) -> None:
        """Remove the storage."""


class Portal:
    """Trio in a thread, so that rules, which are plain functions, share one run of it."""

    def __init__(self, open_queue: Callable[[], AbstractAsyncContextManager[Queue]]) -> None:
        self._open_queue = open_queue
        self._ready = threading.Event()
        self._thread = threading.Thread(target=trio.run, args=(self._main,), daemon=True)
        self._thread.start()
        self._ready.wait()

    async def _main(self) -> None:
        self._token = trio.lowlevel.current_trio_token()
        self._stop = trio.Event()
        try:
            async with self._open_queue() as self.queue:
                self._ready.set()
                await self._stop.wait()
        finally:
            self._ready.set()

    def run(self, call: Callable[..., Awaitable[Answer]], *arguments: object) -> Answer:
        return trio.from_thread.run(call, *arguments, trio_token=self._token)

    def close(self) -> None:
        trio.from_thread.run_sync(self._stop.set, trio_token=self._token)
        self._thread.join()


class ModelDelivery:
    """What the model knows of one."""

    def __init__(self, number: int, entry: Entry, now: float) -> None:
        self.number = number
        self.entry = entry
        self.due = now + entry.delay
        self.attempt = 0
        self.leased = False
        self.published = now
        self.first: float | None = None
