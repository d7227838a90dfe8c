"""Values as they cross: from wasmtime's C structures and to them, by their types.

wasmtime-py's own conversion makes an object of every byte of a list.  Here a value is read where it lies:
one byte says its kind, and three words hold it, or say where it is and how long.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from ctypes import string_at
from functools import cache
from typing import Any, Final, Protocol

from isthmus.errors import RuntimeFault

from .handles import Handles, number_of
from .native import PAIR, SIZE, boxed, handle_of, name_of, record_of, rep_of, vector_of
from .types import (
    Borrow,
    Enum,
    Flags,
    List,
    Option,
    Own,
    Primitive,
    Record,
    Result,
    Tuple,
    Type,
    Variant,
)

__all__ = ["Place", "Read", "Write", "Written", "pack", "reading", "writing"]


class Place(Protocol):
    """Whose handles a value speaks of.

    Attributes:
        context: wasmtime's, of the store.
        handles: what its guest holds.
    """

    context: Any
    handles: Handles


Written = tuple[int, int, int, int]
"""A value's kind and its three words."""
Read = Callable[[int, Place], Any]
"""Makes a Python value of the C value at an address."""
Write = Callable[[Any, Place], Written]
"""Makes a C value of a Python value."""

VALUE: Final = struct.Struct("<B7xQQQ")
ENTRY: Final = struct.Struct("<QQB7xQQQ")
"""A field of a record: its name's length and place, and its value."""
CHUNK: Final = 16_384
"""Bytes of a list that are copied together: each of them takes a whole value's place."""
MOST_ELEMENTS: Final = 100_000
"""Elements of a list that is not of bytes; each becomes objects of Python's."""
NUMBERS: Final = {
    "s8": (1, "<b"), "u8": (2, "<B"), "s16": (3, "<h"), "u16": (4, "<H"), "s32": (5, "<i"), "u32": (6, "<I"),
    "s64": (7, "<q"), "u64": (8, "<Q"), "f32": (9, "<f"), "f64": (10, "<d"),
}  # fmt: skip
BOOL, CHAR, STRING, LIST, RECORD, TUPLE, VARIANT, ENUM, OPTION, RESULT, FLAGS, RESOURCE = 0, *range(11, 22)


def pack(written: Written) -> bytes:
    """A value as it lies in memory."""
    return VALUE.pack(*written)


# -- reading


@cache
def reading(type: Type) -> Read:  # noqa: A002 -- a type of WIT
    """How values of a type are read.

    Records become dicts, tuples and lists lists, variants ``(case, payload)``, results ``("ok" or "err", payload)``,
    enums strings, flags sets of strings, options None or what they hold, ``list<u8>`` bytes.
    """
    match type:
        case Primitive("bool"):
            return lambda at, _: string_at(at + 8, 1) != b"\0"
        case Primitive("string"):
            return lambda at, _: _text(at + 8)
        case Primitive("char"):
            return lambda at, _: chr(struct.unpack("<I", string_at(at + 8, 4))[0])
        case Primitive(name):
            number = struct.Struct(NUMBERS[name][1])
            return lambda at, _: number.unpack(string_at(at + 8, number.size))[0]
        case List(Primitive("u8")):
            return _read_bytes
        case List(element):
            return _read_list(reading(element))
        case Tuple(elements):
            return _read_each([reading(each) for each in elements], SIZE, 0, None)
        case Record(fields):
            names = [name for name, _ in fields]
            return _read_each([reading(each) for _, each in fields], ENTRY.size, PAIR.size, names)
        case Enum():
            return lambda at, _: _text(at + 8)
        case Flags():
            return lambda at, _: frozenset(_texts(at + 8))
        case Option(payload):
            return _read_option(reading(payload))
        case Result(ok, err):
            return _read_result(_read_maybe(ok), _read_maybe(err))
        case Variant(cases):
            return _read_variant({name: _read_maybe(payload) for name, payload in cases})
        case Own(resource):
            return _read_handle(number_of(resource), taken=True)
        case Borrow(resource):
            return _read_handle(number_of(resource), taken=False)


def _pair(at: int) -> tuple[int, int]:
    size, data = PAIR.unpack(string_at(at, PAIR.size))
    return size, data


def _text(at: int) -> str:
    size, data = _pair(at)
    return string_at(data, size).decode("utf-8", "replace") if size else ""


def _texts(at: int) -> list[str]:
    size, data = _pair(at)
    return [_text(data + PAIR.size * index) for index in range(size)]


def _read_bytes(at: int, _: Place) -> bytes:
    size, data = _pair(at + 8)
    parts = (
        string_at(data + SIZE * start, SIZE * min(CHUNK, size - start))[8::SIZE]
        for start in range(0, size, CHUNK)
    )
    return b"".join(parts)


def _read_list(element: Read) -> Read:
    def read(at: int, place: Place) -> Any:
        size, data = _pair(at + 8)
        if size > MOST_ELEMENTS:
            raise ValueError(f"a list of {size} elements came, and {MOST_ELEMENTS} are the most")
        return [element(data + SIZE * index, place) for index in range(size)]

    return read


def _read_each(reads: Sequence[Read], stride: int, skipped: int, names: Sequence[str] | None) -> Read:
    def read(at: int, place: Place) -> Any:
        _, data = _pair(at + 8)
        found = [each(data + stride * index + skipped, place) for index, each in enumerate(reads)]
        return found if names is None else dict(zip(names, found, strict=True))

    return read


def _read_option(payload: Read) -> Read:
    def read(at: int, place: Place) -> Any:
        data, _ = _pair(at + 8)
        return payload(data, place) if data else None

    return read


def _read_maybe(payload: Type | None) -> Read:
    return (lambda _at, _place: None) if payload is None else reading(payload)


def _read_result(ok: Read, err: Read) -> Read:
    def read(at: int, place: Place) -> Any:
        good, data = _pair(at + 8)
        return ("ok", ok(data, place)) if good & 0xFF else ("err", err(data, place))

    return read


def _read_variant(cases: dict[str, Read]) -> Read:
    def read(at: int, place: Place) -> Any:
        name = _text(at + 8)
        data, _ = _pair(at + 24)
        return name, cases[name](data, place)

    return read


def _read_handle(number: int, *, taken: bool) -> Read:
    def read(at: int, place: Place) -> Any:
        handle, _ = _pair(at + 8)
        found = rep_of(place.context, handle)
        if found is None or found[1] != number:
            raise RuntimeFault("a handle of another resource came to the host")
        rep = found[0]
        return place.handles.take(rep) if taken else place.handles.get(rep)

    return read


# -- writing


@cache
def writing(type: Type) -> Write:  # noqa: A002 -- a type of WIT
    """How values of a type are written; of what :func:`reading` makes, and mappings and sequences of any kind."""
    match type:
        case Primitive("bool"):
            return lambda value, _: (BOOL, int(value), 0, 0)
        case Primitive("string"):
            return lambda value, _: (STRING, *_name(value), 0)
        case Primitive("char"):
            return lambda value, _: (CHAR, ord(value), 0, 0)
        case Primitive(name):
            kind, layout = NUMBERS[name]
            return lambda value, _: (kind, int.from_bytes(struct.pack(layout, value), "little"), 0, 0)
        case List(Primitive("u8")):
            return _write_bytes
        case List(element):
            return _write_list(writing(element))
        case Tuple(elements):
            return _write_tuple([writing(each) for each in elements])
        case Record(fields):
            return _write_record([(name, writing(each)) for name, each in fields])
        case Enum():
            return lambda value, _: (ENUM, *_name(value), 0)
        case Option(payload):
            return _write_option(writing(payload))
        case Result(ok, err):
            return _write_result(_write_maybe(ok), _write_maybe(err))
        case Variant(cases):
            return _write_variant({name: _write_maybe(payload) for name, payload in cases})
        case Own(resource):
            return _write_handle(number_of(resource))
        case Flags() | Borrow():
            raise RuntimeFault(f"nothing of type {type} is handed to a component")


def _name(text: str) -> tuple[int, int]:
    return name_of(text.encode("utf-8", "replace"))


def _write_bytes(value: bytes, _: Place) -> Written:
    values = bytearray(SIZE * len(value))
    values[::SIZE] = bytes([NUMBERS["u8"][0]]) * len(value)
    values[8::SIZE] = value
    return (LIST, *vector_of(values), 0)


def _write_list(element: Write) -> Write:
    return lambda value, place: (LIST, *vector_of(b"".join(pack(element(each, place)) for each in value)), 0)


def _write_tuple(writes: Sequence[Write]) -> Write:
    def write(value: Sequence[Any], place: Place) -> Written:
        values = b"".join(pack(one(each, place)) for one, each in zip(writes, value, strict=True))
        return (TUPLE, *vector_of(values), 0)

    return write


def _write_record(fields: Sequence[tuple[str, Write]]) -> Write:
    def write(value: dict[str, Any], place: Place) -> Written:
        entries = b"".join(ENTRY.pack(*_name(name), *one(value[name], place)) for name, one in fields)
        return (RECORD, *record_of(entries, len(fields)), 0)

    return write


def _box(written: Written | None) -> int:
    return 0 if written is None else boxed(pack(written))


def _write_option(payload: Write) -> Write:
    return lambda value, place: (OPTION, 0 if value is None else _box(payload(value, place)), 0, 0)


def _write_maybe(payload: Type | None) -> Callable[[Any, Place], Written | None]:
    return (lambda _value, _place: None) if payload is None else writing(payload)


def _write_result(
    ok: Callable[[Any, Place], Written | None], err: Callable[[Any, Place], Written | None]
) -> Write:
    def write(value: tuple[str, Any], place: Place) -> Written:
        good, payload = value
        return (RESULT, int(good == "ok"), _box((ok if good == "ok" else err)(payload, place)), 0)

    return write


def _write_variant(cases: dict[str, Callable[[Any, Place], Written | None]]) -> Write:
    def write(value: tuple[str, Any], place: Place) -> Written:
        name, payload = value
        boxed = _box(cases[name](payload, place))
        return (VARIANT, *_name(name), boxed)

    return write


def _write_handle(number: int) -> Write:
    def write(value: object, place: Place) -> Written:
        handle = handle_of(place.context, place.handles.add(value), number)
        if handle is None:
            raise RuntimeFault("wasmtime takes no more handles")
        return (RESOURCE, handle, 0, 0)

    return write
