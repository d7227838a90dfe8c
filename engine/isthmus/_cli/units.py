"""Durations, sizes and counts, as a person writes and reads them."""

from __future__ import annotations

import math
import re
from argparse import ArgumentTypeError
from typing import Final

__all__ = ["bytes_text", "count", "ms_text", "plural", "seconds", "seconds_text", "size", "whole"]

_SECONDS: Final = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}
_BYTES: Final = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3}
_DURATION = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*([a-z]*)")
_SIZE = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*([KMG]?)(?:I?B)?")


def seconds(text: str) -> float:
    """Read ``500ms``, ``2s``, ``1.5`` (seconds), ``2m``, ``7d``."""
    match = _DURATION.fullmatch(text.strip().lower())
    unit = _SECONDS.get(match[2]) if match else None
    value = float(match[1]) * unit if match and unit else 0.0
    if not 0 < value < math.inf:
        raise ArgumentTypeError(f"a duration is written like 500ms, 2s or 1.5, not {text!r}")
    return value


def size(text: str) -> int:
    """Read ``64M``, ``4k``, ``1GiB``, ``4096`` (bytes); K is 1024."""
    match = _SIZE.fullmatch(text.strip().upper())
    if not match:
        raise ArgumentTypeError(f"a size is written like 64M, 4k or 4096, not {text!r}")
    return int(float(match[1]) * _BYTES[match[2]])


def whole(text: str) -> int:
    """Read a whole number from 0."""
    if not (text.isascii() and text.isdigit()):
        raise ArgumentTypeError(f"a whole number is wanted, not {text!r}")
    return int(text)


def count(text: str) -> int:
    """Read a whole number from 1."""
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise ArgumentTypeError(f"a whole number from 1 is wanted, not {text!r}")
    return int(text)


def plural(number: int, noun: str) -> str:
    """Write ``1 line``, ``2,000 lines``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def bytes_text(number: int) -> str:
    """Write a size in three digits or so: ``812 B``, ``4.2 KB``, ``13 MB``."""
    value = float(number)
    for unit in ("B", "KB", "MB", "GB"):
        if value < 999.5 or unit == "GB":
            break
        value /= 1024
    if unit == "B" or value >= 99.5:
        return f"{value:.0f} {unit}"
    return f"{value:.2g} {unit}" if value < 1 else f"{value:.3g} {unit}"


def ms_text(duration: float) -> str:
    """Write seconds as milliseconds, in digits that can be told apart: ``0.043``, ``1.25``, ``612``."""
    value = duration * 1000
    return (
        f"{value:.3f}"
        if value < 0.1
        else f"{value:.2f}"
        if value < 10
        else f"{value:.1f}"
        if value < 100
        else f"{value:,.0f}"
    )


def seconds_text(duration: float) -> str:
    """Write a duration that somebody waited for: ``26 ms``, ``0.8 s``, ``42 s``, ``3 min 05 s``, ``2 h 10 min``."""
    if duration < 0.1:
        return f"{duration * 1000:.0f} ms"
    if duration < 10:
        return f"{duration:.1f} s"
    whole = round(duration)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"
