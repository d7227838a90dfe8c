"""A guest's memory as the host sees it: read and written within its bounds, whatever the guest says."""

from __future__ import annotations

import ctypes
import struct
import threading
from typing import TYPE_CHECKING, Final

import wasmtime

from isthmus.errors import RuntimeFault

if TYPE_CHECKING:
    from isthmus.abc import Host

    from ._cold import Guard
    from ._source import Source

__all__ = ["PAGE", "GuestMemory", "running"]

PAGE: Final = 65536

_VITALS: Final = struct.Struct("<6I")

running: Final = threading.local()
"""``running.memory``: that of the guest which this thread runs; ``running.answer``: a synchronous answer it is to take."""


class GuestMemory:
    """One linear memory, at the same address for as long as its store lives (see ``_wasm.new_engine``).

    Args:
        store: whose memory it is.
        memory: the memory.
        vitals: address of the guest's ``struct vitals``.
        thrifty: synchronous calls of this guest that take long are refused; see ``_inline``.
        source: what the guest's code was compiled from, None where that is the prelude alone.

    Attributes:
        guard: what keeps some of it from being written, if anything.
        bytecode: what the guest's code was compiled to, if that is not left to the guest itself.
        host: of the call that runs, where that is taped.
    """

    __slots__ = (
        "_memory",
        "_size",
        "_store",
        "base",
        "bytecode",
        "guard",
        "host",
        "source",
        "thrifty",
        "vitals_at",
    )

    def __init__(
        self,
        store: wasmtime.Store,
        memory: wasmtime.Memory,
        vitals: int = 0,
        *,
        thrifty: bool = False,
        source: Source | None = None,
    ) -> None:
        self._store = store
        self._memory = memory
        self._size = memory.data_len(store)
        self.base = ctypes.cast(memory.data_ptr(store), ctypes.c_void_p).value or 0
        self.vitals_at = vitals
        self.thrifty = thrifty
        self.source = source
        self.guard: Guard | None = None
        self.bytecode: bytes | None = None
        self.host: Host | None = None

    def address(self, at: int, length: int) -> int:
        """The host's address of so many bytes; RuntimeFault outside the memory."""
        if at + length > self._size:
            self._size = self._memory.data_len(self._store)  # it may have grown
            if at + length > self._size:
                raise RuntimeFault("the guest points outside its memory")
        return self.base + at

    def peek(self, at: int, length: int) -> bytes:
        """Bytes of the memory; RuntimeFault outside it."""
        return ctypes.string_at(self.address(at, length), length)

    def peek_packed(self, packed: int) -> bytes:
        """The bytes that an export's answer stands for: their length above their address."""
        return self.peek(packed & 0xFFFFFFFF, (packed >> 32) & 0xFFFFFFFF)

    def poke(self, at: int, data: bytes) -> None:
        """Write into the memory; RuntimeFault outside it."""
        address = self.address(at, len(data))
        if self.guard is not None:
            self.guard.admit(at, len(data))
        ctypes.memmove(address, data, len(data))

    def stop(self) -> None:
        """Have the guest, which is waiting for a synchronous answer, stopped where it goes on."""
        self._store.set_epoch_deadline(0)

    def vitals(self) -> tuple[int, int, int, int, int, int]:
        """``struct vitals`` of guest/world.h as it stands."""
        return _VITALS.unpack(self.peek(self.vitals_at, _VITALS.size))

    def log(self) -> bytes:
        """The console output that the guest keeps."""
        _, _, at, length, _, _ = self.vitals()
        return self.peek(at, length)
