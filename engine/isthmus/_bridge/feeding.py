"""Events that go into the Trio thread many at a time, and their outcomes that come out together."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Final, final

import trio

from isthmus.errors import InvalidInput
from isthmus.events import Event, Request
from isthmus.outcomes import Outcome

from .thread import TrioThread

__all__ = ["Feed"]

AHEAD: Final = 512
"""Events that may be on their way in, or out as outcomes, beside those under way."""


@final
class Feed:
    """Between one caller outside and one :meth:`isthmus.Engine.invoke_each`.

    One wake-up carries all that has gathered since the last: an event costs no crossing of its own.

    Args:
        thread: where the engine is.
        concurrency: of the calls.
        wake: tells the caller, from the Trio thread, that there are outcomes, or room.
    """

    def __init__(self, thread: TrioThread, concurrency: int, wake: Callable[[], None]) -> None:
        self._thread = thread
        self._most = concurrency + AHEAD
        self._wake = wake
        self._lock = threading.Lock()
        self._events: deque[Event | Request] = deque()
        self._batch: deque[Event | Request] = deque()  # the Trio side's own
        self._outcomes: list[tuple[int, Outcome | InvalidInput]] = []
        self._out = 0  # events taken whose outcomes the caller has not had
        self._ended = False
        self._error: Exception | None = None
        self._asked = trio.Event()
        self._asleep = True  # the Trio side waits, or will, and is to be woken
        self._told = False  # the caller has been woken, and has not looked yet
        self.stop = trio.Event()

    # ------------------------------------------------------------ outside

    @property
    def room(self) -> int:
        """How many events may be put."""
        return self._most - self._out

    def put(self, event: Event | Request) -> None:
        """Hand an event in; the caller has looked whether there is room."""
        self._out += 1
        with self._lock:
            self._events.append(event)
            wake, self._asleep = self._asleep, False
        if wake:
            self._thread.run_soon(self._rouse)

    def end(self, error: Exception | None = None) -> None:
        """There are no more; or what they come from raised this."""
        with self._lock:
            self._ended, self._error = True, error
        self._thread.run_soon(self._rouse)

    def ask_to_stop(self) -> None:
        """Begin no more calls."""
        self._thread.run_soon(self.stop.set)

    def outcomes(self) -> list[tuple[int, Outcome | InvalidInput]]:
        """Those that have come since it was asked last."""
        with self._lock:
            self._told = False
            outcomes, self._outcomes = self._outcomes, []
        self._out -= len(outcomes)
        return outcomes

    # ------------------------------------------------------------ in the Trio thread

    def _rouse(self) -> None:
        self._asked.set()

    # Not a generator: a run that is stopped leaves it where it is, and nothing is to be closed then.
    def __aiter__(self) -> Feed:
        return self

    async def __anext__(self) -> Event | Request:
        """What was put, as it comes; raises the caller's error at its end."""
        while not self._batch:
            with self._lock:
                self._batch, self._events = self._events, deque()
                if not self._batch and not self._ended:
                    self._asleep = True
                    self._asked = trio.Event()
                ended = self._ended
            if not self._batch:
                if ended:
                    raise self._error or StopAsyncIteration
                await self._asked.wait()
        return self._batch.popleft()

    def deliver(self, index: int, outcome: Outcome | InvalidInput) -> None:
        """Take an outcome for the caller."""
        with self._lock:
            self._outcomes.append((index, outcome))
            told, self._told = self._told, True
        if not told:
            self._wake()
