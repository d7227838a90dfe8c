"""Rows of Parquet become events, and no value is another one afterwards."""

from __future__ import annotations

import datetime as dt
import json
import math
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings, strategies as st

from isthmus.eventfiles import Flaw
from isthmus_backfill._parquet import row_groups
from isthmus_backfill._reading import EVENT_BYTES, Lost

from .conftest import plan_of
from .test_archive import pieces


def written(folder: Path, columns: dict[str, Any], group: int = 1000) -> Path:
    path = folder / "a.parquet"
    pq.write_table(pa.table(columns), path, row_group_size=group)
    return path


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(piece) for _, piece in pieces(plan_of(path))]


def one(folder: Path, values: Any) -> object:
    """What becomes of a column's only value."""
    (row,) = rows(written(folder, {"v": values}))
    return row.get("v", "left out")


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (pa.int64(), 2**53 - 1, 2**53 - 1),
        (pa.int64(), 2**53 + 1, str(2**53 + 1)),
        (pa.int64(), -(2**63), str(-(2**63))),
        (pa.uint64(), 2**64 - 1, str(2**64 - 1)),
        (pa.int8(), -128, -128),
        (pa.float64(), 0.1, 0.1),
        (pa.float64(), math.inf, "left out"),
        (pa.float64(), math.nan, "left out"),
        (pa.float16(), 1.5, 1.5),
        (pa.bool_(), False, False),
        (pa.string(), "", ""),
        (pa.large_string(), "é世\U0001f600\u2028\n\x00", "é世\U0001f600\u2028\n\x00"),
        (pa.binary(), "é".encode(), "é"),
        (pa.binary(), b"\xff\xfe\x00", "//4A"),
        (pa.binary(3), b"\xff\xfe\x00", "//4A"),
        (pa.decimal128(10, 2), Decimal("12.50"), 12.5),
        (pa.decimal128(10, 2), Decimal("12.00"), 12),
        (pa.decimal128(38, 20), Decimal("0.10000000000000000001"), "0.10000000000000000001"),
        (pa.decimal256(60, 0), Decimal(10) ** 50, str(10**50)),
        (pa.decimal128(38, 0), Decimal(2**53), str(2**53)),
        (pa.timestamp("s"), dt.datetime(2024, 2, 29, 12, 0, 1), "2024-02-29T12:00:01.000Z"),
        (
            pa.timestamp("us", "Europe/Berlin"),
            dt.datetime(2024, 7, 1, tzinfo=dt.UTC),
            "2024-07-01T00:00:00.000Z",
        ),
        (
            pa.timestamp("us", "UTC"),
            dt.datetime(2024, 7, 1, microsecond=123_456, tzinfo=dt.UTC),
            "2024-07-01T00:00:00.123456Z",
        ),
        (pa.timestamp("ns", "UTC"), 1_700_000_000_123_456_789, "2023-11-14T22:13:20.123456789Z"),
        (pa.timestamp("ms"), -1, "1969-12-31T23:59:59.999Z"),
        (pa.timestamp("ms"), dt.datetime(1, 1, 1), "0001-01-01T00:00:00.000Z"),
        (pa.date32(), dt.date(2024, 2, 29), "2024-02-29"),
        (pa.time64("ns"), 3_723_000_000_001, "01:02:03.000000001"),
        (pa.time32("ms"), dt.time(1, 2, 3), "01:02:03"),
        (pa.duration("ms"), 1500, 1.5),
        (pa.list_(pa.int64()), [1, None, 2**60], [1, None, str(2**60)]),
        (pa.list_(pa.list_(pa.timestamp("ns"))), [[0], [], None], [["1970-01-01T00:00:00.000Z"], [], None]),
        (pa.list_(pa.int32(), 2), [1, 2], [1, 2]),
        (
            pa.map_(pa.string(), pa.decimal128(4, 1)),
            [("a", Decimal("1.5")), ("b", None)],
            {"a": 1.5, "b": None},
        ),
        (
            pa.struct([("a", pa.int64()), ("b", pa.struct([("c", pa.string())])), ("d", pa.null())]),
            {"a": None, "b": {"c": "x"}},
            {"b": {"c": "x"}},
        ),
        (pa.dictionary(pa.int32(), pa.string()), "coded", "coded"),
        (pa.string(), None, "left out"),
    ],
)
def test_a_value_stays_what_it_is(tmp_path: Path, kind: Any, value: object, expected: object) -> None:
    assert one(tmp_path, pa.array([value], type=kind)) == expected


def test_a_uuid_is_text(tmp_path: Path) -> None:
    given = uuid.UUID("12345678-1234-5678-1234-567812345678")
    storage = pa.array([given.bytes], type=pa.binary(16))
    assert one(tmp_path, pa.ExtensionArray.from_storage(pa.uuid(), storage)) == str(given)


def test_json_text_is_what_it_says_in_the_columns_that_are_objects(tmp_path: Path) -> None:
    table = {
        "properties": [
            '{"total": 12345678901234567890.5, "a": {"b": [1, null]}}',
            "",
            None,
            "{broken",
            " [] ",
        ],
        "context": pa.array([{"ip": "::1"}, {"ip": None}, None, None, None]),
        "note": ["{}"] * 5,
    }
    path = written(tmp_path, table)
    texts = [piece for _, piece in pieces(plan_of(path))]
    assert b'"properties":{"total": 12345678901234567890.5, "a": {"b": [1, null]}}' in texts[0]
    found = rows(path)
    assert [row.get("properties", "left out") for row in found[1:]] == ["left out", "left out", "{broken", []]
    assert [row.get("context", "left out") for row in found[:3]] == [{"ip": "::1"}, {}, "left out"]
    assert all(row["note"] == "{}" for row in found)


def test_ids_are_text(tmp_path: Path) -> None:
    assert rows(written(tmp_path, {"userId": [7], "messageId": pa.array([2**60])})) == [
        {"userId": "7", "messageId": str(2**60)}
    ]


@pytest.mark.parametrize("part_bytes", [1, 2000, 10**9])
def test_parts_are_row_groups_and_rows_keep_their_numbers(tmp_path: Path, part_bytes: int) -> None:
    path = written(tmp_path, {"n": list(range(1050)), "text": [str(n) * 9 for n in range(1050)]}, group=100)
    file = plan_of(path, part_bytes)
    assert (file.rows, file.exact, sum(part.rows or 0 for part in file.parts)) == (1050, True, 1050)
    assert file.parts[0].start == 0
    assert file.parts[-1].end == len(row_groups(str(path))) == 11
    found = pieces(file)
    assert [number for number, _ in found] == list(range(1050))
    assert [json.loads(piece)["n"] for _, piece in found] == list(range(1050))
    if part_bytes == 1:
        assert len(file.parts) == 11


def test_a_row_that_is_too_long_is_a_flaw(tmp_path: Path) -> None:
    path = written(tmp_path, {"v": ["a", "x" * EVENT_BYTES, "b"]})
    found = [piece for _, piece in pieces(plan_of(path))]
    assert [isinstance(piece, Flaw) for piece in found] == [False, True, False]


def test_pages_that_cannot_be_decoded_leave_the_part_undone(tmp_path: Path) -> None:
    path = written(tmp_path, {"v": [str(number) * 50 for number in range(1000)]})
    data = bytearray(path.read_bytes())
    data[10:400] = b"\xff" * 390
    path.write_bytes(data)
    with pytest.raises(Lost, match=str(path)):
        pieces(plan_of(path))


def test_text_that_is_no_utf8_costs_its_row(tmp_path: Path) -> None:
    texts = pa.array([b"a", b"\xff", b"c"], type=pa.binary()).view(pa.string())
    found = [piece for _, piece in pieces(plan_of(written(tmp_path, {"v": texts})))]
    assert found[0::2] == [b'{"v":"a"}', b'{"v":"c"}']
    assert "no UTF-8" in str(found[1])


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)), min_size=1, max_size=20),
    st.integers(1, 7),
)
def test_integers_are_told_apart_whatever_they_are(
    tmp_path_factory: pytest.TempPathFactory, values: list[int | None], group: int
) -> None:
    path = written(tmp_path_factory.getbasetemp(), {"v": pa.array(values, type=pa.int64())}, group)
    found = [row.get("v") for row in rows(path)]
    assert [None if value is None else int(value) for value in found] == values
    assert all(isinstance(value, str) or value is None or float(value) == value for value in found)
    assert all(int(float(value)) == value for value in found if isinstance(value, int))
