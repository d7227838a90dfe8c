"""Time and chance of a call, made of its ``now`` and its ``seed`` as far as Python lets them be.

``time.time`` begins at ``now``.  ``random``'s functions, ``os.urandom`` and with it ``uuid.uuid4``, ``secrets`` and
``random.SystemRandom`` follow from ``seed``.  In a call that is recorded or replayed ``time``'s clocks stand *still* but for a
microsecond each look: an answer of the host's moves them to its time, and a wait by what was waited.  Beyond reach is
what C code reads by itself: ``datetime.now``, ``random.Random()`` without a seed, the order of a set of strings.
"""

from __future__ import annotations

import os
import sys
import time

try:
    from _sha3 import shake_256  # type: ignore[import-not-found]
except ImportError:  # an interpreter may be built without; OpenSSL's is the same, and slow to import
    from hashlib import shake_256

__all__ = ["elapsed", "install", "start", "time_of_machine", "told", "waited"]

LOOK = 1000
"""Nanoseconds by which each look moves a clock on that stands still."""

_monotonic_ns = time.monotonic_ns
_sleep = time.sleep
_state = {"offset": 0, "began": 0, "still": 0, "passed": 0}
FIRST = 1_000_000_000
"""Nanoseconds with which a steady clock begins that stands still."""
_seed = [b""]
_drawn = [0]


def install() -> None:
    """Put a call's time and chance in place of the machine's; before any function's code sees either."""
    time.time = lambda: (_steady_ns() + _state["offset"]) / 1e9
    time.time_ns = lambda: _steady_ns() + _state["offset"]
    time.monotonic = time.perf_counter = lambda: _steady_ns() / 1e9
    time.monotonic_ns = time.perf_counter_ns = _steady_ns
    time.sleep = _sleep_and_tell  # type: ignore[assignment] # positional only
    os.urandom = _urandom
    # Imported ahead where the function's code imports it, or what draws from it.
    if (random := sys.modules.get("random")) is not None:
        random._urandom = _urandom  # type: ignore[attr-defined] # noqa: SLF001 -- what SystemRandom draws from


def time_of_machine() -> float:
    """Seconds since the epoch as the kernel has them."""
    return time.clock_gettime(time.CLOCK_REALTIME)


def start(now: float, seed: bytes, *, still: bool = False) -> None:
    """A call begins; with ``still`` its clocks move on as they are told."""
    _state["still"], _state["passed"] = int(still), 0
    _state["began"] = FIRST if still else _monotonic_ns()
    _state["offset"] = int(now * 1e9) - _state["began"]
    _seed[0], _drawn[0] = seed, 0
    if (random := sys.modules.get("random")) is not None:
        random.seed(seed)


def elapsed() -> float:
    """Seconds since the call began."""
    if _state["still"]:
        return _state["passed"] / 1e9  # to say when a line was printed is no look
    return (_monotonic_ns() - _state["began"]) / 1e9


def told(seconds: float) -> None:
    """An answer came so many seconds after the start."""
    _state["passed"] = max(_state["passed"], int(seconds * 1e9))


def waited(seconds: float) -> None:
    """So many seconds were let go by."""
    _state["passed"] += int(seconds * 1e9)


def _steady_ns() -> int:
    if not _state["still"]:
        return _monotonic_ns()
    _state["passed"] += LOOK
    return _state["began"] + _state["passed"]


def _sleep_and_tell(seconds: float, /) -> None:
    _sleep(seconds)
    waited(seconds)


def _urandom(size: int, /) -> bytes:
    if size < 0:
        raise ValueError("negative argument not allowed")
    _drawn[0] += 1
    drawn: bytes = shake_256(_seed[0] + _drawn[0].to_bytes(8, "little")).digest(size)
    return drawn
