"""Source maps: which place in which of the author's files a place in generated code came from.

Source for the format: ECMA-426, of which this reads what bundlers and compilers write inline: one map,
no sections, its texts in ``sourcesContent``.
"""

from __future__ import annotations

import base64
import binascii
import re
from array import array
from bisect import bisect_right
from collections.abc import Mapping
from typing import Final, NamedTuple, final

import msgspec

__all__ = ["InvalidSourceMap", "Place", "SourceMap", "take_inline_map"]

MOST_SEGMENTS: Final = 4_000_000
"""What a map may have of them; each takes 16 bytes.  A bundle of a megabyte has about 150,000."""
MOST_BITS: Final = 32
BASE64: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
SEPARATORS: Final = b",;"
_INLINE: Final = re.compile(
    r"\n?//[#@] sourceMappingURL=data:application/json;(?:charset=utf-8;)?base64,([A-Za-z0-9+/=]*)\s*\Z"
)


class InvalidSourceMap(ValueError):
    """It is no source map; the text says why."""


class Place(NamedTuple):
    """A place in a file: line and column count from 1."""

    file: str
    line: int
    column: int


class _Map(msgspec.Struct, frozen=True):
    """A map as its JSON has it."""

    version: int
    mappings: str
    sources: list[str | None]
    sourcesContent: list[str | None] = []  # noqa: N815 -- the format's name
    sourceRoot: str | None = None  # noqa: N815 -- the format's name


@final
class SourceMap:
    """A decoded map.

    Args:
        text: its JSON.

    Attributes:
        texts: the author's files by name, as far as the map holds them.

    Raises:
        InvalidSourceMap: it is not one, or it is too large.
    """

    def __init__(self, text: bytes) -> None:
        try:
            read = msgspec.json.decode(text, type=_Map)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise InvalidSourceMap(
                f"a source map is JSON with version, sources and mappings: {error}"
            ) from None
        if read.version != 3:
            raise InvalidSourceMap(f"a source map has the version 3, not {read.version}")
        root = f"{read.sourceRoot.rstrip('/')}/" if read.sourceRoot else ""
        self._files = [f"{root}{name or '(unnamed)'}" for name in read.sources]
        self.texts: Mapping[str, str] = {
            name: content
            for name, content in zip(self._files, read.sourcesContent, strict=False)
            if content is not None
        }
        self._starts = array("I", [0])  # of each generated line's segments
        self._columns, self._sources = array("i"), array("i")
        self._lines, self._source_columns = array("i"), array("i")
        self._decode(read.mappings.encode())

    def find(self, line: int, column: int) -> Place | None:
        """The place that a place in the generated code came from, None where it came from none."""
        if not 1 <= line < len(self._starts):
            return None
        first, end = self._starts[line - 1], self._starts[line]
        at = bisect_right(self._columns, column - 1, first, end) - 1
        if at < first or self._sources[at] < 0:
            return None
        return Place(self._files[self._sources[at]], self._lines[at] + 1, self._source_columns[at] + 1)

    def _decode(self, mappings: bytes) -> None:
        if mappings.count(b",") + mappings.count(b";") >= MOST_SEGMENTS:
            raise InvalidSourceMap(f"the source map has more than {MOST_SEGMENTS} segments")
        source = source_line = source_column = 0
        for line in mappings.split(b";"):
            column = 0
            for segment in line.split(b","):
                if not segment:
                    continue
                fields = _fields(segment)
                column += fields[0]
                if len(fields) >= 4:
                    source += fields[1]
                    source_line += fields[2]
                    source_column += fields[3]
                    if not 0 <= source < len(self._files) or source_line < 0 or source_column < 0:
                        raise InvalidSourceMap("the source map points outside its sources")
                elif len(fields) != 1:
                    raise InvalidSourceMap(
                        f"a segment of a source map has 1, 4 or 5 fields, not {len(fields)}"
                    )
                try:
                    self._columns.append(column)
                    self._sources.append(source if len(fields) >= 4 else -1)
                    self._lines.append(source_line)
                    self._source_columns.append(source_column)
                except OverflowError:
                    raise InvalidSourceMap("a number of the source map is too large") from None
            self._starts.append(len(self._columns))


def take_inline_map(code: str) -> tuple[str, bytes | None]:
    """The code without the source map at its end, and that map's JSON; None where there is none.

    Raises:
        InvalidSourceMap: what stands there is not Base64.
    """
    tail = code.rfind("sourceMappingURL=data:")
    if tail < 0:
        return code, None
    found = _INLINE.search(code, max(tail - 5, 0))
    if not found:
        return code, None
    try:
        return code[: found.start()] + "\n", base64.b64decode(found[1], validate=True)
    except binascii.Error as error:
        raise InvalidSourceMap(f"the inline source map is not Base64: {error}") from None


_DIGITS: Final = {byte: value for value, byte in enumerate(BASE64)}
_ONE: Final = {
    byte: (-(value >> 1) if value & 1 else value >> 1) for byte, value in _DIGITS.items() if value < 32
}
"""Numbers of a single digit, which are most."""


def _fields(segment: bytes) -> list[int]:
    """The numbers of one segment (Base64 VLQ: five bits a digit, the lowest first, the sign in bit 0)."""
    fields, value, shift = [], 0, 0
    try:
        for byte in segment:
            if not shift and byte in _ONE:
                fields.append(_ONE[byte])
                continue
            digit = _DIGITS[byte]
            value |= (digit & 31) << shift
            shift += 5
            if digit < 32:
                fields.append(-(value >> 1) if value & 1 else value >> 1)
                value = shift = 0
            elif shift > MOST_BITS:
                raise InvalidSourceMap("a number of the source map is too long")
    except KeyError as error:
        raise InvalidSourceMap(f"{chr(error.args[0])!r} is no digit of a source map") from None
    if shift:
        raise InvalidSourceMap("a segment of the source map ends within a number")
    return fields
