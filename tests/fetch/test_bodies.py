"""Bodies decompressed and counted as they come in."""

from __future__ import annotations

import gzip
import itertools
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given, strategies as st

from isthmus_fetch._bodies import Body, TooLarge
from isthmus_fetch._faults import Fault

MIB = 1024 * 1024


def bare_deflate(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(data) + stream.flush()


ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "identity": bytes,
    "gzip": gzip.compress,
    " X-GZIP ": gzip.compress,
    "deflate": zlib.compress,
    "x-deflate": bare_deflate,
    "br": bytes,
    "gzip, gzip": bytes,
}
encodings = st.sampled_from(sorted(ENCODERS))


def cut(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(min(at, len(data)) for at in cuts), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(edges)]


def feed(body: Body, chunks: list[bytes]) -> None:
    for chunk in chunks:
        body.feed(chunk)


@given(encodings, st.binary(max_size=400), st.lists(st.integers(0, 400), max_size=8))
def test_whole_or_in_pieces_it_is_the_same(encoding: str, data: bytes, cuts: list[int]) -> None:
    body = Body(encoding, len(data))
    feed(body, cut(ENCODERS[encoding](data), cuts))
    assert body.value() == data
    assert body.size == len(data)


@given(encodings, st.binary(min_size=1, max_size=400), st.data())
def test_one_byte_too_many_is_refused_and_nothing_beyond_the_limit_is_kept(
    encoding: str, data: bytes, draw: st.DataObject
) -> None:
    limit = draw.draw(st.integers(0, len(data) - 1))
    body = Body(encoding, limit)
    with pytest.raises(TooLarge):
        feed(body, cut(ENCODERS[encoding](data), [5, 11]))
    assert len(body.value()) <= limit
    assert data.startswith(body.value())


@given(
    st.lists(st.binary(max_size=60), min_size=1, max_size=4),
    st.binary(max_size=5),
    st.lists(st.integers(0, 300)),
)
def test_gzip_has_members_and_what_follows_them_is_ignored(
    members: list[bytes], rest: bytes, cuts: list[int]
) -> None:
    if rest.startswith(b"\x1f\x8b"):
        rest = b""
    body = Body("gzip", 1000)
    feed(body, cut(b"".join(map(gzip.compress, members)) + rest, cuts))
    assert body.value() == b"".join(members)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "x-deflate"])
def test_a_bomb_never_takes_more_than_its_limit_and_a_piece(encoding: str) -> None:
    bomb = ENCODERS[encoding](bytes(256 * MIB))
    chunks = cut(bomb, list(range(0, len(bomb), 65536)))  # as it would be read
    body = Body(encoding, MIB)
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            feed(body, chunks)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # The limit, a piece, and what the buffer grows ahead by.
    assert peak < 1.5 * MIB


@pytest.mark.parametrize(
    "data", [b"this is not compressed", gzip.compress(b"x" * 99, mtime=0)[:20] + b"garbage" * 9]
)
def test_what_is_not_what_it_claims_is_said_so(data: bytes) -> None:
    with pytest.raises(Fault) as caught:
        Body("gzip", 1000).feed(data)
    assert caught.value.code == "Z_DATA_ERROR"
    assert caught.value.reason


def test_a_compressed_body_that_ends_early_counts_as_ended() -> None:
    body = Body("gzip", MIB)
    body.feed(gzip.compress(b"a" * 1000, mtime=0)[:-8])
    assert body.value() == b"a" * 1000


def test_an_empty_compressed_body_is_empty() -> None:
    for encoding in ENCODERS:
        body = Body(encoding, 0)
        body.feed(b"")
        assert body.value() == b""
