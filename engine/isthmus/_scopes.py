"""What an engine has under way, so that closing the engine ends it."""

from __future__ import annotations

import logging
from types import TracebackType
from typing import final

import trio

from .errors import EngineClosed

__all__ = ["Scopes"]

logger = logging.getLogger("isthmus")


@final
class Scopes:
    """One scope for each call, load, or run over many.

    Attributes:
        closed: they have been ended, and no more is to be entered.
    """

    __slots__ = ("_entered", "_left", "closed")

    def __init__(self) -> None:
        self.closed = False
        self._entered: set[Entered] = set()
        self._left = trio.Event()

    def __len__(self) -> int:
        """Count what is under way."""
        return len(self._entered)

    def entered(self, message: str) -> Entered:
        """Make a context for something that :meth:`close` ends, as :class:`EngineClosed` with the message."""
        return Entered(self, message)

    def add(self, entered: Entered) -> None:
        """Something has begun."""
        self._entered.add(entered)

    def discard(self, entered: Entered) -> None:
        """It has ended."""
        self._entered.discard(entered)
        if self.closed and not self._entered:
            self._left.set()

    async def close(self, grace: float) -> None:
        """End all there is, and wait so many seconds at the most until it has ended."""
        self.closed = True
        for entered in self._entered:
            entered.scope.cancel()
        with trio.move_on_after(grace, shield=True):
            if self._entered:
                await self._left.wait()
        if self._entered:
            logger.error("%s calls did not end when the engine was closed", len(self._entered))


@final
class Entered:
    """A cancel scope that ends in :class:`EngineClosed`; no generator, for every call has one."""

    __slots__ = ("_message", "_scopes", "scope")

    def __init__(self, scopes: Scopes, message: str) -> None:
        self.scope = trio.CancelScope()
        self._scopes = scopes
        self._message = message

    def __enter__(self) -> None:
        self._scopes.add(self)
        self.scope.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            ended = self.scope.__exit__(kind, exc, trace)
        finally:
            self._scopes.discard(self)
        if ended and kind is not None:  # Trio says so where nothing was raised as well
            raise EngineClosed(self._message) from None
