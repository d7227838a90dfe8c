"""Values read by their types, where a component has left them.

wasmtime-py's own conversion makes an object of every byte of a list; here bytes are copied many at a time.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from ctypes import string_at
from functools import cache
from typing import Any, Final

from isthmus.errors import RuntimeFault

from .handles import number_of
from .native import PAIR, SIZE, rep_of
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
from .values import ENTRY, NUMBERS, Place

__all__ = ["MOST_ELEMENTS", "Read", "reading"]

Read = Callable[[int, Place], Any]
"""Makes a Python value of the C value at an address."""
CHUNK: Final = 16_384
"""Bytes of a list that are copied together: each of them takes a whole value's place."""
MOST_ELEMENTS: Final = 100_000
"""Elements of a list that is not of bytes; each becomes objects of Python's."""


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
