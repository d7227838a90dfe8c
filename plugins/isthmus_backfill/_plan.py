"""What a backfill consists of: files, and the parts of them that are carried one by one."""

from __future__ import annotations

from typing import Final, Literal, final

import msgspec

__all__ = ["VERSION", "File", "Format", "Part", "Place", "Plan", "name_of"]

VERSION: Final = 1
"""Of what is written; a plan of another version is refused."""

Format = Literal["lines", "whole", "parquet"]
"""``lines`` is plain NDJSON; ``whole`` any JSON that has to be read from its beginning, gzip or an array; ``parquet``."""


@final
class Part(msgspec.Struct, frozen=True, gc=False):
    """A piece of one file, carried and written down as one.

    Attributes:
        start: where it begins: a byte of ``lines``, a row group of ``parquet``, 0 of ``whole``.
        end: where the next one begins.  Of ``lines`` those belong to it that begin between the two.
        bytes: of the file on disk.
        rows: events in it, None where only reading tells.
    """

    start: int
    end: int
    bytes: int
    rows: int | None = None


@final
class File(msgspec.Struct, frozen=True, kw_only=True):
    """A file of events, as it was when the plan was made.

    Attributes:
        path: absolute.
        format: see :data:`Format`.
        size: bytes.
        changed_ns: time of its last change, nanoseconds since the epoch.
        sample: digest of its first and last bytes, in hexadecimal.
        identity: what the message ids of its events begin with where they have none of their own.
        parts: which together are all of it, each event in one.
        rows: events in it, None where nobody knows.
        exact: whether ``rows`` was counted, not estimated of the file's beginning.
    """

    path: str
    format: Format
    size: int
    changed_ns: int
    sample: str
    identity: str
    parts: tuple[Part, ...]
    rows: int | None = None
    exact: bool = False


@final
class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """All there is to do.

    Attributes:
        destination: what it goes to.
        part_bytes: how large parts were to be.
        files: in the order in which they were found; later runs add to them and change none.
    """

    version: int = VERSION
    destination: str
    part_bytes: int
    files: tuple[File, ...] = ()

    @property
    def parts(self) -> int:
        """How many there are."""
        return sum(len(file.parts) for file in self.files)

    @property
    def bytes(self) -> int:
        """Of all files."""
        return sum(file.size for file in self.files)


Place = tuple[int, int]
"""Which part it is: index of its file in the plan, and its own among the file's parts."""


def name_of(place: Place) -> str:
    """What a part's result is called."""
    return f"{place[0]:06}-{place[1]:06}"
