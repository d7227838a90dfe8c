"""Guests that are damaged in every way: each loads or is refused in one sentence, and if it runs, it ends within its limits."""

from __future__ import annotations

import pytest
import trio
from hypothesis import given, settings, strategies as st
from tests.wasm.damage import GUESTS, damaged, sound
from tests.wasm.modules import Modules

from isthmus import LoadError
from isthmus.abc import Killed, Returned, Thrown

NUMBERS = st.integers(0, 300) | st.integers(0, 1 << 32)
SECTIONS = st.integers(0, 40)
CHANGES = st.one_of(
    st.builds("byte {} {}".format, NUMBERS, st.integers(0, 255)),
    st.builds("bit {} {}".format, NUMBERS, st.integers(0, 7)),
    st.builds("insert {} {}".format, NUMBERS, st.integers(1, 40)),
    st.builds("cut {}".format, NUMBERS),
    st.builds("drop {}".format, SECTIONS),
    st.builds("twice {}".format, SECTIONS),
    st.builds("swap {} {}".format, SECTIONS, SECTIONS),
    st.builds("size {} {}".format, SECTIONS, NUMBERS),
    st.builds("take {} {}".format, st.sampled_from(sorted(GUESTS)), SECTIONS),
    st.builds("in {}".format, SECTIONS),
)


@given(st.sampled_from(sorted(GUESTS)), st.lists(CHANGES, max_size=4))
@settings(max_examples=150)
async def test_a_damaged_guest_is_refused_or_ends_within_its_limits(
    modules: Modules, guest: str, changes: list[str]
) -> None:
    code = damaged("\n".join([guest, *changes]))
    refused: LoadError | None = None
    with trio.fail_after(60):
        try:
            module = await modules(code, wall=1.0, cpu=0.3, memory=16 << 20)
        except LoadError as error:
            refused = error
        else:
            assert isinstance((await module.run()).ending, Returned | Thrown | Killed)
    if refused is not None:
        assert str(refused).startswith("tested.wasm: ")
        assert "\n" not in refused.message


@pytest.mark.parametrize("name", GUESTS)
async def test_what_is_damaged_was_sound(modules: Modules, name: str) -> None:
    assert damaged(name) == sound(name)
    assert isinstance((await (await modules(sound(name))).run()).ending, Returned)
