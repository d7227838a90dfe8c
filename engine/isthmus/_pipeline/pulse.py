"""A change that several tasks wait for, each of which looks again at what it cares about."""

from __future__ import annotations

from typing import final

import trio

__all__ = ["Pulse"]


@final
class Pulse:
    """Wakes all who wait, again and again."""

    def __init__(self) -> None:
        self._event = trio.Event()

    def wake(self) -> None:
        """Wake those who wait now."""
        self._event.set()
        self._event = trio.Event()

    async def wait(self) -> None:
        """Wait for the next time."""
        await self._event.wait()
