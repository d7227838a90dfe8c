"""The reader of event files: the same events with the same numbers, however the bytes are cut."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings, strategies as st

from isthmus._cli.splitting import Flaw, LineSplitter, Piece, Splitter, Unreadable, ValueSplitter, detecting
from isthmus.testing.strategies import events

BIG = 1 << 20

Make = Callable[[], Splitter]

# Text that looks like structure: what a splitter could trip over.
tricky = st.text(st.sampled_from('{}[],:"\\ \n\té漢'), max_size=8)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | tricky,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(tricky, inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(tricky, json_values, max_size=4)
blanks = st.text(st.sampled_from(" \t\r\n"), max_size=3)
layouts = st.sampled_from([{}, {"indent": 2}, {"ensure_ascii": False}, {"separators": (",", ":")}])


def pieces_of(make: Make, chunks: Sequence[bytes]) -> list[Piece]:
    splitter = make()
    pieces: list[Piece] = []
    for chunk in chunks:
        pieces += splitter.feed(chunk)
    return [*pieces, *splitter.end()]


def cut(data: bytes, places: list[int]) -> list[bytes]:
    marks = sorted({place % (len(data) + 1) for place in places})
    return [
        data[start:end] for start, end in zip([0, *marks], [*marks, len(data)], strict=True) if end > start
    ]


cuts = st.lists(st.integers(0, BIG), max_size=6)


@given(st.lists(objects, max_size=6), st.lists(blanks, min_size=14, max_size=14), layouts, cuts)
def test_values_of_an_array_come_out_whole_and_in_order(
    values: list[Any], spaces: list[str], layout: dict[str, Any], places: list[int]
) -> None:
    texts = [json.dumps(value, **layout) for value in values]
    text = (
        spaces[0]
        + "["
        + ",".join(f"{a}{t}{b}" for t, a, b in zip(texts, spaces[1:7], spaces[7:], strict=False))
    )
    data = (text + "]" + spaces[13]).encode()
    pieces = pieces_of(lambda: detecting(BIG), cut(data, places))
    assert [json.loads(piece) for piece in pieces] == values


@given(st.lists(objects.filter(bool), min_size=1, max_size=6), blanks, cuts)
def test_objects_in_a_row_come_out_whole_and_in_order(
    values: list[Any], space: str, places: list[int]
) -> None:
    first, *others = values
    text = json.dumps(first, indent=2) + "".join(
        space + "\n" + json.dumps(value, indent=1) for value in others
    )
    pieces = pieces_of(lambda: detecting(BIG), cut(text.encode(), places))
    assert [json.loads(piece) for piece in pieces] == values


@given(st.lists(events().map(msgspec.json.encode) | st.just(b"") | st.just(b"no json"), max_size=8), cuts)
def test_a_line_keeps_its_number(lines: list[bytes], places: list[int]) -> None:
    data = b"\n".join(lines)
    pieces = pieces_of(lambda: LineSplitter(BIG), cut(data, places))
    # A last line that is empty is the end of the one before it.
    assert pieces == (lines if not lines or lines[-1] else lines[:-1])


@st.composite
def garbage(draw: st.DrawFn) -> bytes:
    """Bytes with a bias to what means something, and a limit that some of it passes."""
    alphabet = st.sampled_from(
        [b"{", b"}", b"[", b"]", b'"', b"\\", b",", b":", b" ", b"\n", b"ab", b"\xff", b'{"a":1}']
    )
    return b"".join(draw(st.lists(alphabet, max_size=60)))


def outcome_of(make: Make, chunks: Sequence[bytes]) -> tuple[list[Piece], str]:
    """The pieces, and what was said where the rest could not be read."""
    splitter = make()
    pieces: list[Piece] = []
    try:
        for chunk in chunks:
            pieces += splitter.feed(chunk)
        pieces += splitter.end()
    except Unreadable as exc:
        return [*pieces, *exc.pieces], str(exc)
    return pieces, ""


@settings(max_examples=300)
@given(garbage(), cuts, st.integers(1, 40))
@example(b"[1,2]]", [3], 40)
@example(b'["a\\"b", 1]', [4], 40)
@example(b"\xef\xbb\xbf{}\n{}", [1, 2], 40)
def test_whole_is_as_byte_by_byte(data: bytes, places: list[int], limit: int) -> None:
    kinds: list[Make] = [
        lambda: detecting(limit),
        lambda: LineSplitter(limit),
        lambda: ValueSplitter(limit, "array"),
        lambda: ValueSplitter(limit, "row"),
    ]
    for make in kinds:
        whole = outcome_of(make, [data] if data else [])
        assert outcome_of(make, [data[place : place + 1] for place in range(len(data))]) == whole
        assert outcome_of(make, cut(data, places)) == whole


@settings(max_examples=300)
@given(garbage(), st.integers(1, 20))
def test_what_is_held_is_bounded(data: bytes, limit: int) -> None:
    splitters = (LineSplitter(limit), ValueSplitter(limit, "row"))
    for splitter in splitters:
        for place in range(len(data)):
            splitter.feed(data[place : place + 1])
            assert sum(map(len, splitter._held)) <= limit


def test_a_piece_beyond_the_limit_is_a_flaw_and_the_next_is_not() -> None:
    data = b'{"a":"%s"}\n{"b":2}\n' % (b"x" * 100)
    for chunks in ([data], [data[:5], data[5:60], data[60:]]):
        long, short = pieces_of(lambda: LineSplitter(50), chunks)
        assert isinstance(long, Flaw)
        assert long == "it is longer than the limit of 50 bytes"
        assert short == b'{"b":2}'


@pytest.mark.parametrize(
    ("data", "flaws"),
    [
        (b"[1,,2]", ["there is no value before the comma"]),
        (b"[1,]", ["there is no value after the last comma"]),
        (b"[1", ["the input ends inside it"]),
        (b"[", ["the input ends before its array does"]),
        (b'[{"a":"', ["the input ends inside it"]),
        (b"[]", []),
        (b"", []),
    ],
)
def test_flaws_of_an_array(data: bytes, flaws: list[str]) -> None:
    pieces = pieces_of(lambda: detecting(BIG), [data])
    assert [piece for piece in pieces if isinstance(piece, Flaw)] == flaws


def test_a_broken_value_costs_the_next_one_nothing() -> None:
    pieces = pieces_of(lambda: detecting(BIG), [b'[{"a":1}, {"b" 2}}, {"c":3}]'])
    assert pieces == [b'{"a":1}', b'{"b" 2}}', b'{"c":3}']


def test_what_follows_an_array_is_said_after_its_values() -> None:
    pieces, said = outcome_of(lambda: detecting(BIG), [b"[1,2] {}"])
    assert (pieces, said) == ([b"1", b"2"], "something follows the end of the array")


def test_utf16_is_said_to_be_utf16() -> None:
    _, said = outcome_of(lambda: detecting(BIG), ['{"type":"track"}'.encode("utf-16")])
    assert said == "it is UTF-16, and JSON is UTF-8"


def test_a_byte_order_mark_is_no_part_of_the_first_event() -> None:
    assert pieces_of(lambda: detecting(BIG), [b'\xef\xbb\xbf{"a":1}\n']) == [b'{"a":1}']


@pytest.mark.parametrize(
    ("data", "noun", "count"),
    [
        (b'{"a":1}\n{"b":2}\n', "line", 2),
        (b'\n\n{"a":1}\n', "line", 3),
        (b'{\n"a":1}\n{"b":2}\n', "event", 2),
        (b'{ \r\n"a":1}', "event", 1),
        (b'\n [{"a":1}]', "event", 1),
    ],
)
def test_the_first_bytes_say_which_kind_of_file_it_is(data: bytes, noun: str, count: int) -> None:
    splitter = detecting(BIG)
    pieces = [*splitter.feed(data), *splitter.end()]
    assert (splitter.noun, len(pieces)) == (noun, count)
