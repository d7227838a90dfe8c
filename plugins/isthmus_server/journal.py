"""Logs what an operator should see of deliveries: those given up, and destinations that are left alone."""

from __future__ import annotations

import logging
import math
from collections import defaultdict
from typing import Final, final

import trio

from isthmus.pipelines import Attempted, BreakerMoved, Observation
from isthmus.rules import Refused

__all__ = ["Journal"]

logger = logging.getLogger("isthmus.server")

APART: Final = 1.0
"""Seconds between two lines on deliveries of one queue that were given up; those between are counted."""


@final
class Journal:
    """An observer of pipelines."""

    def __init__(self) -> None:
        self._told: dict[str, float] = defaultdict(lambda: -math.inf)
        self._untold: dict[str, int] = defaultdict(int)

    def observe(self, seen: Observation) -> None:
        """Take what a pipeline tells."""
        if type(seen) is BreakerMoved:
            fields = {"queue": seen.queue, "state": seen.state}
            logger.warning("circuit breaker moved", extra={"fields": fields})
        elif type(seen) is Attempted and type(seen.decision) is Refused:
            self._given_up(seen, seen.decision)

    def _given_up(self, seen: Attempted, decision: Refused) -> None:
        now = trio.current_time()
        if now - self._told[seen.queue] < APART:
            self._untold[seen.queue] += 1
            return
        self._told[seen.queue] = now
        problem = seen.problem
        fields = {
            "queue": seen.queue,
            "delivery": seen.delivery,
            "attempt": seen.attempt,
            "reason": decision.reason,
            "code": problem.code if problem else None,
            "problem": f"{problem.name}: {problem.message}" if problem else None,
            "others": self._untold.pop(seen.queue, 0),
        }
        logger.warning("delivery given up", extra={"fields": fields})
