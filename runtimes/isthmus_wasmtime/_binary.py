"""WebAssembly binaries read: what a module imports, exports and holds, and its sections one by one.

Only what has been validated by wasmtime is read here, so that what is odd is refused and not guessed at.
Source for the layouts: WebAssembly core specification, 5 Binary Format.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, final

import msgspec

from ._pieces import Malformed, Reader, read_uleb
from ._signatures import VALUES, defined_types

__all__ = [
    "MAGIC",
    "Binary",
    "DataSegment",
    "Export",
    "Global",
    "Import",
    "Memory",
    "custom_of",
    "is_component",
    "sections",
]

MAGIC: Final = b"\0asm\1\0\0\0"
COMPONENT: Final = b"\0asm\x0d\0\1\0"
PAGE: Final = 65536
KINDS: Final = ("func", "table", "memory", "global", "tag")
CUSTOM, TYPE, IMPORT, FUNCTION, TABLE, MEMORY, GLOBAL, EXPORT, START, ELEMENT, DATA = 0, 1, *range(2, 10), 11
I32_CONST, END = 0x41, 0x0B


@final
class Import(msgspec.Struct, frozen=True, gc=False):
    """Something a module asks for; ``kind`` is ``func``, ``table``, ``memory``, ``global`` or ``tag``."""

    module: str
    name: str
    kind: str


@final
class Export(msgspec.Struct, frozen=True, gc=False):
    """Something a module offers, by its index among those of its kind."""

    name: str
    kind: str
    index: int


@final
class Memory(msgspec.Struct, frozen=True, gc=False):
    """A memory's pages: at first, and at the most where the module says so."""

    minimum: int
    maximum: int | None


@final
class Global(msgspec.Struct, frozen=True, gc=False):
    """A global the module defines: its index, the byte of its type, whether it can change."""

    index: int
    type: int
    mutable: bool


@final
class DataSegment(msgspec.Struct, frozen=True, gc=False):
    """Bytes put into the memory at a constant address; ``offset`` is None where it is anything else."""

    offset: int | None
    data: bytes


def custom_of(data: bytes, name: str) -> bytes | None:
    """What a module's or a component's custom section of a name holds, None where it has none.

    Raises:
        Malformed: it is neither.
    """
    for number, body in sections(data):
        if number == CUSTOM:
            reader = Reader(body)
            if reader.name() == name:
                return reader.rest()
    return None


def is_component(data: bytes) -> bool:
    """Whether a binary is a component and no core module."""
    return data[:8] == COMPONENT


@final
class Binary:
    """A core module taken apart as far as is needed here.

    Attributes:
        sections: (id, body) of each, in order.
        imports: what it asks for.
        exports: what it offers.
        memories: those it defines.
        globals: those it defines.
        tables: smallest sizes of those it defines.
        data: its data segments, in order.
        start: index of the function that runs at instantiation, or None.
        types: its types, in order, ``i32 i64 -> i32`` of a function and "" of what is none.
        functions: types of the functions it defines, by their indices among its types.
        plain: no part of it is used up by running: no passive segment, no table of odd types.
        customs: names of its custom sections, and what is in them.

    Raises:
        Malformed: it is none.
    """

    def __init__(self, data: bytes) -> None:
        if is_component(data):
            raise Malformed("a component, and no core module")
        self.sections = list(sections(data))
        self.imports: list[Import] = []
        self.exports: list[Export] = []
        self.memories: list[Memory] = []
        self.globals: list[Global] = []
        self.tables: list[int] = []
        self.data: list[DataSegment] = []
        self.customs: dict[str, bytes] = {}
        self.start: int | None = None
        self.types: list[str] = []
        self.functions: list[int] = []
        self.plain = True
        readers = {
            CUSTOM: self._custom,
            TYPE: self._types,
            IMPORT: self._imports,
            FUNCTION: self._functions,
            TABLE: self._tables,
            MEMORY: self._memories,
            GLOBAL: self._globals,
            EXPORT: self._exports,
            START: self._start,
            ELEMENT: self._elements,
            DATA: self._data,
        }
        for number, body in self.sections:
            if reader := readers.get(number):
                reader(Reader(body))

    def imported(self, kind: str) -> int:
        """How many of one kind it imports; what it defines is counted on from there."""
        return sum(each.kind == kind for each in self.imports)

    def _custom(self, reader: Reader) -> None:
        name = reader.name()
        self.customs.setdefault(name, reader.rest())

    def signature(self, index: int) -> str:
        """The type of a function, "" of one that is imported."""
        own = index - self.imported("func")
        return self.types[self.functions[own]] if own >= 0 else ""

    def _types(self, reader: Reader) -> None:
        for _ in range(reader.uleb()):
            self.types += defined_types(reader)

    def _functions(self, reader: Reader) -> None:
        self.functions += [reader.uleb() for _ in range(reader.uleb())]

    def _imports(self, reader: Reader) -> None:
        for _ in range(reader.uleb()):
            module, name, kind = reader.name(), reader.name(), reader.byte()
            if kind >= len(KINDS):
                raise Malformed(f"an import of kind {kind}")
            self.imports.append(Import(module, name, KINDS[kind]))
            _skip_import_type(reader, kind)

    def _tables(self, reader: Reader) -> None:
        for _ in range(reader.uleb()):
            if reader.byte() not in {0x70, 0x6F}:
                self.plain = False
                return
            self.tables.append(_limits(reader)[0])

    def _memories(self, reader: Reader) -> None:
        for _ in range(reader.uleb()):
            self.memories.append(Memory(*_limits(reader)))

    def _globals(self, reader: Reader) -> None:
        base = self.imported("global")
        for number in range(reader.uleb()):
            kind, mutable = reader.byte(), reader.byte()
            if kind not in VALUES:
                raise Malformed("a global of a type that garbage collection or exceptions brought")
            self.globals.append(Global(base + number, kind, bool(mutable)))
            _skip_constant(reader)

    def _exports(self, reader: Reader) -> None:
        for _ in range(reader.uleb()):
            name, kind = reader.name(), reader.byte()
            if kind >= len(KINDS):
                raise Malformed(f"an export of kind {kind}")
            self.exports.append(Export(name, KINDS[kind], reader.uleb()))

    def _start(self, reader: Reader) -> None:
        self.start = reader.uleb()

    def _elements(self, reader: Reader) -> None:
        for _ in range(reader.uleb()):
            flags = reader.uleb()
            if flags & 1 and not flags & 2:
                self.plain = False  # passive: instructions use it up
            if flags & 2 and not flags & 1:
                reader.uleb()
            if not flags & 1:
                _skip_constant(reader)
            if (flags & 4 and flags & 3) or flags & 3:
                reader.byte()
            for _ in range(reader.uleb()):
                if flags & 4:
                    _skip_constant(reader)
                else:
                    reader.uleb()

    def _data(self, reader: Reader) -> None:
        for _ in range(reader.uleb()):
            flags = reader.uleb()
            if flags == 1:
                self.plain = False  # passive
                self.data.append(DataSegment(None, reader.take(reader.uleb())))
                continue
            if flags == 2 and reader.uleb():
                raise Malformed("data for a second memory")
            offset: int | None = None
            if reader.peek() == I32_CONST:
                reader.byte()
                offset = reader.sleb() & 0xFFFFFFFF
                if reader.byte() != END:
                    raise Malformed("data at an address that is computed")
            else:
                _skip_constant(reader)
            self.data.append(DataSegment(offset, reader.take(reader.uleb())))


def sections(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The sections of a module or a component: the number of each, and its body.

    Raises:
        Malformed: it is neither, or cut off.
    """
    if data[:8] not in {MAGIC, COMPONENT}:
        raise Malformed("not a WebAssembly module of version 1")
    at = 8
    while at < len(data):
        size, start = read_uleb(data, at + 1)
        if start + size > len(data):
            raise Malformed("a section runs past the end")
        yield data[at], data[start : start + size]
        at = start + size


def _limits(reader: Reader) -> tuple[int, int | None]:
    flags = reader.uleb()
    if flags & ~1:
        raise Malformed(
            "a memory or a table of a kind (shared, of 64 bits, of odd pages) that worlds have not"
        )
    minimum = reader.uleb()
    return minimum, reader.uleb() if flags & 1 else None


def _skip_import_type(reader: Reader, kind: int) -> None:
    if KINDS[kind] == "func":
        reader.uleb()
    elif KINDS[kind] == "table":
        if reader.byte() in {0x63, 0x64}:
            reader.sleb()
        reader.uleb()
        raise Malformed("it imports a table")
    elif KINDS[kind] == "memory":
        _limits(reader)
    elif KINDS[kind] == "global":
        if reader.byte() in {0x63, 0x64}:
            reader.sleb()
        reader.byte()
    else:
        reader.byte()
        reader.uleb()


def _skip_constant(reader: Reader) -> None:
    """Pass over a constant expression."""
    while (code := reader.byte()) != END:
        match code:
            case 0x41 | 0x42 | 0xD0:  # i32.const, i64.const, ref.null
                reader.sleb()
            case 0x43:
                reader.take(4)
            case 0x44:
                reader.take(8)
            case 0x23 | 0xD2:  # global.get, ref.func
                reader.uleb()
            case 0xFD:  # v128.const
                reader.uleb()
                reader.take(16)
            case 0x6A | 0x6B | 0x6C | 0x7C | 0x7D | 0x7E:  # sums of constants
                pass
            case _:
                raise Malformed(f"a constant made by instruction {code:#x}")
