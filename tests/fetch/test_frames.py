"""GOAWAY frames taken out of the stream of bytes, wherever it is cut."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, strategies as st

from isthmus_fetch._faults import Fault
from isthmus_fetch._frames import FrameFilter, GoAway


def frame(kind: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes((kind, 0)) + stream.to_bytes(4, "big") + payload


farewells = st.builds(GoAway, st.integers(0, 2**31 - 1), st.integers(0, 13))
others = st.builds(
    frame, st.sampled_from([0, 1, 3, 4, 6, 8]), st.integers(0, 2**31 - 1), st.binary(max_size=40)
)


def encode(farewell: GoAway, debug: bytes = b"") -> bytes:
    return frame(7, 0, farewell.last_stream.to_bytes(4, "big") + farewell.code.to_bytes(4, "big") + debug)


@given(
    st.lists(st.one_of(farewells, others), max_size=6), st.binary(max_size=9), st.lists(st.integers(0, 200))
)
def test_whole_or_in_pieces_the_rest_passes_unchanged(
    frames: list[GoAway | bytes], debug: bytes, cuts: list[int]
) -> None:
    data = b"".join(encode(item, debug) if isinstance(item, GoAway) else item for item in frames)
    edges = [0, *sorted(min(at, len(data)) for at in cuts), len(data)]
    filtered = FrameFilter()
    passed, seen = b"", []
    for start, end in itertools.pairwise(edges):
        more, farewells_ = filtered.feed(data[start:end])
        passed += more
        seen += farewells_
    assert passed == b"".join(item for item in frames if isinstance(item, bytes))
    assert seen == [item for item in frames if isinstance(item, GoAway)]


def test_a_malformed_one_passes_for_h2_to_judge() -> None:
    short = frame(7, 0, b"1234")
    assert FrameFilter().feed(short) == (short, [])


def test_a_frame_is_judged_by_the_length_it_announces() -> None:
    largest = frame(0, 1, bytes(16384))
    assert FrameFilter().feed(largest) == (largest, [])
    for kind in (0, 7):
        with pytest.raises(Fault, match="a frame of 16385 bytes"):
            FrameFilter().feed(frame(kind, 0, bytes(16385))[:9])
