"""A guest on its way to an image: started, its scripts evaluated, sealed."""

from __future__ import annotations

import ctypes
import secrets
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import wasmtime

from isthmus.errors import RuntimeFault

from ._frames import Frame, parse_frame
from ._wasm import Exports, RawCall, on_epoch
from ._world import current

if TYPE_CHECKING:
    from ._guest import Guest

__all__ = ["Boot"]

PAGE: Final = 65536
COLLECT_AFTER: Final = 8 * 1024 * 1024
"""Bytes a call allocates before QuickJS looks for cycles."""


class Boot:
    """A guest on its way to an image."""

    def __init__(self, guest: Guest, memory_image: bytes | None, memory: int) -> None:
        self.guest = guest
        store = self._store = wasmtime.Store(guest.engine)
        store.set_limits(memory_size=memory)
        store.set_epoch_deadline(1 << 60)
        linker = guest.linker()
        contents = guest.initial if memory_image is None else memory_image
        pages = max(guest.least_pages, -(-len(contents) // PAGE))
        self._memory = wasmtime.Memory(store, wasmtime.MemoryType(wasmtime.Limits(pages, None)))
        self._memory.write(store, contents, 0)
        linker.define(store, "env", "memory", self._memory)
        self._exports = Exports(store, linker.instantiate(store, guest.code))
        if memory_image is None:
            self._call("_initialize")
        self.vitals = self._call("vitals") & 0xFFFFFFFF
        current.world = self

    def close(self) -> None:
        self._store.close()

    def _call(self, name: str, *arguments: int) -> int:
        return RawCall(self._store, self._exports.func(name), len(arguments))(*arguments)

    def boot(self, stack: int, log_bytes: int) -> None:
        self._call("boot", stack, log_bytes)

    def evaluate(
        self, name: str, script: bytes, proceed: Callable[[int, float], bool] | None = None
    ) -> Frame:
        blob = name.encode() + b"\0" + script
        at = self._call("input", len(blob)) & 0xFFFFFFFF
        self.poke(at, blob)
        began = time.monotonic()
        # Kept with the store, which goes on to call it at every epoch: while the world is sealed, too.
        self._epoch = on_epoch(self._store, lambda: proceed is None or proceed(0, time.monotonic() - began))
        packed = self._call("evaluate", len(script), len(name), int(time.time() * 1e6), secrets.randbits(63))
        return parse_frame(self.peek(packed & 0xFFFFFFFF, (packed >> 32) & 0xFFFFFFFF))

    def seal(self, memory: int) -> tuple[bytes, int]:
        """(the image, the address where the guest notes the depth of its stack)."""
        self._call("seal", min(max(memory, 1), 0xFFFFFFFF), COLLECT_AFTER)  # 0 would mean without limit
        image = self.snapshot()
        stack_low = int.from_bytes(image[self.vitals + 4 : self.vitals + 8], "little")
        return image, stack_low

    def snapshot(self) -> bytes:
        """The memory up to the top of the heap; what lies above was never written."""
        top = int.from_bytes(self.peek(self.vitals, 4), "little")
        return self.peek(0, top)

    def _base_pointer(self) -> int:
        return ctypes.cast(self._memory.data_ptr(self._store), ctypes.c_void_p).value or 0

    def peek(self, at: int, length: int) -> bytes:
        if at + length > self._memory.data_len(self._store):
            raise RuntimeFault("the guest points outside its memory")
        return ctypes.string_at(self._base_pointer() + at, length)

    def poke(self, at: int, data: bytes) -> None:
        if at + len(data) > self._memory.data_len(self._store):
            raise RuntimeFault("the guest points outside its memory")
        ctypes.memmove(self._base_pointer() + at, data, len(data))
