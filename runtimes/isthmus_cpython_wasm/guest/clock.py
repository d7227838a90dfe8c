"""Time and chance of a call: both follow from its ``now`` and its ``seed``, but for ``time.monotonic``.

In a call that is recorded or replayed clocks stand still but for a microsecond each look, and the process round this
moves them on; steady ones follow from the wall's then.  It stands in for ``isthmus_cpython.inside.clock``.
"""

from __future__ import annotations

import hashlib
import os
import random
import time
from typing import Any

import wit_world

__all__ = ["elapsed", "install", "start", "time_of_machine", "told", "waited"]

FIRST = 1_000_000_000
"""Nanoseconds with which a steady clock begins that stands still."""

_seeded = random.Random.seed
_monotonic_ns = time.monotonic_ns
_began = [0]
_still = [False]
_seed = [b""]
_drawn = [0]


def install() -> None:
    """Put the call's chance in place of the machine's, and waiting where it can be ended: outside of WebAssembly."""
    time.monotonic = time.perf_counter = lambda: _steady_ns() / 1e9
    time.monotonic_ns = time.perf_counter_ns = _steady_ns
    time.sleep = _sleep  # type: ignore[assignment] # positional only
    os.urandom = _urandom
    random._urandom = _urandom  # type: ignore[attr-defined] # what SystemRandom draws from
    random.Random.seed = _seed_random  # type: ignore[method-assign]


def time_of_machine() -> float:
    """Seconds since the epoch, as the process round this has them before there is a call."""
    return time.time()


def start(now: float, seed: bytes, *, still: bool = False) -> None:
    """A call begins; with ``still`` its clocks move on as the process round this says."""
    wit_world.begin(now)
    _still[0] = still
    _began[0] = int(now * 1e9) if still else _monotonic_ns()
    _seed[0], _drawn[0] = seed, 0
    random.seed(seed)


def elapsed() -> float:
    """Seconds since the call began."""
    return ((time.time_ns() if _still[0] else _monotonic_ns()) - _began[0]) / 1e9


def told(seconds: float) -> None:
    """Nothing: the process round this has seen the answer."""


def waited(seconds: float) -> None:
    """Nothing: it is there that a wait is waited."""


def _steady_ns() -> int:
    return time.time_ns() - _began[0] + FIRST if _still[0] else _monotonic_ns()


def _sleep(seconds: float, /) -> None:
    if not seconds >= 0:
        raise ValueError("sleep length must be non-negative")
    wit_world.rest(float(seconds))


def _urandom(size: int, /) -> bytes:
    if size < 0:
        raise ValueError("negative argument not allowed")
    _drawn[0] += 1
    return hashlib.shake_256(_seed[0] + _drawn[0].to_bytes(8, "little")).digest(size)


def _seed_random(self: random.Random, a: Any = None, version: int = 2) -> None:
    """A generator without a seed of its own draws one, as it does elsewhere from the machine."""
    _seeded(self, _urandom(32) if a is None else a, version)
