"""Time and chance of a call: both follow from its ``now`` and its ``seed``, but for ``time.monotonic``.

It stands in for ``isthmus_cpython.inside.clock``.
"""

from __future__ import annotations

import hashlib
import os
import random
import time
from typing import Any

import wit_world

__all__ = ["elapsed", "install", "start", "time_of_machine"]

_seeded = random.Random.seed
_began = [0.0]
_seed = [b""]
_drawn = [0]


def install() -> None:
    """Put the call's chance in place of the machine's, and waiting where it can be ended: outside of WebAssembly."""
    time.sleep = _sleep  # type: ignore[assignment] # positional only
    os.urandom = _urandom
    random._urandom = _urandom  # type: ignore[attr-defined] # what SystemRandom draws from
    random.Random.seed = _seed_random  # type: ignore[method-assign]


def time_of_machine() -> float:
    """Seconds since the epoch, as the process round this has them before there is a call."""
    return time.time()


def start(now: float, seed: bytes) -> None:
    """A call begins."""
    wit_world.begin(now)
    _began[0] = time.monotonic()
    _seed[0], _drawn[0] = seed, 0
    random.seed(seed)


def elapsed() -> float:
    """Seconds since the call began."""
    return time.monotonic() - _began[0]


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
