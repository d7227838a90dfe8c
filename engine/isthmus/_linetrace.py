"""Which lines of a function ran, in calls that somebody wants to know it of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, final

__all__ = ["LineTrace", "current_trace"]


@final
class LineTrace:
    """Lines of one function's code, over any number of calls.

    Attributes:
        among: lines that can run, none before a runtime has told.
        ran: those that did.
    """

    def __init__(self) -> None:
        self.among: set[int] = set()
        self.ran: set[int] = set()

    @property
    def missing(self) -> list[int]:
        """Lines that can run and did not, in order."""
        return sorted(self.among - self.ran)

    def add(self, lines: Iterable[int], among: Iterable[int]) -> None:
        """Take what a runtime tells of one call; what could not have run did not."""
        self.among.update(among)
        self.ran.update(self.among.intersection(lines))

    @contextmanager
    def following(self) -> Iterator[None]:
        """Take what is told of the calls that this task, and tasks it starts, make meanwhile."""
        token = current_trace.set(self)
        try:
            yield
        finally:
            current_trace.reset(token)


current_trace: Final[ContextVar[LineTrace | None]] = ContextVar("isthmus line trace", default=None)
"""Where calls of this context tell which lines ran, or None."""
