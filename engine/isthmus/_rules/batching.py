"""When a batch is full or due: a machine over arrivals and time, without a clock of its own.

An instance's events wait until they are ``max_count``, or ``max_bytes`` would be passed, or the
first of them has waited ``max_wait``, whichever comes first (Segment: 20 events or 10 s).  Whoever
drives a :class:`Batcher` hands it each arrival with the time, asks :meth:`Batcher.next_due` when to
come back, and calls :meth:`Batcher.due` then.  At every moment each item added is in exactly one
batch handed out, or waiting; batches and their items keep the order of arrival.
"""

from __future__ import annotations

import math
from typing import Final, Generic, Literal, TypeVar, final

import msgspec

from isthmus.errors import EngineError

__all__ = ["Batch", "Batcher"]

T = TypeVar("T")

DEFAULT_COUNT: Final = 20  # Segment's default; its support raises it to 400
DEFAULT_WAIT: Final = 10.0  # seconds; Segment's default
DEFAULT_BYTES: Final = 6 * 1024 * 1024  # Segment's bound on the request of a batch


@final
class Batch(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """Items that go together.

    Attributes:
        items: in order of arrival, at least one.
        bytes: sum of their sizes.
        since: when the first of them arrived.
        closed_by: which bound was reached; ``flush`` where it was closed early.
    """

    items: tuple[T, ...]
    bytes: int
    since: float
    closed_by: Literal["count", "bytes", "wait", "flush"]


@final
class Batcher(Generic[T]):
    """Gathers items into batches.

    Args:
        max_count: items of one batch, from 1.
        max_wait: seconds the first item waits at the most; 0 makes every item a batch.
        max_bytes: sum of sizes in one batch, from 1; an item larger than that goes alone.

    Raises:
        EngineError: a bound is out of its range.
    """

    __slots__ = ("_bytes", "_items", "_max_bytes", "_max_count", "_max_wait", "_since")

    def __init__(
        self, max_count: int = DEFAULT_COUNT, max_wait: float = DEFAULT_WAIT, max_bytes: int = DEFAULT_BYTES
    ) -> None:
        if max_count < 1:
            raise EngineError(f"a batch holds 1 event or more, not max_count={max_count!r}")
        if not 0 <= max_wait < math.inf:
            raise EngineError(f"a batch waits a number of seconds from 0, not max_wait={max_wait!r}")
        if max_bytes < 1:
            raise EngineError(f"a batch holds 1 byte or more, not max_bytes={max_bytes!r}")
        self._max_count = max_count
        self._max_wait = max_wait
        self._max_bytes = max_bytes
        self._items: list[T] = []
        self._bytes = 0
        self._since = 0.0

    def __len__(self) -> int:
        """Count the items that wait."""
        return len(self._items)

    def add(self, item: T, size: int, now: float) -> list[Batch[T]]:
        """Take an item and hand out the batches that closes, none to two of them, in order.

        Args:
            item: anything.
            size: its bytes, from 0.
            now: seconds on a clock that does not go back.
        """
        closed = self.due(now)
        if self._items and self._bytes + size > self._max_bytes:
            closed += self._close("bytes")
        if not self._items:
            self._since = now
        self._items.append(item)
        self._bytes += size
        if len(self._items) >= self._max_count:
            closed += self._close("count")
        elif self._bytes >= self._max_bytes:
            closed += self._close("bytes")
        return closed + self.due(now)

    def due(self, now: float) -> list[Batch[T]]:
        """Hand out the batch whose first item has waited long enough, if there is one."""
        due = self.next_due()
        return [] if due is None or now < due else self._close("wait")

    def next_due(self) -> float | None:
        """Say when :meth:`due` has to be called, None while nothing waits."""
        return self._since + self._max_wait if self._items else None

    def flush(self) -> list[Batch[T]]:
        """Hand out what waits, due or not."""
        return self._close("flush") if self._items else []

    def _close(self, closed_by: Literal["count", "bytes", "wait", "flush"]) -> list[Batch[T]]:
        batch = Batch(items=tuple(self._items), bytes=self._bytes, since=self._since, closed_by=closed_by)
        self._items.clear()
        self._bytes = 0
        return [batch]
