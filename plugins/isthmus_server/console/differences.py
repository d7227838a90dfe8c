"""Two texts line by line: what went, what came, and a few lines around it.  Pure."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Final, Literal, final

import msgspec

__all__ = ["Line", "Pair", "pairs", "unified"]

AROUND: Final = 3


@final
class Line(msgspec.Struct, frozen=True):
    """A line of a comparison.

    Attributes:
        kind: it is in both texts, only in the old one, only in the new one; or some lines that are in both are left out.
        old, new: its number in each, from 1, None where it is not in there.
    """

    kind: Literal["same", "gone", "new", "left"]
    text: str = ""
    old: int | None = None
    new: int | None = None


@final
class Pair(msgspec.Struct, frozen=True):
    """Two lines beside each other; None for a gap."""

    old: Line | None
    new: Line | None


def unified(old: str, new: str) -> list[Line]:
    """What differs, one line below the other."""
    return [line for hunk in _hunks(old, new) for block in hunk for line in block]


def pairs(old: str, new: str) -> list[Pair]:
    """What differs, the old text beside the new one."""
    found = []
    for hunk in _hunks(old, new):
        for block in hunk:
            if block[0].kind in {"same", "left"}:
                found += [Pair(line, line) for line in block]
            else:
                gone = [line for line in block if line.kind == "gone"]
                came = [line for line in block if line.kind == "new"]
                found += [Pair(*both) for both in zip_longest(gone, came)]
    return found


def _hunks(old: str, new: str) -> Iterator[list[list[Line]]]:
    """Stretches that differ, each as blocks of lines that are alike in both or are not."""
    before, after = old.splitlines(), new.splitlines()
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    reached = 0
    for group in matcher.get_grouped_opcodes(AROUND):
        blocks: list[list[Line]] = []
        if group[0][1] > reached:
            blocks.append([Line("left")])
        for tag, i1, i2, j1, j2 in group:
            if tag == "equal":
                blocks.append([Line("same", before[i], i + 1, j1 + i - i1 + 1) for i in range(i1, i2)])
            else:
                gone = [Line("gone", before[i], i + 1) for i in range(i1, i2)]
                blocks.append([*gone, *(Line("new", after[j], None, j + 1) for j in range(j1, j2))])
        reached = group[-1][2]
        yield [block for block in blocks if block]
    if 0 < reached < len(before):
        yield [[Line("left")]]
