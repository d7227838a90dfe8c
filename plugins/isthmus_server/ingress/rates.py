"""How many events are taken in a time, and how many requests at one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import final

import trio

from isthmus.pipelines import Rate

from .answers import Refusal
from .sources import Entrance

__all__ = ["Allowance", "Turnstile"]


@final
class Allowance:
    """Tokens of one rate, which a batch may overdraw: it is taken whole, and what it was too large by is waited for after it."""

    def __init__(self, rate: Rate, now: float) -> None:
        self._rate = rate
        self._tokens = float(rate.most)
        self._at = now

    def wait(self, now: float) -> float:
        """Seconds until the next may be taken, 0 for now."""
        self._tokens = min(float(self._rate.most), self._tokens + (now - self._at) * self._rate.per_second)
        self._at = now
        return 0.0 if self._tokens >= 1 else (1 - self._tokens) / self._rate.per_second

    def take(self, count: int) -> None:
        """Take so many, right after :meth:`wait` gave 0."""
        self._tokens -= count


@final
class Turnstile:
    """Lets requests in, or says when to come back.

    Args:
        requests: under way at one time.
        events_per_second: of all sources together, None for as many as come.
    """

    def __init__(self, requests: int, events_per_second: float | None) -> None:
        self._most = requests
        self._under_way = 0
        self._all = Rate(per_second=events_per_second) if events_per_second else None
        self._allowances: dict[tuple[str, Rate], Allowance] = {}

    @property
    def under_way(self) -> int:
        """Requests that are being answered."""
        return self._under_way

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Be one of the requests under way.

        Raises:
            Refusal: there are too many.
        """
        if self._under_way >= self._most:
            raise Refusal(503, "busy", "too many requests are under way", after=1.0)
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1

    def take(self, entrance: Entrance, count: int) -> None:
        """Count events, or webhooks, of a source.

        Raises:
            Refusal: its rate, or that of all, is used up.
        """
        now = trio.current_time()
        rates = [("", self._all), ("", entrance.shared_rate), (entrance.source, entrance.rate)]
        allowances = [self._allowance(name, rate, now) for name, rate in rates if rate is not None]
        wait = max((allowance.wait(now) for allowance in allowances), default=0.0)
        if wait:
            raise Refusal(429, "too_many_requests", "more events came than are taken in a second", after=wait)
        for allowance in allowances:
            allowance.take(count)

    def _allowance(self, name: str, rate: Rate, now: float) -> Allowance:
        allowance = self._allowances.get((name, rate))
        if allowance is None:
            allowance = self._allowances[name, rate] = Allowance(rate, now)
        return allowance
