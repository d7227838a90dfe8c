"""Many rows in one parameter: a blob of their texts and bodies, and numbers that say where each lies.

A statement that is stepped once for a thousand rows gives up Python's lock once.  Stepped row by row, it would have to get it
back a thousand times, each time behind whatever the Trio thread is computing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, final

import msgspec

__all__ = ["LARGEST_PACK", "Pack", "decode_numbers", "text_bytes", "text_from", "unpack"]

LARGEST_PACK: Final = 32 * 1024 * 1024
"""Bytes of bodies in one statement, but for a single larger one; SQLite's own limit is 10^9."""

_encode: Final = msgspec.json.Encoder().encode
decode_numbers: Final = msgspec.json.Decoder(list[list[int]]).decode
"""What ``json_group_array(json_array(...))`` gives back, as lists of whole numbers."""


def text_bytes(text: str) -> bytes:
    """UTF-8, of whatever a Python string can hold."""
    return text.encode("utf-8", "surrogatepass")


def text_from(data: bytes) -> str:
    """The text of :func:`text_bytes`."""
    return data.decode("utf-8", "surrogatepass")


@final
class Pack:
    """Rows being packed."""

    __slots__ = ("_parts", "_rows", "_size")

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._rows: list[tuple[int, ...]] = []
        self._size = 0

    def put(self, data: bytes | None) -> tuple[int, int]:
        """Append bytes; gives the first one's place, from 1 as SQL counts, or 0 for None, and how many there are."""
        if data is None:
            return 0, 0
        place = self._size + 1
        self._parts.append(data)
        self._size += len(data)
        return place, len(data)

    def row(self, *numbers: int) -> None:
        """Append a row."""
        self._rows.append(numbers)

    @property
    def parameters(self) -> tuple[bytes, str]:
        """``?1``, the blob, and ``?2``, the rows."""
        return b"".join(self._parts), _encode(self._rows).decode()

    def written(self, row: str) -> tuple[bytes, bytes]:
        """``?1`` as above, and the rows in a ``%`` format instead of JSON."""
        return b"".join(self._parts), "".join([row % numbers for numbers in self._rows]).encode()

    def __len__(self) -> int:
        return len(self._rows)

    def __bool__(self) -> bool:
        return bool(self._rows)


def unpack(data: bytes, lengths: Iterator[int]) -> Iterator[bytes]:
    """Cut what was concatenated."""
    place = 0
    for length in lengths:
        yield data[place : place + length]
        place += length
