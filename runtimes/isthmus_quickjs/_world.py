"""A world: the sealed place in which one call happens, and the lane's worth of machinery round it.

A world is one wasmtime store with four parts: the world's own memory (mapped copy on write from the
image), the guest's code over it, a second, unwritten instance of the image, and the driver with its
exchange.  One thread uses it at a time.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

import msgspec
import wasmtime

from ._cold import Guard
from ._driver import ENTRIES, ENTRY, HEAD, KEPT_IN_WORLD, TABLE
from ._frames import heap_top
from ._memory import PAGE, GuestMemory, running
from ._wasm import Exports, RawCall, Stopped, on_epoch, set_epoch_deadline

if TYPE_CHECKING:
    from ._guest import Image

__all__ = ["EXCHANGE_PAGES", "RECORD_LIMIT", "ROOM", "STACK", "CrossingResult", "Ran", "World"]

STACK: Final = 4 * 1024 * 1024
"""Bytes at the foot of the guest's memory that are its stack; see guest/build.py."""
EXCHANGE_PAGES: Final = 16
OUT_AREA: Final = 512 * 1024
"""Where answers begin in the exchange; records lie below, so they and the answers get half each."""
ROOM: Final = OUT_AREA - ENTRIES
"""Bytes there are for the records of a crossing and their entries."""
RECORD_LIMIT: Final = 128 * 1024
"""A larger record goes in alone, straight into the world."""
KEPT_GROWTH: Final = 4 * 1024 * 1024
"""A world whose heap a call has grown by more is thrown away: clearing it costs more than another."""


class Ran(msgspec.Struct, gc=False):
    """What came of one record: the frame's bytes, the log's, and the seconds it ran."""

    frame: bytes
    log: bytes
    seconds: float


class CrossingResult(msgspec.Struct):
    """What came of one crossing.

    Attributes:
        ran: the records that were run to a frame, in order; the last may be waiting.
        stopped: why the record after those was stopped, or None.
        log: what the stopped record had logged.
        seconds: how long the stopped record ran.
    """

    ran: list[Ran]
    stopped: Stopped | None = None
    log: bytes = b""
    seconds: float = 0.0


class World:
    """One store holding a world of an image.

    Attributes:
        image: what it is restored to.
        pristine: nothing has run in it since it was made or restored.
        broken: it was stopped: to be closed, not used again.
        outgrown: its heap has grown so far that another world is cheaper than restoring it.
    """

    def __init__(self, image: Image) -> None:
        self.image = image
        self.pristine = True
        self.broken = False
        self.outgrown = False
        guest = image.guest
        store = self._store = wasmtime.Store(guest.code.engine)
        store.set_limits(memory_size=image.memory_cap)
        store.set_wasi(wasmtime.WasiConfig())  # no files, arguments or environment: for the driver's clock
        store.set_epoch_deadline(1 << 60)
        linker = guest.code.linker()
        memory = Exports(store, wasmtime.Instance(store, image.module, [])).memory("memory")
        self.memory = GuestMemory(store, memory, guest.vitals, source=image.source)
        pristine = Exports(store, wasmtime.Instance(store, image.module, [])).memory("memory")
        linker.define(store, "env", "memory", memory)
        code = Exports(store, linker.instantiate(store, guest.code.module))
        imports: tuple[tuple[str, str, wasmtime.Memory | wasmtime.Func], ...] = (
            ("world", "memory", memory),
            ("image", "memory", pristine),
            ("code", "input", code.func("input")),
            ("code", "invoke", code.func("invoke")),
        )
        for module, name, extern in imports:
            linker.define(store, module, name, extern)
        driver = Exports(store, linker.instantiate(store, image.driver))
        self._input = RawCall(store, code.func("input"), 1)
        self._invoke = RawCall(store, code.func("invoke"), 1)
        self._resume = RawCall(store, code.func("resume"), 2)
        self._settle = RawCall(store, code.func("settle"), 0)
        self._restore = RawCall(store, driver.func("restore"), 0)
        self._run_many = RawCall(store, driver.func("run_many"), 3)
        exchange = ctypes.cast(driver.memory("memory").data_ptr(store), ctypes.c_void_p).value or 0
        self._exchange = memoryview((ctypes.c_ubyte * (EXCHANGE_PAGES * PAGE)).from_address(exchange)).cast(
            "B"
        )
        self.guard = self.memory.guard = Guard(
            image.cold, self.memory, end=image.end, stack=STACK, table=exchange + TABLE
        )
        self._stack_pointer = code.global_("__stack_pointer")
        self._started = ctypes.c_int64.from_address(exchange + 8)
        self._begun = ctypes.c_int64.from_address(exchange + 16)
        self._soft = ctypes.c_int64.from_address(exchange + 24)
        self._current = ctypes.c_uint32.from_address(exchange + 32)
        self._out = ctypes.c_uint32.from_address(exchange + 36)
        self._kept_at = ctypes.c_uint32.from_address(exchange + 44)
        self._proceed: Callable[[int, float], bool] = _always
        self._crossing_began = 0.0
        self._direct = False
        self._epoch = on_epoch(store, self._on_epoch)

    def park(self) -> None:
        """Take no more of the system than a world must: it is not used for a while, and there may be many."""
        self.guard.lower()  # each run of its pages is a mapping, of which there are so many

    def close(self) -> None:
        """Give the memory back; collecting the garbage would, too late."""
        self.broken = True
        self._store.close()

    # -- many records in one crossing

    def run_many(
        self, records: Sequence[bytes], soft_seconds: float, proceed: Callable[[int, float], bool]
    ) -> CrossingResult:
        """Run records one after the other, each in a restored world, in one crossing.

        Ends early where a record waits (its world is then this one, as it left it), where the output
        has no room, or where a record would begin more than ``soft_seconds`` after the first.

        Args:
            records: what ``pack_record`` made, each at most RECORD_LIMIT bytes, together with an
                entry for each at most ROOM.
            soft_seconds: how long new records are begun.
            proceed: asked at every epoch with (index of the running record, seconds it has run);
                False stops it, and with it the crossing.
        """
        self._see_to_guard()
        count = len(records)
        entries, at = bytearray(), ENTRIES + count * ENTRY.size
        for record in records:
            entries += ENTRY.pack(at, len(record), 0, 0, 0, 0, 0)
            at += len(record)
        head = HEAD.pack(0, 0, 0, int(soft_seconds * 1e9), 0, OUT_AREA, EXCHANGE_PAGES * PAGE, 0)
        self._exchange[: len(head)] = head
        blob = b"".join((entries, *records))
        self._exchange[ENTRIES : ENTRIES + len(blob)] = blob
        stopped: Stopped | None = None
        self._enter(proceed, direct=False)
        try:
            done = self._run_from(0, count)
        except Stopped as error:
            stopped, self.broken = error, True
            done = self._current.value
        finally:
            self._proceed = _always
        ran = self._answers(min(done, count))
        if stopped is not None:
            return CrossingResult(ran, stopped, self.memory.log(), self._ran_for())
        if ran:
            self._note_growth(ran[-1].frame)
        return CrossingResult(ran)

    def _see_to_guard(self) -> None:
        self.image.cold.count_crossing()
        if not self.image.cold.worthwhile:
            self.guard.lower()
        elif self.guard.up:
            self.guard.follow()
        else:
            self.restore()
            self.guard.raise_()

    def _run_from(self, first: int, count: int) -> int:
        """Run the records; one that writes to a cold page is run again, from its start."""
        fresh, self.pristine = self.pristine, False
        while True:
            cpu = time.thread_time()
            try:
                return self._run_many(first, count, fresh) & 0xFFFFFFFF
            except Stopped as error:
                if not self.guard.surprised_by(error, time.thread_time() - cpu):
                    raise
            first, fresh = self._current.value, False
            self._crossing_began = time.monotonic()  # with the driver's own clock, which begins anew
            self._stack_pointer.set_value(self._store, STACK)

    def finish_early(self) -> list[Ran]:
        """End the crossing with the record that is running; what came of those before it."""
        self._soft.value = -1
        return self._answers(self._current.value)

    def _answers(self, done: int) -> list[Ran]:
        table = bytes(self._exchange[ENTRIES : ENTRIES + done * ENTRY.size])
        out = bytes(self._exchange[OUT_AREA : self._out.value])
        ran = []
        for _, _, start, length, log, _status, nanoseconds in ENTRY.iter_unpack(table):
            if start == KEPT_IN_WORLD:
                frame, logs = self.memory.peek(self._kept_at.value, length), self.memory.log()
            else:
                after = start - OUT_AREA + length
                frame, logs = out[start - OUT_AREA : after], out[after : after + log]
            ran.append(Ran(frame, logs, nanoseconds / 1e9))
        return ran

    # -- one call, straight into the world

    def restore(self) -> None:
        """Put the world back as the image has it."""
        if not self.pristine:
            self._restore()
            self.pristine = True

    def invoke(self, record: bytes, proceed: Callable[[int, float], bool]) -> CrossingResult:
        """Run one record in the world as it is."""
        return self._straight(proceed, lambda: self._invoke(self._put(record)))

    def resume(self, answers: bytes, now_us: int, proceed: Callable[[int, float], bool]) -> CrossingResult:
        """Hand a waiting call its answers and let it go on."""
        return self._straight(proceed, lambda: self._resume(self._put(answers), now_us))

    def settle(self) -> None:
        """Forget the call that has ended, for a world that is kept."""
        self._settle()

    def _straight(self, proceed: Callable[[int, float], bool], cross: Callable[[], int]) -> CrossingResult:
        self.guard.lower()
        self._enter(proceed, direct=True)
        self.pristine = False
        try:
            packed = cross()
        except Stopped as error:
            self.broken = True
            return CrossingResult([], error, self.memory.log(), self._ran_for())
        finally:
            self._proceed = _always  # what is done between calls is not the last one's to stop
        seconds = self._ran_for()
        frame, log = self.memory.peek_packed(packed), self.memory.log()
        self._note_growth(frame)
        return CrossingResult([Ran(frame, log, seconds)])

    def _put(self, data: bytes) -> int:
        self.memory.poke(self._input(len(data) + 1) & 0xFFFFFFFF, data)
        return len(data)

    # -- the clock, and what it costs

    def _enter(self, proceed: Callable[[int, float], bool], *, direct: bool) -> None:
        running.memory = self.memory
        self._proceed = proceed
        self._direct = direct
        self._crossing_began = time.monotonic()
        set_epoch_deadline(self._store, 1)

    def _ran_for(self) -> float:
        elapsed = time.monotonic() - self._crossing_began
        if self._direct:
            return elapsed
        return elapsed - (self._started.value - self._begun.value) / 1e9

    def _on_epoch(self) -> bool:
        index = 0 if self._direct else self._current.value
        return self._proceed(index, self._ran_for())

    def memory_used(self) -> int:
        """Bytes its code and heap take, at the most so far; the stack is not counted."""
        return max(0, self.memory.vitals()[0] - STACK)

    def _note_growth(self, frame: bytes) -> None:
        """Only the last call's heap is there to be cleared: earlier ones were, before it."""
        self.outgrown = heap_top(frame) - self.image.end > KEPT_GROWTH


def _always(_index: int, _seconds: float) -> bool:
    return True
