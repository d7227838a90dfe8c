"""A formatted text taken apart: which piece of it is what."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

import msgspec

from . import icu

__all__ = ["SPAN", "Part", "Span", "encoded", "parts", "spans_of", "text_of_value"]

SPAN: Final = 0x1000
"""A category that has this bit is not about a piece, but about one end of a range, or one item of a list."""
LITERAL: Final = "literal"
SOURCES: Final = ("startRange", "endRange")
SHARED: Final = "shared"


class Span(NamedTuple):
    """A piece: ``start`` and ``end`` count code units."""

    category: int
    field: int
    start: int
    end: int


class Part(msgspec.Struct, omit_defaults=True):
    """A piece of a text, as ``formatToParts`` has it."""

    type: str
    value: str
    source: str = ""
    unit: str = ""


def text_of_value(value: int) -> bytes:
    """The text of a UFormattedValue, as it is encoded in there."""
    length = ctypes.c_int32(0)
    at = icu.call("ufmtval_getString", value, ctypes.byref(length))
    return ctypes.string_at(at, length.value * 2)


def spans_of(value: int) -> Iterator[Span]:
    """The pieces of a UFormattedValue."""
    position = icu.open_handle("ucfpos_open", "ucfpos_close")
    start, end = ctypes.c_int32(0), ctypes.c_int32(0)
    while icu.call("ufmtval_nextPosition", value, position):
        icu.call("ucfpos_getIndexes", position, ctypes.byref(start), ctypes.byref(end))
        category = icu.call("ucfpos_getCategory", position)
        yield Span(category, icu.call("ucfpos_getField", position), start.value, end.value)


def parts(
    text: bytes, spans: Sequence[Span], name: Callable[[Span], str], *, sourced: bool = False
) -> list[Part]:
    """A text's pieces, one after the other; where they lie within each other, the inner ones.

    Args:
        text: the text as ICU encodes it.
        spans: its pieces, in any order.
        name: what a piece is called.
        sourced: say of each to which end of a range it belongs.
    """
    length = len(text) // 2
    owner = [-1] * length
    inside = [span for span in spans if span.category < SPAN]
    for index, span in sorted(enumerate(inside), key=lambda item: item[1].start - item[1].end):
        owner[span.start : span.end] = [index] * (span.end - span.start)
    names = [name(span) for span in inside]  # once each: a number of a thousand groups is one integer
    ends = [span for span in spans if span.category >= SPAN]
    found, start = [], 0
    for at in range(1, length + 1):
        if at < length and owner[at] == owner[start]:
            continue
        kind = names[owner[start]] if owner[start] >= 0 else LITERAL
        source = _source(ends, start, at) if sourced else ""
        found.append(Part(kind, icu.decoded(text[2 * start : 2 * at]), source))
        start = at
    return found


def _source(ends: Sequence[Span], start: int, end: int) -> str:
    """The end of the range that a piece is part of."""
    for span in ends:
        if span.start <= start and end <= span.end:
            return SOURCES[span.field]
    return SHARED


def encoded(found: list[Part]) -> bytes:
    """Pieces as JSON."""
    return msgspec.json.encode(found)
