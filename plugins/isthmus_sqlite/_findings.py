"""What an operator should know of a file, its disk and the SQLite that keeps it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from isthmus.queues import Finding

from ._options import Options

__all__ = ["findings"]


def findings(path: Path, options: Options, used: int, free: int) -> list[Finding]:
    """Look at what the promises rest on.

    Args:
        path: the file.
        options: how it is kept.
        used: bytes of the file that hold something.
        free: bytes free on its disk.
    """
    return [
        _sync(options),
        _one_connection(),
        _checked(path, options),
        _private(path),
        _room(path, options, used, free),
    ]


def _sync(options: Options) -> Finding:
    if options.sync == "full":
        return Finding(level="fine", what="every commit is on the disk before it counts (synchronous=FULL)")
    return Finding(
        level="unsafe",
        what="a power cut takes back the last commits (synchronous=NORMAL)",
        remedy="Leave out sync=normal.",
    )


def _one_connection() -> Finding:
    what = f"SQLite {sqlite3.sqlite_version}; one connection writes and checkpoints, so that its WAL-reset fault (before 3.51.3) can't occur"
    return Finding(level="fine", what=what)


def _checked(path: Path, options: Options) -> Finding:
    if options.check == "none":
        return Finding(
            level="warning",
            what=f"{path} was opened without looking for damage",
            remedy="Leave out check=none.",
        )
    return Finding(level="fine", what=f"{path} was read through when it was opened ({options.check} check)")


def _private(path: Path) -> Finding:
    open_to = path.stat().st_mode & 0o077
    if open_to:
        return Finding(
            level="warning",
            what=f"{path} can be read or written by others than its owner",
            remedy=f"chmod 600 {path}",
        )
    return Finding(level="fine", what=f"{path} is its owner's alone")


def _room(path: Path, options: Options, used: int, free: int) -> Finding:
    left = min(options.max_bytes - used, free - options.min_free)
    what = f"{path} has {used:,} bytes in use and room for {max(0, left):,} more"
    if left < used // 4 or left < 64 * 1024 * 1024:
        remedy = "Make room: below that, nothing is taken in until something has been delivered."
        return Finding(level="warning", what=what, remedy=remedy)
    return Finding(level="fine", what=what)
