"""The event loop of async handlers: its events are the host's answers, and time."""

from __future__ import annotations

import asyncio
import asyncio.events
from collections.abc import Callable
from typing import Any

import wit_world

from .frames import connection

__all__ = ["Loop", "install"]


class Loop(asyncio.BaseEventLoop):
    """Waits for the one connection that there is."""

    def __init__(self) -> None:
        super().__init__()
        self._selector = self
        self._reader: asyncio.Handle | None = None

    def select(self, timeout: float | None) -> list[asyncio.Handle]:
        """Wait for an answer of the host's, for so long at the most; what is to be run then.

        Raises:
            RuntimeError: nothing is under way that could end the wait.
        """
        if self._reader is not None:
            return [self._reader] if connection.wait(timeout) else []
        if timeout is None:
            raise RuntimeError("every task waits for another, and nothing is asked of the host")
        if timeout > 0:
            wit_world.rest(timeout)
        return []

    def add_reader(self, fd: Any, callback: Callable[..., Any], *args: Any) -> None:  # type: ignore[override] # its types are no better
        """Have something called whenever there is an answer."""
        if fd != connection.file:
            raise OSError(f"there is no descriptor {fd}")
        self.remove_reader(fd)
        self._reader = asyncio.Handle(callback, args, self)

    def remove_reader(self, fd: Any) -> bool:
        """Have it called no more."""
        del fd
        handle, self._reader = self._reader, None
        if handle is not None:
            handle.cancel()
        return handle is not None

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        """Run a function here and now, for there are no threads; what it returns can be awaited."""
        del executor
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 -- whoever awaits it gets it
            future.set_exception(error)
        return future

    def _process_events(self, events: list[asyncio.Handle]) -> None:
        for handle in events:
            self._add_callback(handle)  # type: ignore[attr-defined]

    def _write_to_self(self) -> None:
        """Nobody but this thread could wake it."""


def install() -> None:
    """Have ``asyncio`` make such loops."""
    policy: Any = asyncio.events._get_event_loop_policy()  # type: ignore[attr-defined]
    type(policy)._loop_factory = Loop
