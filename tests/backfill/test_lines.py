"""Whatever the stretches of a file are, each of its lines is in exactly one of them."""

from __future__ import annotations

import itertools
import os
import tempfile

from hypothesis import given, strategies as st

from isthmus.eventfiles import Flaw, Piece
from isthmus_backfill._lines import lines_between

LIMIT = 40

endings = st.sampled_from([b"\n", b"\r\n", b"\n\n", b"\r\n\r\n", b" \n", b"\r", "\u2028".encode(), b"\x0c\n"])
texts = st.one_of(
    st.text(max_size=12).map(lambda text: text.replace("\n", " ").encode("utf-8", "replace")),
    st.sampled_from([b"", b"{}", b'{"a":1}', "\u00e9\u4e16\U0001f600".encode()]),
    st.integers(LIMIT - 2, LIMIT + 60).map(lambda size: b"x" * size),
)
files = st.builds(
    lambda mark, pairs, last: mark + b"".join(text + ending for text, ending in pairs) + last,
    st.sampled_from([b"", b"\xef\xbb\xbf"]),
    st.lists(st.tuples(texts, endings), max_size=8),
    texts,
)


def read(data: bytes, start: int, end: int, block: int) -> list[tuple[int, Piece]]:
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        return [line for _, lines in lines_between(file.fileno(), start, end, LIMIT, block) for line in lines]


def lines_of(data: bytes) -> list[tuple[int, bytes | None]]:
    """By the prose: a line begins at 0 and behind each line feed; None for one that is too long, blank ones not at all."""
    found: list[tuple[int, bytes | None]] = []
    begins = [0, *(place + 1 for place, byte in enumerate(data) if byte == 10)]
    for place in begins:
        line = data[place:].split(b"\n")[0]
        text = line[3:] if place == 0 and line.startswith(b"\xef\xbb\xbf") else line
        if len(line) > LIMIT:
            found.append((place, None))
        elif text.strip(b" \t\r\n\x0b\x0c"):
            found.append((place, text))
    return found


def plain(lines: list[tuple[int, Piece]]) -> list[tuple[int, bytes | None]]:
    return [(place, None if isinstance(piece, Flaw) else piece) for place, piece in lines]


@given(files, st.lists(st.integers(0, 400), max_size=6), st.integers(1, 64))
def test_the_stretches_of_a_file_have_each_of_its_lines_once(
    data: bytes, cuts: list[int], block: int
) -> None:
    bounds = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    found = [line for start, end in itertools.pairwise(bounds) for line in read(data, start, end, block)]
    assert plain(found) == lines_of(data)


@given(files, st.integers(1, 64))
def test_a_line_belongs_where_it_begins(data: bytes, size: int) -> None:
    for start in range(0, len(data), size):
        end = min(len(data), start + size)
        assert all(start <= place < end for place, _ in read(data, start, end, 7))


def test_a_line_that_is_too_long_says_so_and_costs_no_other() -> None:
    data = b'{"a":1}\n' + b"x" * 5000 + b'\n{"b":2}'
    found = read(data, 0, len(data), 64)
    assert [piece for _, piece in found] == [b'{"a":1}', "it has 5000 bytes, and the limit is 40", b'{"b":2}']


def test_what_is_held_of_a_long_line_is_bounded() -> None:
    import tracemalloc

    with tempfile.TemporaryFile() as file:
        os.truncate(file.fileno(), 64 << 20)  # one line of zero bytes
        tracemalloc.start()
        try:
            found = [line for _, lines in lines_between(file.fileno(), 0, 1, 1 << 20) for line in lines]
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert isinstance(found[0][1], Flaw)
    assert peak < 8 << 20
