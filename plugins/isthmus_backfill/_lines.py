"""The lines of a stretch of a file: those that begin in it, each with the place of its first byte."""

from __future__ import annotations

import codecs
import os
from collections.abc import Iterator
from typing import Final

from isthmus.eventfiles import Flaw, Piece

__all__ = ["lines_between"]

BLOCK: Final = 1 << 20
"""Bytes read at once."""


def lines_between(
    fd: int, start: int, end: int, limit: int, block: int = BLOCK
) -> Iterator[tuple[int, list[tuple[int, Piece]]]]:
    """Give the lines that begin between two places of a file, some at a time.

    A line ends in a line feed or with the file; a carriage return before it is white space of JSON.  Whatever the
    stretches of a file are, each of its lines is in exactly one of them.

    Args:
        fd: descriptor of the file; its position is neither used nor moved.
        start: of the stretch, a byte.
        end: of the stretch; the last line may go on behind it.
        limit: bytes of one line at the most; a longer one is a flaw.
        block: bytes read at once.

    Yields:
        the place up to which the file was read, and lines with their places; blank ones are left out.

    Raises:
        OSError: the file cannot be read.
    """
    # The line before is none of the stretch, and may end in the byte before it.
    skipping = start > 0
    at = begun = start - 1 if skipping else 0
    held = b""  # of the line that has begun, its beginning at the most
    while begun < end or skipping:
        data = os.pread(fd, block, at)
        lines: list[tuple[int, Piece]] = []
        done = 0  # bytes of the data whose lines are complete
        while (begun < end or skipping) and (feed := data.find(b"\n", done)) >= 0:
            if skipping:
                skipping = False
            else:
                _add(lines, begun, at + feed - begun, held + data[done:feed], limit)
            held, done = b"", feed + 1
            begun = at + done
        at += len(data)
        if not data:  # the last line need not end in a line feed
            if not skipping:
                _add(lines, begun, at - begun, held, limit)
            yield at, lines
            return
        if not skipping and begun < end:
            held = (held + data[done:])[: limit + 1]
        yield at, lines


def _add(lines: list[tuple[int, Piece]], place: int, size: int, text: bytes, limit: int) -> None:
    """Add a line, of which there may be the beginning only."""
    if not place:
        text = text.removeprefix(codecs.BOM_UTF8)
    if size > limit:
        lines.append((place, Flaw(f"it has {size} bytes, and the limit is {limit}")))
    elif text and not text.isspace():
        lines.append((place, text))
