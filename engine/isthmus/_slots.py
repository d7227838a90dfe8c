"""How many calls may be under way at one time, counted over several instances."""

from __future__ import annotations

from typing import final

import trio

from .errors import EngineError

__all__ = ["Slots"]


@final
class Slots:
    """Calls that may be under way at one time, of all instances that are loaded with it.

    Further ones wait their turn, before their time begins to run.

    Args:
        most: from 1.
        within: slots of which each of these calls takes one as well, as those of a team within those of a company.

    Raises:
        EngineError: a number below 1.
    """

    def __init__(self, most: int, *, within: Slots | None = None) -> None:
        if most < 1:
            raise EngineError(f"Slots takes a number from 1, not {most!r}")
        self.most = most
        self._free = most
        self._within = within
        self._turns = trio.lowlevel.ParkingLot()

    def __repr__(self) -> str:
        return f"<isthmus.Slots {self._free} of {self.most} free>"

    @property
    def free(self) -> int:
        """Calls that could begin now, those within which they are left out of account."""
        return self._free

    async def take(self, most: int) -> int:
        """Wait until a slot is free, take as many as are, and say how many.

        Args:
            most: that are wanted, from 1.
        """
        if self._turns:
            await self._turns.park()  # who came before is first
        while self._free < 1:
            await self._turns.park()
        count = min(most, self._free)
        self._free -= count
        if self._within is None:
            return count
        try:
            there = await self._within.take(count)
        except BaseException:
            self._back(count)
            raise
        self._back(count - there)
        return there

    def give(self, count: int = 1) -> None:
        """Give back what was taken."""
        if self._within is not None:
            self._within.give(count)
        self._back(count)

    def _back(self, count: int) -> None:
        self._free += count
        self._turns.unpark(count=min(count, len(self._turns)))


Slots.__module__ = "isthmus"
