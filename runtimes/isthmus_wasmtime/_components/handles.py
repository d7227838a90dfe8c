"""Handles: what a component holds of its host's, by the numbers that it knows it by."""

from __future__ import annotations

import itertools
from typing import Any, Final, final

from isthmus.abc import Killed
from isthmus_wasmtime._course import Ended

__all__ = ["Handles", "number_of"]

MOST: Final = 10_000
"""Things a component may hold at the same time."""
_numbers: Final[dict[str, int]] = {}
_fresh: Final = itertools.count(1)


def number_of(resource: str) -> int:
    """The number by which wasmtime tells the handles of one resource from those of another."""
    return _numbers.setdefault(
        resource, next(_fresh)
    )  # never one number for two, whoever else asks meanwhile


@final
class Handles:
    """The things of one world, each under a number."""

    def __init__(self) -> None:
        self._held: dict[int, Any] = {}
        self._next = itertools.count(1)

    def add(self, thing: object) -> int:
        """Hand something out.

        Raises:
            Ended: the component holds too much.
        """
        if len(self._held) >= MOST:
            raise Ended(
                Killed("memory", f"the call held more than {MOST} things of its host's at the same time")
            )
        number = next(self._next)
        self._held[number] = thing
        return number

    def get(self, number: int) -> Any:
        """What a component speaks of."""
        return self._held[number]

    def take(self, number: int) -> Any:
        """What a component gives back for good."""
        return self._held.pop(number)

    def drop(self, number: int) -> None:
        """Forget what a component has let go of."""
        self._held.pop(number, None)
