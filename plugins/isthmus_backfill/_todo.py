"""The parts that are left, shared by those who carry them."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from typing import Final, final

import trio

from ._messages import Carry
from ._plan import Place

__all__ = ["DEATHS", "Todo"]

DEATHS: Final = 3
"""Processes that may die of a part before it is given up in this run."""


@final
class Todo:
    """Parts are taken, and done or lost.

    Args:
        parts: that are to be carried, in order.

    Attributes:
        stopped: no more are given out.
    """

    def __init__(self, parts: Iterable[Carry]) -> None:
        self._waiting = deque(parts)
        self._under_way: dict[Place, Carry] = {}
        self._deaths: Counter[Place] = Counter()
        self._changed = trio.Event()
        self.stopped = False

    def __len__(self) -> int:
        """Parts that are not done."""
        return len(self._waiting) + len(self._under_way)

    @property
    def under_way(self) -> int:
        """Parts that were taken and are not done."""
        return len(self._under_way)

    def take_nowait(self) -> Carry | None:
        """A part, None where there is none to be had now."""
        if self.stopped or not self._waiting:
            return None
        work = self._waiting.popleft()
        self._under_way[work.place] = work
        return work

    async def take(self) -> Carry | None:
        """A part; None where there are no more, and none that is under way can come back."""
        await trio.lowlevel.checkpoint()
        while (work := self.take_nowait()) is None:
            if self.stopped or not self._under_way:
                return None
            await self._changed.wait()
        return work

    def done(self, place: Place) -> None:
        """A part will not come back, whatever became of it."""
        self._under_way.pop(place, None)
        self._wake()

    def lost(self, place: Place) -> bool:
        """Whoever had a part has gone: say whether another is to carry it."""
        work = self._under_way.pop(place)
        self._deaths[place] += 1
        again = self._deaths[place] < DEATHS
        if again:
            self._waiting.appendleft(work)
        self._wake()
        return again

    def stop(self) -> None:
        """Give out no more."""
        self.stopped = True
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = trio.Event()
