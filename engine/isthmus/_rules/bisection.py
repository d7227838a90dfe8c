"""Finding the events that a batch fails for: halves of it are tried until the poisonous ones are alone.

A batch that is refused whole says nothing of its single events.  One poisonous event of *n* is found in
2 log2 *n* more calls at the most, and the others are delivered on the way.  A batch that runs out of time is
split as well; but where everything does, it is the destination that is slow, and not an event: after as many
such calls as finding one event takes twice, the rest is left for another attempt.
"""

from __future__ import annotations

from typing import Generic, TypeVar, final

__all__ = ["Bisection"]

T = TypeVar("T")


@final
class Bisection(Generic[T]):
    """The order in which a batch and its parts are tried.

    Call :meth:`next` for what to try, and :meth:`failed` where it failed whole; what it answers is judged with that
    failure.  Parts that did not fail need no word.

    Args:
        items: of the batch, one at the least.
    """

    __slots__ = ("_parts", "_timeouts_left")

    def __init__(self, items: list[T]) -> None:
        self._parts = [items]
        self._timeouts_left = 2 * (len(items).bit_length() + 1)

    def next(self) -> list[T] | None:
        """What to try next, None where all has been; parts come in the batch's order."""
        return self._parts.pop() if self._parts else None

    def failed(self, items: list[T], *, timed_out: bool) -> list[T]:
        """Take note that a part failed whole, and give those whose failure it is, none or all of them.

        Args:
            items: as :meth:`next` gave them.
            timed_out: it ran out of time, and was not refused.
        """
        if timed_out:
            self._timeouts_left -= 1
        if len(items) == 1 or (timed_out and self._timeouts_left <= 0):
            return items
        middle = len(items) // 2
        self._parts += [items[middle:], items[:middle]]
        return []
