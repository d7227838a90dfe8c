"""Patterns of dates and times: from options to what ICU calls them, and from a pattern to the options it comes to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

__all__ = ["CYCLES", "FIELDS", "cycle_of", "fields_of", "skeleton_of", "with_cycle"]

CYCLES: Final = {"h11": "K", "h12": "h", "h23": "H", "h24": "k"}
FIELDS: Final[dict[str, dict[str, str]]] = {
    "weekday": {"narrow": "EEEEE", "long": "EEEE", "short": "EEE"},
    "era": {"narrow": "GGGGG", "long": "GGGG", "short": "GGG"},
    "year": {"2-digit": "yy", "numeric": "y"},
    "month": {"narrow": "MMMMM", "long": "MMMM", "short": "MMM", "2-digit": "MM", "numeric": "M"},
    "day": {"2-digit": "dd", "numeric": "d"},
    "dayPeriod": {"narrow": "BBBBB", "long": "BBBB", "short": "B"},
    "hour": {"2-digit": "jj", "numeric": "j"},
    "minute": {"2-digit": "mm", "numeric": "m"},
    "second": {"2-digit": "ss", "numeric": "s"},
    "fractionalSecondDigits": {"1": "S", "2": "SS", "3": "SSS"},
    "timeZoneName": {
        "long": "zzzz", "short": "z", "longOffset": "OOOO", "shortOffset": "O", "longGeneric": "vvvv", "shortGeneric": "v",
    },
}  # fmt: skip
"""Options, the values they have, and the letters that stand for them in a skeleton; ``j`` is the locale's own hour."""
ALIKE: Final = str.maketrans("crLKHk", "EyMhhh")
"""Letters of patterns that mean what those of skeletons do."""
QUOTED: Final = re.compile(r"'[^']*'")
HOURS: Final = re.compile(r"[KhHk]")
RUN: Final = re.compile(r"([A-Za-z])\1*")


def cycle_of(pattern: str) -> str | None:
    """The hour cycle of a pattern, None where it has no hour."""
    found = HOURS.search(QUOTED.sub("", pattern))
    return next(name for name, letter in CYCLES.items() if letter == found[0]) if found else None


def with_cycle(pattern: str, cycle: str) -> str:
    """A pattern whose hours go by that cycle."""
    pieces = re.split(r"('[^']*')", pattern)
    return "".join(piece if piece.startswith("'") else HOURS.sub(CYCLES[cycle], piece) for piece in pieces)


def skeleton_of(options: Mapping[str, Any], cycle: str) -> str:
    """What ICU calls a choice of fields."""
    letters = "".join(values.get(options[name], "") for name, values in FIELDS.items())
    return letters.replace("j", CYCLES[cycle])


def fields_of(pattern: str) -> dict[str, str]:
    """The options that a pattern comes to."""
    runs = {run[0].translate(ALIKE) for run in RUN.finditer(QUOTED.sub("", pattern))}
    found = {}
    for name, values in FIELDS.items():
        wanted = {letters.translate(str.maketrans("j", "h")): value for value, letters in values.items()}
        for letters, value in wanted.items():
            if letters in runs:
                found[name] = value
                break
    return found
