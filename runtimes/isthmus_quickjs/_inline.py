"""Inline calls: run in the Trio thread itself, where a call is short and nothing else is to be done.

Two hops between threads cost more than a short call.  So a call that comes alone gets a tick or two where it was asked
for, in a world of its own kind, under a stack that any thread has.  Whatever does not end well within that (it runs on,
recurses deeper, waits for its host, asks for what takes long) is forgotten and run again, from its start, in a lane: an
effect leaves a world only through its host, and this one has had none.  Programs whose calls do so are tried less and less.
"""

from __future__ import annotations

import ctypes
import sys
import threading
import time
from typing import TYPE_CHECKING, Final

import trio
import wasmtime

from isthmus.abc import Killed

from ._driver import STACK_MARGIN
from ._frames import WAITING, Frame
from ._lanes import TICK
from ._memory import PAGE, GuestMemory, running
from ._wasm import Exports, RawCall, Stopped, set_epoch_deadline
from ._world import KEPT_GROWTH, RECORD_LIMIT

if TYPE_CHECKING:
    from ._calls import CallQueue, Journey
    from ._guest import Guest, Image
    from ._lanes import Lanes

__all__ = ["InlineCalls", "InlineLane", "InlineWorld"]

TICKS: Final = 2
"""Looks at the clock after which an inline call is stopped: for so long the Trio thread may stand still."""
FIRST: Final = 8
"""Calls of a program that go to a lane before one is tried inline: a process that makes a few needs no second engine."""
MOST_SKIPPED: Final = 4096
"""Calls that go to a lane, at the most, before another is tried inline."""
NEEDED_STACK: Final = 4 * 1024 * 1024
"""Bytes of stack a thread must have: what the guest may use, Python's own, and as much again."""


class InlineWorld:
    """A world for inline calls; used by the Trio thread alone.

    Its memory is a plain copy of the image, which is copied back before each call.
    """

    def __init__(self, image: Image) -> None:
        code = image.guest.inline
        store = self._store = wasmtime.Store(code.engine)
        store.set_limits(memory_size=image.memory_cap)
        store.set_epoch_deadline(1 << 60)
        pages = -(-image.end // PAGE)
        memory = wasmtime.Memory(store, wasmtime.MemoryType(wasmtime.Limits(pages, None)))
        linker = code.linker()
        linker.define(store, "env", "memory", memory)
        exports = Exports(store, linker.instantiate(store, code.module))
        self.memory = GuestMemory(store, memory, image.guest.vitals, thrifty=True, source=image.source)
        self._image = image
        self._source = ctypes.cast(ctypes.c_char_p(image.memory), ctypes.c_void_p).value or 0
        base = self.memory.base
        self._low = ctypes.c_uint32.from_address(base + image.stack_low)
        self._top = ctypes.c_uint32.from_address(base + image.guest.vitals)
        self._input = RawCall(store, exports.func("input"), 1)
        self._invoke = RawCall(store, exports.func("invoke"), 1)
        ctypes.memmove(base, self._source, image.end)

    def close(self) -> None:
        """Give the memory back."""
        self._store.close()

    def run(self, record: bytes) -> tuple[bytes, bytes] | None:
        """A record's frame and log, None where it was stopped, after which the world is of no more use."""
        running.memory = self.memory
        set_epoch_deadline(self._store, TICKS)
        try:
            self.memory.poke(self._input(len(record) + 1) & 0xFFFFFFFF, record)
            packed = self._invoke(len(record))
        except Stopped:
            return None
        return self.memory.peek_packed(packed), self.memory.log()

    def restore(self) -> bool:
        """Put the world back as the image has it; whether that was worth it."""
        base, end = self.memory.base, self._image.end
        low = min(max(self._low.value - STACK_MARGIN, 0), end)
        grown = max(self._top.value - end, 0)
        if grown > KEPT_GROWTH:
            return False
        ctypes.memset(self.memory.address(end, grown), 0, grown)
        ctypes.memmove(base + low, self._source + low, end - low)
        return True


class InlineLane:
    """The Trio thread, as far as it runs guests; one for all programs of a runtime."""

    def __init__(self, guest: Guest, lanes: Lanes) -> None:
        self._guest = guest
        self._lanes = lanes
        self._watched = False
        self._fits = _stack_size() >= NEEDED_STACK
        self.taken = False

    @property
    def free(self) -> bool:
        """Whether nothing else runs, or is about to: then no other processor would be faster."""
        return self._fits and not self.taken and self._lanes.idle

    def prepare(self) -> None:
        """See to it that the clock moves on."""
        if not self._watched:
            self._watched = True
            self._lanes.watch(self._guest.inline.engine)
        self._lanes.keep_ticking()


class InlineCalls:
    """The calls of one program that are run inline."""

    def __init__(self, queue: CallQueue, lane: InlineLane) -> None:
        self._queue = queue
        self._lane = lane
        self._world: InlineWorld | None = None
        self._pause = FIRST
        self._skip = FIRST
        limits = queue.limits
        self._never = not queue.image.copied or min(limits.wall, limits.cpu) <= TICKS * TICK

    async def attempt(self, journey: Journey) -> Frame | Killed | None:
        """What a call says that has ended; None where it is to be run in a lane, not having begun."""
        if self._skip:
            self._skip -= 1
            return None
        lane = self._lane
        if self._never or not lane.free or len(journey.record) > RECORD_LIMIT:
            return None
        lane.taken = True
        try:
            await trio.lowlevel.checkpoint()  # who comes meanwhile finds it taken, and goes to a lane
            landing = self._run(journey)
        finally:
            lane.taken = False
        if landing is None:
            self._pause = self._skip = min(self._pause * 2, MOST_SKIPPED)
        elif self._pause > FIRST:
            self._pause -= 1
        return landing

    def close(self) -> None:
        """Close the world that is kept."""
        if self._world is not None:
            self._world.close()
            self._world = None

    def _run(self, journey: Journey) -> Frame | Killed | None:
        queue = self._queue
        self._lane.prepare()
        world, self._world = self._world or InlineWorld(queue.image), None
        cpu = time.thread_time()
        journey.began = time.monotonic()
        ran = world.run(journey.record)
        spent = time.thread_time() - cpu
        if ran is None:
            landing: Frame | Killed | None = None
        else:
            queue.compare_clocks()
            landing = queue.absorb(journey, *ran, spent)
        if isinstance(landing, Frame) and landing.status == WAITING:
            landing = None
        if landing is None:
            journey.forget()
        if ran is not None and not isinstance(landing, Killed) and world.restore():
            self._world = world
        else:
            world.close()
        return landing


def _stack_size() -> int:
    """Bytes of stack of this thread, 0 where nobody knows."""
    if not sys.platform.startswith("linux"):
        return 0
    try:
        library = ctypes.CDLL(None)
        attributes = ctypes.create_string_buffer(256)  # more than any C library's pthread_attr_t
        size = ctypes.c_size_t()
        thread = ctypes.c_void_p(threading.get_ident())
        if library.pthread_getattr_np(thread, attributes) != 0:
            return 0
        try:
            library.pthread_attr_getstacksize(attributes, ctypes.byref(size))
        finally:
            library.pthread_attr_destroy(attributes)
        return size.value
    except (OSError, AttributeError):
        return 0
