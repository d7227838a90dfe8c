"""A fresh world for every call: nothing that a call did can be seen by the next one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import trio
from tests.javascript import FakeHost, call_of
from tests.wasm.modules import Modules, command, plugin

from isthmus import LoadError
from isthmus.abc import Returned, Thrown
from isthmus_wasmtime._image import Image
from isthmus_wasmtime._linear import CAN_FORGET, LinearMemory
from isthmus_wasmtime._program import ModuleProgram
from isthmus_wasmtime._runtime import WasmtimeRuntime
from isthmus_wasmtime._world import World

SUM = """
  (local $at i32) (local $sum i64)
  (loop $each
    (local.set $sum (i64.add (local.get $sum) (i64.load8_u (local.get $at))))
    (br_if $each (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 1))) (i32.mul (memory.size) (i32.const 65536)))))
"""
SHOW = """
  (call $out (i32.const 1024) (i32.const 10)) (call $number {})
  (call $out (i32.const 1034) (i32.const 1))
"""
DATA = '{\\"return\\":}'


def counting(state: str, look: str, change: str) -> str:
    """A command that shows a state, as an i64, and then changes it."""
    return command(SHOW.format(look) + change, data=DATA, more=state)


STATES = {
    "memory": ("", "(i64.load (i32.const 90000))", "(i64.store (i32.const 90000) (i64.const 7))"),
    "data": (
        '(data (i32.const 2000) "\\05")',
        "(i64.load8_u (i32.const 2000))",
        "(i32.store8 (i32.const 2000) (i32.const 9))",
    ),
    "global i32": (
        "(global $g (mut i32) (i32.const 3))",
        "(i64.extend_i32_u (global.get $g))",
        "(global.set $g (i32.const 8))",
    ),
    "global i64": (
        "(global $g (mut i64) (i64.const -3))",
        "(global.get $g)",
        "(global.set $g (i64.const 8))",
    ),
    "global f32": (
        "(global $g (mut f32) (f32.const 1.5))",
        "(i64.extend_i32_u (i32.reinterpret_f32 (global.get $g)))",
        "(global.set $g (f32.const nan:0x200000))",
    ),
    "global f64": (
        "(global $g (mut f64) (f64.const 1.5))",
        "(i64.reinterpret_f64 (global.get $g))",
        "(global.set $g (f64.const inf))",
    ),
    "global v128": (
        "(global $g (mut v128) (v128.const i64x2 4 5))",
        "(i64x2.extract_lane 1 (global.get $g))",
        "(global.set $g (v128.const i64x2 6 7))",
    ),
    "global ref": (
        "(global $g (mut funcref) (ref.null func))",
        "(i64.extend_i32_u (ref.is_null (global.get $g)))",
        "(global.set $g (ref.func $f))",
    ),
    "table": (
        "(table $t 4 funcref)",
        "(i64.extend_i32_u (ref.is_null (table.get $t (i32.const 2))))",
        "(table.set $t (i32.const 2) (ref.func $f))",
    ),
    "table size": (
        "(table $t 4 funcref)",
        "(i64.extend_i32_u (table.size $t))",
        "(drop (table.grow $t (ref.null func) (i32.const 3)))",
    ),
    "memory size": (
        "",
        "(i64.extend_i32_u (memory.size))",
        "(drop (memory.grow (i32.const 1)))",
    ),
    "passive data": (
        '(data $p "abc")',
        "(i64.load8_u (i32.const 2000))",
        "(memory.init $p (i32.const 2000) (i32.const 0) (i32.const 3)) (data.drop $p)",
    ),
}


@pytest.mark.parametrize("name", STATES)
async def test_what_a_call_changes_is_as_before_for_the_next(modules: Modules, name: str) -> None:
    state, look, change = STATES[name]
    module = await modules(counting(state + "(elem declare func $f) (func $f)", look, change))
    first = await module.value()
    assert [await module.value() for _ in range(4)] == [first] * 4


async def test_a_dropped_segment_is_there_again(modules: Modules) -> None:
    body = "(memory.init $p (i32.const 2000) (i32.const 0) (i32.const 3)) (data.drop $p)" + SHOW.format(
        "(i64.load8_u (i32.const 2001))"
    )
    module = await modules(command(body, data=DATA, more='(data $p "abc")'))
    assert [await module.value() for _ in range(3)] == [98] * 3


CANARY = plugin(
    """
    (local $at i64) (local $found i32) (local $p i64)
    ;; look for the canary in all of the shared memory and in all of one's own
    (local.set $at (i64.const 262144))
    (loop $each
      (if (i64.eq (call $load_u64 (local.get $at)) (i64.const 0x5ca1ab1e0ddba11)) (then (local.set $found (i32.const 1))))
      (br_if $each (i64.lt_u (local.tee $at (i64.add (local.get $at) (i64.const 8))) (i64.sub (call $memory_bytes) (i64.const 8)))))
    (local.set $at (i64.const 2048))
    (loop $each
      (if (i64.eq (i64.load (i32.wrap_i64 (local.get $at))) (i64.const 0x5ca1ab1e0ddba11)) (then (local.set $found (i32.const 2))))
      (br_if $each (i64.lt_u (local.tee $at (i64.add (local.get $at) (i64.const 8))) (i64.const 131064))))
    ;; and leave it in both
    (local.set $p (call $alloc (i64.const 800000)))
    (call $store_u64 (i64.add (local.get $p) (i64.const 799992)) (i64.const 0x5ca1ab1e0ddba11))
    (i64.store (i32.const 130000) (i64.const 0x5ca1ab1e0ddba11))
    (local.get $found)""",
    uses={
        "load_u64": "(param i64) (result i64)",
        "store_u64": "(param i64 i64)",
        "memory_bytes": "(result i64)",
    },
)


async def test_a_canary_is_found_by_no_later_call(modules: Modules) -> None:
    module = await modules(CANARY)
    for _ in range(3):
        assert (await module.run()).ending == Returned(b"")


async def test_without_the_wiping_the_canary_is_found(
    modules: Modules, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = await modules(CANARY)
    monkeypatch.setattr(LinearMemory, "forget", lambda self: None)
    await module.run()
    assert (await module.thrown()).message.startswith("the plug-in's function returned")


async def test_where_memory_cannot_be_put_back_each_call_gets_another_world(
    monkeypatch: pytest.MonkeyPatch, compiled: Path
) -> None:
    monkeypatch.setattr(LinearMemory, "forget", lambda self: None)
    async with Modules.opened(WasmtimeRuntime(cache=compiled)) as modules:
        module = await modules(CANARY)
        assert isinstance(module.program, ModuleProgram)
        assert not module.program._image.renewable
        for _ in range(3):
            assert (await module.run()).ending == Returned(b"")


async def test_a_world_serves_call_after_call(modules: Modules, monkeypatch: pytest.MonkeyPatch) -> None:
    module = await modules(counting(*STATES["memory"]))
    made = 0
    make = World.__init__

    def counted(world: World, image: Image) -> None:
        nonlocal made
        made += 1
        make(world, image)

    monkeypatch.setattr(World, "__init__", counted)
    for _ in range(10):
        await module.value()
    assert made == 1


async def test_every_world_is_closed_with_its_program(
    modules: Modules, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_worlds: set[World] = set()
    make, close = World.__init__, World.close

    def counted_make(world: World, image: Image) -> None:
        make(world, image)
        open_worlds.add(world)

    def counted_close(world: World) -> None:
        close(world)
        open_worlds.discard(world)

    monkeypatch.setattr(World, "__init__", counted_make)
    monkeypatch.setattr(World, "close", counted_close)
    bodies = ["", "unreachable", "(drop (memory.grow (i32.const 1)))", "(loop $l (br $l))"]
    for body in bodies:
        module = await modules(command(body), wall=0.05)
        async with trio.open_nursery() as nursery:
            for _ in range(4):
                nursery.start_soon(module.run)
        await module.program.aclose()
    assert not open_worlds


START = """
  (global $state (mut i32) (i32.const 1))
  (func $init (global.set $state (i32.const 42)) (i32.store (i32.const 70000) (i32.const 5)) (drop (memory.grow (i32.const 1))))
"""


@pytest.mark.parametrize(
    "start",
    ["(start $init)", '(export "_initialize" (func $init))', '(export "__wasm_call_ctors" (func $init))'],
)
async def test_a_start_is_run_once_and_its_work_is_in_every_world(modules: Modules, start: str) -> None:
    body = """
      (global.set $state (i32.add (global.get $state) (i32.load (i32.const 70000))))
      (i32.store (i32.const 70000) (i32.const 1000))
      (i32.add (global.get $state) (memory.size))"""
    module = await modules(plugin(body, more=START + start))
    assert isinstance(module.program, ModuleProgram)
    assert module.program._image.starts == ()
    for _ in range(3):
        assert (await module.thrown()).message == "the plug-in's function returned 50"


@pytest.mark.parametrize(
    "use",
    [
        "(drop (call $clock_time_get (i32.const 0) (i64.const 0) (i32.const 80000)))",
        "(drop (call $random_get (i32.const 80000) (i32.const 8)))",
    ],
)
async def test_a_start_that_looks_at_clock_or_chance_is_run_by_each_call(modules: Modules, use: str) -> None:
    wasi = """
      (import "wasi_snapshot_preview1" "clock_time_get" (func $clock_time_get (param i32 i64 i32) (result i32)))
      (import "wasi_snapshot_preview1" "random_get" (func $random_get (param i32 i32) (result i32)))"""
    text = plugin("(i32.load (i32.const 80000))", more=f"(func $init {use}) (start $init)")
    module = await modules(text.replace("(module", f"(module {wasi}", 1))
    assert isinstance(module.program, ModuleProgram)
    assert module.program._image.starts == ("isthmus:start",)
    seeds = [bytes([number]) * 32 for number in (1, 2, 1)]
    said = [
        (await module.thrown(call_of(seed=seed, now=float(1 + seed[0])), FakeHost())).message
        for seed in seeds
    ]
    assert said[0] == said[2] != said[1]


async def test_a_start_that_fails_is_a_throw_of_each_call(modules: Modules) -> None:
    module = await modules(plugin("(i32.const 0)", more="(func $init unreachable) (start $init)"))
    for _ in range(2):
        assert (await module.thrown()).name == "Trap"


KEEPING = plugin(
    "(global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n)",
    more="(global $n (mut i32) (i32.const 0))",
)


async def test_a_kept_world_keeps_its_state_for_its_instance_alone(modules: Modules) -> None:
    module = await modules(KEEPING, isolation="instance")

    async def count(instance: str) -> str:
        return (await module.thrown(call_of(instance=instance))).message.rpartition(" ")[2]

    assert [await count("a") for _ in range(3)] == ["1", "2", "3"]
    assert await count("b") == "1"
    await module.program.forget("a")
    assert await count("a") == "1"


async def test_a_kept_world_runs_one_call_at_a_time(modules: Modules) -> None:
    module = await modules(KEEPING, isolation="instance")
    said = []

    async def one() -> None:
        said.append((await module.thrown()).message)

    async with trio.open_nursery() as nursery:
        for _ in range(8):
            nursery.start_soon(one)
    assert sorted(int(text.rpartition(" ")[2]) for text in said) == list(range(1, 9))


async def test_a_kept_world_that_was_stopped_is_begun_anew(modules: Modules) -> None:
    body = """
      (global.set $n (i32.add (global.get $n) (i32.const 1)))
      (if (i32.eq (global.get $n) (i32.const 2)) (then (loop $l (br $l))))
      (global.get $n)"""
    module = await modules(
        plugin(body, more="(global $n (mut i32) (i32.const 0))"), isolation="instance", cpu=0.1, wall=60
    )
    await module.thrown()
    assert (await module.killed()).reason == "cpu"
    assert (await module.thrown()).message.endswith("returned 1")


async def test_a_command_cannot_be_kept(modules: Modules) -> None:
    with pytest.raises(LoadError, match="isolation='call'"):
        await modules(command(""), isolation="instance")


@pytest.mark.parametrize(
    ("start", "baked"), [("(table.set $t (i32.const 0) (ref.func $b))", False), ("nop", True)]
)
async def test_a_start_that_changes_a_table_is_run_in_each_world(
    modules: Modules, start: str, baked: bool
) -> None:
    """Functions of a table are a world's own, and so in no image."""
    more = f"""
      (type $gives (func (result i32)))
      (table $t 2 funcref) (elem (i32.const 0) $a $a) (elem declare func $b)
      (func $a (result i32) (i32.const 0)) (func $b (result i32) (i32.const 2))
      (func $s {start}) (start $s)
    """
    module = await modules(plugin("(call_indirect (type $gives) (i32.const 0))", more=more))
    assert isinstance(module.program, ModuleProgram)
    assert (module.program._image.starts == ()) is baked
    for _ in range(3):
        ending = (await module.run()).ending
        assert ending == Returned() if baked else isinstance(ending, Thrown) and "2" in ending.message


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere worlds are made anew")
def test_pages_can_be_forgotten_here() -> None:
    assert CAN_FORGET


async def test_a_global_that_no_host_can_read_is_put_back_all_the_same(modules: Modules) -> None:
    """A module that has started, and holds a vector; wasmtime-py ends the process that asks for its type."""
    state = "(global $g (mut v128) (v128.const i64x2 4 5)) (func $s (global.set $g (v128.const i64x2 7 8))) (start $s)"
    look, change = "(i64x2.extract_lane 1 (global.get $g))", "(global.set $g (v128.const i64x2 6 9))"
    module = await modules(counting(state, look, change))
    assert [await module.value() for _ in range(3)] == [8, 8, 8]
