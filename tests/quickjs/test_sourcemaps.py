"""Source maps: what an encoder written from the format's prose makes of places is decoded to those places."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Sequence

import pytest
from hypothesis import given, strategies as st

from isthmus_quickjs._source import Source
from isthmus_quickjs._sourcemaps import InvalidSourceMap, Place, SourceMap, take_inline_map

DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
FILES = ["a.ts", "src/b.ts", "../c.js"]

Segment = tuple[int, int, int, int]
"""Generated column, source, line, column; all from 0, a source of -1 for a segment without one."""


def vlq(number: int) -> str:
    """The sign goes below the bits, then five bits a digit, the lowest first, 32 where more follow."""
    bits = (abs(number) << 1) | (number < 0)
    text = ""
    while True:
        digit, bits = bits & 31, bits >> 5
        text += DIGITS[digit | (32 if bits else 0)]
        if not bits:
            return text


def encoded(lines: Sequence[Sequence[Segment]]) -> str:
    source = line = column = 0
    texts = []
    for segments in lines:
        before, parts = 0, []
        for at, of, of_line, of_column in segments:
            part = vlq(at - before)
            before = at
            if of >= 0:
                part += vlq(of - source) + vlq(of_line - line) + vlq(of_column - column)
                source, line, column = of, of_line, of_column
            parts.append(part)
        texts.append(",".join(parts))
    return ";".join(texts)


def source_map(mappings: str, **more: object) -> SourceMap:
    return SourceMap(json.dumps({"version": 3, "sources": FILES, "mappings": mappings, **more}).encode())


numbers = st.integers(0, 100_000)
segments = st.tuples(numbers, st.integers(-1, len(FILES) - 1), numbers, numbers)
lines_of_segments = st.lists(
    st.lists(segments, max_size=8, unique_by=lambda segment: segment[0]).map(sorted), max_size=8
)


@given(lines_of_segments)
def test_every_place_is_found_again(lines: list[list[Segment]]) -> None:
    decoded = source_map(encoded(lines))
    for number, row in enumerate(lines, 1):
        for at, of, line, column in row:
            expected = Place(FILES[of], line + 1, column + 1) if of >= 0 else None
            assert decoded.find(number, at + 1) == expected


@given(lines_of_segments, st.integers(-1, 12), st.integers(-1, 110_000))
def test_a_place_belongs_to_the_segment_before_it(lines: list[list[Segment]], line: int, column: int) -> None:
    expected = None
    if 1 <= line <= len(lines):
        for at, of, of_line, of_column in lines[line - 1]:
            if at <= column - 1:
                expected = Place(FILES[of], of_line + 1, of_column + 1) if of >= 0 else None
    assert source_map(encoded(lines)).find(line, column) == expected


@given(st.text(alphabet=DIGITS + ",;", max_size=60))
def test_any_mappings_are_decoded_or_refused(mappings: str) -> None:
    try:
        decoded = source_map(mappings)
    except InvalidSourceMap:
        return
    for line in range(1, mappings.count(";") + 2):
        decoded.find(line, 1_000_000)


REFUSED = {
    "no JSON": b"{",
    "no object": b"[1]",
    "no mappings": b'{"version":3,"sources":[]}',
    "another version": b'{"version":2,"sources":[],"mappings":""}',
    "a source that is not there": b'{"version":3,"sources":["a"],"mappings":"AEAA"}',
    "a line above the first": b'{"version":3,"sources":["a"],"mappings":"AADA"}',
    "two fields": b'{"version":3,"sources":["a"],"mappings":"AA"}',
    "half a number": b'{"version":3,"sources":["a"],"mappings":"g"}',
    "an endless number": b'{"version":3,"sources":["a"],"mappings":"gggggggggA"}',
    "a number beyond 32 bits": b'{"version":3,"sources":["a"],"mappings":"+/////P,+/////P"}',
    "no digit": b'{"version":3,"sources":["a"],"mappings":"A!AA"}',
    "bytes that are no text": b'{"version":3,"sources":["a"],"mappings":"\xff"}',
    "nesting without end": b'{"version":3,"sources":' + b"[" * 100_000,
    "more segments than are taken": b'{"version":3,"sources":["a"],"mappings":"' + b"," * 4_000_001 + b'"}',
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_source_map_is_refused(text: bytes) -> None:
    with pytest.raises(InvalidSourceMap):
        SourceMap(text)


def test_sources_are_named_below_their_root() -> None:
    decoded = source_map("AAAA", sourceRoot="pkg/", sourcesContent=["one", None])
    assert decoded.find(1, 1) == Place("pkg/a.ts", 1, 1)
    assert decoded.texts == {"pkg/a.ts": "one"}


@given(st.binary(max_size=40), st.sampled_from(["", "charset=utf-8;"]), st.sampled_from(["", "\n", "\r\n  "]))
def test_an_inline_map_is_taken_off_the_end(text: bytes, charset: str, end: str) -> None:
    inline = f"//# sourceMappingURL=data:application/json;{charset}base64,{base64.b64encode(text).decode()}"
    assert take_inline_map(f"code()\n{inline}{end}") == ("code()\n", text)


@pytest.mark.parametrize(
    "code",
    [
        "code()",
        "//# sourceMappingURL=code.js.map",
        "//# sourceMappingURL=data:application/json;base64,AAAA\ncode()",
        "const text = 'sourceMappingURL=data:application/json;base64,AAAA'",
        "",
    ],
)
def test_other_comments_are_left_alone(code: str) -> None:
    assert take_inline_map(code) == (code, None)


def test_an_inline_map_that_is_no_base64_is_refused() -> None:
    with pytest.raises(InvalidSourceMap, match="Base64"):
        take_inline_map("x\n//# sourceMappingURL=data:application/json;base64,A")


@pytest.mark.parametrize("part", [" (:", " (1:1:", ":1", ":1:1", " (", "x:1:"])
def test_a_made_up_stack_is_looked_through_once(part: str) -> None:
    """Finding a place in a line once took time by the square of its length: seconds, which nothing could stop."""
    source = Source(code="", file="a.js", texts={"a.js": ""})
    began = time.thread_time()
    assert source.place("    at " + part * 20_000 + "x") is None
    assert time.thread_time() - began < 1


@pytest.mark.parametrize(
    ("line", "file"),
    [("    at f (a.js:1:2)", "a.js"), ("    at a.js:1:2", "a.js"), ("    at a.js:01:02", "a.js")],
)
def test_a_place_is_read_with_a_name_and_without(line: str, file: str) -> None:
    assert Source(code="", file=file, texts={file: ""}).place(line) == Place(file, 1, 2)
