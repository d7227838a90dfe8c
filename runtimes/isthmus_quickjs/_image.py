"""WebAssembly binaries taken apart and made: a module without its data, a module that is only data.

Source for the layouts: WebAssembly core specification, 5 Binary Format.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

__all__ = ["image_module", "initial_memory", "sections", "uleb", "without_data"]

PAGE: Final = 65536
CHUNK: Final = 4096  # what the system maps copy on write
MEMORY_SECTION, EXPORT_SECTION, DATA_SECTION, DATA_COUNT_SECTION = 5, 7, 11, 12
MAGIC: Final = b"\0asm\1\0\0\0"


def uleb(value: int) -> bytes:
    """Unsigned LEB128."""
    out = bytearray()
    while True:
        byte, value = value & 0x7F, value >> 7
        out.append(byte | (0x80 if value else 0))
        if not value:
            return bytes(out)


def sleb(value: int) -> bytes:
    """Signed LEB128, as ``i32.const`` takes its operand."""
    out = bytearray()
    while True:
        byte, value = value & 0x7F, value >> 7
        if (value == 0 and not byte & 0x40) or (value == -1 and byte & 0x40):
            out.append(byte)
            return bytes(out)
        out.append(byte | 0x80)


def read_uleb(data: bytes, at: int) -> tuple[int, int]:
    """(value, position after it); ValueError where there is none."""
    value = shift = 0
    while shift < 35:
        if at >= len(data):
            raise ValueError("a number runs past the end")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return value, at
    raise ValueError("a number is longer than 32 bits")


def sections(module: bytes) -> Iterator[tuple[int, bytes]]:
    """(id, body) of each section; ValueError where the binary is not one."""
    if module[:8] != MAGIC:
        raise ValueError("not a WebAssembly binary of version 1")
    at = 8
    while at < len(module):
        size, start = read_uleb(module, at + 1)
        if start + size > len(module):
            raise ValueError("a section runs past the end")
        yield module[at], module[start : start + size]
        at = start + size


def section(number: int, body: bytes) -> bytes:
    """A section with its head."""
    return bytes([number]) + uleb(len(body)) + body


def without_data(module: bytes) -> bytes:
    """The same code, for a memory that somebody else fills: no data, no custom sections."""
    dropped = {0, DATA_SECTION, DATA_COUNT_SECTION}
    return MAGIC + b"".join(
        section(number, body) for number, body in sections(module) if number not in dropped
    )


def initial_memory(module: bytes) -> bytes:
    """What a module's active data segments put into its memory, from address 0 on."""
    out = bytearray()
    for number, body in sections(module):
        if number != DATA_SECTION:
            continue
        count, at = read_uleb(body, 0)
        for _ in range(count):
            offset, at = _segment_offset(body, at)
            size, at = read_uleb(body, at)
            if at + size > len(body):
                raise ValueError("a data segment runs past the end")
            if len(out) < offset + size:
                out.extend(bytes(offset + size - len(out)))
            out[offset : offset + size] = body[at : at + size]
            at += size
    return bytes(out)


def _segment_offset(body: bytes, at: int) -> tuple[int, int]:
    """The offset of the segment whose head is at ``at``; only ``i32.const`` into memory 0 is understood."""
    kind, at = read_uleb(body, at)
    if kind != 0 or body[at : at + 1] != b"\x41":
        raise ValueError("a data segment is not an active one at a constant address")
    offset, at = read_uleb(
        body, at + 1
    )  # signed, but addresses below 64 MiB end in a byte without the sign bit
    if offset >= 1 << 26 or body[at : at + 1] != b"\x0b":
        raise ValueError("a data segment's address is not plain")
    return offset, at + 1


def segments(memory: bytes) -> Iterator[tuple[int, bytes]]:
    """(offset, bytes) of each run of chunks that are not all zero."""
    zero = bytes(CHUNK)
    start: int | None = None
    for at in range(0, len(memory), CHUNK):
        chunk = memory[at : at + CHUNK]
        filled = chunk != zero[: len(chunk)]
        if filled and start is None:
            start = at
        elif not filled and start is not None:
            yield start, memory[start:at]
            start = None
    if start is not None:
        yield start, memory[start:]


def image_module(memory: bytes, pages: int) -> bytes:
    """A module that exports ``memory`` of so many pages with these contents.

    It holds no code: it compiles in milliseconds, and wasmtime maps what it holds copy on write.
    """
    if len(memory) > pages * PAGE:
        raise ValueError(f"{len(memory)} bytes do not fit {pages} pages")
    runs = list(segments(memory))
    data = uleb(len(runs)) + b"".join(
        b"\x00\x41" + sleb(offset) + b"\x0b" + uleb(len(run)) + run for offset, run in runs
    )
    name = b"memory"
    return (
        MAGIC
        + section(MEMORY_SECTION, b"\x01\x00" + uleb(pages))
        + section(EXPORT_SECTION, b"\x01" + uleb(len(name)) + name + b"\x02\x00")
        + section(DATA_SECTION, data)
    )
