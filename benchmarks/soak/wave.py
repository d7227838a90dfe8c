"""What the process that runs the mix tells of one wave."""

from __future__ import annotations

from typing import final

import msgspec

__all__ = ["Wave"]


@final
class Wave(msgspec.Struct, kw_only=True):
    """What was seen of one wave, and after it.

    Attributes:
        seconds: of each call that ended well, by function.
        ended: outcomes that came.
        crashed: of them, those that say that their process was killed from outside.
        wrong: what is wrong with others.
        rss: bytes of resident memory.
        descriptors: of the process.
        threads: of the process.
    """

    seconds: dict[str, list[float]] = {}
    ended: int = 0
    crashed: int = 0
    wrong: list[str] = []
    rss: int = 0
    descriptors: int = 0
    threads: int = 0
