"""The driver: a few lines of WebAssembly that put a guest's globals and tables back as they were.

``capture`` notes what they hold; ``restore`` puts it back, and says 0 where a table has another size than
it had.  What was noted of a global or a table is exported under its own name, so that the host can note
something else in its place, or compare.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ._binary import Global
from ._refit import GLOBAL, TABLE

__all__ = ["NUMERIC", "driver_text"]

NUMERIC: Final = {0x7F: "i32", 0x7E: "i64", 0x7D: "f32", 0x7C: "f64"}
REFERENCES: Final = {0x70: "funcref", 0x6F: "externref"}
V128: Final = 0x7B


def driver_text(changing: Sequence[Global], tables: Sequence[int]) -> str:
    """The driver of one guest.

    Args:
        changing: the guest's globals that can change.
        tables: the sizes of its tables at first.
    """
    imports, notes, capture, restore = [], [], [], []
    for each in changing:
        kind, zero = _type(each.type)
        name = f"{GLOBAL}{each.index}"
        imports.append(f'(import "guest" "{name}" (global $g{each.index} (mut {kind})))')
        notes.append(f'(global $n{each.index} (export "{name}") (mut {kind}) ({zero}))')
        capture.append(f"(global.set $n{each.index} (global.get $g{each.index}))")
        restore.append(f"(global.set $g{each.index} (global.get $n{each.index}))")
    for index, size in enumerate(tables):
        imports.append(f'(import "guest" "{TABLE}{index}" (table $t{index} {size} funcref))')
        notes.append(f'(table $s{index} (export "{TABLE}{index}") {size} funcref)')
        span = f"(i32.const 0) (i32.const 0) (i32.const {size})"
        capture.append(f"(table.copy $s{index} $t{index} {span})")
        restore.append(
            f"(if (i32.ne (table.size $t{index}) (i32.const {size})) (then (return (i32.const 0))))"
        )
        restore.append(f"(table.copy $t{index} $s{index} {span})")
    return "\n".join(
        [
            "(module",
            *imports,
            *notes,
            '(func (export "capture")',
            *capture,
            ")",
            '(func (export "restore") (result i32)',
            *restore,
            "(i32.const 1)))",
        ]
    )


def _type(kind: int) -> tuple[str, str]:
    """A type's name, and an expression for its zero."""
    if name := NUMERIC.get(kind):
        return name, f"{name}.const 0"
    if kind == V128:
        return "v128", "v128.const i64x2 0 0"
    name = REFERENCES[kind]
    return name, f"ref.null {name.removesuffix('ref')}"
