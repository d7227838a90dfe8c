"""The bytes of event files: plain, gzip or standard input, a chunk at a time, however large they are."""

from __future__ import annotations

import os
import stat
import sys
import time
import zlib
from collections.abc import Sequence
from typing import Final, final

from .faults import UsageFault
from .splitting import Unreadable

__all__ = ["CHUNK", "Feed", "files_of_events"]

CHUNK: Final = 1 << 20
"""Bytes read at once: a hop to a thread costs 90 µs, which a thousand events then share."""

_GZIP: Final = b"\x1f\x8b"
_GZIP_HEADER: Final = 16 + zlib.MAX_WBITS


@final
class Feed:
    """One file.  Its methods block; call them in a thread.

    Args:
        path: where it is, ``-`` for standard input.

    Attributes:
        name: what messages call it.
        size: bytes it has on disk, None where nobody can say.
        consumed: bytes of those read so far.
        packed: whether it turned out to be gzip.

    Raises:
        OSError: there is no such file, or it cannot be opened.
    """

    def __init__(self, path: str) -> None:
        self.name = "standard input" if path == "-" else path
        self.path = path
        self.consumed = 0
        self.packed = False
        self._own = path != "-"
        # The bare descriptor: a thread that waits within sys.stdin.buffer holds a lock that the
        # interpreter needs at exit.
        self._fd = (
            os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0)) if self._own else sys.stdin.fileno()
        )
        status = os.fstat(self._fd)
        if stat.S_ISDIR(status.st_mode):
            os.close(self._fd)
            raise IsADirectoryError(f"{path} is a directory")
        self.size = status.st_size if stat.S_ISREG(status.st_mode) else None
        self._unpacker: _Unpacker | None = None
        self._begun = False
        self._ends_line = True

    def read(self) -> bytes:
        """Read the next chunk, ``b""`` at the end.

        Raises:
            Unreadable: the file cannot be read further.
        """
        chunk = self._next()
        if chunk:
            self._ends_line = chunk.endswith(b"\n")
        return chunk

    def _next(self) -> bytes:
        try:
            if not self._begun:
                self._begun = True
                first = self._read()
                if len(first) == 1:  # of a pipe; the two bytes that tell may come apart
                    first += self._read()
                if not first.startswith(_GZIP):
                    return first
                self.packed = True
                self._unpacker = _Unpacker(first)
            if self._unpacker is None:
                return self._read()
            while True:
                if self._unpacker.hungry and not self._unpacker.feed(self._read()):
                    return b""
                if unpacked := self._unpacker.take():
                    return unpacked
        except OSError as exc:
            raise Unreadable(exc.strerror or str(exc)) from exc
        except zlib.error as exc:
            raise Unreadable(f"its gzip data is damaged ({exc})") from exc

    def count_lines(self, patience: float) -> tuple[int, bool]:
        """Count the lines that end in what is left, for so many seconds at most.

        Returns:
            their number, and whether it is exact or carried on from the part that was read.
        """
        lines, begun, before = 0, time.monotonic(), self.consumed
        while chunk := self.read():
            lines += chunk.count(b"\n")
            if time.monotonic() - begun > patience and self.size and self.consumed > before:
                return round(lines * (self.size - before) / (self.consumed - before)), False
        return lines + (not self._ends_line), True

    def close(self) -> None:
        """Close the file; standard input stays open."""
        if self._own:
            os.close(self._fd)
            self._own = False

    def _read(self) -> bytes:
        data = os.read(self._fd, CHUNK)
        self.consumed += len(data)
        return data


@final
class _Unpacker:
    """Gunzips, a bounded piece at a time, one member of the file after the other."""

    def __init__(self, data: bytes) -> None:
        self._member = zlib.decompressobj(_GZIP_HEADER)
        self._data = data
        self._full = False  # the last piece was cut at its bound, so there may be more without new data

    @property
    def hungry(self) -> bool:
        """Whether it has to be fed before it can give more."""
        return not self._data and not self._full

    def feed(self, data: bytes) -> bool:
        """Take the next bytes; at the end of the file say no.

        Raises:
            Unreadable: the file ends within a member.
        """
        if not data and not self._member.eof:
            raise Unreadable("its gzip data ends too soon")
        self._data = data
        return bool(data)

    def take(self) -> bytes:
        if self._member.eof:
            self._data = self._data.lstrip(b"\0")  # padding, which gzip itself ignores
            if not self._data:
                return b""
            self._member = zlib.decompressobj(_GZIP_HEADER)
        piece = self._member.decompress(self._data, CHUNK)
        self._data = self._member.unused_data if self._member.eof else self._member.unconsumed_tail
        self._full = len(piece) == CHUNK and not self._member.eof
        return piece


def files_of_events(paths: Sequence[str]) -> list[str]:
    """Files of events, as a command line names them.

    Raises:
        UsageFault: one of them is not there, or standard input is named twice.
    """
    if list(paths).count("-") > 1:
        raise UsageFault("standard input can be read once only")
    for path in paths:
        if path != "-" and not os.path.exists(path):
            raise UsageFault(f"there is no file {path!r}")
        if path != "-" and os.path.isdir(path):
            raise UsageFault(f"{path!r} is a directory, not a file of events")
    return list(paths)
