"""A queue's own time, which neither goes back nor jumps while the file is open.

It starts from the wall clock when the file is opened, or from the last moment the file knows of where the wall clock has been
set back behind that, and goes on by the clock of the machine's uptime, suspension included.  So a clock that is set while
a queue is open moves no lease and no delay.  One set forward while it is closed cannot be told from time that has passed;
one set back makes nothing wait for the difference.  Outside, moments are told by their age, on the wall clock of now.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, final

__all__ = ["SECOND", "Clock", "uptime"]

SECOND: Final = 1_000_000
"""Moments in the file are whole microseconds since the epoch."""


def uptime() -> float:
    """Seconds the machine has been up, also those it was asleep where the system tells."""
    return time.clock_gettime(_UPTIME) if _UPTIME is not None else time.monotonic()


_UPTIME: Final[int | None] = getattr(time, "CLOCK_BOOTTIME", None)


@final
class Clock:
    """The time within one opening of a file.

    Args:
        last: the latest moment the file knows of, microseconds.
        elapsed: seconds that only go forward.
        wall: seconds since the epoch.
    """

    __slots__ = ("_began", "_elapsed", "_start", "_wall")

    def __init__(
        self, last: int, elapsed: Callable[[], float] = uptime, wall: Callable[[], float] = time.time
    ) -> None:
        self._elapsed = elapsed
        self._wall = wall
        self._began = elapsed()
        self._start = max(int(wall() * SECOND), last)

    def now(self) -> int:
        """Microseconds since the epoch, of the file's time."""
        return self._start + int((self._elapsed() - self._began) * SECOND)

    def told(self, moment: int, now: int) -> float:
        """A moment of the file's time as seconds since the epoch of the wall clock."""
        return self._wall() - (now - moment) / SECOND
