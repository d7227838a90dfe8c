"""The rows of a Parquet file as events: its columns are the event's fields."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from isthmus.errors import EngineError
from isthmus.eventfiles import Flaw, Piece

from ._columns import Column, column_of, stored_type

__all__ = ["arrow", "events_of", "row_groups"]

ROWS: Final = 1000
"""Rows decoded at once."""

JSON_COLUMNS: Final = frozenset({"properties", "traits", "context", "integrations"})
"""Objects of an event, which many archives hold as JSON text."""

TEXT_COLUMNS: Final = frozenset(
    {"messageId", "userId", "anonymousId", "groupId", "previousId", "type", "event"}
)
"""What an event has as text, whatever number or UUID the column holds."""


def arrow(module: str = "pyarrow") -> Any:
    """Import a module of pyarrow, which takes a tenth of a second and is an extra.

    Raises:
        EngineError: it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as exc:
        raise EngineError(f"Parquet is read by pyarrow: pip install 'isthmus[parquet]' ({exc})") from exc


def row_groups(path: str) -> list[tuple[int, int]]:
    """Look at a file's footer: rows and bytes of each row group.

    Raises:
        EngineError: it is no Parquet file, or pyarrow is not installed.
    """
    parquet, lib = arrow("pyarrow.parquet"), arrow("pyarrow.lib")
    try:
        with parquet.ParquetFile(path) as file:
            metadata = file.metadata
            groups = [metadata.row_group(index) for index in range(metadata.num_row_groups)]
            return [
                (
                    group.num_rows,
                    sum(group.column(at).total_compressed_size for at in range(group.num_columns)),
                )
                for group in groups
            ]
    except (lib.ArrowException, OSError) as exc:
        raise EngineError(f"{path} cannot be read as Parquet: {exc}") from None


def events_of(
    path: str, first: int, end: int, limit: int, rows: int = ROWS
) -> Iterator[tuple[int, list[tuple[int, Piece]]]]:
    """Give the rows of some row groups as JSON text, some at a time.

    Args:
        path: of the file.
        first: index of the first row group.
        end: of the one behind the last.
        limit: bytes of one event at the most; a longer one is a flaw.
        rows: decoded at once.

    Yields:
        how many rows were read, and events with their numbers within the file, from 0.

    Raises:
        OSError: the file can't be read, or holds what can't be decoded.
    """
    parquet, lib = arrow("pyarrow.parquet"), arrow("pyarrow.lib")
    try:
        with parquet.ParquetFile(path) as file:
            number = sum(file.metadata.row_group(index).num_rows for index in range(first))
            schema = file.schema_arrow
            columns = [(field.name, _column(field.name, field.type)) for field in schema]
            stored = arrow().schema([field.with_type(stored_type(field.type)) for field in schema])
            read = 0
            for batch in file.iter_batches(batch_size=rows, row_groups=list(range(first, end))):
                pieces: list[tuple[int, Piece]] = []
                table = arrow().Table.from_batches([batch]).cast(stored)
                values = [_values(table.column(at)) for at in range(len(columns))]
                for row in range(batch.num_rows):
                    pieces.append((number, _event(columns, [column[row] for column in values], limit)))
                    number += 1
                read += batch.num_rows
                yield read, pieces
    except lib.ArrowException as exc:
        raise OSError(f"its rows cannot be decoded: {exc}") from exc


def _values(column: Any) -> list[object]:
    """A column's values; what is said to be UTF-8 and is none is a flaw of its row."""
    try:
        values: list[object] = column.to_pylist()
    except UnicodeDecodeError:
        return [_value(scalar) for scalar in column]
    return values


def _value(scalar: Any) -> object:
    try:
        return scalar.as_py()
    except UnicodeDecodeError as exc:
        return Flaw(f"the row has text that is no UTF-8: {exc.reason}")


def _event(columns: Sequence[tuple[str, Column]], values: Sequence[Any], limit: int) -> Piece:
    """One row; a column that is null is a field that is not there."""
    event: dict[str, object] = {}
    for (name, make), value in zip(columns, values, strict=True):
        if isinstance(value, Flaw):
            return value
        if value is not None and (made := make(value)) is not None:
            event[name] = made
    try:
        text = msgspec.json.encode(event)
    except (msgspec.MsgspecError, TypeError, ValueError, RecursionError) as exc:
        return Flaw(f"the row cannot be written as JSON: {exc}")
    return text if len(text) <= limit else Flaw(f"it has {len(text)} bytes, and the limit is {limit}")


def _column(name: str, kind: Any) -> Column:
    make = column_of(kind)
    if name in JSON_COLUMNS:
        return lambda value: _parsed(made) if isinstance(made := make(value), str) else made
    if name in TEXT_COLUMNS:
        return lambda value: str(made) if isinstance(made := make(value), int | float) else made
    return make


def _parsed(text: str) -> object:
    """What JSON text holds; text that is none stays what it is, for the function to refuse."""
    if not text.strip():
        return None
    try:
        # As it stands, so that no number loses a digit; a line feed within is white space.
        msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return text
    return msgspec.Raw(text.encode())
