"""Finds the events in the bytes of a file, without decoding any: NDJSON, a JSON array, or JSON values in a row.

A splitter is fed chunks, cut anywhere, and gives back pieces; the n-th piece is line n of an
NDJSON file, blank lines counted, or value n of an array.  However the chunks are cut, the pieces
are the same.  What it holds on to is bounded: a piece beyond ``limit`` is let go and becomes a flaw.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from typing import Final, Literal, Protocol, final

__all__ = ["Flaw", "LineSplitter", "Piece", "Splitter", "Unreadable", "ValueSplitter", "detecting"]


@final
class Flaw(str):
    """In the place of a piece: why there is no event."""

    __slots__ = ()


Piece = bytes | Flaw


@final
class Unreadable(Exception):
    """The rest of a file cannot be read; the text says why.

    Attributes:
        pieces: those that the last chunk held before.
    """

    def __init__(self, message: str, pieces: Sequence[Piece] = ()) -> None:
        super().__init__(message)
        self.pieces = pieces


class Splitter(Protocol):
    """Takes chunks, gives pieces.

    Attributes:
        noun: what a piece's number counts, ``line`` or ``event``.
    """

    noun: str

    def feed(self, chunk: bytes) -> list[Piece]:
        """Take the next bytes and give the pieces that end in them."""

    def end(self) -> list[Piece]:
        """Give what is left at the end of the file."""


def _too_long(limit: int) -> Flaw:
    return Flaw(f"it is longer than the limit of {limit} bytes")


# ---------------------------------------------------------------- lines


@final
class LineSplitter:
    """NDJSON: every line is a piece, blank ones too, so that numbers are line numbers."""

    noun = "line"

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held: list[bytes] = []  # parts of the line that has begun; dropped past the limit
        self._size = 0

    def feed(self, chunk: bytes) -> list[Piece]:
        """See :class:`Splitter`."""
        pieces: list[Piece] = [*chunk.split(b"\n")]
        last = pieces.pop()
        if pieces:
            if self._size:
                pieces[0] = self._joined(pieces[0])  # type: ignore[arg-type]
            if len(chunk) > self._limit:
                pieces = [piece if len(piece) <= self._limit else _too_long(self._limit) for piece in pieces]
            self._held, self._size = [], 0
        if last:
            self._size += len(last)
            if self._size <= self._limit:
                self._held.append(last)  # type: ignore[arg-type]
            else:
                self._held.clear()
        return pieces

    def end(self) -> list[Piece]:
        """See :class:`Splitter`; a last line need not end in a new line."""
        return [self._joined(b"")] if self._size else []

    def _joined(self, rest: bytes) -> Piece:
        if self._size + len(rest) > self._limit:
            return _too_long(self._limit)
        return b"".join((*self._held, rest))


# ---------------------------------------------------------------- values

# Within a value, all that needs no counting: text, whole strings, and whole objects and arrays that
# are three deep at the most (one match then takes what would be a dozen steps).  Possessive, so that
# no input makes it go back; what the chunk cuts, or is deeper, is read again once a level, by steps.
_TEXT = rb'[^"{}\[\]]*+'
_FLAT = _TEXT + rb'(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"' + _TEXT + rb")*+"
_ONE_DEEP = rb"[{\[]" + _FLAT + rb"[}\]]"
_TWO_DEEP = rb"[{\[]" + _FLAT + rb"(?:" + _ONE_DEEP + _FLAT + rb")*+[}\]]"
_THREE_DEEP = rb"[{\[]" + _FLAT + rb"(?:" + _TWO_DEEP + _FLAT + rb")*+[}\]]"
_INSIDE = re.compile(_FLAT + rb"(?:" + _THREE_DEEP + _FLAT + rb")*+", re.DOTALL)
_BETWEEN = re.compile(rb'[^"{}\[\],]*+')
_STRING = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)
_BLANK = re.compile(rb"[ \t\r\n]*+")
_NOT_A_VALUE = re.compile(rb"[^{\n]*+")

_QUOTE, _BACKSLASH, _COMMA, _NEW_LINE = b'"\\,\n'
_OPENING: Final = frozenset(b"{[")


@final
class ValueSplitter:
    """The values of a JSON array, or objects one after the other over any number of lines.

    Brackets and strings are followed and nothing else is looked at, so that a broken value costs
    the next one nothing unless its brackets do not match.

    Args:
        limit: bytes of one value at the most.
        shape: ``array``, or ``row`` for objects in a row.
    """

    noun = "event"

    def __init__(self, limit: int, shape: Literal["array", "row"]) -> None:
        self._limit = limit
        self._array = shape == "array"
        self._depth = 0
        self._in_string = False
        self._escaped = False  # the chunk ended after a backslash
        self._opened = not self._array
        self._closed = False
        self._any = False
        self._held: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> list[Piece]:
        """See :class:`Splitter`."""
        pieces: list[Piece] = []
        start = at = 0
        size = len(chunk)
        while at < size:
            if self._closed or not self._opened:
                start = at = self._outside(chunk, at, pieces)
            elif self._in_string:
                at = self._through_string(chunk, at)
            elif self._depth:
                at = _INSIDE.match(chunk, at).end()  # type: ignore[union-attr]
                if at < size:
                    byte = chunk[at]
                    at += 1
                    if byte == _QUOTE:
                        self._in_string = True
                    elif byte in _OPENING:
                        self._depth += 1
                    else:
                        self._depth -= 1
                        if not self._depth and not self._array:
                            pieces.append(self._piece(chunk[start:at]))
                            start = at
            elif self._array:
                start, at = self._between(chunk, start, at, pieces)
            else:
                start, at = self._in_row(chunk, start, at, pieces)
        if start < size and not self._closed:
            self._hold(chunk[start:])
        return pieces

    def end(self) -> list[Piece]:
        """See :class:`Splitter`."""
        if self._closed:
            return []
        if self._size > self._limit:
            return [_too_long(self._limit)]
        if b"".join(self._held).strip():
            return [Flaw("the input ends inside it")]
        return [Flaw("the input ends before its array does")] if self._array else []

    def _outside(self, chunk: bytes, at: int, pieces: list[Piece]) -> int:
        """Before the array or after it."""
        at = _BLANK.match(chunk, at).end()  # type: ignore[union-attr]
        if at < len(chunk):
            if self._closed:
                raise Unreadable("something follows the end of the array", pieces)
            self._opened = True
            at += 1
        return at

    def _through_string(self, chunk: bytes, at: int) -> int:
        if self._escaped:
            self._escaped = False
            return at + 1
        at = _STRING.match(chunk, at).end()  # type: ignore[union-attr]
        if at < len(chunk):
            if chunk[at] == _BACKSLASH:
                self._escaped = True
            else:
                self._in_string = False
            at += 1
        return at

    def _between(self, chunk: bytes, start: int, at: int, pieces: list[Piece]) -> tuple[int, int]:
        """At the top of the array, before a value, in a bare one, or after one."""
        at = _BETWEEN.match(chunk, at).end()  # type: ignore[union-attr]
        if at == len(chunk):
            return start, at
        byte = chunk[at]
        if byte == _QUOTE:
            self._in_string = True
        elif byte in _OPENING:
            self._depth = 1
        elif byte == _COMMA:
            pieces.append(self._piece(chunk[start:at]) or Flaw("there is no value before the comma"))
            self._any = True
            return at + 1, at + 1
        elif byte == b"]"[0]:
            last = self._piece(chunk[start:at])
            if last or self._any:
                pieces.append(last or Flaw("there is no value after the last comma"))
            self._closed = True
            return at + 1, at + 1
        return start, at + 1  # a closing brace of nothing is part of a value that is broken

    def _in_row(self, chunk: bytes, start: int, at: int, pieces: list[Piece]) -> tuple[int, int]:
        """Between objects in a row; anything else between them is a piece by the line."""
        if not self._size and start == at:
            start = at = _BLANK.match(chunk, at).end()  # type: ignore[union-attr]
        at = _NOT_A_VALUE.match(chunk, at).end()  # type: ignore[union-attr]
        if at == len(chunk):
            return start, at
        if self._size or at > start:  # what stands here is no object
            pieces.append(self._piece(chunk[start:at]))
            return at, at
        self._depth = 1
        return start, at + 1

    def _hold(self, part: bytes) -> None:
        self._size += len(part)
        if self._size <= self._limit:
            self._held.append(part)
        else:
            self._held.clear()

    def _piece(self, rest: bytes) -> Piece:
        """The value that ends here, ``b""`` where there is none."""
        if self._size + len(rest) > self._limit:
            piece: Piece = _too_long(self._limit)
        else:
            piece = b"".join((*self._held, rest)).strip() if self._size else rest.strip()
        self._held, self._size = [], 0
        return piece


# ---------------------------------------------------------------- which of them


_MARKS: Final = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@final
class _Detecting:
    noun = "line"

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._seen = b""
        self._chosen: Splitter | None = None

    def feed(self, chunk: bytes) -> list[Piece]:
        if self._chosen is not None:
            return self._chosen.feed(chunk)
        self._seen += chunk
        if any(len(self._seen) < len(mark) and mark.startswith(self._seen) for mark in _MARKS):
            return []
        if self._seen.startswith(_MARKS[1:]):
            raise Unreadable("it is UTF-16, and JSON is UTF-8")
        text = self._seen.removeprefix(codecs.BOM_UTF8)
        # A line that is a brace and nothing more begins an object written over several lines.
        opening = re.match(rb"[ \t\r\n]*+(?:(\[)|(\{)[ \t\r]*+(\n)?|)", text)
        assert opening is not None  # noqa: S101 -- it matches the empty text
        if opening.end() > self._limit:
            chosen: Splitter = LineSplitter(self._limit)  # nobody writes so long a blank
        elif opening[1]:
            chosen = ValueSplitter(self._limit, "array")
        elif opening[3]:
            chosen = ValueSplitter(self._limit, "row")
        elif opening.end() < len(text):
            chosen = LineSplitter(self._limit)
        else:
            return []
        self._chosen, self.noun = chosen, chosen.noun
        return chosen.feed(text)

    def end(self) -> list[Piece]:
        if self._chosen is not None:
            return self._chosen.end()
        rest = LineSplitter(self._limit)
        return [*rest.feed(self._seen), *rest.end()]


def detecting(limit: int) -> Splitter:
    """Make a splitter that sees from the first bytes which kind of file it is.

    ``[`` begins an array; a first line of ``{`` alone, objects in a row; anything else is NDJSON.

    Args:
        limit: bytes of one piece at the most.

    Raises:
        Unreadable: from ``feed``; the text is UTF-16, or something follows the array.
    """
    return _Detecting(limit)
