"""What crosses: whatever bytes a guest hands over are a value or a RuntimeFault, and what is packed is what is read."""

from __future__ import annotations

import contextlib
import json
import math
import struct

import pytest
from hypothesis import given, settings, strategies as st

from isthmus.abc import Call
from isthmus.errors import RuntimeFault
from isthmus_quickjs._frames import (
    HANDLERS,
    LEVELS,
    Frame,
    Operation,
    Report,
    ThrownValue,
    asks_more_than,
    heap_top,
    pack_record,
    parse_frame,
    parse_logs,
    parse_report,
    parse_thrown,
)

WORD = st.integers(0, (1 << 32) - 1)
SMALL = st.integers(0, 40)
TEXT = st.binary(max_size=40)


@given(data=st.binary(max_size=100))
def test_any_bytes_are_a_frame_or_a_fault(data: bytes) -> None:
    try:
        frame = parse_frame(data)
    except RuntimeFault:
        return
    assert 32 + len(frame.value) + len(frame.note) + len(frame.report) == len(data)
    assert heap_top(data) == frame.heap_top


@given(
    head=st.tuples(st.integers(0, 6), WORD, WORD, SMALL | WORD, SMALL | WORD, SMALL | WORD, WORD, WORD),
    rest=TEXT,
)
def test_any_head_is_a_frame_or_a_fault(head: tuple[int, ...], rest: bytes) -> None:
    status, _, _, value, note, report, *_ = head
    try:
        frame = parse_frame(struct.pack("<8I", *head) + rest)
    except RuntimeFault:
        assert status > 3 or value + note + report != len(rest)
        return
    assert status <= 3
    assert (len(frame.value), len(frame.note), len(frame.report)) == (value, note, report)


@given(
    status=st.integers(0, 3),
    settled=st.booleans(),
    failed=st.booleans(),
    value=TEXT,
    note=TEXT,
    report=TEXT,
    top=WORD,
    total=WORD,
)
def test_a_frame_is_read_as_it_was_written(
    status: int, settled: bool, failed: bool, value: bytes, note: bytes, report: bytes, top: int, total: int
) -> None:
    head = struct.pack("<8I", status, settled, failed, len(value), len(note), len(report), top, total)
    assert parse_frame(head + value + note + report) == Frame(
        status, settled, failed, value, note, report, top, total
    )


@given(data=st.binary(max_size=120))
def test_any_bytes_are_a_log_or_a_fault(data: bytes) -> None:
    try:
        lines = parse_logs(data, 0)
    except RuntimeFault:
        return
    assert len(lines) <= len(data) // 16
    assert all(level in LEVELS and at >= 0 for level, _, at in lines)


LINES = st.lists(
    st.tuples(st.integers(0, len(LEVELS) - 1), st.binary(max_size=30), st.integers(-(1 << 40), 1 << 40))
)


@given(lines=LINES, start=st.integers(0, 1 << 40), cut=st.integers(0, 20))
def test_a_log_is_read_as_it_was_written(lines: list[tuple[int, bytes, int]], start: int, cut: int) -> None:
    data = b"".join(struct.pack("<IIq", level, len(text), at) + text for level, text, at in lines)
    read = parse_logs(data, start)
    assert [(level, text) for level, text, _ in read] == [
        (LEVELS[level], text.decode("utf-8", "replace")) for level, text, _ in lines
    ]
    assert all(math.isfinite(at) and at >= 0 for *_, at in read)
    if 0 < cut < 16 and lines:
        with pytest.raises(RuntimeFault):
            parse_logs(data + bytes(16)[:cut], start)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.sampled_from(
    [
        "op",
        "id",
        "url",
        "method",
        "headers",
        "body",
        "base64",
        "redirect",
        "ms",
        "key",
        "value",
        "ttl",
        "other",
    ]
)


@settings(max_examples=300)
@given(
    ops=st.lists(st.dictionaries(FIELDS, JSON, max_size=6), max_size=4) | JSON,
    messages=JSON,
    extra=st.booleans(),
)
def test_any_json_is_a_report_or_a_fault(ops: object, messages: object, extra: bool) -> None:
    shown: dict[str, object] = {"ops": ops, "messages": messages}
    if extra:
        shown["extra"] = ops
    try:
        report = parse_report(json.dumps(shown).encode())
    except RuntimeFault:
        return
    assert all(isinstance(each, Operation) for each in report.ops)
    assert bytes(report.messages) == json.dumps(messages).encode()


@given(data=st.binary(max_size=60) | st.text(max_size=40).map(lambda text: ('{"ops":' + text).encode()))
def test_any_bytes_are_a_report_or_a_fault(data: bytes) -> None:
    asks_more_than(0, data)
    with contextlib.suppress(RuntimeFault):
        assert isinstance(parse_report(data), Report)


@pytest.mark.parametrize("depth", [100, 10_000, 1_000_000])
def test_brackets_upon_brackets_are_a_report_or_a_fault(depth: int) -> None:
    for text in ('{"ops":' + "[" * depth, '{"messages":' + "[" * depth + "]" * depth + "}", "[" * depth):
        asks_more_than(0, text.encode())
        with contextlib.suppress(RuntimeFault):
            parse_report(text.encode())
        assert isinstance(parse_thrown(text.encode()), ThrownValue)


@given(data=st.binary(max_size=80))
def test_any_bytes_describe_something_thrown(data: bytes) -> None:
    thrown = parse_thrown(data)
    assert isinstance(thrown.name + thrown.message + thrown.stack, str)


@given(count=st.integers(0, 12), most=st.integers(0, 12), text=st.text(max_size=20), inside=st.booleans())
def test_operations_are_counted_before_they_are_made(count: int, most: int, text: str, inside: bool) -> None:
    text += '"op":"fetch"' * 3 if inside else ""
    ops = [{"op": "fetch", "id": n, "body": text} for n in range(count)]
    # Messages are counted too at first, but do not count.
    report = json.dumps({"ops": ops, "messages": [{"op": 1}] * 20}, separators=(",", ":")).encode()
    assert asks_more_than(most, report) == (count > most)
    assert len(parse_report(report).ops) == count


@given(
    handler=st.sampled_from(HANDLERS),
    argument=st.binary(max_size=50),
    values=st.binary(max_size=50),
    now=st.floats(0, 4e9),
    seed=st.binary(min_size=32, max_size=32),
)
def test_a_record_says_what_the_call_says(
    handler: str, argument: bytes, values: bytes, now: float, seed: bytes
) -> None:
    record = pack_record(Call(handler, argument, values, "instance", now, seed))
    number, settings_length, argument_length, unused, now_us = struct.unpack_from("<IIIIq", record)
    assert HANDLERS[number] == handler
    assert (settings_length, argument_length, unused) == (len(values), len(argument), 0)
    assert abs(now_us / 1e6 - now) < 1e-5
    assert record[24:56] == seed
    assert record[56:] == values + b"\0" + argument + b"\0"
