"""What ends a command early, and the exit status that says so."""

from __future__ import annotations

from typing import Final, final

__all__ = [
    "CLOSED",
    "FAILED",
    "INTERRUPTED",
    "OK",
    "UNLOADABLE",
    "USAGE",
    "UsageFault",
]

OK: Final = 0
"""All events were delivered, or dropped on purpose."""

FAILED: Final = 1
"""Some were refused, are to be retried, or were no events."""

USAGE: Final = 2
"""The command was called wrongly: an argument, a file that is not there, settings that do not fit."""

UNLOADABLE: Final = 3
"""The function's code does not load."""

INTERRUPTED: Final = 130
"""Ctrl-C or SIGTERM."""

CLOSED: Final = 141
"""Whoever read standard output has gone, as after ``| head``."""


@final
class UsageFault(Exception):
    """The command was called wrongly; the text is one line for whoever called it."""
