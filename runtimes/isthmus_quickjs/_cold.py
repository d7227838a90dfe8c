"""Cold pages: what the calls of a function do not write is kept from being written, and need not be put back.

A call writes to about half of its image's pages, and to much the same ones as the call before.  So the other pages
of a world are made read-only, and restoring it copies the rest.  Which they are is learned: a call that
writes to a cold page is stopped by the processor, the page is hot from then on, and the call is run again
from its start, in the same world.  An effect leaves a world only through its host, and a call that waits
for that loses its guard.

This stands on two things: the guest holds no bulk memory instructions (see guest/build.py), which wasmtime
runs in code of its own, where such a write would end the process; and what the host itself writes into a
world goes through :meth:`Guard.admit`.
"""

from __future__ import annotations

import ctypes
import mmap
import re
import struct
import threading
from typing import TYPE_CHECKING, Final

import wasmtime

from ._driver import MOST_RANGES
from ._faults import faults_are_traps, find_mprotect

if TYPE_CHECKING:
    from ._memory import GuestMemory
    from ._wasm import Stopped

__all__ = ["ColdPages", "Guard"]

GRAIN: Final = max(4096, mmap.PAGESIZE)
WORTHWHILE: Final = 4
"""Crossings after which an image's pages are learned: a function that is called a few times never needs it."""
MOST_RUNS: Final = MOST_RANGES - 1
"""Runs of cold pages in one world, the longest: each is a mapping to the system, which has a limit."""
MOST_SURPRISES: Final = 512
"""Writes to cold pages after which a function is left without any."""
LONG: Final = 0.01
"""Seconds of processor time; what has had more when it is stopped is run again without a guard, so once."""

_FAULT: Final = re.compile(r"memory fault at wasm address 0x([0-9a-f]+)")
_RANGE: Final = struct.Struct("<II")
_OUT_OF_BOUNDS: Final = wasmtime.TrapCode.MEMORY_OUT_OF_BOUNDS

_mprotect: Final = find_mprotect()


class ColdPages:
    """What the worlds of one image have learned of it; used by all lanes.

    Args:
        size: bytes of the image.

    Attributes:
        version: changes with every page that turns hot.
    """

    def __init__(self, size: int) -> None:
        self._hot = bytearray(size // GRAIN)  # what lies above the last whole page is hot
        self._lock = threading.Lock()
        self._crossings = 0
        self._surprises = 0
        self._given_up = _mprotect is None
        self.version = 0

    @property
    def worthwhile(self) -> bool:
        """Whether worlds are to be guarded."""
        return self._crossings > WORTHWHILE and not self._given_up and faults_are_traps()

    def count_crossing(self) -> None:
        """Another crossing of many calls begins."""
        self._crossings += 1

    def heat(self, at: int, length: int) -> None:
        """So many bytes from an address on are written by calls."""
        first, last = at // GRAIN, min((at + length - 1) // GRAIN, len(self._hot) - 1)
        with self._lock:
            self._hot[first : last + 1] = b"\1" * (last + 1 - first)
            self.version += 1
            self._surprises += 1
            if self._surprises > MOST_SURPRISES:
                self.give_up()

    def give_up(self) -> None:
        """Guard no world any more."""
        self._given_up = True

    def runs(self) -> tuple[int, list[tuple[int, int]]]:
        """The version, and (address, length) of each run of cold pages, in order."""
        with self._lock:
            version, hot = self.version, bytes(self._hot)
        runs = [(run.start() * GRAIN, (run.end() - run.start()) * GRAIN) for run in re.finditer(rb"\0+", hot)]
        return version, sorted(sorted(runs, key=lambda run: -run[1])[:MOST_RUNS])


class Guard:
    """The guard of one world: while it is up, the world's cold pages cannot be written.

    Args:
        cold: of its image.
        memory: the world's.
        end: first byte above its image.
        stack: first byte above its stack.
        table: address of the driver's table of what it puts back, see ``_driver``.
    """

    def __init__(self, cold: ColdPages, memory: GuestMemory, *, end: int, stack: int, table: int) -> None:
        self._cold = cold
        self._memory = memory
        self._end = end
        self._stack = stack
        self._table = table
        self._runs: list[tuple[int, int]] = []
        self._version = -1
        self._put_back_all()

    @property
    def up(self) -> bool:
        """Whether it is."""
        return bool(self._runs)

    @property
    def current(self) -> bool:
        """Whether it is up, and where the image's pages are cold by now."""
        return self.up and self._version == self._cold.version

    def raise_(self) -> None:
        """Guard what is cold by now; all of it is as the image has it."""
        self.lower()
        version, runs = self._cold.runs()
        for at, length in runs:
            if not self._protect(at, length, mmap.PROT_READ):
                self._cold.give_up()  # the system gives no more mappings
                self._unprotect()
                return
        self._runs, self._version = runs, version
        hot, after = [], 0
        for at, length in [*runs, (self._end, 0)]:
            if at > after:
                hot.append((after, at - after))
            after = at + length
        self._put_back(hot, stack=False)

    def lower(self) -> None:
        """Let everything be written."""
        if self._runs:
            self._runs = []
            self._unprotect()
            self._put_back_all()

    def surprised_by(self, stopped: Stopped, seconds: float) -> bool:
        """Whether that which stopped a call, after so much processor time, was this guard, which learns from it."""
        fault = _FAULT.search(str(stopped)) if stopped.code is _OUT_OF_BOUNDS else None
        if fault is None or not self.admit(int(fault[1], 16), 1):
            return False
        if seconds < LONG:
            self.raise_()
        return True

    def admit(self, at: int, length: int) -> bool:
        """So many bytes are about to be written: whether they are cold, which costs the world its guard."""
        if not any(at < start + size and start < at + length for start, size in self._runs):
            return False
        self._cold.heat(at, length)
        self.lower()
        return True

    def _put_back_all(self) -> None:
        self._put_back([(self._stack, self._end - self._stack)], stack=True)

    def _put_back(self, ranges: list[tuple[int, int]], *, stack: bool) -> None:
        table = b"".join(_RANGE.pack(*each) for each in [(stack, len(ranges)), *ranges])
        ctypes.memmove(self._table, table, len(table))

    def _unprotect(self) -> None:
        if not self._protect(0, self._end, mmap.PROT_READ | mmap.PROT_WRITE):
            raise MemoryError("a world's pages cannot be made writable again")

    def _protect(self, at: int, length: int, protection: int) -> bool:
        assert _mprotect is not None  # noqa: S101 -- else nothing is guarded
        return _mprotect(self._memory.base + at, -(-length // GRAIN) * GRAIN, protection) == 0
