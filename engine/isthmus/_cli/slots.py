"""Places for events under way, given out several at a time: whoever takes one alone pays for it what many cost together."""

from __future__ import annotations

import math
from typing import Final, final

import trio

__all__ = ["Slots"]

LINGER: Final = 0.02
"""Seconds for which a few free places wait for more: where slow events have the others, they are not left empty."""


@final
class Slots:
    """So many places.

    Args:
        count: how many there are.

    Attributes:
        taken: how many have an event.
    """

    __slots__ = ("_changed", "_closed", "_count", "_good", "taken")

    def __init__(self, count: int) -> None:
        self._count = count
        self._good = max(1, count // 4)
        self._changed = trio.Event()
        self._closed = False
        self.taken = 0

    def take(self, count: int) -> None:
        """Fill some that are free."""
        self.taken += count

    def free(self, count: int = 1) -> None:
        """Empty some."""
        self.taken -= count
        self._changed.set()

    def close(self) -> None:
        """Let nobody wait any more."""
        self._closed = True
        self._changed.set()

    async def room(self, most: int) -> int:
        """Wait until a good part is free, or a moment for more than a few; how many to fill, 0 where it was closed."""
        wanted = min(most, self._good)
        patience = trio.current_time() + LINGER
        while not self._closed:
            free = self._count - self.taken
            if free >= wanted:
                return min(free, most)
            self._changed = trio.Event()
            with trio.CancelScope(deadline=patience if free > 0 else math.inf) as waiting:
                await self._changed.wait()
            if waiting.cancelled_caught:
                return free
        return 0
