"""Waits for files to change."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import trio

__all__ = ["changed", "snapshot"]

EVERY: Final = 0.3
"""Seconds between two looks: a person who saved a file does not notice, and a thousand files take some milliseconds."""

SETTLED: Final = 0.1
"""Seconds without another change, as editors write in several steps."""

_LEFT_OUT: Final = frozenset({"node_modules", "__pycache__", "target", "venv"})

Snapshot = dict[str, tuple[int, int]]


def snapshot(places: Sequence[Path]) -> Snapshot:
    """Size and time of change of each file below some places, without what tools keep there."""
    return {path: state for place in places for path, state in _below(place)}


def _below(place: Path) -> Iterator[tuple[str, tuple[int, int]]]:
    if place.is_file():
        status = place.stat()
        yield str(place), (status.st_mtime_ns, status.st_size)
        return
    for directory, names, files in os.walk(place):
        names[:] = [name for name in names if name not in _LEFT_OUT and not name.startswith(".")]
        for name in files:
            if name.startswith("."):
                continue
            path = os.path.join(directory, name)
            try:
                status = os.stat(path)
            except OSError:  # gone meanwhile
                continue
            yield path, (status.st_mtime_ns, status.st_size)


async def changed(places: Sequence[Path], since: Snapshot) -> Snapshot:
    """Wait until something is not as it was, and has come to rest; give what is there now."""
    while (now := await trio.to_thread.run_sync(snapshot, places)) == since:  # noqa: ASYNC110 -- no system tells of files the same way
        await trio.sleep(EVERY)
    while True:
        await trio.sleep(SETTLED)
        later = await trio.to_thread.run_sync(snapshot, places)
        if later == now:
            return now
        now = later
