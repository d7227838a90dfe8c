"""Exceptions that nobody foresaw, as the log may show them."""

from __future__ import annotations

from traceback import walk_tb
from typing import Final

__all__ = ["traced"]

DEEPEST: Final = 20
"""Frames shown of one exception, the innermost ones."""


def traced(exc: BaseException) -> str:
    """The types of an exception and of its causes, each with its frames.

    Never a message, nor a line of source: either may quote an event or a secret.
    """
    if isinstance(exc, BaseExceptionGroup):
        return "; ".join(traced(part) for part in exc.exceptions)
    frames = [
        f"{frame.f_code.co_filename}:{line} in {frame.f_code.co_name}"
        for frame, line in walk_tb(exc.__traceback__)
    ]
    said = ", ".join([type(exc).__name__, *frames[-DEEPEST:]])
    return said + (f"; caused by {traced(exc.__cause__)}" if exc.__cause__ else "")
