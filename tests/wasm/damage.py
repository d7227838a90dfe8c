"""Sound guests made unsound: sections and bytes of them changed, left out, doubled, put elsewhere.

A change is a line, so that a damaged guest can be written down: ``command`` begins with a guest of that name, and
``byte 17 255``, ``bit 17 3``, ``insert 17 4``, ``cut 100``, ``drop 2``, ``twice 2``, ``swap 1 4``, ``size 3 1000``,
``take plugin 3`` and ``in 2``, after which the changes are made within that section, follow.  Places and sections
are counted around, so that every number is one.
"""

from __future__ import annotations

from functools import lru_cache

import wasmtime
from tests.wasm.components import answers, prints, returns
from tests.wasm.modules import command, plugin, says

from isthmus_wasmtime._pieces import read_uleb, uleb

GUESTS = {
    "command": says('{"return": 1}'),
    "tables": command(
        "(call_indirect (i32.const 0)) (drop (memory.grow (i32.const 1)))",
        more='(table 4 8 funcref) (elem (i32.const 0) $f) (global $g (mut i64) (i64.const 7)) (func $f (global.set $g (i64.const 8)))',
    ),
    "plugin": plugin("(call $give (call $block (i32.const 1024) (i32.const 4))) (i32.const 0)", data="null"),
    "component": prints('{"return": 1}'),
    "function": answers(returns(1, 1024, 4), data="null"),
}  # fmt: skip
LONGEST = 64
MOST_INSERTED = 4096


@lru_cache
def sound(name: str) -> bytes:
    """The binary of a guest that has nothing wrong."""
    return bytes(wasmtime.wat2wasm(GUESTS[name]))


def damaged(text: str) -> bytes:
    """The binary that the lines of a text describe.

    Raises:
        ValueError: they describe none.
    """
    lines = [line.split() for line in text.splitlines()[:LONGEST] if line.strip()]
    if not lines or lines[0][0] not in GUESTS:
        raise ValueError(f"a damaged guest begins with one of {', '.join(GUESTS)}")
    return _changed(sound(lines[0][0]), lines[1:])


def _changed(data: bytes, changes: list[list[str]]) -> bytes:
    for index, (word, *arguments) in enumerate(changes):
        if word == "in":
            return _within(data, int(arguments[0]), changes[index + 1 :])
        data = _change(data, word, arguments)
    return data


def _within(data: bytes, number: int, changes: list[list[str]]) -> bytes:
    parts = _sections(data)
    if not parts:
        return _changed(data, changes)
    at = number % len(parts)
    kind, body = parts[at][0], parts[at][_head(parts[at]) :]
    body = _changed(body, changes)
    parts[at] = bytes([kind]) + uleb(len(body)) + body
    return data[:8] + b"".join(parts)


def _change(data: bytes, word: str, arguments: list[str]) -> bytes:
    if word == "take":
        parts = _sections(sound(arguments[0]))
        return data + parts[int(arguments[1]) % len(parts)]
    first, second = (*(int(each) for each in arguments), 0, 0)[:2]
    if word in {"byte", "bit", "insert", "cut"}:
        return _change_bytes(bytearray(data), word, first % max(1, len(data)), second)
    parts = _sections(data)
    if not parts:
        return data
    at = first % len(parts)
    match word:
        case "drop":
            del parts[at]
        case "twice":
            parts.insert(at, parts[at])
        case "swap":
            other = second % len(parts)
            parts[at], parts[other] = parts[other], parts[at]
        case "size":
            parts[at] = parts[at][:1] + uleb(second % (1 << 32)) + parts[at][_head(parts[at]) :]
        case _:
            raise ValueError(f"there is no change {word!r}")
    return data[:8] + b"".join(parts)


def _change_bytes(data: bytearray, word: str, at: int, value: int) -> bytes:
    match word:
        case "byte" if data:
            data[at] = value % 256
        case "bit" if data:
            data[at] ^= 1 << value % 8
        case "insert":
            data[at:at] = bytes(value % MOST_INSERTED)
        case "cut":
            del data[at:]
    return bytes(data)


def _head(part: bytes) -> int:
    """Where the body of a section begins."""
    return read_uleb(part, 1)[1]


def _sections(data: bytes) -> list[bytes]:
    """Sections as they stand, headers too; what is cut off belongs to the last one that is whole."""
    parts, at = [], 8
    while at + 1 < len(data):
        try:
            size, start = read_uleb(data, at + 1)
        except ValueError:
            break
        if start + size > len(data):
            break
        parts.append(data[at : start + size])
        at = start + size
    if parts and at < len(data):
        parts[-1] += data[at:]
    return parts
