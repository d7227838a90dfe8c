"""Input made a typed value, with an entry for each field at fault where it is none.

msgspec stops at the first fault.  So what has been parsed is compared with its type field by field, in words as Segment's
clients know them, and is converted only where nothing is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from isthmus_server.store import FieldProblem

from .problems import problem, unfit

__all__ = ["decode", "parse"]

T = TypeVar("T", bound=msgspec.Struct)


def parse(body: bytes) -> Any:
    """JSON as plain values.

    Raises:
        Problem: 400, it is no JSON.
    """
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise problem(400, "The body is not valid JSON.") from None


def decode(kind: type[T], value: object, *, from_text: bool = False) -> T:
    """Make a value of what was parsed.

    Args:
        kind: what it is to be.
        value: of plain values.
        from_text: numbers and truth values may be written as text, as in a query.

    Raises:
        Problem: 422, with an entry for each field at fault.
    """
    if found := list(_faults(_inspected(kind), value, "", from_text=from_text)):
        raise unfit(found)
    try:
        return msgspec.convert(value, kind, strict=not from_text)
    except msgspec.ValidationError as exc:  # a rule that the walk does not know
        raise unfit([FieldProblem("", str(exc))]) from None


@cache
def _inspected(kind: type[msgspec.Struct]) -> inspect.Type:
    return inspect.type_info(kind)


def _faults(type_: inspect.Type, value: object, path: str, *, from_text: bool) -> Iterator[FieldProblem]:
    """Compare a value with a type."""
    match type_:
        case inspect.StructType():
            yield from _struct_faults(type_, value, path, from_text=from_text)
        case inspect.UnionType():
            yield from _union_faults(type_, value, path, from_text=from_text)
        case inspect.ListType() | inspect.VarTupleType():
            if not isinstance(value, list):
                yield _wrong(path, "must be an array")
                return
            if type_.max_length is not None and len(value) > type_.max_length:
                yield _wrong(path, f"must contain less than or equal to {type_.max_length} items")
                return
            for index, item in enumerate(value):
                yield from _faults(type_.item_type, item, f"{path}[{index}]", from_text=from_text)
        case inspect.DictType():
            if not isinstance(value, dict):
                yield _wrong(path, "must be an object")
        case inspect.EnumType():
            names = [member.value for member in type_.cls]
            if value not in names:
                yield _wrong(path, f"must be one of [{', '.join(map(str, names))}]")
        case inspect.LiteralType():
            if value not in type_.values:
                yield _wrong(path, f"must be one of [{', '.join(map(str, type_.values))}]")
        case inspect.StrType():
            yield from _text_faults(type_, value, path)
        case inspect.BoolType():
            if not isinstance(value, bool) and not (from_text and value in {"true", "false"}):
                yield _wrong(path, "must be a boolean")
        case inspect.IntType():
            yield from _number_faults(type_, value, path, from_text=from_text)


def _struct_faults(
    type_: inspect.StructType, value: object, path: str, *, from_text: bool
) -> Iterator[FieldProblem]:
    if not isinstance(value, dict):
        yield _wrong(path, "must be of type object")
        return
    for field in type_.fields:
        below = f"{path}.{field.encode_name}" if path else field.encode_name
        if field.encode_name in value:
            yield from _faults(field.type, value[field.encode_name], below, from_text=from_text)
        elif field.required:
            yield _wrong(below, "is required")


def _union_faults(
    type_: inspect.UnionType, value: object, path: str, *, from_text: bool
) -> Iterator[FieldProblem]:
    """A union is fit where one of its types is; else the faults are those of the first that is not None."""
    first: list[FieldProblem] | None = None
    for alternative in type_.types:
        if isinstance(alternative, inspect.NoneType):
            if value is None:
                return
            continue
        found = list(_faults(alternative, value, path, from_text=from_text))
        if not found:
            return
        first = first or found
    yield from first or [_wrong(path, "must be null")]


def _text_faults(type_: inspect.StrType, value: object, path: str) -> Iterator[FieldProblem]:
    if not isinstance(value, str):
        yield _wrong(path, "must be a string")
    elif "\0" in value:
        yield _wrong(path, "must not contain the character U+0000")
    elif type_.min_length and not value:
        yield _wrong(path, "is not allowed to be empty")
    elif type_.max_length is not None and len(value) > type_.max_length:
        yield _wrong(path, f"length must be less than or equal to {type_.max_length} characters long")


def _number_faults(
    type_: inspect.IntType, value: object, path: str, *, from_text: bool
) -> Iterator[FieldProblem]:
    if from_text and isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        yield _wrong(path, "must be a number")
    elif type_.ge is not None and value < type_.ge:
        yield _wrong(path, f"must be greater than or equal to {type_.ge}")
    elif type_.le is not None and value > type_.le:
        yield _wrong(path, f"must be less than or equal to {type_.le}")


def _wrong(path: str, what: str) -> FieldProblem:
    return FieldProblem(path, f'"{path or "value"}" {what}')
