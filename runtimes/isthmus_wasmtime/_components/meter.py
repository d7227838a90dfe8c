"""A meter put into a component: one function more, which says how many pages its memories have.

wasmtime tells nobody of the memories within a component, and a component exports none.  So a core module is added at the
component's end that imports them, each by the alias under which the component itself uses it for the values it exchanges.
Memories of components within the component are out of its reach.

Source for the layout: the component model's Binary.md.
"""

from __future__ import annotations

from typing import Final

from isthmus_wasmtime._binary import MAGIC, sections
from isthmus_wasmtime._pieces import Malformed, Reader, section, string, uleb

__all__ = ["EDITION", "PAGES", "metered"]

EDITION: Final = b"metered 1 "
"""Changes when what is added does: compiled code is kept under it."""
PAGES: Final = "isthmus-pages"
"""Name of the function: takes nothing, gives a u32."""

# Sections of a component, and what they count.
CORE_MODULE, CORE_INSTANCE, ALIAS, TYPE, CANON, IMPORT, EXPORT = 1, 2, 6, 7, 8, 10, 11
SORTS: Final = {0x01: "func", 0x03: "type"}
CORE_SORTS: Final = {0x00: "core func", 0x02: "core memory", 0x11: "core module"}
CORE, FUNC, CORE_FUNC, CORE_MEMORY, CORE_INSTANCE_SORT = 0x00, 0x01, 0x00, 0x02, 0x12
FROM_CORE, OUTER = 0x01, 0x02
LIFT, LOWER, RESOURCES = 0x00, 0x01, (0x02, 0x03, 0x04)
U32: Final = b"\x79"


def metered(component: bytes) -> bytes:
    """A component with the meter.

    Raises:
        Malformed: it has parts that are not known here, or no memory that can be seen.
    """
    counts = _Counts()
    for number, body in sections(component):
        counts.add(number, Reader(body))
    if not counts.memories:
        raise Malformed("no memory can be seen")
    return component + _meter(counts)


class _Counts:
    """How many things of each sort a component has so far: what is added goes by the next numbers."""

    def __init__(self) -> None:
        self.of = dict.fromkeys([*SORTS.values(), *CORE_SORTS.values(), "core instance"], 0)
        self.memories: dict[tuple[int, str], int] = {}

    def add(self, number: int, reader: Reader) -> None:
        """Count what a section defines."""
        if number == CORE_MODULE:
            self.of["core module"] += 1
        elif number in {CORE_INSTANCE, TYPE}:
            self.of["type" if number == TYPE else "core instance"] += reader.uleb()
        elif number in {ALIAS, CANON, IMPORT, EXPORT}:
            count = {ALIAS: self._alias, CANON: self._canon, IMPORT: self._import, EXPORT: self._export}[
                number
            ]
            for _ in range(reader.uleb()):
                count(reader)

    def _alias(self, reader: Reader) -> None:
        sort = self._sort(reader)
        target = reader.byte()
        if target == OUTER:
            reader.uleb()
            reader.uleb()
        else:
            instance, name = reader.uleb(), reader.name()
            if sort == "core memory" and target == FROM_CORE:
                self.memories.setdefault((instance, name), self.of[sort])
        self._count(sort)

    def _canon(self, reader: Reader) -> None:
        kind = reader.byte()
        if kind in RESOURCES:
            reader.uleb()
        elif kind in {LIFT, LOWER}:
            reader.byte()
            reader.uleb()
            for _ in range(reader.uleb()):
                if (option := reader.byte()) in {3, 4, 5}:  # a memory, and two functions
                    reader.uleb()
                elif option > 2:
                    raise Malformed(f"a function with option {option}")
            if kind == LIFT:
                reader.uleb()
        else:
            raise Malformed(f"a function of kind {kind}")
        self._count("func" if kind == LIFT else "core func")

    def _import(self, reader: Reader) -> None:
        self._name(reader)
        self._count(self._described(reader))

    def _export(self, reader: Reader) -> None:
        self._name(reader)
        sort = self._sort(reader)
        reader.uleb()
        if reader.byte():
            self._described(reader)
        self._count(sort)

    def _name(self, reader: Reader) -> None:
        if reader.byte() > 1:
            raise Malformed("a name with options")
        reader.name()

    def _described(self, reader: Reader) -> str | None:
        """The sort of what a description says."""
        sort = self._sort(reader)
        if sort == "type" and reader.byte():
            return sort  # a resource of its own
        reader.uleb()
        return sort

    def _sort(self, reader: Reader) -> str | None:
        sort = reader.byte()
        return CORE_SORTS.get(reader.byte()) if sort == CORE else SORTS.get(sort)

    def _count(self, sort: str | None) -> None:
        if sort is not None:
            self.of[sort] += 1


def _meter(counts: _Counts) -> bytes:
    of, memories = counts.of, list(counts.memories.values())
    names = [string(f"m{index}") for index in range(len(memories))]
    inlined = b"\x01" + uleb(len(names)) + b"".join(
        name + bytes([CORE_MEMORY]) + uleb(index) for name, index in zip(names, memories, strict=True)
    )  # fmt: skip
    instance = of["core instance"]
    argument = string("") + bytes([CORE_INSTANCE_SORT]) + uleb(instance)
    instantiated = b"\x00" + uleb(of["core module"]) + b"\x01" + argument
    alias = bytes([CORE, CORE_FUNC, FROM_CORE]) + uleb(instance + 1) + string("pages")
    lift = b"\x00\x00" + uleb(of["core func"]) + b"\x00" + uleb(of["type"])
    exported = b"\x00" + string(PAGES) + bytes([FUNC]) + uleb(of["func"]) + b"\x00"
    return b"".join(
        [
            section(CORE_MODULE, _module(names)),
            section(CORE_INSTANCE, b"\x02" + inlined + instantiated),
            section(ALIAS, b"\x01" + alias),
            section(TYPE, b"\x01" + b"\x40\x00\x00" + U32),
            section(CANON, b"\x01" + lift),
            section(EXPORT, b"\x01" + exported),
        ]
    )


def _module(names: list[bytes]) -> bytes:
    """The core module: imports memories, exports the sum of their sizes."""
    imports = b"".join(string("") + name + b"\x02\x00\x00" for name in names)
    sizes = [b"\x3f" + uleb(index) for index in range(len(names))]
    code = b"\x00" + sizes[0] + b"".join(size + b"\x6a" for size in sizes[1:]) + b"\x0b"
    return b"".join(
        [
            MAGIC,
            section(1, b"\x01\x60\x00\x01\x7f"),
            section(2, uleb(len(names)) + imports),
            section(3, b"\x01\x00"),
            section(7, b"\x01" + string("pages") + b"\x00\x00"),
            section(10, b"\x01" + uleb(len(code)) + code),
        ]
    )
