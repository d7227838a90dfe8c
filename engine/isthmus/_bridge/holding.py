"""A context manager that is entered and left in the Trio thread, for a caller who is outside."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any, final

import trio

from .thread import Settle, TrioThread

__all__ = ["Holding"]


@final
class Holding:
    """Holds a manager open in a task of the Trio thread, until it is told to leave.

    Args:
        thread: the one it lives in.
        manager: what to enter.
        entered: told in the Trio thread of its value.
    """

    def __init__(
        self, thread: TrioThread, manager: AbstractAsyncContextManager[Any], entered: Settle
    ) -> None:
        self._thread = thread
        self._manager = manager
        self._entered = entered
        self._leave = trio.Event()
        self._error: Exception | None = None

    async def run(self) -> None:
        """Enter, wait, leave; what a crossing calls.  Raises what entering or leaving raised."""
        async with self._manager as value:
            self._entered(value, None)
            await self._leave.wait()
            if self._error is not None:
                raise self._error

    def leave(self, error: Exception | None) -> None:
        """Have it left, by an error if there is one; from outside."""
        self._error = error
        self._thread.run_soon(self._leave.set)
