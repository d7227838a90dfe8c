"""What was raised, as the author reads it: its name, its message, and the lines of the author's own file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import traceback

__all__ = ["described"]

MOST_FRAMES = 200
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
    try:
        name = _name(error)
        message = str(error.msg) if isinstance(error, SyntaxError) else str(error)
    except Exception:  # noqa: BLE001 -- an error may be made to fail
        name, message = "Exception", "what was raised cannot be shown"
    return {
        "name": name[:LONGEST],
        "message": message[:LONGEST],
        "stack": _trace(error, file)[:LONGEST],
        **_place(error, file),
    }


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
    """The author's frames, of the error and of what it was raised from."""
    parts: list[str] = []
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen and len(parts) < 5:
        seen.add(id(current))
        try:
            lines = "".join(_own(current, file).format()).rstrip("\n")
        except Exception:  # noqa: BLE001 -- frames may have been tampered with
            lines = ""
        if current is error:
            parts.append(lines)
        else:
            parts.append(f"caused by {type(current).__name__}:\n{lines}" if lines else "")
        current = current.__cause__
    return "\n".join(part for part in parts if part)


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
