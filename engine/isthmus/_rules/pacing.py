"""How many attempts a rate allows now: a token bucket over a clock that is handed in."""

from __future__ import annotations

import math
from typing import final

import msgspec

from isthmus.errors import EngineError

__all__ = ["Bucket", "Rate"]


@final
class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """A number of attempts in a time.

    Attributes:
        per_second: attempts a second, in the long run.
        burst: attempts that may go at once after a pause; a second's worth by default, one at the least.

    Raises:
        EngineError: a number is out of its range.
    """

    per_second: float
    burst: int | None = None

    def __post_init__(self) -> None:
        if not 0 < self.per_second < math.inf:
            raise EngineError(f"Rate.per_second takes a number above 0, not {self.per_second!r}")
        if self.burst is not None and self.burst < 1:
            raise EngineError(f"Rate.burst takes a number from 1, not {self.burst!r}")

    @property
    def most(self) -> int:
        """How many may go at once."""
        return max(1, math.floor(self.per_second)) if self.burst is None else self.burst


@final
class Bucket:
    """Tokens of one rate; full to begin with.

    Within any span of *t* seconds at most ``most + per_second * t`` are taken.
    """

    __slots__ = ("_at", "_rate", "_tokens")

    def __init__(self, rate: Rate, now: float) -> None:
        self._rate = rate
        self._tokens = float(rate.most)
        self._at = now

    def available(self, now: float) -> int:
        """Whole tokens there are at a time, seconds on a clock that does not go back."""
        self._fill(now)
        return math.floor(self._tokens)

    def take(self, count: int, now: float) -> None:
        """Take tokens; never more than :meth:`available` says."""
        self._fill(now)
        self._tokens -= count

    def wait(self, now: float) -> float:
        """Seconds until there is a token; 0 where there is one."""
        self._fill(now)
        # Rounded up, so that whoever sleeps for it finds the token there.
        return 0.0 if self._tokens >= 1 else (1 - self._tokens) / self._rate.per_second + 1e-6

    def _fill(self, now: float) -> None:
        passed = max(0.0, now - self._at)
        self._tokens = min(float(self._rate.most), self._tokens + passed * self._rate.per_second)
        self._at = max(self._at, now)
