"""Reads the records of a journal, also while others write to it, and past what a killed process left unfinished."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, Protocol, TypeVar, final

import msgspec

from .segments import segments, span_of

__all__ = ["LINE_BYTES", "JournalReader"]

LINE_BYTES: Final = 16 * 1024 * 1024
"""Of one record; a longer line is none."""

_CHUNK: Final = 256 * 1024


class Timed(Protocol):
    """What a journal holds.

    Attributes:
        at: seconds since the epoch.
    """

    @property
    def at(self) -> float: ...


Record = TypeVar("Record", bound=Timed)


@final
class JournalReader:
    """What is in a journal's segments.

    Args:
        directory: of the segments.
        since: seconds since the epoch; what is of before is left out.
        until: as ``since``: what is of after it is.

    Attributes:
        damaged: segments that could not be read to their end, though a killed process does not leave them so.
    """

    def __init__(self, directory: Path, *, since: float = -math.inf, until: float = math.inf) -> None:
        self._directory = directory
        self._since = since
        self._until = until
        self.damaged: list[Path] = []

    def records(
        self, decode: Callable[[bytes], Record | None], containing: Sequence[str] = ()
    ) -> Iterator[Record]:
        """The records of the time range, roughly in their order.

        Args:
            decode: a line; None for what is no record.
            containing: texts; lines with none of them are not looked at, which is ten times as fast. Nothing leaves all in.
        """
        wanted = [msgspec.json.encode(text)[1:-1] for text in containing]
        for line in self.lines():
            if wanted and not any(text in line for text in wanted):
                continue
            record = decode(line)
            if record is not None and self._since <= record.at <= self._until:
                yield record

    def lines(self) -> Iterator[bytes]:
        """Every line, segment after segment by their beginnings; whoever wants a time range looks at each again."""
        for path in segments(self._directory):
            try:
                begin, end = span_of(path)
                if begin <= self._until and end >= self._since:
                    yield from self._lines_of(path)
            except FileNotFoundError:
                continue  # retention was faster

    def _lines_of(self, path: Path) -> Iterator[bytes]:
        rest = b""
        decompressor = zlib.decompressobj(wbits=31)
        with path.open("rb") as file:
            while data := file.read(_CHUNK):
                while data and not decompressor.eof:
                    try:
                        rest += decompressor.decompress(data, _CHUNK)
                    except zlib.error:
                        self.damaged.append(path)
                        return
                    data = decompressor.unconsumed_tail
                    *whole, rest = rest.split(b"\n")
                    yield from whole
                    if len(rest) > LINE_BYTES:
                        self.damaged.append(path)
                        return
        yield from (rest + decompressor.flush()).split(b"\n")[:-1]
        # What follows the last line feed is half a line that nobody was told is kept.
