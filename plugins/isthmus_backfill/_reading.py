"""The events of one part, whatever its file is made of; blocking, for a thread."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Final, final

from isthmus.eventfiles import Piece, Unreadable

from . import _lines, _parquet, _whole
from ._archive import changed
from ._plan import File, Part

__all__ = ["EVENT_BYTES", "Lost", "Reading"]

EVENT_BYTES: Final = 1024 * 1024
"""Bytes of one event at the most, thirty times what Segment takes: an archive may hold what inserts have added."""


@final
class Lost(Exception):
    """A part can't be carried in this run, and is not done; the text says why."""


@final
class Reading:
    """Reads one part, some events at a time.

    Args:
        file: that it is of, as planned.
        part: of that file.

    Attributes:
        consumed: bytes of the part that were read, estimated where it has rows.
        trouble: why the rest of it can never be read, "" where all was or may be.

    Raises:
        Lost: the file is not the one that was planned.
    """

    def __init__(self, file: File, part: Part) -> None:
        self._file = file
        self._part = part
        self._check()
        self._pieces = self._begin()
        self.consumed = 0
        self.trouble = ""

    def next(self) -> list[tuple[int, Piece]] | None:
        """Events with their places in the file; None at the end.

        Raises:
            Lost: the file can't be read now, or was changed meanwhile.
        """
        try:
            for at, pieces in self._pieces:
                self.consumed = self._consumed(at)
                if pieces:
                    return pieces
        except Unreadable as exc:
            if isinstance(exc.__cause__, OSError):
                raise Lost(f"{self._file.path}: {exc}") from exc
            self.trouble = str(exc)
        except OSError as exc:
            raise Lost(f"{self._file.path}: {exc.strerror or exc}") from exc
        self.consumed = self._part.bytes
        self._check()
        return None

    def close(self) -> None:
        """Close the file."""
        self._pieces.close()  # type: ignore[attr-defined]

    def _check(self) -> None:
        if difference := changed(self._file):
            raise Lost(f"{self._file.path} has changed since the plan was made: {difference}")

    def _begin(self) -> Iterator[tuple[int, list[tuple[int, Piece]]]]:
        if self._file.format == "lines":
            return self._lines()
        if self._file.format == "parquet":
            return _parquet.events_of(self._file.path, self._part.start, self._part.end, EVENT_BYTES)
        return _whole.pieces_of(self._file.path, EVENT_BYTES)

    def _lines(self) -> Iterator[tuple[int, list[tuple[int, Piece]]]]:
        fd = os.open(self._file.path, os.O_RDONLY)
        try:
            yield from _lines.lines_between(fd, self._part.start, self._part.end, EVENT_BYTES)
        finally:
            os.close(fd)

    def _consumed(self, at: int) -> int:
        part = self._part
        if self._file.format == "lines":
            return min(part.bytes, max(0, at - part.start))
        if self._file.format == "parquet":
            return part.bytes * at // part.rows if part.rows else 0
        return min(at, part.bytes)
