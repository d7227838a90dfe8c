"""The files of a journal: a directory of segments, each written by one process from its beginning to its end.

A segment is gzip over NDJSON, flushed to a byte boundary with every group of records, so that what a killed process wrote
can be read up to its last group, and ``zcat`` reads it too.  Any number of processes may write to one directory, as each
has segments of its own, and any may read.  What is too old or too much goes by whole segments.
"""

from __future__ import annotations

import itertools
import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, final

__all__ = ["SUFFIX", "Retention", "new_segment", "segments", "span_of"]

SUFFIX: Final = ".ndjson.gz"
_MOMENT: Final = "%Y%m%dT%H%M%S%fZ"
_numbers: Final = itertools.count()
CLOCK_SLACK: Final = 600.0
"""Seconds by which a record may be older than its segment: the clocks differ, or the disk took nothing for a while."""


def new_segment(directory: Path, now: float) -> Path:
    """A name for a segment that begins now; names sort by their beginnings."""
    moment = datetime.fromtimestamp(now, UTC).strftime(_MOMENT)
    return directory / f"{moment}-{os.getpid()}-{next(_numbers):08}-{secrets.token_hex(4)}{SUFFIX}"


def segments(directory: Path) -> list[Path]:
    """The segments there are, the oldest beginning first; none where there is no directory."""
    try:
        return sorted(path for path in directory.iterdir() if _begin(path) is not None)
    except FileNotFoundError:
        return []


def span_of(path: Path) -> tuple[float, float]:
    """Seconds since the epoch between which all records of a segment lie; widened for clocks that differ.

    Raises:
        FileNotFoundError: it has gone.
    """
    begin = _begin(path)
    assert begin is not None  # noqa: S101 -- segments() asked
    return begin - CLOCK_SLACK, max(begin, path.stat().st_mtime) + CLOCK_SLACK


def _begin(path: Path) -> float | None:
    if not path.name.endswith(SUFFIX):
        return None
    try:
        return datetime.strptime(path.name.partition("-")[0], _MOMENT).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


@final
class Retention:
    """How much of a journal is kept.

    Args:
        directory: of the segments.
        max_bytes: of all segments together.
        max_age: seconds since the last record of a segment.
    """

    def __init__(self, directory: Path, *, max_bytes: int, max_age: float) -> None:
        self._directory = directory
        self._max_bytes = max_bytes
        self._max_age = max_age

    def enforce(self, now: float, *, spare: Path | None) -> None:
        """Remove segments that are too old, then the oldest until the rest is small enough.

        Args:
            now: seconds since the epoch.
            spare: is being written, and stays.
        """
        kept = list(self._sizes(now, spare))
        total = sum(size for _, size in kept)
        for path, size in kept:
            if total <= self._max_bytes:
                return
            if path != spare:
                path.unlink(missing_ok=True)
                total -= size

    def _sizes(self, now: float, spare: Path | None) -> Iterator[tuple[Path, int]]:
        for path in segments(self._directory):
            with suppress(FileNotFoundError):  # another process removes, too
                status = path.stat()
                if path != spare and status.st_mtime < now - self._max_age:
                    path.unlink(missing_ok=True)
                else:
                    yield path, status.st_size
