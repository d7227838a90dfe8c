"""Whether a destination that keeps failing is left alone for a while: a circuit breaker as a table.

::

    closed     a failure: count it; as many in a row as the policy says -> open     a success: count from 0
    open       after the interval, one probe may go -> half open                     a success of before -> closed
    half open  the probe failed -> open, from now                                    the probe got an answer -> closed
"""

from __future__ import annotations

from typing import Final, Literal, final

import msgspec

from isthmus.errors import EngineError

__all__ = ["CLOSED", "Breaker", "BreakerPolicy", "probing", "recorded", "unanswered", "wait_for_probe"]


@final
class BreakerPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """When a destination is left alone.

    Attributes:
        failures: attempts in a row that ended in ``retry`` before nothing more is sent.
        interval: seconds from one probe to the next meanwhile.

    Raises:
        EngineError: a number is out of its range.
    """

    failures: int = 50
    interval: float = 30.0

    def __post_init__(self) -> None:
        if self.failures < 1:
            raise EngineError(f"BreakerPolicy.failures takes a number from 1, not {self.failures!r}")
        if not 0 < self.interval <= 86_400:
            raise EngineError(
                f"BreakerPolicy.interval takes seconds above 0, a day at the most, not {self.interval!r}"
            )


@final
class Breaker(msgspec.Struct, frozen=True):
    """The state of one breaker.

    Attributes:
        state: see the table above.
        streak: failures in a row, while closed.
        since: when the last failure was seen that opened it, on the clock of ``now``.
    """

    state: Literal["closed", "open", "half_open"] = "closed"
    streak: int = 0
    since: float = 0.0


CLOSED: Final = Breaker()


def wait_for_probe(policy: BreakerPolicy, breaker: Breaker, now: float) -> float | None:
    """Seconds until something may be sent: 0 for now, None while a probe is under way."""
    if breaker.state == "closed":
        return 0.0
    if breaker.state == "half_open":
        return None
    return max(0.0, breaker.since + policy.interval - now)


def probing(breaker: Breaker) -> Breaker:
    """A probe has been sent, where the breaker is open."""
    return Breaker("half_open", 0, breaker.since) if breaker.state == "open" else breaker


def unanswered(breaker: Breaker) -> Breaker:
    """The probe came to an end without having reached the destination: another may go at once."""
    return Breaker("open", 0, breaker.since) if breaker.state == "half_open" else breaker


def recorded(policy: BreakerPolicy, breaker: Breaker, *, failed: bool, now: float) -> Breaker:
    """The state after an attempt has ended.

    Args:
        policy: of the destination.
        breaker: the state before.
        failed: it ended in ``retry``.
        now: seconds on a clock that does not go back.
    """
    if not failed:
        return CLOSED
    if breaker.state == "half_open":
        return Breaker("open", 0, now)
    if breaker.state == "open":
        return breaker
    streak = breaker.streak + 1
    return Breaker("open", 0, now) if streak >= policy.failures else Breaker("closed", streak)
