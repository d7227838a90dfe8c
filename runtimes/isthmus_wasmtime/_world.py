"""A world: one store with a guest, its memory, the kernel and the driver; the sealed place of one call.

A world that has run a call is put back as its image has it, or thrown away.  Its memory is mapped copy on
write, so putting it back is one system call: the pages that were written are dropped, and are read from the
image again when somebody looks.  Whether that is so on this machine is tried out once for each image.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import wasmtime

from isthmus.errors import RuntimeFault

from . import _kernel as kernel
from ._binary import PAGE
from ._image import Started
from ._linear import CAN_FORGET, LinearMemory
from ._refit import TABLE
from ._wasm import Exports, RawCall, Stopped, attach, detach, identity, new_host_func, watch_epochs

if TYPE_CHECKING:
    from ._image import Image
    from ._talk import Talk

__all__ = ["World"]

UNCOUNTED: Final = (1 << 63) - 1
"""Fuel for what is no call: putting a world together, and starting it once for all."""
MOST_TABLE: Final = 1 << 20
"""Elements of a table at the most; each is 8 bytes."""


class World:
    """One store holding a world of an image; one thread uses it at a time.

    Attributes:
        image: what it was made from.
        pristine: nothing has run in it since it was made or put back.
        broken: to be closed, not used again.
        fresh: what runs before anything else has not run in it.
        talk: what its guest is talking to while a call runs.
        asked: its guest wanted something of its host while no call ran, and did not get it.
        deadline: ``time.monotonic()`` until which it may run while no call runs, or None.

    Raises:
        wasmtime.WasmtimeError: the guest does not fit its imports, or the limits.
    """

    def __init__(self, image: Image) -> None:
        self.image = image
        self.pristine = True
        self.broken = False
        self.fresh = True
        self.asked = False
        self.deadline: float | None = None
        self.talk: Talk | None = None
        self.raised: BaseException | None = None
        self._number = attach(self)
        self._store = wasmtime.Store(image.engine)
        try:
            self._build()
        except BaseException:
            self.close()
            raise

    def _build(self) -> None:
        image, store = self.image, self._store
        store.set_limits(
            memory_size=image.memory_cap, table_elements=MOST_TABLE, instances=8, tables=64, memories=4
        )
        if image.fuel:
            store.set_fuel(UNCOUNTED)
        watch_epochs(store, self._number)
        host = new_host_func(store, image.host_type, self._number)
        self._memory: LinearMemory | None = None
        if image.memory is None:
            none = wasmtime.Memory(store, wasmtime.MemoryType(wasmtime.Limits(0, 0)))
        else:
            none = self._made(image.memory, [])["memory"]
            self._memory = LinearMemory(store, none)
        offers = self._made(image.kernel, [host, none])
        self._own = LinearMemory(store, offers["own"])
        self._own_base = self._own.address
        self._write_head(kernel.head(held=0, more=False, now_ns=kernel.FIRST_NS))
        self._exports = self._made(image.code, [offers[name] if name else none for name in image.sources])
        driver = self._noted = self._made(image.driver, [self._exports[name] for name in image.parts])
        self._restore = RawCall(store, driver["restore"], 1)
        self._calls: dict[str, RawCall] = {}
        RawCall(store, driver["capture"], 0)()
        if image.globals:
            for name, value in image.globals.items():
                driver[name].set_value(store, value)
            self._restore()

    def _made(
        self, module: wasmtime.Module, imports: Sequence[wasmtime.Func | wasmtime.Memory | wasmtime.Global]
    ) -> Exports:
        return Exports(self._store, wasmtime.Instance(self._store, module, imports))

    def refuel(self) -> None:
        """Give the guest the fuel of one call, where fuel is counted."""
        if self.image.fuel:
            self._store.set_fuel(self.image.fuel)

    @property
    def fuel_used(self) -> int:
        """Units of work since :meth:`refuel`, 0 where they are not counted."""
        return self.image.fuel - self._store.get_fuel() if self.image.fuel and self.talk is not None else 0

    def close(self) -> None:
        """Give the memory back; collecting the garbage would, too late."""
        if self._store is not None:
            self.broken = True
            self._store.close()
            detach(self._number)
            self.talk = None

    # ------------------------------------------------------------ running

    def start(self) -> None:
        """Run what of the guest runs before anything else, where its image has not done so.

        Raises:
            Stopped: it did not return.
        """
        for name in self.image.starts:
            self.enter(name)

    def enter(self, name: str) -> int:
        """Call one of the guest's functions of no parameters; its result, 0 for none.

        Raises:
            Stopped: it did not return.
        """
        call = self._calls.get(name)
        if call is None:
            call = self._calls[name] = RawCall(self._store, self._exports[name], 1)
        self.pristine = False
        self.raised = None
        result = call(0)  # what a function without a result leaves there
        return ctypes.c_int32(result & 0xFFFFFFFF).value

    def call(self, operation: int, one: int, other: int) -> int:
        """Do something for the guest; see :class:`isthmus_wasmtime._wasm.Boundary`."""
        if self.talk is None:
            self.asked = True
            raise RuntimeFault("a guest asks for something while no call runs")
        return self.talk.perform(self, operation, one, other)

    def proceed(self) -> bool:
        """Whether the guest may run on."""
        if self.talk is not None:
            return self.talk.proceed()
        return self.deadline is None or time.monotonic() < self.deadline

    def fail(self, error: BaseException) -> None:
        """Keep what stopped the guest."""
        if self.raised is None:
            self.raised = error

    # ------------------------------------------------------------ the kernel's memory

    def begin(self, data: bytes, now_ns: int, *, stdin: bool) -> bytes:
        """Lay out the head and the input; what of the input found no room is returned."""
        if stdin:
            self._write_head(
                kernel.head(
                    held=min(len(data), kernel.IN_SIZE), more=len(data) > kernel.IN_SIZE, now_ns=now_ns
                )
            )
            self.write(kernel.IN, data[: kernel.IN_SIZE])
            return data[kernel.IN_SIZE :]
        missing = kernel.HEAP + 48 + len(data) - self._own.size
        if missing > 0:
            self._own.grow(-(-missing // PAGE))
        self._write_head(kernel.head(held=0, more=False, now_ns=now_ns, extism=len(data)))
        if data:
            self.write(kernel.HEAP, kernel.block_head(len(data)))
            self.write(kernel.HEAP + 16, data)
        return b""

    def more_input(self, data: bytes, *, more: bool) -> None:
        """Put the next part of the input where the guest reads it."""
        self.write(kernel.IN, data)
        self.write_u32(0, kernel.IN)
        self.write_u32(4, kernel.IN + len(data))
        self.write_u32(8, int(more))

    def _write_head(self, head: bytes) -> None:
        ctypes.memmove(self._own_base, head, len(head))
        ctypes.memmove(self._own_base + kernel.ARGUMENT, b"function\0", 9)

    def read(self, at: int, length: int) -> bytes:
        """Bytes of the kernel's memory.

        Raises:
            ValueError: they are not all there.
        """
        if at < 0 or length < 0 or at + length > self._own.size:
            raise ValueError(
                f"{length} bytes at {at} are not in the memory that the guest shares with its host"
            )
        return ctypes.string_at(self._own_base + at, length)

    def write(self, at: int, data: bytes) -> None:
        """Put bytes into the kernel's memory; ValueError where there is no room."""
        if at < 0 or at + len(data) > self._own.size:
            raise ValueError(f"{len(data)} bytes find no room at {at}")
        ctypes.memmove(self._own_base + at, data, len(data))

    def read_u32(self, at: int) -> int:
        """A number of the kernel's head."""
        return ctypes.c_uint32.from_address(self._own_base + at).value

    def write_u32(self, at: int, value: int) -> None:
        """Change a number of the kernel's head."""
        ctypes.c_uint32.from_address(self._own_base + at).value = value

    def waited(self, nanoseconds: int) -> None:
        """Move the guest's clocks on."""
        clock = ctypes.c_uint64.from_address(self._own_base + kernel.CLOCK_AT)
        clock.value = (clock.value + nanoseconds) & ((1 << 64) - 1)

    def block(self, at: int) -> bytes:
        """The bytes of a block that the guest has named.

        Raises:
            ValueError: it is none.
        """
        at &= (1 << 64) - 1
        if at < kernel.HEAP + 16 or at & 15:
            raise ValueError(f"{at} is no block of memory")
        head = self.read(at - 16, 16)
        if int.from_bytes(head[12:], "little") != 0x6C697665 ^ (at & 0xFFFFFFFF):
            raise ValueError(f"{at} is no block of memory")
        return self.read(at, int.from_bytes(head[4:8], "little"))

    def taken(self, stream: int) -> bytes:
        """What the guest has written to a stream (2: output, 3: log) since the last time."""
        counter, area, size = (
            (12, kernel.OUT, kernel.OUT_SIZE) if stream == 2 else (16, kernel.ERR, kernel.ERR_SIZE)
        )
        data = self.read(area, min(self.read_u32(counter), size))
        self.write_u32(counter, 0)
        return data

    # ------------------------------------------------------------ putting it back

    @property
    def memory_bytes(self) -> int:
        """Bytes of the guest's memory and of what it has had the kernel hold."""
        guest = 0 if self._memory is None else self._memory.size
        return guest + self._own.size - kernel.PAGES * PAGE

    def renew(self) -> bool:
        """Put it back as its image has it; False, and it is broken, where that cannot be."""
        if self.pristine:
            return True
        if self.image.fuel:
            self._store.set_fuel(UNCOUNTED)
        if self.broken or not self.image.renewable or not CAN_FORGET or not self._renew():
            self.broken = True
            return False
        self.pristine = True
        return True

    def _renew(self) -> bool:
        own, memory = self._own, self._memory
        if own.size != kernel.PAGES * PAGE:
            return False
        self.talk = None
        own.forget()
        if memory is not None:
            if memory.size != self.image.pages * PAGE:
                return False
            memory.forget()
        try:
            return bool(self._restore())
        except Stopped:
            return False

    # ------------------------------------------------------------ looking at it

    def memory(self) -> bytes:
        """The guest's whole memory."""
        return b"" if self._memory is None else self._memory.content()

    def scribble(self) -> None:
        """Write over a byte of each page of both memories, to see whether that can be undone."""
        self._own.scribble()
        if self._memory is not None:
            self._memory.scribble()
        self.pristine = False

    def started(self) -> Started | None:
        """What it holds after its start; None where a world could not be made from that."""
        if not self.image.readable:
            return None
        values = {}
        for name in self.image.parts:
            if isinstance(each := self._exports[name], wasmtime.Global):
                values[name] = each.value(self._store)
        return Started(self.memory(), values)

    def tables_changed(self) -> bool:
        """Whether its tables hold something else than when it was made."""
        store, names = self._store, [name for name in self.image.parts if name.startswith(TABLE)]
        return any(
            table.size(store) != noted.size(store)
            or any(
                _entry(table, store, index) != _entry(noted, store, index)
                for index in range(noted.size(store))
            )
            for table, noted in ((self._exports[name], self._noted[name]) for name in names)
        )


def _entry(table: wasmtime.Table, store: wasmtime.Store, index: int) -> bytes:
    """Which function is at a place of a table, by what wasmtime knows it by."""
    found = table.get(store, index)
    return identity(found) if isinstance(found, wasmtime.Func) else b""
