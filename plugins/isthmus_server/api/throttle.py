"""How much each caller may ask for: points in a window of time, each operation costing some."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from email.utils import formatdate
from typing import Final, final

import msgspec

from .problems import Problem, RequestError

__all__ = ["RateLimit", "Throttle"]

CALLERS: Final = 10_000
"""Callers that are remembered; of more, those that were there longest ago are forgotten."""


@final
class RateLimit(msgspec.Struct, frozen=True, kw_only=True):
    """How much one caller may ask for.

    Attributes:
        points: in one window; most operations cost one.
        window: seconds.
        failures: of tokens that are none, in one window, from one address.
    """

    points: int = 1200
    window: float = 60.0
    failures: int = 60


class _Window(msgspec.Struct):
    ends: float
    consumed: int


@final
class Throttle:
    """Counts what callers have asked for.

    Args:
        points: in one window.
        window: seconds.
        clock: seconds since the epoch.
    """

    def __init__(self, points: int, window: float, clock: Callable[[], float]) -> None:
        self._points = points
        self._length = window
        self._clock = clock
        self._windows: OrderedDict[tuple[str, ...], _Window] = OrderedDict()

    def consume(self, caller: tuple[str, ...], cost: int) -> dict[str, str]:
        """Count what a caller asks for.

        Returns:
            headers that say what is left.

        Raises:
            Problem: 429, nothing is.
        """
        now = self._clock()
        window = self._window(caller, now)
        window.consumed += cost
        left = max(0, self._points - window.consumed)
        headers = {
            "X-RateLimit-Consumed": str(window.consumed),
            "X-RateLimit-Remaining": str(left),
            "X-RateLimit-Reset": formatdate(window.ends, usegmt=True),
        }
        if window.consumed <= self._points:
            return headers
        wait = max(0.0, window.ends - now)
        data = {
            "remainingPoints": 0,
            "msBeforeNext": int(wait * 1000),
            "consumedPoints": window.consumed,
        }
        error = RequestError(type="RequestError", message="Too many requests", data=data)
        raise Problem(429, error, headers=headers | {"Retry-After": str(int(wait) + 1)})

    def _window(self, caller: tuple[str, ...], now: float) -> _Window:
        window = self._windows.get(caller)
        if window is None or window.ends <= now or window.ends > now + self._length:
            window = self._windows[caller] = _Window(now + self._length, 0)
            self._windows.move_to_end(caller)
            if len(self._windows) > CALLERS:
                self._windows.popitem(last=False)
        return window
