"""Counts what becomes of the deliveries of one queue."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from typing import Final, final

from isthmus._rules.retry import Delivered, Dropped, Refused
from isthmus.pipelines import LATENCY_BOUNDS, Attempted, LaneStats

__all__ = ["Tally"]

MANY: Final = 10
"""Attempts from which on they are counted together."""


@final
class Tally:
    """The numbers of one lane."""

    def __init__(self) -> None:
        self.batches = 0
        self.batched = 0
        self.trying = 0.0
        self.given_back = 0
        self.away = 0
        self._attempts = 0
        self._delivered = 0
        self._dropped = 0
        self._retried: Counter[str] = Counter()
        self._dead: Counter[str] = Counter()
        self._latency = [0] * (len(LATENCY_BOUNDS) + 1)
        self._latency_sum = 0.0
        self._late: Counter[str] = Counter()

    def add(self, attempted: Attempted) -> None:
        """Count an attempt."""
        self._attempts += 1
        decision = attempted.decision
        if type(decision) is Delivered:
            self._delivered += 1
            self._latency[bisect_left(LATENCY_BOUNDS, attempted.age)] += 1
            self._latency_sum += attempted.age
            if attempted.attempt > 1:
                self._late[str(attempted.attempt) if attempted.attempt < MANY else f"{MANY}+"] += 1
        elif type(decision) is Dropped:
            self._dropped += 1
        elif type(decision) is Refused:
            self._dead[decision.reason] += 1
        else:
            self._retried[attempted.problem.code if attempted.problem else "retry"] += 1

    def stats(self, in_hand: int, breaker: str, published: int) -> LaneStats:
        """The numbers as a value."""
        return LaneStats(
            published=published,
            attempts=self._attempts,
            delivered=self._delivered,
            dropped=self._dropped,
            retried=dict(self._retried),
            dead=dict(self._dead),
            given_back=self.given_back,
            batches=self.batches,
            batched=self.batched,
            trying=self.trying,
            in_hand=in_hand,
            breaker=breaker,
            latency=tuple(self._latency),
            latency_sum=self._latency_sum,
            late=dict(self._late),
            away=self.away,
        )
