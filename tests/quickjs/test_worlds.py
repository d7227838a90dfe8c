"""A world by itself: crossings and how they end, restoring, growth, the allocator, what the clock may see."""

from __future__ import annotations

import ctypes
import json
import random
import struct
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from tests.javascript import MIB, Scripts, call_of, differences, memory_of
from wasmtime import _bindings as c

from isthmus.errors import RuntimeFault
from isthmus_quickjs import _wasm
from isthmus_quickjs._driver import ENTRY
from isthmus_quickjs._frames import RETURNED, WAITING, pack_record, parse_frame
from isthmus_quickjs._guest import Image
from isthmus_quickjs._world import EXCHANGE_PAGES, RECORD_LIMIT, ROOM, Ran, World

FOREVER = 1000.0

CODE = """
function onTrack(event) {
    if (event.fill) return new Uint8Array(event.fill).fill(90).length;
    if (event.text) return 'x'.repeat(event.text);
    if (event.loop) for (;;);
    for (let n = 0; n < event.spin; n++);
    if (event.wait) return fetch('http://a.example/');
    if (event.alloc) return allocate(event.alloc);
    if (event.mark) { const a = new Uint8Array(event.mark); for (let i = 8; i < 24; i++) a[i] = 200 + i; return a.length }
    return event.n;
}
function allocate(deeds) {
    const held = [], grown = [];
    let text = '';
    const ok = () => held.every(([a, b]) => a.every(x => x === b)) && grown.every((x, i) => x === i);
    deeds.forEach(([deed, n], i) => {
        if (deed === 0) held.push([new Uint8Array(n).fill(i % 251), i % 251]);
        if (deed === 1) held.splice(n % (held.length || 1), 1);
        if (deed === 2) for (let k = 0; k < n % 5000; k++) grown.push(grown.length);
        if (deed === 3) text += 'y'.repeat(n);
        if (deed === 4) grown.length = Math.min(grown.length, n);
    });
    return [ok(), text === 'y'.repeat(text.length)];
}"""


@pytest.fixture
async def image(scripts: Scripts) -> Image:
    return (await scripts.once(CODE, memory=64 * MIB)).image


@pytest.fixture
def world(image: Image) -> Iterator[World]:
    made = World(image)
    yield made
    made.close()


def record(**event: object) -> bytes:
    return pack_record(call_of(event))


def go_on(_index: int, _seconds: float) -> bool:
    return True


def values(ran: list[Ran]) -> list[object]:
    return [json.loads(parse_frame(each.frame).value) for each in ran]


# ---- crossings


async def test_a_new_world_is_its_image(image: Image, world: World) -> None:
    memory = memory_of(world)
    assert memory[: image.end] == image.memory
    assert memory.count(0, image.end) == len(memory) - image.end


async def test_records_of_a_crossing_are_answered_in_order(world: World) -> None:
    crossing = world.run_many([record(n=n) for n in range(100)], FOREVER, go_on)
    assert crossing.stopped is None
    assert values(crossing.ran) == list(range(100))
    assert all(0 < each.seconds < 5 for each in crossing.ran)
    assert differences(world) == []


async def test_a_crossing_begins_nothing_after_its_soft_limit(world: World) -> None:
    """The limit was once passed over at every second record."""
    records = [record(n=n) for n in range(6)]
    for done in range(6):
        assert values(world.run_many(records[done:], 0.0, go_on).ran) == [done]
    slow_second = [record(n=0), record(spin=300_000), record(n=2), record(n=3)]
    assert len(world.run_many(slow_second, 0.002, go_on).ran) <= 2


async def test_a_crossing_ends_where_a_record_waits(world: World) -> None:
    crossing = world.run_many([record(n=0), record(wait=True), record(n=2)], FOREVER, go_on)
    assert [parse_frame(each.frame).status for each in crossing.ran] == [RETURNED, WAITING]
    assert not world.broken
    assert differences(world) == []


async def test_a_crossing_ends_where_an_answer_finds_no_room(world: World) -> None:
    records = [record(text=100_000) for _ in range(20)]
    answered = 0
    while records:
        crossing = world.run_many(records, FOREVER, go_on)
        assert values(crossing.ran) == ["x" * 100_000] * len(crossing.ran)
        assert 1 <= len(crossing.ran) <= 6
        answered += len(crossing.ran)
        del records[: len(crossing.ran)]
    assert answered == 20


@pytest.mark.parametrize("size", [1, EXCHANGE_PAGES * 65536 // 2 - 40, EXCHANGE_PAGES * 65536 // 2, 2 * MIB])
async def test_an_answer_of_any_size_comes_out(world: World, size: int) -> None:
    crossing = world.run_many([record(n=1), record(text=size), record(n=3)], FOREVER, go_on)
    answers = values(crossing.ran)
    assert answers in ([1, "x" * size], [1, "x" * size, 3])


async def test_the_records_before_one_that_is_stopped_stand(world: World) -> None:
    def stop(index: int, seconds: float) -> bool:
        return index != 2 or seconds < 0.01

    look_everywhere(world)
    crossing = world.run_many([record(n=0), record(n=1), record(loop=True), record(n=3)], FOREVER, stop)
    assert values(crossing.ran) == [0, 1]
    assert crossing.stopped is not None
    assert crossing.stopped.code is None
    assert 0.01 <= crossing.seconds < 5
    assert world.broken


async def test_a_crossing_can_be_ended_with_the_record_that_runs(world: World) -> None:
    early: list[list[object]] = []

    def hurry(index: int, seconds: float) -> bool:
        if index == 2 and not early:
            early.append(values(world.finish_early()))
        return True

    look_everywhere(world)
    crossing = world.run_many([record(n=n) for n in range(5)], FOREVER, hurry)
    assert early == [[0, 1]]
    assert len(crossing.ran) == 3
    assert not world.broken


def look_everywhere(world: World) -> None:
    """Have the world's clock looked at wherever the guest can be stopped, not every few milliseconds."""

    def look(_context: object, _data: object, delta: Any, kind: Any) -> int:
        if not world._on_epoch():
            error = c.wasmtime_error_new(b"stopped")
            return ctypes.cast(error, ctypes.c_void_p).value or 0
        delta[0] = kind[0] = 0
        return 0

    enter, world._epoch = world._enter, _wasm._EpochCallback(look)
    c.wasmtime_store_epoch_deadline_callback(world._store.ptr(), world._epoch, None, _wasm._no_finalizer)

    def enter_due(proceed: Callable[[int, float], bool], *, direct: bool) -> None:
        enter(proceed, direct=direct)
        world._store.set_epoch_deadline(0)

    world._enter = enter_due  # type: ignore[method-assign]


async def test_no_look_at_the_clock_sees_more_than_has_passed(world: World) -> None:
    """A look between two stores of the driver once saw a record run since the machine was started."""
    seen: list[tuple[int, float]] = []
    began = 0.0

    def look(index: int, seconds: float) -> bool:
        seen.append((index, seconds))
        return 0 <= seconds <= time.monotonic() - began

    look_everywhere(world)
    for _ in range(3):
        began = time.monotonic()
        crossing = world.run_many([record(n=n) for n in range(4)], FOREVER, look)
        assert crossing.stopped is None, seen[-1]
    assert {index for index, _ in seen} == set(range(4))


@pytest.mark.parametrize("looks", range(0, 400, 7))
async def test_wherever_a_crossing_is_stopped_what_was_finished_stands(world: World, looks: int) -> None:
    """Stopped at each of the first places in turn: nothing lost before, nothing begun after."""
    left = looks

    def countdown(_index: int, _seconds: float) -> bool:
        nonlocal left
        left -= 1
        return left >= 0

    look_everywhere(world)
    crossing = world.run_many([record(n=n) for n in range(50)], FOREVER, countdown)
    assert crossing.stopped is not None
    assert values(crossing.ran) == list(range(len(crossing.ran)))
    assert len(crossing.ran) == world._current.value
    assert world.broken


async def test_what_is_done_between_calls_is_not_stopped_by_the_last_call(world: World) -> None:
    calls_over = False

    def until_over(_index: int, _seconds: float) -> bool:
        return not calls_over

    look_everywhere(world)
    for straight in (False, True):
        calls_over = False
        if straight:
            assert world.invoke(record(n=1), until_over).stopped is None
        else:
            assert world.run_many([record(n=0)], FOREVER, until_over).stopped is None
        calls_over = True
        world.settle()
        world.restore()
    assert differences(world) == []


async def test_a_world_that_was_stopped_says_what_it_had_printed(scripts: Scripts) -> None:
    script = await scripts("function onTrack() { console.log('so far'); for (;;); }")
    world = World(script.image)
    look_everywhere(world)
    crossing = world.run_many([record()], FOREVER, lambda _index, seconds: seconds < 0.05)
    assert b"so far" in crossing.log
    world.close()


async def test_records_that_just_fit_are_run(world: World) -> None:
    room = ROOM - 4 * ENTRY.size
    assert room > RECORD_LIMIT
    filler = {"n": 7, "pad": ""}
    empty = len(pack_record(call_of(filler)))
    records = [pack_record(call_of({**filler, "pad": "p" * (room // 4 - empty)})) for _ in range(4)]
    assert room - 16 < sum(map(len, records)) <= room
    assert values(world.run_many(records, FOREVER, go_on).ran) == [7] * 4


@pytest.mark.parametrize(("at", "length"), [(0, 1 << 32), (1 << 32, 1), ((1 << 32) - 1, 2), (1 << 40, 0)])
async def test_the_host_reads_and_writes_within_the_world_only(world: World, at: int, length: int) -> None:
    with pytest.raises(RuntimeFault, match="outside"):
        world.memory.peek(at, length)
    with pytest.raises(RuntimeFault, match="outside"):
        world.memory.poke(max(at, 1 << 31), b"xx")


# ---- growth


@pytest.mark.parametrize("size", [3_000_000, 20_000_000])
async def test_what_a_record_has_grown_is_cleared_before_the_next(world: World, size: int) -> None:
    crossing = world.run_many([record(fill=size), record(n=1)], FOREVER, go_on)
    assert values(crossing.ran) == [size, 1]
    memory = memory_of(world)
    assert len(memory) > size
    assert bytes([90]) * 64 not in memory
    assert not world.outgrown
    assert differences(world) == []


async def test_a_world_that_ends_large_is_not_worth_restoring(world: World) -> None:
    world.run_many([record(n=1), record(fill=20_000_000)], FOREVER, go_on)
    assert world.outgrown
    assert not world.broken


async def test_memory_grows_as_far_as_one_call_needs_however_many_there_were(world: World) -> None:
    for _ in range(20):
        world.run_many([record(fill=3_000_000), record(fill=2_000_000)], FOREVER, go_on)
    assert len(memory_of(world)) < world.image.end + 3_000_000 + MIB


# ---- the allocator: its size classes, retold in Python

SMALL = 512


def class_of(size: int) -> tuple[int, int]:
    """(class, rounded size) of guest/heap.c."""
    if size <= SMALL:
        steps = max(1, -(-size // 16))
        return steps - 1, steps * 16
    log = (size - 1).bit_length() - 1
    step = 1 << (log - 2)
    quarter = (size - 1 - (1 << log)) // step
    return SMALL // 16 + (log - 9) * 4 + quarter, (1 << log) + (quarter + 1) * step


def edges(least: int, most: int) -> list[int]:
    """Sizes at which a class ends, and their neighbours."""
    ends = {class_of(size)[1] for size in range(least, min(most, 4096))}
    ends |= {(1 << log) + (1 << (log - 2)) * quarter for log in range(9, 32) for quarter in range(4)}
    near = {end + by for end in ends for by in (-17, -16, -1, 0, 1, 15, 16)}
    return sorted(size for size in near if least <= size <= most)


def test_every_size_has_a_class_that_holds_it() -> None:
    last_class, last_size = 0, 0
    for size in [*range(MIB + 1), *edges(MIB, 0x7FFFFF00)]:
        number, rounded = class_of(size)
        assert rounded >= max(size, 1)
        assert rounded % 16 == 0
        assert rounded - size <= max(16, size // 4)
        assert 0 <= number < 128
        assert class_of(rounded) == (number, rounded)
        assert (number == last_class) == (rounded == last_size) or size == 0
        assert number >= last_class
        last_class, last_size = number, rounded


async def test_the_guest_counts_classes_the_same_way(world: World) -> None:
    for size in edges(16385 + 1, 2 * MIB):
        at = world._input(size - 1) & 0xFFFFFFFF  # takes room for one byte more
        number, rounded, *_ = struct.unpack("<4I", world.memory.peek(at - 16, 16))
        assert at % 16 == 0
        assert (number, rounded) == class_of(size)


async def test_the_guest_counts_small_classes_the_same_way(world: World) -> None:
    mark = bytes(range(208, 224))
    for size in edges(SMALL + 1, 16384)[::2]:
        world.restore()
        world.invoke(record(mark=size), go_on)
        at = memory_of(world).index(mark, 4 * MIB) - 8  # where the array begins, behind QuickJS's own 8 bytes
        number, rounded, *_ = struct.unpack("<4I", world.memory.peek(at - 8 - 16, 16))
        assert (number, rounded) == class_of(size + 8)


SIZES = st.one_of(st.integers(0, 600), st.sampled_from(edges(1, 300_000)))


@settings(max_examples=40)
@given(deeds=st.lists(st.tuples(st.integers(0, 4), SIZES), min_size=1, max_size=60))
async def test_what_is_allocated_never_overlaps(scripts: Scripts, deeds: list[tuple[int, int]]) -> None:
    script = await scripts.once(CODE, memory=64 * MIB)
    assert await script.value(call_of({"alloc": deeds})) == [True, True]


async def test_a_long_life_of_allocations_does_not_overlap(scripts: Scripts) -> None:
    chance = random.Random(7)
    sizes = edges(1, 100_000)
    deeds = [(chance.choice((0, 0, 0, 1, 1, 2, 3, 4)), chance.choice(sizes)) for _ in range(1500)]
    script = await scripts.once(CODE, memory=64 * MIB)
    assert await script.value(call_of({"alloc": deeds})) == [True, True]
