"""What SQLite says went wrong, as the errors of queues."""

from __future__ import annotations

import sqlite3
from typing import Final

from isthmus import QueueError, QueueFull

__all__ = ["UNUSABLE", "damaged", "fault"]

UNUSABLE: Final = frozenset(
    {"SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_IOERR_FSYNC", "SQLITE_IOERR_DIR_FSYNC"}
)
"""After these the connection is not to be trusted: a second fsync would report success for pages that the first has lost."""


def fault(exc: sqlite3.Error, path: str) -> QueueError:
    """The error of queues for one of SQLite's; whoever raises it chains the two."""
    name = getattr(exc, "sqlite_errorname", "") or type(exc).__name__
    if name == "SQLITE_FULL":
        return QueueFull(f"there is no room on the disk of {path}; what was accepted is kept")
    if name in {"SQLITE_CORRUPT", "SQLITE_NOTADB"}:
        return damaged(path, str(exc))
    return QueueError(f"{path}: SQLite says {exc} ({name})")


def damaged(path: str, what: str) -> QueueError:
    """The file can't be read as what it was."""
    return QueueError(
        f"{path} is damaged ({what}). Nothing was changed. Copy it together with {path}-wal, take out what can be read by "
        f"`sqlite3 {path} .recover | sqlite3 NEW`, or move both away to begin with an empty file"
    )
