"""A guest refitted for its world: its memory comes from outside, and all that can change can be put back.

Its memory becomes an import, what was in it a module of its own, which wasmtime maps copy on write. Its
start function and its mutable globals become exports, so that the one runs when all imports are there and
the others can be put back.  Nothing else of it is touched: indices, code and behaviour stay.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ._binary import (
    DATA,
    EXPORT,
    IMPORT,
    MAGIC,
    MEMORY,
    START,
    Binary,
    DataSegment,
    Global,
    Memory,
)
from ._pieces import read_uleb, section, sleb, string, uleb
from ._shape import Shape

__all__ = ["GLOBAL", "INIT", "TABLE", "code_module", "data_module", "memory_module", "runs_of"]

INIT: Final = "isthmus:start"
GLOBAL: Final = "isthmus:global:"
TABLE: Final = "isthmus:table:"
CUSTOM: Final = 0
CHUNK: Final = 4096  # what the system maps copy on write
BEFORE_EXPORTS: Final = frozenset(range(1, EXPORT)) | {13}


def code_module(binary: Binary, shape: Shape) -> bytes:
    """The guest without its memory; it has passed :func:`isthmus_wasmtime._ways.recognise`."""
    return _code(binary, shape.changing, movable=shape.movable)


def data_module(binary: Binary, shape: Shape) -> bytes:
    """The module that defines the memory of a guest that has one, with what the guest has in it at first."""
    return memory_module(binary.memories[0], binary.data if shape.movable else ())


def memory_module(memory: Memory, data: Iterable[DataSegment]) -> bytes:
    """A module that exports ``memory`` of these pages with this in it, and holds no code."""
    runs = [each for each in data if each.data]
    body = uleb(len(runs)) + b"".join(
        b"\x00\x41" + sleb(_signed(each.offset or 0)) + b"\x0b" + uleb(len(each.data)) + each.data
        for each in runs
    )
    return (
        MAGIC
        + section(MEMORY, b"\x01" + _limits(memory))
        + section(EXPORT, b"\x01" + string("memory") + b"\x02\x00")
        + section(DATA, body)
    )


def runs_of(memory: bytes) -> list[DataSegment]:
    """The chunks of a memory that are not all zero, neighbours together."""
    zero = bytes(CHUNK)
    runs: list[DataSegment] = []
    start: int | None = None
    for at in range(0, len(memory), CHUNK):
        filled = memory[at : at + CHUNK] != zero
        if filled and start is None:
            start = at
        elif not filled and start is not None:
            runs.append(DataSegment(start, memory[start:at]))
            start = None
    if start is not None:
        runs.append(DataSegment(start, memory[start:]))
    return runs


def _code(binary: Binary, changing: tuple[Global, ...], *, movable: bool) -> bytes:
    out = bytearray(MAGIC)
    imported = exported = False
    extra_exports = [string(f"{GLOBAL}{each.index}") + b"\x03" + uleb(each.index) for each in changing]
    extra_exports += [
        string(f"{TABLE}{index}") + b"\x01" + uleb(index) for index in range(len(binary.tables))
    ]
    if binary.start is not None:
        extra_exports.append(string(INIT) + b"\x00" + uleb(binary.start))
    world = (
        [string("world") + string("memory") + b"\x02" + _limits(binary.memories[0])]
        if binary.memories
        else []
    )

    for number, body in binary.sections:
        if number == CUSTOM:
            if body[:5] == b"\x04name":
                out += section(number, body)
            continue
        if not imported and number > IMPORT:
            imported = True
            if world:
                out += section(IMPORT, _longer(b"\x00", world))
        if not exported and number not in BEFORE_EXPORTS and number != EXPORT:
            exported = True
            if extra_exports:
                out += section(EXPORT, _longer(b"\x00", extra_exports))
        if number == IMPORT:
            imported = True
            out += section(number, _longer(body, world))
        elif number == EXPORT:
            exported = True
            out += section(number, _longer(body, extra_exports))
        elif number in {MEMORY, START}:
            continue
        elif number == DATA and movable:
            # Emptied, not left out: instructions and other segments go by their numbers.
            out += section(number, uleb(len(binary.data)) + b"\x00\x41\x00\x0b\x00" * len(binary.data))
        else:
            out += section(number, body)
    if not exported and extra_exports:
        out += section(EXPORT, _longer(b"\x00", extra_exports))
    return bytes(out)


def _longer(body: bytes, extra: list[bytes]) -> bytes:
    """A vector with more entries at its end."""
    count, at = read_uleb(body, 0)
    return uleb(count + len(extra)) + body[at:] + b"".join(extra)


def _limits(memory: Memory) -> bytes:
    if memory.maximum is None:
        return b"\x00" + uleb(memory.minimum)
    return b"\x01" + uleb(memory.minimum) + uleb(memory.maximum)


def _signed(address: int) -> int:
    return address - (1 << 32) if address >= 1 << 31 else address
