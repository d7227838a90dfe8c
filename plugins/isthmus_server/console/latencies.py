"""How long deliveries took from acceptance to success: the last of each destination, from which quantiles are exact."""

from __future__ import annotations

from collections import deque
from typing import Final, final

from isthmus.pipelines import Attempted, Observation
from isthmus.rules import Delivered

__all__ = ["Latencies"]

KEPT: Final = 2_000
"""Deliveries of each destination: a p95 of them is off by a percentile at the most, nineteen times of twenty."""


@final
class Latencies:
    """An observer of pipelines, for as long as its process lives."""

    def __init__(self) -> None:
        self._last: dict[str, deque[float]] = {}

    def observe(self, seen: Observation) -> None:
        """Take what a pipeline tells."""
        if type(seen) is Attempted and type(seen.decision) is Delivered:
            ages = self._last.get(seen.queue)
            if ages is None:
                ages = self._last[seen.queue] = deque(maxlen=KEPT)
            ages.append(seen.age)

    def quantile(self, queue: str, share: float) -> float | None:
        """Seconds that this share of the last deliveries of a queue took at the most; None where there were none.

        Args:
            queue: its name.
            share: 0.5 for the median.
        """
        ages = sorted(self._last.get(queue, ()))
        return ages[min(int(share * len(ages)), len(ages) - 1)] if ages else None
