"""What a component's call reports of its memory, and components that a meter can't be put into."""

from __future__ import annotations

import msgspec
import pytest
import wasmtime
from hypothesis import given, strategies as st
from tests.javascript import call_of
from tests.wasm.components import answers, component, prints, returns
from tests.wasm.modules import Module, Modules

from isthmus.abc import Reply, Returned
from isthmus_wasmtime._binary import sections
from isthmus_wasmtime._components.meter import PAGES, metered
from isthmus_wasmtime._components.program import ComponentProgram
from isthmus_wasmtime._pieces import Malformed
from isthmus_wasmtime._runtime import WasmtimeRuntime
from isthmus_wasmtime._wasm import new_engine

PAGE = 65536
GROWS = "(drop (memory.grow (i32.const {})))"
SECOND = """
  (core module $second (memory (export "memory") 3) (func (export "f")))
  (core instance $second (instantiate $second))
  (alias core export $second "memory" (core memory $other))
"""


async def returned(module: Module) -> Reply:
    reply = await module.run(call_of({"type": "track"}))
    assert isinstance(reply.ending, Returned), reply.ending
    return reply


@pytest.mark.parametrize("code", [answers(returns(0)), prints('{"return":1}')], ids=["function", "command"])
async def test_a_call_says_how_much_memory_it_had(modules: Modules, code: str) -> None:
    module = await modules(code)
    for _ in range(2):
        assert (await returned(module)).memory == 4 * PAGE


async def test_memory_that_it_grew_counts_and_is_gone_with_it(modules: Modules) -> None:
    grows = GROWS.format(50)
    module = await modules(answers(grows + returns(0)))
    for _ in range(2):
        assert (await returned(module)).memory == 54 * PAGE


async def test_a_kept_component_has_what_it_grew_to(modules: Modules) -> None:
    module = await modules(answers(GROWS.format(1) + returns(0)), isolation="instance")
    assert [(await returned(module)).memory // PAGE for _ in range(3)] == [5, 6, 7]


async def test_all_its_memories_count(modules: Modules) -> None:
    core = '(func (export "run") (result i32) (i32.const 0))'
    module = await modules(component(core, more=SECOND))
    assert (await returned(module)).memory == 7 * PAGE


async def test_what_measuring_takes_is_none_of_the_call_s_fuel() -> None:
    async with Modules.opened(WasmtimeRuntime(cache=None, fuel=100_000)) as modules:
        module = await modules(answers(returns(0)))
        program = module.program
        assert isinstance(program, ComponentProgram)
        with_meter = await returned(module)
        program._blueprint = msgspec.structs.replace(program._blueprint, meter=None)
        without = await returned(module)
    assert (with_meter.memory, without.memory) == (4 * PAGE, 0)
    assert with_meter.fuel == without.fuel > 0


async def test_a_component_that_has_such_a_function_itself_is_run_without_a_meter(modules: Modules) -> None:
    lying = f"""
      (core module $liar (func (export "f") (result i32) (i32.const 7)))
      (core instance $liar (instantiate $liar))
      (func $lie (result u32) (canon lift (core func $liar "f")))
      (export "{PAGES}" (func $lie))
    """
    core = '(func (export "run") (result i32) (i32.const 0))'
    module = await modules(component(core, more=lying))
    assert (await returned(module)).memory == 0


async def test_a_memory_of_another_kind_is_not_measured(modules: Modules) -> None:
    core = '(func (export "run") (result i32) (i32.const 0))'
    more = SECOND.replace('(memory (export "memory") 3)', '(memory (export "memory") i64 1)')
    assert (await returned(await modules(component(core, more=more)))).memory == 0


def test_what_has_no_memory_gets_no_meter() -> None:
    with pytest.raises(Malformed, match="no memory"):
        metered(bytes(wasmtime.wat2wasm("(component)")))


SOUND = bytes(wasmtime.wat2wasm(answers(returns(0))))


@given(st.integers(0, len(SOUND) - 1), st.integers(0, 255))
def test_a_damaged_component_gets_one_or_is_said_to_be_malformed(at: int, byte: int) -> None:
    """And what had been valid is still valid with it, or is not compiled."""
    damaged = SOUND[:at] + bytes([byte]) + SOUND[at + 1 :]
    try:
        made = metered(damaged)
    except Malformed:
        return
    assert made.startswith(damaged)
    assert [number for number, _ in sections(made)][-6:] == [1, 2, 6, 7, 8, 11]


def test_the_meter_is_valid() -> None:
    engine = new_engine()
    assert wasmtime.component.Component(engine, metered(SOUND)).get_export_index(PAGES) is not None
