"""What stands in one queue in memory, and whose turn it is."""

from __future__ import annotations

import heapq
from collections import deque
from typing import NamedTuple, final

import trio

from isthmus.queues import Claim, Entry, QueueOptions

__all__ = ["Kept", "Lease", "Line"]


class Lease(NamedTuple):
    """What a claim stands for: a delivery, while it is at this attempt."""

    number: int
    attempt: int


@final
class Kept:
    """A delivery that is neither acknowledged nor dead."""

    __slots__ = ("attempt", "due", "entry", "first_at", "leased", "number", "published_at")

    def __init__(self, number: int, entry: Entry, now: float) -> None:
        self.number = number
        self.entry = entry
        self.published_at = now
        self.due = now + entry.delay
        self.attempt = 0
        self.leased = False
        self.first_at = 0.0

    def claimed(self, now: float, until: float) -> Claim:
        """Lease it for one more attempt."""
        if not self.attempt:
            self.first_at = now
        self.attempt += 1
        self.leased = True
        self.due = until
        return Claim(
            queue=self.entry.queue,
            message_id=self.entry.message_id,
            body=self.entry.body,
            key=self.entry.key,
            attempt=self.attempt,
            published_at=self.published_at,
            first_at=self.first_at,
            token=Lease(self.number, self.attempt),
        )


@final
class Line:
    """One queue: what is kept, and what of it may be next.

    A delivery stands in one of two heaps, the one for those never claimed, which ``max_unacked`` holds back, and the one for
    the others.  What is found in a heap under a time that is no longer its own is passed over.
    """

    def __init__(self, options: QueueOptions) -> None:
        self.options = options
        self.kept: dict[int, Kept] = {}
        self.fresh: list[tuple[float, int]] = []
        self.tried: list[tuple[float, int]] = []
        self.unacked = 0
        self.seen: dict[str, float] = {}
        self.turns: dict[str, deque[int]] = {}
        self.changed = trio.Event()

    def change(self, options: QueueOptions) -> None:
        self.options = options
        self.turns = {}
        for kept in self.kept.values():
            self.line_up(kept)
        for kept in self.kept.values():
            self.offer(kept)

    def forget(self, now: float) -> None:
        """Let go of ids whose window is over; they were put in roughly in that order."""
        while self.seen:
            first = next(iter(self.seen))
            if self.seen[first] > now:
                return
            del self.seen[first]

    def add(self, kept: Kept) -> None:
        self.kept[kept.number] = kept
        self.line_up(kept)
        self.offer(kept)

    def line_up(self, kept: Kept) -> None:
        if self.options.ordered and kept.entry.key is not None:
            self.turns.setdefault(kept.entry.key, deque()).append(kept.number)

    def offer(self, kept: Kept) -> None:
        turn = self.turns.get(kept.entry.key) if kept.entry.key is not None else None
        if turn is None or turn[0] == kept.number:
            heapq.heappush(self.tried if kept.attempt else self.fresh, (kept.due, kept.number))

    def remove(self, kept: Kept) -> None:
        del self.kept[kept.number]
        self.unacked -= 1
        key = kept.entry.key
        if key is not None and (turn := self.turns.get(key)) is not None:
            turn.remove(
                kept.number
            )  # its head, but for a queue that was made an ordered one with claims under way
            if turn:
                self.offer(self.kept[turn[0]])
            else:
                del self.turns[key]

    def next(self, now: float) -> Kept | None:
        """Take out what has waited longest of what may be claimed now."""
        due = self.due()
        if due is None or due > now:
            return None
        heap = self._sooner()
        return self.kept[heapq.heappop(heap)[1]]

    def due(self) -> float | None:
        """When the next one may be claimed; None where that is not a question of time."""
        heap = self._sooner()
        return heap[0][0] if heap else None

    def _sooner(self) -> list[tuple[float, int]]:
        for heap, tried in ((self.fresh, False), (self.tried, True)):
            while heap and not self._stands(*heap[0], tried=tried):
                heapq.heappop(heap)
        if self.unacked >= self.options.max_unacked or not self.fresh:
            return self.tried
        return min(self.fresh, self.tried, key=lambda heap: heap[0]) if self.tried else self.fresh

    def _stands(self, due: float, number: int, *, tried: bool) -> bool:
        kept = self.kept.get(number)
        if kept is None or kept.due != due or bool(kept.attempt) is not tried:
            return False
        turn = self.turns.get(kept.entry.key) if kept.entry.key is not None else None
        return turn is None or turn[0] == number
