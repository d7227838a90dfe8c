"""Values written by their types, for a component to take."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from isthmus.errors import RuntimeFault

from .handles import number_of
from .native import SIZE, boxed, handle_of, name_of, record_of, vector_of
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
from .values import ENTRY, NUMBERS, Place, Written, pack

__all__ = ["Write", "writing"]

Write = Callable[[Any, Place], Written]
"""Makes a C value of a Python value."""
BOOL, CHAR, STRING, LIST, RECORD, TUPLE, VARIANT, ENUM, OPTION, RESULT, RESOURCE = 0, *range(11, 20), 21
"""Kinds of values that are no numbers."""


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
