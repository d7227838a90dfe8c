"""The types that a module defines, read: of functions as text, of anything else as nothing."""

from __future__ import annotations

from typing import Final

from ._pieces import Malformed, Reader

__all__ = ["VALUES", "defined_types"]

VALUES: Final = {
    0x7F: "i32", 0x7E: "i64", 0x7D: "f32", 0x7C: "f64", 0x7B: "v128", 0x70: "funcref", 0x6F: "externref",
}  # fmt: skip
PACKED: Final = frozenset({0x78, 0x77})
FUNC, STRUCT, ARRAY, SUB, SUB_FINAL, REC = 0x60, 0x5F, 0x5E, 0x50, 0x4F, 0x4E


def defined_types(reader: Reader) -> list[str]:
    """The next of a module's types, or the next group of them: ``i32 i64 -> i32`` of a function, "" of what is none.

    Raises:
        Malformed: one is of a kind that is not known here.
    """
    if reader.peek() != REC:
        return [_defined_type(reader)]
    reader.byte()
    return [_defined_type(reader) for _ in range(reader.uleb())]


def _defined_type(reader: Reader) -> str:
    kind = reader.byte()
    if kind in {SUB, SUB_FINAL}:
        for _ in range(reader.uleb()):
            reader.uleb()
        kind = reader.byte()
    if kind == FUNC:
        parameters = [_value_type(reader) for _ in range(reader.uleb())]
        results = [_value_type(reader) for _ in range(reader.uleb())]
        return f"{' '.join(parameters)} -> {' '.join(results)}".strip()
    if kind not in {STRUCT, ARRAY}:
        raise Malformed(f"a type of kind {kind}")
    for _ in range(reader.uleb() if kind == STRUCT else 1):
        if reader.peek() in PACKED:
            reader.byte()
        else:
            _value_type(reader)
        reader.byte()
    return ""


def _value_type(reader: Reader) -> str:
    kind = reader.byte()
    if kind in {0x63, 0x64}:
        reader.sleb()
    return VALUES.get(kind, "ref")
