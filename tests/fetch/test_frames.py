"""HTTP/2 frames between a server and httpcore, wherever the stream of bytes is cut."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import cast

import httpcore
import pytest
import trio
from hypothesis import given, strategies as st

from isthmus_fetch._frames import FrameWire
from isthmus_fetch._wire import Wire


class Pieces:
    """A wire that brings the given pieces and takes what is sent."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self.pieces = list(pieces)
        self.sent = b""
        self.closed = False

    async def read(self, max_bytes: int) -> bytes:
        await trio.lowlevel.checkpoint()
        return self.pieces.pop(0) if self.pieces else b""

    async def write(self, data: bytes) -> None:
        await trio.lowlevel.checkpoint()
        self.sent += data

    def close(self) -> None:
        self.closed = True


def frame(kind: int, stream: int, payload: bytes, flags: int = 0) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


def number(value: int) -> bytes:
    return value.to_bytes(4, "big")


def goaway(last: int) -> bytes:
    return frame(7, 0, number(last) + number(0) + b"debug")


def reset(stream: int, code: int) -> bytes:
    return frame(3, stream, number(code))


async def passed(frames: FrameWire) -> bytes:
    data = b""
    while more := await frames.read(65536):
        data += more
    return data


others = st.builds(
    frame, st.sampled_from([0, 1, 3, 6, 8, 9]), st.integers(0, 2**31 - 1), st.binary(max_size=40)
)


@given(st.lists(st.one_of(others, st.just(goaway(3))), max_size=6), st.lists(st.integers(0, 300)))
def test_whole_or_in_pieces_all_but_farewells_pass_unchanged(frames: list[bytes], cuts: list[int]) -> None:
    data = b"".join(frames)
    edges = sorted({0, *(min(at, len(data)) for at in cuts), len(data)})
    wire = Pieces([data[start:end] for start, end in itertools.pairwise(edges)])
    filtered = FrameWire(cast("Wire", wire))
    assert trio.run(passed, filtered) == b"".join(item for item in frames if item[3] != 7)
    assert filtered.farewell == (3 if goaway(3) in frames else None)


async def test_a_farewell_refuses_exactly_what_was_not_taken_on() -> None:
    frames = FrameWire(cast("Wire", Pieces([goaway(3)])))
    for stream in (1, 3, 5, 7):
        assert frames.begin(stream)
    frames.end(7)
    assert await passed(frames) == reset(5, 7)
    assert not frames.begin(9)


async def test_a_server_that_names_no_limit_takes_a_hundred() -> None:
    frames = FrameWire(cast("Wire", Pieces([frame(4, 0, b""), frame(4, 0, b"\x00\x03" + number(7))])))
    hundred = frame(4, 0, b"\x00\x03" + number(100))
    assert await passed(frames) == hundred + frame(4, 0, b"\x00\x03" + number(7))


async def test_a_stream_is_reset_on_both_sides() -> None:
    wire = Pieces([])
    frames = FrameWire(cast("Wire", wire))
    frames.reset(5)
    assert await frames.read(65536) == reset(5, 8)
    await trio.testing.wait_all_tasks_blocked()
    assert wire.sent == reset(5, 8)


async def test_a_frame_is_judged_by_the_length_it_announces() -> None:
    largest = frame(0, 1, bytes(16384))
    assert await passed(FrameWire(cast("Wire", Pieces([largest])))) == largest
    wire = Pieces([frame(0, 1, bytes(16385))[:9]])
    with pytest.raises(httpcore.ReadError, match="a frame of 16385 bytes"):
        await passed(FrameWire(cast("Wire", wire)))
    assert wire.closed


async def test_data_is_counted_by_stream_under_way() -> None:
    frames = FrameWire(cast("Wire", Pieces([frame(0, 1, b"abc"), frame(0, 3, b"x"), frame(0, 1, b"de")])))
    frames.begin(1)
    await passed(frames)
    assert (frames.end(1), frames.end(1), frames.end(3)) == (5, 0, 0)
