"""A guest on its way to an image: started, its scripts evaluated, sealed."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import wasmtime

from ._frames import Frame, parse_frame
from ._memory import PAGE, GuestMemory, running
from ._wasm import Exports, RawCall, on_epoch

if TYPE_CHECKING:
    from ._guest import Guest
    from ._source import Source

__all__ = ["Boot"]

COLLECT_AFTER: Final = 8 * 1024 * 1024
"""Bytes a call allocates before QuickJS looks for cycles."""


class Boot:
    """A guest on its way to an image.

    Args:
        guest: the program.
        memory_image: what its memory holds, None for a guest that has never run.
        limit: bytes of memory it may have.
        source: what it loads, None while that is the prelude.
    """

    def __init__(
        self, guest: Guest, memory_image: bytes | None, limit: int, source: Source | None = None
    ) -> None:
        self.guest = guest
        store = self._store = wasmtime.Store(guest.code.engine)
        store.set_limits(memory_size=limit)
        store.set_epoch_deadline(1 << 60)
        linker = guest.code.linker()
        contents = guest.initial if memory_image is None else memory_image
        pages = max(guest.least_pages, -(-len(contents) // PAGE))
        memory = wasmtime.Memory(store, wasmtime.MemoryType(wasmtime.Limits(pages, None)))
        memory.write(store, contents, 0)
        linker.define(store, "env", "memory", memory)
        self.memory = running.memory = GuestMemory(store, memory, source=source)
        self._exports = Exports(store, linker.instantiate(store, guest.code.module))
        if memory_image is None:
            self._call("_initialize")
        self.memory.vitals_at = self._call("vitals") & 0xFFFFFFFF

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
        self.memory.poke(self._call("input", len(blob)) & 0xFFFFFFFF, blob)
        began = time.monotonic()
        # Kept with the store, which goes on to call it at every epoch: while the world is sealed, too.
        self._epoch = on_epoch(self._store, lambda: proceed is None or proceed(0, time.monotonic() - began))
        packed = self._call("evaluate", len(script), len(name), int(time.time() * 1e6), secrets.randbits(63))
        return parse_frame(self.memory.peek_packed(packed))

    def seal(self, memory: int) -> tuple[bytes, int]:
        """(the image, the address where the guest notes the depth of its stack)."""
        self._call("seal", min(max(memory, 1), 0xFFFFFFFF), COLLECT_AFTER)  # 0 would mean without limit
        return self.snapshot(), self.memory.vitals()[1]

    def snapshot(self) -> bytes:
        """The memory up to the top of the heap; what lies above was never written."""
        return self.memory.peek(0, self.memory.vitals()[0])
