"""The shape of a guest: what is to be known of a module to recognise it and to make worlds of it.

It is kept on disk beside the compiled code, as reading a module of some megabytes takes longer than all else
of a second loading.
"""

from __future__ import annotations

from typing import Final, Self, final

import msgspec

from ._binary import PAGE, Binary, Export, Global, Import, Memory

__all__ = ["SECTION", "Shape"]

SECTION: Final = "isthmus:handlers"
"""Name of the custom section that says which exports are which handlers: a JSON object, or an array of names."""
EXTERNREF: Final = 0x6F
LONGEST_TYPE: Final = 100
"""Characters of a function's type that are told; it may have a thousand parameters."""


@final
class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """What a module asks for, offers and holds.

    Attributes:
        imports: what it asks for.
        exports: what it offers.
        memories: those it defines.
        changing: globals that can change.
        tables: the sizes of its tables at first.
        starts: it has a function that runs at instantiation.
        movable: what is in its memory at first can be put there without it.
        renewable: all its state is in memory, globals and tables, so that it can be put back.
        declared: what it says of its handlers, None where it says nothing.
        signatures: types of the functions it offers, by name: ``i32 i64 -> i32``, "" of one that is imported.
    """

    imports: tuple[Import, ...]
    exports: tuple[Export, ...]
    memories: tuple[Memory, ...]
    changing: tuple[Global, ...]
    tables: tuple[int, ...]
    starts: bool
    movable: bool
    renewable: bool
    declared: bytes | None
    signatures: dict[str, str]

    @classmethod
    def of(cls, binary: Binary) -> Self:
        """The shape of a module."""
        changing = tuple(each for each in binary.globals if each.mutable)
        size = binary.memories[0].minimum * PAGE if binary.memories else 0
        movable = bool(binary.memories) and all(
            segment.offset is not None and segment.offset + len(segment.data) <= size
            for segment in binary.data
        )
        return cls(
            imports=tuple(binary.imports),
            exports=tuple(binary.exports),
            memories=tuple(binary.memories),
            changing=changing,
            tables=tuple(binary.tables),
            starts=binary.start is not None,
            movable=movable,
            renewable=binary.plain
            and (movable or not binary.data)
            and all(each.type != EXTERNREF for each in changing),
            declared=binary.customs.get(SECTION),
            signatures={
                each.name: binary.signature(each.index)[:LONGEST_TYPE]
                for each in binary.exports
                if each.kind == "func"
            },
        )

    def exported(self, kind: str) -> dict[str, int]:
        """Indices of the exports of one kind, by name."""
        return {export.name: export.index for export in self.exports if export.kind == kind}
