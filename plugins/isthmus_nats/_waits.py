"""How long this process has waited for the cluster, and what came again: counters for monitoring."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import final

__all__ = ["Waits"]


@final
class Waits:
    """Counts of one connection; written in its thread, read from any.

    Attributes:
        published: batches that the cluster has answered.
        publishing: seconds from sending them to the answers, summed.
        fetched: questions for deliveries.
        fetching: seconds that they waited, for deliveries as well as for the cluster, summed.
        expired: deliveries that came for a second time because a lease had run out.
    """

    def __init__(self) -> None:
        self.published = 0
        self.publishing = 0.0
        self.fetched = 0
        self.fetching = 0.0
        self.expired = 0
        self._away = 0.0
        self._asking_again = 0
        self._since = 0.0

    @contextmanager
    def publish(self) -> Iterator[None]:
        """Time one batch."""
        begun = time.monotonic()
        yield
        self.published += 1
        self.publishing += time.monotonic() - begun

    @contextmanager
    def fetch(self) -> Iterator[None]:
        """Time one question for deliveries."""
        begun = time.monotonic()
        try:
            yield
        finally:
            self.fetched += 1
            self.fetching += time.monotonic() - begun

    @contextmanager
    def away(self) -> Iterator[None]:
        """A call got no answer, or none but that there is no leader, and asks again."""
        if not self._asking_again:
            self._since = time.monotonic()
        self._asking_again += 1
        try:
            yield
        finally:
            self._asking_again -= 1
            if not self._asking_again:
                self._away += time.monotonic() - self._since

    @property
    def unanswered(self) -> float:
        """Seconds in which some call was asking again; those of several at a time count once."""
        return self._away + (time.monotonic() - self._since if self._asking_again else 0.0)
