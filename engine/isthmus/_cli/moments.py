"""Moments, as a person writes and reads them."""

from __future__ import annotations

import time
from argparse import ArgumentTypeError
from datetime import UTC, datetime

from . import units

__all__ = ["moment", "moment_text"]


def moment(text: str) -> float:
    """Read ``2026-11-29``, ``2026-11-29T14:00``, ``2026-11-29T14:00:05+01:00``, or an age such as ``90m`` or ``7d``.

    Returns:
        seconds since the epoch; without an offset it is UTC.
    """
    try:
        read = datetime.fromisoformat(text.strip())
    except ValueError:
        try:
            return time.time() - units.seconds(text)
        except ArgumentTypeError:
            raise ArgumentTypeError(
                f"a moment is written like 2026-11-29T14:00 (UTC), or 90m or 7d ago, not {text!r}"
            ) from None
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()


def moment_text(seconds: float) -> str:
    """Write seconds since the epoch as ``2026-11-29 14:00:05 UTC``."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(" ", "seconds").removesuffix("+00:00") + " UTC"
