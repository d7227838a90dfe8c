"""Which lines of a function's code can run, and which did: the interpreter's own trace, of this one file."""

from __future__ import annotations

import contextlib
import sys
import types
from collections.abc import Iterator
from typing import Any

__all__ = ["following", "possible"]


def possible(code: types.CodeType) -> set[int]:
    """Lines with something to run, of a module's code and of all that it defines."""
    # The first instruction of a code object stands on the line of its "def", where nothing of its own runs.
    starts = {code.co_firstlineno} if code.co_name != "<module>" else {0}
    found = {line for _, _, line in code.co_lines() if line} - starts
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            found |= possible(constant) | (starts & {constant.co_firstlineno})
    return found


@contextlib.contextmanager
def following(file: str, ran: set[int]) -> Iterator[None]:
    """Note which lines of a file run meanwhile, in any thread.

    Args:
        file: as code objects name it.
        ran: to be added to.
    """
    import threading  # most processes trace nothing

    def follow(frame: types.FrameType, event: str, _argument: Any) -> Any:
        if frame.f_code.co_filename != file:
            return None
        if event == "line":
            ran.add(frame.f_lineno)
        return follow

    sys.settrace(follow)
    threading.settrace(follow)
    try:
        yield
    finally:
        sys.settrace(None)
        threading.settrace(None)
