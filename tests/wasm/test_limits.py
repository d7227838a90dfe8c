"""What hostile modules come to: each is stopped by the limit it runs against, and the next call is as ever."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import trio
from tests.javascript import FakeHost, call_of
from tests.wasm.modules import ECHO, Modules, command, plugin, says

from isthmus import EngineError, LoadError
from isthmus.abc import Killed
from isthmus_wasmtime._runtime import WasmtimeRuntime

MIB = 1024 * 1024


def attack(body: str, more: str = "", uses: str = "", pages: str = "2") -> str:
    """A command that returns 1 for ``onTrack`` and attacks otherwise."""
    read = """
      (i32.store (i32.const 8) (i32.const 2048)) (i32.store (i32.const 12) (i32.const 15))
      (drop (call $fd_read (i32.const 0) (i32.const 8) (i32.const 1) (i32.const 16)))
      (if (i32.eq (i32.load8_u (i32.const 2062)) (i32.const 84)) ;; "T"
        (then (call $out (i32.const 1024) (i32.const 12)) (return)))
    """
    return command(read + body, data='{\\"return\\":1}', uses=f"fd_read {uses}", more=more, pages=pages)


ENDLESS = "(loop $on (br $on))"
GROWING = """
  (loop $on
    (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1)) (then unreachable))
    (i32.store (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 4)) (i32.const 1))
    (br $on))
"""
FLOOD = "(loop $on (call $write (i32.const {}) (i32.const 0) (i32.const 65536)) (br $on))"


@pytest.mark.parametrize(
    ("body", "more", "reason"),
    [
        (ENDLESS, "", "cpu"),
        ("(call $on)", "(func $on (loop $l (call $inner) (br $l))) (func $inner)", "cpu"),
        (GROWING, "", "memory"),
        (FLOOD.format(1), "", "output"),
        (FLOOD.format(2), "", "cpu"),
        (
            "(loop $on (drop (table.grow $t (ref.null func) (i32.const 1000))) (br $on))",
            "(table $t 1 funcref)",
            "cpu",
        ),
        ("(loop $on (memory.fill (i32.const 0) (i32.const 1) (i32.const 131072)) (br $on))", "", "cpu"),
    ],
    ids=["loop", "calls", "memory", "output", "log", "table", "fill"],
)
async def test_an_attack_ends_by_its_limit_and_the_next_call_is_as_ever(
    modules: Modules, body: str, more: str, reason: str
) -> None:
    module = await modules(attack(body, more), cpu=0.2 if reason == "cpu" else 60, wall=60, memory=8 * MIB)
    assert (await module.killed(call_of(handler="onPage"))).reason == reason
    for _ in range(2):
        assert await module.value() == 1


async def test_endless_code_ends_with_the_calls_time(modules: Modules) -> None:
    module = await modules(attack(ENDLESS), wall=0.1)
    assert (await module.killed(call_of(handler="onPage"))).reason == "timeout"


async def test_what_uses_up_the_stack_traps(modules: Modules) -> None:
    module = await modules(
        attack(
            "(drop (call $deep (i32.const 0)))",
            "(func $deep (param i32) (result i32) (call $deep (i32.add (local.get 0) (i32.const 1))))",
        )
    )
    assert "call stack exhausted" in (await module.thrown(call_of(handler="onPage"))).message
    assert await module.value() == 1


async def test_a_log_flood_is_cut_and_counted(modules: Modules) -> None:
    module = await modules(
        command(
            "(local $i i32) (loop $on (call $write (i32.const 2) (i32.const 1024) (i32.const 8)) (br_if $on (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 20000))))",
            data="1234567\\n",
        ),
        log_bytes=100,
    )

    class Counting(FakeHost):
        left_out = 0

        def log_left_out(self, size: int) -> None:
            self.left_out += size

    host = Counting()
    await module.run(host=host)
    told = sum(map(len, host.texts))
    assert 100 < told < 120
    assert told + host.left_out == 20000 * 7


async def test_a_line_without_end_is_no_memory_of_ours(modules: Modules) -> None:
    module = await modules(
        command(
            "(local $i i32) (loop $on (call $write (i32.const 2) (i32.const 1024) (i32.const 8)) (br_if $on (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 20000))))",
            data="12345678",
        ),
        log_bytes=100,
    )
    host = FakeHost()
    await module.run(host=host)
    assert sum(map(len, host.texts)) < 40_000


async def test_a_blocking_poll_ends_with_the_calls_time(modules: Modules) -> None:
    sleeping = """
      (i64.store (i32.const 4096) (i64.const 1)) (i32.store8 (i32.const 4104) (i32.const 0))
      (i32.store (i32.const 4112) (i32.const 1)) (i64.store (i32.const 4120) (i64.const 3600000000000))
      (drop (call $poll_oneoff (i32.const 4096) (i32.const 8192) (i32.const 1) (i32.const 16)))
    """
    module = await modules(attack(sleeping, uses="poll_oneoff"), wall=0.1)
    assert (await module.killed(call_of(handler="onPage"))).reason == "timeout"
    assert await (await modules(attack(sleeping, uses="poll_oneoff"), wall=60)).value() == 1


async def test_cancelling_stops_a_loop(modules: Modules) -> None:
    module = await modules(attack(ENDLESS), wall=600, cpu=600)
    with trio.move_on_after(0.05) as scope:
        await module.run(call_of(handler="onPage"))
    assert scope.cancelled_caught
    assert await module.value() == 1


async def test_output_at_its_limit_and_one_byte_over(modules: Modules) -> None:
    text = '{"return":"' + "x" * 87 + '"}'
    assert len(text) == 100
    assert await (await modules(says(text), output_bytes=100)).value() == "x" * 87
    assert (await (await modules(says(text), output_bytes=99)).killed()).reason == "output"


async def test_memory_below_what_a_module_begins_with_is_refused_with_both_numbers(modules: Modules) -> None:
    with pytest.raises(
        LoadError, match=r"begins with 6553600 bytes of memory, more than its limit of 1000000"
    ):
        await modules(command("", pages="100"), memory=1_000_000)


async def test_a_table_that_is_too_large_is_refused(modules: Modules) -> None:
    with pytest.raises(LoadError, match="table"):
        await modules(command("", more="(table 9000000 funcref)"))


async def test_memory_that_a_guest_did_not_get_is_its_own_affair(modules: Modules) -> None:
    module = await modules(
        attack("(if (i32.ne (memory.grow (i32.const 5000)) (i32.const -1)) (then unreachable))"),
        memory=8 * MIB,
    )
    assert await module.value(call_of(handler="onPage")) is None


async def test_many_at_once_are_each_held_to_their_own_limit(modules: Modules) -> None:
    module = await modules(attack(ENDLESS), cpu=0.2, wall=60)
    endings: list[object] = []

    async def one(handler: str) -> None:
        endings.append((await module.run(call_of(handler=handler))).ending)

    async with trio.open_nursery() as nursery:
        for index in range(12):
            nursery.start_soon(one, "onPage" if index % 3 == 0 else "onTrack")
    assert sum(isinstance(ending, Killed) for ending in endings) == 4
    assert len(endings) == 12


async def test_nothing_runs_on_when_a_runtime_is_closed(modules: Modules) -> None:
    module = await modules(ECHO)
    await module.run()
    await module.program.aclose()
    await modules.runtime.aclose()
    assert not [thread for thread in threading.enumerate() if thread.name == "isthmus wasm clock"]


async def test_fuel_bounds_a_call_the_same_way_every_time(compiled: Path) -> None:
    counted = "(local $i i32) (loop $on (br_if $on (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const {}))))"
    async with Modules.opened(WasmtimeRuntime(fuel=100_000, cache=compiled)) as modules:
        little, much = (
            await modules(command(counted.format(1000))),
            await modules(command(counted.format(100_000))),
        )
        for _ in range(3):
            assert await little.value() is None
            killed = await much.killed()
            assert (killed.reason, killed.message) == (
                "cpu",
                "the call used more fuel than its limit of 100000 units",
            )


async def test_each_call_has_its_own_fuel(compiled: Path) -> None:
    async with Modules.opened(WasmtimeRuntime(fuel=20_000, cache=compiled)) as modules:
        module = await modules(says('{"return":1}'))
        assert [await module.value() for _ in range(50)] == [1] * 50


COUNTS = "(local $i i32) (loop $on (br_if $on (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const {}))))"


@pytest.mark.parametrize("kind", ["command", "plugin"])
async def test_fuel_is_reported_and_grows_with_the_work(compiled: Path, kind: str) -> None:
    async with Modules.opened(WasmtimeRuntime(fuel=100_000, cache=compiled)) as modules:
        spent = []
        for rounds in (10, 1010):
            body = COUNTS.format(rounds)
            module = await modules(command(body) if kind == "command" else plugin(body + "(i32.const 0)"))
            first, again = await module.run(), await module.run()
            assert first.fuel == again.fuel
            spent.append(first.fuel)
        assert 4 * 1000 <= spent[1] - spent[0] <= 10 * 1000


async def test_fuel_that_is_not_counted_is_not_reported(modules: Modules) -> None:
    assert (await (await modules(says(""))).run()).fuel == 0


@pytest.mark.parametrize("fuel", [-1, 1.5, True, 1 << 63])
def test_fuel_is_a_whole_number(fuel: int) -> None:
    with pytest.raises(EngineError, match="fuel"):
        WasmtimeRuntime(fuel=fuel)
