"""Time and chance of a call, made of its ``now`` and its ``seed`` as far as Python lets them be.

``time.time`` begins at ``now``.  ``random``'s functions, ``os.urandom`` and with it ``uuid.uuid4``, ``secrets`` and
``random.SystemRandom`` follow from ``seed``.  Beyond reach are what C code reads by itself: ``datetime.now``,
``random.Random()`` without a seed, ``time.monotonic``, the order of a set of strings.
"""

from __future__ import annotations

import os
import sys
import time

try:
    from _sha3 import shake_256  # type: ignore[import-not-found]
except ImportError:  # an interpreter may be built without; OpenSSL's is the same, and slow to import
    from hashlib import shake_256

__all__ = ["elapsed", "install", "start", "time_of_machine"]

_monotonic_ns = time.monotonic_ns
_state = {"offset": 0, "began": 0}
_seed = [b""]
_drawn = [0]


def install() -> None:
    """Put a call's time and chance in place of the machine's; before any function's code sees either."""
    time.time = lambda: (_monotonic_ns() + _state["offset"]) / 1e9
    time.time_ns = lambda: _monotonic_ns() + _state["offset"]
    os.urandom = _urandom
    # Imported ahead where the function's code imports it, or what draws from it.
    if (random := sys.modules.get("random")) is not None:
        random._urandom = _urandom  # type: ignore[attr-defined] # noqa: SLF001 -- what SystemRandom draws from


def time_of_machine() -> float:
    """Seconds since the epoch as the kernel has them."""
    return time.clock_gettime(time.CLOCK_REALTIME)


def start(now: float, seed: bytes) -> None:
    """A call begins."""
    _state["began"] = _monotonic_ns()
    _state["offset"] = int(now * 1e9) - _state["began"]
    _seed[0], _drawn[0] = seed, 0
    if (random := sys.modules.get("random")) is not None:
        random.seed(seed)


def elapsed() -> float:
    """Seconds since the call began."""
    return (_monotonic_ns() - _state["began"]) / 1e9


def _urandom(size: int, /) -> bytes:
    if size < 0:
        raise ValueError("negative argument not allowed")
    _drawn[0] += 1
    drawn: bytes = shake_256(_seed[0] + _drawn[0].to_bytes(8, "little")).digest(size)
    return drawn
