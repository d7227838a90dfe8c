"""Which global is which library, and why some are not there."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final, final

import msgspec

__all__ = ["Library", "catalogue"]

FILE: Final = Path(__file__).parent / "catalogue.json"


@final
class Library(msgspec.Struct, frozen=True, kw_only=True):
    """One library under Segment's name.

    Attributes:
        name: as a function writes it: ``_``, ``uuidv5.uuidv5``.
        package: its name on npm.
        part: the bundle that makes it, "" where it can't be had in here.
        why: why it can't, and what to do instead, in sentences.
        note: what of it does not work, though the rest does.
    """

    name: str
    package: str
    part: str = ""
    why: str = ""
    note: str = ""

    @property
    def root(self) -> str:
        """The global that it is, or is reached through."""
        return self.name.partition(".")[0]


@cache
def catalogue() -> tuple[Library, ...]:
    """All of Segment's libraries, in the order in which people look for them."""
    return msgspec.json.decode(FILE.read_bytes(), type=tuple[Library, ...])
