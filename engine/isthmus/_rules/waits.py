"""How long another side asks to be left alone: ``Retry-After`` (RFC 9110, 10.2.3), as servers send it and as functions pass it on."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["LONGEST_TEXT", "wait_asked"]

LONGEST_TEXT: Final = 64
"""Characters; the longest form of a date, RFC 850's, has 33."""

_LONGEST: Final = 1e9  # seconds, three decades
_SECONDS: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")


def wait_asked(said: object, now: float) -> float | None:
    """Read what was said; None where it says nothing that can be read.

    Args:
        said: seconds as a number; or text, seconds or a date as the header has them.
        now: seconds since the epoch, from which a date is counted.

    Returns:
        seconds from 0; a date that has passed is 0.
    """
    if isinstance(said, str):
        text = said.strip()
        if _SECONDS.fullmatch(text):
            return float(text)
        return _until(text, now) if 0 < len(text) <= LONGEST_TEXT else None
    if isinstance(said, int | float) and not isinstance(said, bool) and 0 <= said < _LONGEST:
        return float(said)
    return None


def _until(date: str, now: float) -> float | None:
    from email.utils import parsedate_to_datetime  # costs an import that not every process needs

    try:
        seconds = parsedate_to_datetime(date).timestamp() - now
    except (ValueError, OverflowError, IndexError, TypeError):
        return None
    return max(0.0, seconds) if seconds < _LONGEST else None
