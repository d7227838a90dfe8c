"""A guest's memory as its host sees it: how large it is, where it lies, and how what was written is dropped."""

from __future__ import annotations

import ctypes
import mmap
import sys
from ctypes import c_size_t, c_void_p
from typing import Final, final

import wasmtime

from isthmus.errors import RuntimeFault

from ._wasm import RawMemory

__all__ = ["CAN_FORGET", "LinearMemory"]

DONTNEED: Final = getattr(mmap, "MADV_DONTNEED", None) if sys.platform == "linux" else None
CAN_FORGET: Final = DONTNEED is not None
"""Whether a private mapping can be put back to what is below it."""
SYSTEM_PAGE: Final = 4096
_libc: Final = ctypes.CDLL(None, use_errno=True) if CAN_FORGET else None


@final
class LinearMemory:
    """A memory of a store that is open."""

    __slots__ = ("_memory", "_raw", "_store")

    def __init__(self, store: wasmtime.Store, memory: wasmtime.Memory) -> None:
        self._store = store
        self._memory = memory
        self._raw = RawMemory(store, memory)

    @property
    def size(self) -> int:
        """In bytes."""
        return self._raw.size

    @property
    def address(self) -> int:
        """Where it begins."""
        return self._raw.address

    def grow(self, pages: int) -> None:
        """Make it larger."""
        self._memory.grow(self._store, pages)

    def content(self) -> bytes:
        """All of it."""
        return ctypes.string_at(self.address, self.size)

    def forget(self) -> None:
        """Drop what was written to it, so that it is again what it was made of."""
        assert _libc is not None  # noqa: S101 -- whoever asks has looked at CAN_FORGET
        if (size := self.size) and _libc.madvise(c_void_p(self.address), c_size_t(size), DONTNEED):
            raise RuntimeFault(f"madvise failed with {ctypes.get_errno()}")

    def scribble(self) -> None:
        """Write over a byte of each of its pages."""
        for at in range(self.address, self.address + self.size, SYSTEM_PAGE):
            ctypes.c_ubyte.from_address(at).value ^= 0xFF
