"""What becomes of a delivery after an attempt: done, or tried again when.

The wait before attempt *k + 1* is drawn evenly from a range that doubles with *k* up to a cap.  The
draw is a hash of the message id and the attempt, so a decision needs no state, is the same on every
machine and on every storage, and still spreads events that failed together.  Measured over 5,000
events failing at once against a window of 4 hours: waits of 30-60 s at first, up to 1 hour, make 9
to 11 retries, in waves of at most 17 % of the events in any 10 s; full or decorrelated jitter from
1 s makes 20 to 88 retries in waves of 22-54 %.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, final

import msgspec

from isthmus.errors import EngineError
from isthmus.functions import Kind
from isthmus.outcomes import Code, Status

__all__ = [
    "DESTINATION",
    "LONGEST_RETRY_AFTER",
    "SCHEDULES",
    "SOURCE",
    "SOURCE_INSERT",
    "Decision",
    "Delivered",
    "Dropped",
    "Refused",
    "RetryAt",
    "Schedule",
    "decide",
]


@final
class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """How often and when to try again.

    Attributes:
        first: seconds; the range of the first wait.
        factor: by which the range grows with each wait, from 1.
        cap: seconds; no wait is longer.  A range that reaches it keeps its proportions, so that
            waits are spread there as well.
        window: seconds from the first attempt in which attempts may start, or None.  It counts
            from the attempt, not the arrival: an event that waited longer still gets its first try.
        attempts: how many there may be, the first included, or None.
        jitter: ``equal`` draws within the range; ``full`` from nothing up to its end; ``decorrelated`` between the
            least first wait and the wait before, times ``factor``.

    Raises:
        EngineError: the values contradict each other, or never end.
    """

    first: tuple[float, float]
    factor: float = 2.0
    cap: float
    window: float | None = None
    attempts: int | None = None
    jitter: Literal["equal", "full", "decorrelated"] = "equal"

    def __post_init__(self) -> None:
        low, high = self.first
        if not 0 < low <= high < math.inf:
            raise EngineError(f"Schedule.first takes two seconds, 0 < low <= high, not {self.first!r}")
        if not 1 <= self.factor < math.inf:
            raise EngineError(f"Schedule.factor takes a number from 1, not {self.factor!r}")
        if not high <= self.cap < math.inf:
            raise EngineError(
                f"Schedule.cap takes seconds, {high} (the first wait) or more, not {self.cap!r}"
            )
        if self.window is not None and not 0 <= self.window < math.inf:
            raise EngineError(f"Schedule.window takes seconds from 0, or None, not {self.window!r}")
        if self.attempts is not None and self.attempts < 1:
            raise EngineError(f"Schedule.attempts takes a number from 1, or None, not {self.attempts!r}")
        if self.window is None and self.attempts is None:
            raise EngineError("a Schedule without window and attempts would retry for ever: give one of them")

    def bounds(self, attempt: int) -> tuple[float, float]:
        """Give the range of the wait after an attempt, in seconds; attempts count from 1."""
        low, high = self.first
        try:
            longest = min(self.cap, high * self.factor ** (attempt - 1))
        except OverflowError:
            longest = self.cap
        if self.jitter == "full":
            return 0.0, longest
        if self.jitter == "decorrelated":
            return low, longest
        return min(longest * low / high, longest), longest

    def wait(self, message_id: str, attempt: int) -> float:
        """Draw the wait after an attempt, in seconds."""
        low, high = self.bounds(attempt)
        if self.jitter == "decorrelated":
            # Each wait depends on the one before; the chain is walked anew, so that none has to be kept.
            high = self.first[1]
            wait = low + (high - low) * _fraction(message_id, 1)
            for step in range(2, min(attempt, _LONGEST_CHAIN) + 1):
                high = min(self.cap, max(low, wait * self.factor))
                wait = low + (high - low) * _fraction(message_id, step)
            return wait
        return min(low + (high - low) * _fraction(message_id, attempt), high)


_LONGEST_CHAIN: Final = 1000
"""Waits that a decorrelated one is drawn after; later ones are like the last of them."""

HOUR: Final = 3600.0
MINUTE: Final = 60.0

LONGEST_RETRY_AFTER: Final = HOUR
"""Seconds for which another side may ask to be left alone; one that asks for a year is not to hold an event for it."""

DESTINATION: Final = Schedule(first=(30.0, 60.0), cap=HOUR, window=4 * HOUR)
"""Destinations and inserts: 4 hours (Segment: destination functions, FAQ), about 10 retries."""

SOURCE: Final = Schedule(first=(1 * MINUTE, 3 * MINUTE), cap=20 * MINUTE, attempts=6)
"""Sources: 6 attempts, first wait 1-3 minutes, none above 20 (Segment: source functions, FAQ)."""

SOURCE_INSERT: Final = Schedule(first=(1 * MINUTE, 3 * MINUTE), cap=20 * MINUTE, attempts=6)
"""Source inserts: "a set number of times" is all Segment says; here as a source's."""

SCHEDULES: Final[Mapping[Kind, Schedule]] = MappingProxyType(
    {
        Kind.SOURCE: SOURCE,
        Kind.DESTINATION: DESTINATION,
        Kind.INSERT: DESTINATION,
        Kind.SOURCE_INSERT: SOURCE_INSERT,
    }
)


@final
class Delivered(msgspec.Struct, frozen=True):
    """Done."""


@final
class Dropped(msgspec.Struct, frozen=True):
    """Done: left out on purpose."""


@final
class Refused(msgspec.Struct, frozen=True):
    """Given up.

    Attributes:
        reason: the error is ``permanent``, or the schedule's ``attempts`` or ``window`` are used up.
        code: of the last attempt's problem.
    """

    reason: Literal["permanent", "attempts", "window"]
    code: Code | None = None


@final
class RetryAt(msgspec.Struct, frozen=True):
    """To be tried again.

    Attributes:
        seconds: from now.
        at: the same moment on the clock of ``now``.
    """

    seconds: float
    at: float


Decision = Delivered | Dropped | Refused | RetryAt

_DELIVERED = Delivered()
_DROPPED = Dropped()


def decide(
    status: Status,
    code: Code | None,
    *,
    attempt: int,
    first_at: float,
    now: float,
    message_id: str,
    schedule: Schedule,
    retry_after: float | None = None,
) -> Decision:
    """Decide what becomes of a delivery after an attempt.

    Args:
        status: of the attempt's outcome.
        code: of its problem, None where there was none.
        attempt: how many there have been, this one included, from 1.
        first_at: when the first of them started, on the clock of ``now``.
        now: seconds.
        message_id: what tells this delivery from others that may fail with it.
        schedule: of the instance; see `SCHEDULES`.
        retry_after: seconds for which the other side asked to be left alone, or None.  It is never tried
            earlier than the schedule says, and later as asked: by `LONGEST_RETRY_AFTER` at the most, and not past
            the schedule's window where its own wait ends within.
    """
    if status is Status.DELIVERED:
        return _DELIVERED
    if status is Status.DROPPED:
        return _DROPPED
    if status is Status.REFUSED:
        return Refused("permanent", code)
    if schedule.attempts is not None and attempt >= schedule.attempts:
        return Refused("attempts", code)
    seconds = schedule.wait(message_id, attempt)
    at = now + seconds
    if schedule.window is not None and at > first_at + schedule.window:
        return Refused("window", code)
    if retry_after is not None and retry_after > seconds:
        asked = min(retry_after, max(seconds, LONGEST_RETRY_AFTER))
        end = math.inf if schedule.window is None else first_at + schedule.window - now
        seconds = max(seconds, min(asked, end))
        at = now + seconds
    return RetryAt(seconds, at)


def _fraction(message_id: str, attempt: int) -> float:
    """Hash to a number in [0, 1), evenly spread."""
    text = f"{attempt}\0{message_id}".encode("utf-8", "surrogatepass")
    digest = hashlib.blake2b(text, digest_size=8).digest()
    return (int.from_bytes(digest) >> 11) / (1 << 53)
