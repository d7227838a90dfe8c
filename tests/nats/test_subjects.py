"""Names become subjects and headers, and back."""

from __future__ import annotations

import re

from hypothesis import given, strategies as st

from isthmus_nats._subjects import lane_of, name_of, packed, shard_of, token_of, unpacked

NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=200)


@given(NAMES)
def test_a_queue_s_token_is_one_that_nats_takes(name: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_=~-]{1,120}", token_of(name))


@given(NAMES)
def test_a_token_that_is_not_cut_says_its_name(name: str) -> None:
    token = token_of(name)
    assert name_of(token) == (None if "~" in token else name)


@given(NAMES, NAMES)
def test_two_names_have_two_tokens(one: str, other: str) -> None:
    assert (token_of(one) == token_of(other)) == (one == other)


def test_names_that_agree_for_long_have_two_tokens() -> None:
    assert token_of("x" * 199 + "a") != token_of("x" * 199 + "b")


@given(st.text(max_size=50))
def test_what_is_packed_fits_a_header_and_comes_back(text: str) -> None:
    held = packed(text)
    assert re.fullmatch(r"[A-Za-z0-9_.~%-]*", held)
    assert unpacked(held) == text


@given(st.text(st.characters(), max_size=20))
def test_half_of_a_surrogate_comes_back_as_well(text: str) -> None:
    assert unpacked(packed(text + "\ud83d")) == text + "\ud83d"


@given(NAMES, st.integers(1, 64))
def test_a_queue_has_a_shard(name: str, shards: int) -> None:
    assert shard_of(name, shards) in range(shards)


@given(st.text(max_size=50), st.integers(1, 64))
def test_a_key_has_a_lane_beside_that_of_deliveries_without(key: str, lanes: int) -> None:
    assert lane_of(key, lanes) in range(1, lanes + 1)


def test_shards_and_lanes_are_what_they_were_in_earlier_versions() -> None:
    # A queue whose shard changed would begin anew in another stream, and lose sight of what it has.
    assert [shard_of(name, 8) for name in ("a", "warehouse", "a.b/c")] == [3, 4, 4]
    assert [lane_of(key, 16) for key in ("u1", "u2", "")] == [7, 13, 1]
