"""A guest's binary is read as wasmtime reads it, or refused as Malformed; what is read is all there is, with nothing of it twice."""

from __future__ import annotations

import functools

import wasmtime

from isthmus_wasmtime._binary import MAGIC, PAGE, Binary
from isthmus_wasmtime._pieces import Malformed, section
from isthmus_wasmtime._shape import Shape
from isthmus_wasmtime._wasm import new_engine

KINDS = (
    (wasmtime.FuncType, "func"),
    (wasmtime.TableType, "table"),
    (wasmtime.MemoryType, "memory"),
    (wasmtime.GlobalType, "global"),
)


def check(data: bytes) -> None:
    try:
        binary = Binary(data)
    except Malformed:
        return
    assert MAGIC + b"".join(section(number, body) for number, body in binary.sections) == data or _padded(
        data
    )
    shape = Shape.of(binary)
    try:
        wasmtime.Module.validate(_engine(), data)
    except wasmtime.WasmtimeError:
        return
    module = wasmtime.Module(_engine(), data)
    assert [(each.module, each.name, each.kind) for each in shape.imports] == [
        (each.module, each.name, _kind(each.type)) for each in module.imports
    ]
    assert [(each.name, each.kind) for each in shape.exports] == [
        (each.name, _kind(each.type)) for each in module.exports
    ]
    size = shape.memories[0].minimum * PAGE if shape.memories else 0
    if shape.movable:
        assert all(
            segment.offset is not None and segment.offset + len(segment.data) <= size
            for segment in binary.data
        )


def _padded(data: bytes) -> bool:
    """Whether a section's length is written in more bytes than it needs, as compilers do."""
    at = len(MAGIC)
    while at < len(data):
        size, shift, start = 0, 0, at + 1
        while True:
            byte = data[start]
            size |= (byte & 0x7F) << shift
            shift += 7
            start += 1
            if byte < 0x80:
                break
        if shift > 7 and byte == 0:
            return True
        at = start + size
    return False


def _kind(kind: object) -> str:
    return next((name for each, name in KINDS if isinstance(kind, each)), "tag")


@functools.cache
def _engine() -> wasmtime.Engine:
    return new_engine()
