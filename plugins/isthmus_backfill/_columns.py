"""From values of Parquet's types to those of JSON, losing none.

JSON's numbers are doubles to most of those who read them: a number that no double holds becomes text.
"""

from __future__ import annotations

import base64
import datetime as dt
import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

import msgspec

__all__ = ["Column", "column_of", "stored_type"]

Column = Callable[[Any], object]
"""Makes a value of JSON, or None, of one of the column that is not null."""

SAFE: Final = 2**53 - 1
"""The largest integer that a double tells from its neighbours."""

_PER_SECOND: Final = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def stored_type(kind: Any) -> Any:
    """The Arrow type as which values are read, so that Python holds them exactly: times are integers."""
    import pyarrow as pa

    types = pa.types
    if types.is_timestamp(kind) or types.is_duration(kind) or types.is_time64(kind):
        return pa.int64()
    if types.is_date64(kind):
        return pa.date32()
    if types.is_float16(kind):
        return pa.float32()
    if types.is_dictionary(kind):
        return stored_type(kind.value_type)
    if types.is_struct(kind):
        return pa.struct([field.with_type(stored_type(field.type)) for field in kind])
    if types.is_map(kind):
        return pa.map_(stored_type(kind.key_type), stored_type(kind.item_type))
    if types.is_fixed_size_list(kind):
        return pa.list_(stored_type(kind.value_type), kind.list_size)
    if types.is_large_list(kind):
        return pa.large_list(stored_type(kind.value_type))
    if types.is_list(kind):
        return pa.list_(kind.value_field.with_type(stored_type(kind.value_type)))
    if isinstance(kind, pa.BaseExtensionType) and not isinstance(kind, pa.UuidType):
        return stored_type(kind.storage_type)
    return kind


def column_of(kind: Any) -> Column:
    """How values of an Arrow type become JSON."""
    import pyarrow as pa

    types = pa.types
    if isinstance(kind, pa.JsonType):
        return _json
    if isinstance(kind, pa.UuidType):
        return str
    if isinstance(kind, pa.BaseExtensionType):
        return column_of(kind.storage_type)
    if types.is_dictionary(kind):
        return column_of(kind.value_type)
    if types.is_integer(kind):
        return _integer
    if types.is_decimal(kind):
        return _decimal
    if types.is_floating(kind):
        return _float
    if types.is_timestamp(kind):
        per_second = _PER_SECOND[kind.unit]
        return lambda value: _moment(value, per_second)
    if types.is_duration(kind):
        per_second = _PER_SECOND[kind.unit]
        return lambda value: _decimal(Decimal(value) / per_second)
    if types.is_time64(kind):
        per_second = _PER_SECOND[kind.unit]
        return lambda value: _moment(value, per_second)[11:-1]
    if types.is_date(kind) or types.is_time32(kind):
        return lambda value: value.isoformat()
    if types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind):
        return _binary
    if types.is_struct(kind):
        return _struct([(field.name, column_of(field.type)) for field in kind])
    if types.is_map(kind):
        return _map(column_of(kind.key_type), column_of(kind.item_type))
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        item = column_of(kind.value_type)
        return lambda value: [None if one is None else item(one) for one in value]
    return _as_it_is


def _as_it_is(value: object) -> object:
    return value


def _integer(value: int) -> object:
    return value if -SAFE <= value <= SAFE else str(value)


def _decimal(value: Decimal) -> object:
    if value == value.to_integral_value():
        return _integer(int(value))
    try:
        near = float(value)
    except OverflowError:
        return str(value)
    return near if math.isfinite(near) and Decimal(repr(near)) == value else str(value)


def _float(value: float) -> object:
    return value if math.isfinite(value) else None


def _moment(value: int, per_second: int) -> str:
    """ISO 8601 in UTC, in milliseconds, or in as many digits as it has."""
    whole, part = divmod(value, per_second)
    try:
        text = (_EPOCH + dt.timedelta(seconds=whole)).strftime("%Y-%m-%dT%H:%M:%S")
    except OverflowError:  # beyond the year 9999; whoever reads it sees what there is
        return str(value)
    digits = f"{part * (1_000_000_000 // per_second):09}"
    kept = digits.rstrip("0")
    return f"{text.rjust(19, '0')}.{digits[: max(3, len(kept))]}Z"


def _binary(value: bytes) -> str:
    """Text, which older writers do not mark as such; what is none, as Base64."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return base64.b64encode(value).decode()


def _json(value: str) -> object:
    try:
        msgspec.json.decode(value)
    except (msgspec.DecodeError, RecursionError):
        return value
    return msgspec.Raw(value.encode())


def _struct(fields: list[tuple[str, Column]]) -> Column:
    def make(value: dict[str, Any]) -> object:
        # Every row of a struct has every field: null stands for one that is not there.
        return {
            name: made
            for name, of_field in fields
            if value[name] is not None and (made := of_field(value[name])) is not None
        }

    return make


def _map(key: Column, item: Column) -> Column:
    def make(value: list[tuple[Any, Any]]) -> object:
        return {str(key(name)): None if one is None else item(one) for name, one in value}

    return make
