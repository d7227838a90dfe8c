"""A change that several tasks wait for, each of which looks again at what it cares about."""

from __future__ import annotations

from typing import final

import trio

__all__ = ["Pulse"]


@final
class Pulse:
    """Wakes all who wait, again and again."""

    def __init__(self) -> None:
        self._waiting = trio.lowlevel.ParkingLot()

    def wake(self) -> None:
        """Wake those who wait now; where nobody does it costs next to nothing."""
        if self._waiting:
            self._waiting.unpark_all()

    async def wait(self) -> None:
        """Wait for the next time."""
        await self._waiting.park()
