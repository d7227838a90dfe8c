"""What was raised, as the author reads it: its name, its message, and the lines of the author's own file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import traceback

__all__ = ["described"]

MOST_FRAMES = 200
MOST_NESTED = 6
"""Errors whose frames are shown, and groups within groups that are looked into."""
LONGEST = 16384
"""Characters of a message, and of a trace."""


def described(error: BaseException, file: str, source: str) -> dict[str, Any]:
    """Name, message and trace of an error; of one that cannot be looked at, as much as there is.

    Args:
        error: whatever was raised.
        file: the author's.
        source: what stands in it, for it is not on disk.
    """
    import linecache

    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    told = _alone(error)
    try:
        name = _name(told)
        message = str(told.msg) if isinstance(told, SyntaxError) else str(told)
    except Exception:  # noqa: BLE001 -- an error may be made to fail
        name, message = "Exception", "what was raised cannot be shown"
    return {
        "name": name[:LONGEST],
        "message": message[:LONGEST],
        "stack": _trace(error, file)[:LONGEST],
        **_place(told, file),
        **_delay(told),
    }


def _delay(error: BaseException) -> dict[str, float | str]:
    """When it asks to be tried again: seconds, or a header's text, whose date is for the engine to read."""
    try:
        said = getattr(error, "retry_after", None)
        if isinstance(said, str):
            return {"retry_after": str(said)} if 0 < len(said) <= 64 else {}
        seconds = float(said) if isinstance(said, int | float) else -1.0
    except Exception:  # noqa: BLE001 -- an error may be made to fail
        return {}
    return {"retry_after": seconds} if 0 <= seconds < 1e9 else {}


def _alone(error: BaseException) -> BaseException:
    """The one error in a group of one: who awaits in a task group means what a task raised, not that it was grouped."""
    depth = 0
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1 and depth < MOST_NESTED:
        error, depth = error.exceptions[0], depth + 1
    return error


def _name(error: BaseException) -> str:
    """Its class's name; of a class made from one of Segment's, that one's, for it decides what happens next."""
    for kind in type(error).__mro__:
        if kind.__module__ == "isthmus_guest._errors":
            return kind.__name__
    return type(error).__name__


def _own(error: BaseException, file: str) -> traceback.StackSummary:
    """The frames of the author's file, with their columns."""
    import traceback  # slow to import, and most calls raise nothing

    whole = traceback.TracebackException(
        type(error), error, error.__traceback__, limit=-MOST_FRAMES, lookup_lines=False
    )
    return traceback.StackSummary.from_list([frame for frame in whole.stack if frame.filename == file])


def _trace(error: BaseException, file: str) -> str:
    """The author's frames, of the error, of what it was raised from, and of those that are grouped in it."""
    parts = [_lines(error, file)]
    seen = {id(error)}
    left = _related(error)
    while left and len(parts) < MOST_NESTED:
        how, current = left.pop(0)
        if id(current) not in seen:
            seen.add(id(current))
            lines = _lines(current, file)
            parts.append(f"{how} {type(current).__name__}:\n{lines}" if lines else "")
            left = _related(current) + left
    return "\n".join(part for part in parts if part)


def _related(error: BaseException) -> list[tuple[str, BaseException]]:
    """Errors that explain another, and how."""
    grouped = error.exceptions[:MOST_NESTED] if isinstance(error, BaseExceptionGroup) else ()
    causes = [("caused by", error.__cause__)] if error.__cause__ is not None else []
    return [*(("with", each) for each in grouped), *causes]


def _lines(error: BaseException, file: str) -> str:
    try:
        return "".join(_own(error, file).format()).rstrip("\n")
    except Exception:  # noqa: BLE001 -- frames may have been tampered with
        return ""


def _place(error: BaseException, file: str) -> dict[str, int]:
    """Line and column in the author's file, where they are known."""
    if isinstance(error, SyntaxError) and error.filename == file and error.lineno:
        return {"line": error.lineno, **({"column": error.offset} if error.offset else {})}
    try:
        frames = _own(error, file)
    except Exception:  # noqa: BLE001 -- frames may have been tampered with
        return {}
    if not frames or not frames[-1].lineno:
        return {}
    column = getattr(frames[-1], "colno", None)
    return {"line": frames[-1].lineno, **({"column": column + 1} if column is not None else {})}
