"""Values as they lie in wasmtime's C structures: one byte says their kind, three words hold them or say where they are."""

from __future__ import annotations

import struct
from typing import Any, Final, Protocol

from .handles import Handles

__all__ = ["ENTRY", "NUMBERS", "Place", "Written", "pack"]


class Place(Protocol):
    """Whose handles a value speaks of.

    Attributes:
        context: wasmtime's, of the store.
        handles: what its guest holds.
    """

    context: Any
    handles: Handles


Written = tuple[int, int, int, int]
"""A value's kind and its three words."""
VALUE: Final = struct.Struct("<B7xQQQ")
ENTRY: Final = struct.Struct("<QQB7xQQQ")
"""A field of a record: its name's length and place, and its value."""
NUMBERS: Final = {
    "s8": (1, "<b"), "u8": (2, "<B"), "s16": (3, "<h"), "u16": (4, "<H"), "s32": (5, "<i"), "u32": (6, "<I"),
    "s64": (7, "<q"), "u64": (8, "<Q"), "f32": (9, "<f"), "f64": (10, "<d"),
}  # fmt: skip
"""Kinds of numbers, and how they are packed."""


def pack(written: Written) -> bytes:
    """A value as it lies in memory."""
    return VALUE.pack(*written)
