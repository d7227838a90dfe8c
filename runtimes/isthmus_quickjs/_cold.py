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
MOST_RUNS: Final = MOST_RANGES - 2
"""Runs of cold pages in one world, the longest: each is a mapping to the system, which has a limit."""
MOST_SURPRISES: Final = 512
"""Writes to cold pages after which a function is left without any."""
LONG: Final = 0.01
"""Seconds of processor time; what has had more when it is stopped is run again without a guard, so once."""

_FAULT: Final = re.compile(r"memory fault at wasm address 0x([0-9a-f]+)")
_RUN: Final = re.compile(rb"\x01+")
_OPPOSITE: Final = bytes((1, *bytes(255)))
_RANGE: Final = struct.Struct("<II")
_OUT_OF_BOUNDS: Final = wasmtime.TrapCode.MEMORY_OUT_OF_BOUNDS

_mprotect: Final = find_mprotect()


class ColdPages:
    """What the worlds of one image have learned of it; used by all lanes.

    Args:
        size: bytes of the image.
        stack: bytes at its foot that are its stack, whole pages; what lies above a hot page of it is hot.

    Attributes:
        version: changes with every page that turns hot.
    """

    def __init__(self, size: int, stack: int) -> None:
        self._stack = stack // GRAIN
        self._cold = bytearray(b"\1" * (size // GRAIN))  # what lies above the last whole page is hot
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
        first, last = at // GRAIN, min((at + length - 1) // GRAIN, len(self._cold) - 1)
        if first < self._stack:
            # Of the stack no more is put back than was used: so it costs nothing to be done with the next times, too.
            first, last = max(0, 2 * first - self._stack), max(last, self._stack - 1)
        with self._lock:
            self._cold[first : last + 1] = bytes(last + 1 - first)
            self.version += 1
            self._surprises += 1
            if self._surprises > MOST_SURPRISES:
                self.give_up()

    def give_up(self) -> None:
        """Guard no world any more."""
        self._given_up = True

    def pages(self) -> tuple[int, bytes]:
        """The version, and a byte for each page, 1 where it is cold."""
        with self._lock:
            return self.version, bytes(self._cold)


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
        # A byte for each page, 1 where it cannot be written; empty while the guard is down.
        self._guarded = b""
        self._version = -1
        self._put_back_all()

    @property
    def up(self) -> bool:
        """Whether it is."""
        return bool(self._guarded)

    def raise_(self) -> None:
        """Guard what is cold by now; all of it is as the image has it."""
        self._version, cold = self._cold.pages()
        self._guarded = _longest(cold)
        if not all(self._protect(run, mmap.PROT_READ) for run in _runs(self._guarded)):
            self._cold.give_up()  # the system gives no more mappings
            self.lower()
            return
        self._put_back_hot()

    def follow(self) -> None:
        """Guard no longer what calls have turned out to write."""
        version, cold = self._cold.pages()
        if version != self._version:
            guarded = _longest(_both(self._guarded, cold))
            opened = _both(self._guarded, guarded.translate(_OPPOSITE))
            if not all(self._protect(run, mmap.PROT_READ | mmap.PROT_WRITE) for run in _runs(opened)):
                self.lower()
                return
            self._guarded, self._version = guarded, version
            self._put_back_hot()

    def lower(self) -> None:
        """Let everything be written."""
        if self._guarded:
            self._guarded = b""
            if not self._protect((0, -(-self._end // GRAIN)), mmap.PROT_READ | mmap.PROT_WRITE):
                raise MemoryError("a world's pages cannot be made writable again")
            self._put_back_all()

    def surprised_by(self, stopped: Stopped, seconds: float) -> bool:
        """Whether that which stopped a call, after so much processor time, was this guard, which learns from it."""
        fault = _FAULT.search(str(stopped)) if stopped.code is _OUT_OF_BOUNDS else None
        if fault is None or not self._holds(at := int(fault[1], 16), 1):
            return False
        self._cold.heat(at, 1)
        if seconds < LONG:
            self.follow()
        else:
            self.lower()
        return True

    def admit(self, at: int, length: int) -> None:
        """The host itself is about to write so many bytes: where they are cold, that costs the world its guard."""
        if self._holds(at, length):
            self._cold.heat(at, length)
            self.lower()

    def _holds(self, at: int, length: int) -> bool:
        return 1 in self._guarded[at // GRAIN : (at + length - 1) // GRAIN + 1]

    def _put_back_hot(self) -> None:
        pages = self._guarded
        hot, after = [], self._stack
        for first, last in [*_runs(pages), (len(pages), len(pages))]:
            if first * GRAIN > after:
                hot.append((after, first * GRAIN - after))
            after = max(after, last * GRAIN)
        hot.append((after, self._end - after))
        self._put_back((pages + b"\0").find(0) * GRAIN, hot)

    def _put_back_all(self) -> None:
        self._put_back(0, [(self._stack, self._end - self._stack)])

    def _put_back(self, floor: int, ranges: list[tuple[int, int]]) -> None:
        """Have the driver put back what of the stack lies above an address, as far as it was used, and some ranges."""
        table = b"".join(_RANGE.pack(*each) for each in [(floor, len(ranges)), *ranges])
        ctypes.memmove(self._table, table, len(table))

    def _protect(self, run: tuple[int, int], protection: int) -> bool:
        assert _mprotect is not None  # noqa: S101 -- else nothing is guarded
        first, last = run
        return _mprotect(self._memory.base + first * GRAIN, (last - first) * GRAIN, protection) == 0


def _runs(pages: bytes) -> list[tuple[int, int]]:
    """Each run of pages that have a 1: its first, and the first after it."""
    return [run.span() for run in _RUN.finditer(pages)]


def _longest(pages: bytes) -> bytes:
    """The pages of the longest runs alone, as many as there may be."""
    runs = _runs(pages)
    if len(runs) <= MOST_RUNS:
        return pages
    kept = bytearray(len(pages))
    for first, last in sorted(runs, key=lambda run: run[0] - run[1])[:MOST_RUNS]:
        kept[first:last] = pages[first:last]
    return bytes(kept)


def _both(some: bytes, others: bytes) -> bytes:
    """The pages that have a 1 in both."""
    both = int.from_bytes(some, "little") & int.from_bytes(others, "little")
    return both.to_bytes(len(some), "little")
