"""Images as modules: what is put in comes out of wasmtime, and no binary, however broken, does more than ValueError."""

from __future__ import annotations

import contextlib
import ctypes
import re

import pytest
import wasmtime
from hypothesis import given, settings, strategies as st

from isthmus_quickjs._driver import STACK_MARGIN
from isthmus_quickjs._guest import HERE
from isthmus_quickjs._image import (
    CHUNK,
    PAGE,
    image_module,
    initial_memory,
    read_uleb,
    sections,
    segments,
    sleb,
    uleb,
    without_data,
)

BINARY = (HERE / "guest" / "quickjs.wasm").read_bytes()
ENGINE = wasmtime.Engine()

LENGTHS = st.one_of(st.integers(0, 5 * CHUNK), st.sampled_from([CHUNK - 1, CHUNK, CHUNK + 1, PAGE, PAGE + 1]))


@st.composite
def memories(draw: st.DrawFn) -> bytes:
    """Memory with something here and there, often at the ends of chunks and pages."""
    memory = bytearray(draw(LENGTHS))
    for _ in range(draw(st.integers(0, 8))):
        if memory:
            at = draw(st.one_of(st.integers(0, len(memory) - 1), st.just(len(memory) - 1), st.just(0)))
            what = draw(st.binary(max_size=40))
            memory[at : at + len(what)] = what[: len(memory) - at]
    return bytes(memory)


def memory_in(module: bytes) -> bytes:
    """What wasmtime makes of a module's memory."""
    store = wasmtime.Store(ENGINE)
    exports = wasmtime.Instance(store, wasmtime.Module(ENGINE, module), []).exports(store)
    memory = exports["memory"]
    assert isinstance(memory, wasmtime.Memory)
    address = ctypes.cast(memory.data_ptr(store), ctypes.c_void_p).value or 0
    contents = ctypes.string_at(address, memory.data_len(store))
    store.close()
    return contents


@settings(max_examples=60)
@given(memory=memories(), more=st.integers(0, 2))
def test_what_is_put_into_an_image_is_in_its_memory(memory: bytes, more: int) -> None:
    pages = -(-len(memory) // PAGE) + more
    contents = memory_in(image_module(memory, pages))
    assert len(contents) == pages * PAGE
    assert contents[: len(memory)] == memory
    assert contents.count(0, len(memory)) == len(contents) - len(memory)


@settings(max_examples=60)
@given(memory=memories())
def test_an_image_reads_back_as_it_was_written(memory: bytes) -> None:
    module = image_module(memory, -(-len(memory) // PAGE))
    written = initial_memory(module)
    assert written == memory[: len(written)]
    assert not any(memory[len(written) :])
    assert initial_memory(without_data(module)) == b""


@settings(max_examples=60)
@given(memory=memories())
def test_segments_are_apart_in_order_and_worth_their_head(memory: bytes) -> None:
    out = bytearray(len(memory))
    last = -1
    for at, run in segments(memory):
        assert at > last
        assert at % CHUNK == 0
        assert all(any(run[chunk : chunk + CHUNK]) for chunk in range(0, len(run), CHUNK))
        out[at : at + len(run)] = run
        last = at + len(run)
    assert bytes(out) == memory


def test_an_image_larger_than_its_pages_is_refused() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        image_module(bytes(PAGE + 1), 1)


# ---- numbers


@given(value=st.integers(0, (1 << 32) - 1), after=st.binary(max_size=3))
def test_unsigned_numbers_come_back(value: int, after: bytes) -> None:
    encoded = uleb(value)
    assert read_uleb(encoded + after, 0) == (value, len(encoded))
    assert len(encoded) <= 5


@given(value=st.integers(-(1 << 31), (1 << 31) - 1))
def test_signed_numbers_come_back(value: int) -> None:
    encoded = sleb(value)
    result = 0
    for place, byte in enumerate(encoded):
        result |= (byte & 0x7F) << (7 * place)
    if encoded[-1] & 0x40:
        result -= 1 << (7 * len(encoded))
    assert result == value
    assert all(byte & 0x80 for byte in encoded[:-1])
    assert not encoded[-1] & 0x80
    assert len(encoded) <= 5


@given(data=st.binary(max_size=12), at=st.integers(0, 12))
def test_a_number_is_read_or_refused(data: bytes, at: int) -> None:
    try:
        value, end = read_uleb(data, at)
    except ValueError:
        return
    assert at < end <= len(data)
    assert 0 <= value < 1 << 35


# ---- binaries


@settings(max_examples=200)
@given(data=st.binary(max_size=200), headed=st.booleans())
def test_any_bytes_are_a_binary_or_a_value_error(data: bytes, headed: bool) -> None:
    module = b"\0asm\1\0\0\0" + data if headed else data
    for take in (
        lambda: list(sections(module)),
        lambda: initial_memory(module),
        lambda: without_data(module),
    ):
        with contextlib.suppress(ValueError):
            take()


SMALL = image_module(bytes(range(256)) * 40, 1)


@settings(max_examples=300)
@given(at=st.integers(0, len(SMALL) - 1), byte=st.integers(0, 255), length=st.integers(8, len(SMALL)))
def test_a_broken_binary_is_a_binary_or_a_value_error(at: int, byte: int, length: int) -> None:
    broken = bytearray(SMALL)
    broken[at] = byte
    for take in (initial_memory, without_data):
        with contextlib.suppress(ValueError):
            take(bytes(broken[:length]))


# ---- the guest


def test_the_guest_without_its_data_is_all_the_rest() -> None:
    kept = dict(sections(without_data(BINARY)))
    there = dict(sections(BINARY))
    assert {number for number in there if number not in kept} <= {0, 11, 12}
    assert all(kept[number] == there[number] for number in kept)
    assert len(initial_memory(BINARY)) > 10_000


def test_the_guest_imports_nothing_it_has_no_use_for() -> None:
    """All it can reach: its memory, two calls to the host, and four ways to print that print nothing."""
    module = wasmtime.Module(ENGINE, BINARY)
    assert {(each.module, each.name) for each in module.imports} == {
        ("env", "memory"),
        ("host", "call"),
        ("host", "take"),
        ("wasi_snapshot_preview1", "fd_close"),
        ("wasi_snapshot_preview1", "fd_fdstat_get"),
        ("wasi_snapshot_preview1", "fd_seek"),
        ("wasi_snapshot_preview1", "fd_write"),
    }


def test_no_frame_of_the_guest_comes_near_the_margin_below_its_stack_checks() -> None:
    """Functions that check nothing may lie below the last that did, by as much as the driver restores unasked."""
    frame = re.compile(rb"\x23[\x80-\xff]*[\x00-\x7f].{0,6}?\x41([\x80-\xff]*[\x00-\x7f])\x6b", re.DOTALL)
    sizes = sorted(
        sum((byte & 0x7F) << (7 * place) for place, byte in enumerate(found))
        for found in frame.findall(BINARY)
        if len(found) <= 3
    )
    assert len(sizes) > 300
    assert sum(sizes[-16:]) < STACK_MARGIN
