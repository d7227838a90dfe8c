"""Bytes as a row of decisions: one a byte, and the first alternative where there is none left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar, final

__all__ = ["Choices"]

T = TypeVar("T")


@final
class Choices:
    """Decides by bytes, in order; a changed byte changes one decision, so that a mutation is a small change.

    Whoever asks has the simplest alternative first: what the bytes do not decide comes to an end.

    Args:
        data: a byte for each decision.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def spent(self) -> bool:
        """Whether every byte has decided something."""
        return self._at >= len(self._data)

    def number(self, below: int) -> int:
        """A number from 0; one byte decides, so that ``below`` is 256 at the most."""
        if self.spent:
            return 0
        self._at += 1
        return self._data[self._at - 1] % below

    def one_of(self, options: Sequence[T]) -> T:
        """One of them."""
        return options[self.number(len(options))]

    def happens(self, out_of: int) -> bool:
        """Once in so many times; never where no byte is left."""
        return not self.spent and self.number(out_of) == out_of - 1
