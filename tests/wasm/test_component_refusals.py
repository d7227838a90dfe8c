"""Components that are refused, each with what is wrong; and those that are damaged, of which none hurts."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
import wasmtime
from hypothesis import given, settings, strategies as st
from tests.wasm.components import answers, component, prints, returns
from tests.wasm.modules import Modules

from isthmus import LoadError
from isthmus_wasmtime import with_handlers
from isthmus_wasmtime._binary import custom_of
from isthmus_wasmtime._components import rehearsal
from isthmus_wasmtime._runtime import WasmtimeRuntime

RUNS = '(func (export "run") (result i32) (i32.const 0))'
MANY = component(
    RUNS,
    more="".join(f"(core module $m{i} (memory 1)) (core instance (instantiate $m{i}))" for i in range(8)),
)


def asks(import_: str) -> str:
    return component(RUNS, more=import_)


@pytest.mark.parametrize(
    ("code", "why"),
    [
        (
            asks('(import "wasi:keyvalue/store@0.2.0" (instance)) (import "a:b/c" (instance))'),
            r"does not offer: a:b/c, wasi:keyvalue/store@0.2.0; offered are isthmus:function/cache@0.1.0, .*wasi:io/poll@0.2.0",
        ),
        (
            asks('(import "wasi:cli/exit@0.2.0" (instance (export "leave" (func))))'),
            "wasi:cli/exit@0.2.0.leave",
        ),
        (
            asks('(import "wasi:cli/exit@0.2.0" (instance (export "exit" (func (param "status" u32)))))'),
            r"wasi:cli/exit@0.2.0.exit \(of another type\)",
        ),
        (
            asks('(import "wasi:cli/exit@0.2.0" (instance (export "exit" (func (param "code" (result))))))'),
            r"wasi:cli/exit@0.2.0.exit \(of another type\)",
        ),
        (
            asks(
                '(import "wasi:io/poll@0.2.0" (instance (export "pollable" (type $p (sub resource))) '
                '(export "other" (type $o (sub resource))) '
                '(export "[method]pollable.block" (func (param "self" (borrow $p)))) '
                '(export "poll" (func (param "in" (list (borrow $o))) (result (list u32))))))'
            ),
            r"wasi:io/poll@0.2.0.poll \(of another type\)",
        ),
        (asks('(import "wasi:io/poll@0.3.0" (instance))'), "wasi:io/poll@0.3.0"),
        (asks('(import "wasi:io/poll@1.0.0" (instance))'), "wasi:io/poll@1.0.0"),
        (asks('(import "isthmus:function/log@0.2.0" (instance))'), "isthmus:function/log@0.2.0"),
        (asks('(import "wasi:http/incoming-handler@0.2.0" (instance))'), "incoming-handler"),
        (
            asks(
                '(import "wasi:cli/exit@0.2.0" (instance '
                + "".join(f'(export "f{n}" (func))' for n in range(3000))
                + "))"
            ),
            "names 3000 things in one place, more than 2000",
        ),
        (
            asks("".join(f'(import "a:b/c{n}" (instance))' for n in range(1000))),
            "offer: a:b/c0, .* and 51 more; offered",
        ),
        (asks('(import "help" (func))'), "does not offer: help;"),
        (asks('(import "code" (core module))'), "does not offer: code;"),
        (component(RUNS, exports=""), "exports neither isthmus:function/handlers@0.1.0"),
        (
            component(
                RUNS,
                exports='(func $f (result u32) (canon lift (core func $main "run"))) '
                '(instance $r (export "run" (func $f))) (export "wasi:cli/run@0.2.0" (instance $r))',
            ),
            "exports wasi:cli/run@0.2.0 without run, or as another type",
        ),
        (component(RUNS, exports='(instance $r) (export "wasi:cli/run@0.2.0" (instance $r))'), "without run"),
        (MANY, "more than 8 memories"),
        (
            component(f"(func $s unreachable) (start $s) {RUNS}"),
            "no world can be made of the component.*unreachable",
        ),
        (
            answers("unreachable").replace("(i32.store (i32.const 4) (i32.const 1))", "unreachable"),
            "'offered' did not return.*unreachable",
        ),
        (answers("unreachable").replace("(i32.store (i32.const 4) (i32.const 1))", ""), "names no handler"),
    ],
)
async def test_a_component_that_does_not_fit_is_refused_with_the_reason(
    modules: Modules, code: str, why: str
) -> None:
    with pytest.raises(LoadError, match=why) as caught:
        await modules(code)
    assert caught.value.file == "tested.wasm"


async def test_more_memory_than_a_call_may_have_is_refused(modules: Modules) -> None:
    with pytest.raises(LoadError, match="memory minimum size of 100 pages exceeds memory limits"):
        await modules(component(RUNS, pages="100"), memory=99 * 65536)


async def test_a_component_that_never_says_what_it_offers_is_refused(
    modules: Modules, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rehearsal, "LOADING", 0.05)
    code = answers("unreachable").replace("(i32.store (i32.const 4) (i32.const 1))", "(loop $on (br $on))")
    with pytest.raises(LoadError, match="'offered' did not return"):
        await modules(code, wall=0.05)


async def test_a_component_that_asks_its_host_while_it_is_loaded_is_refused(modules: Modules) -> None:
    uses = '(import "isthmus:function/timers" "sleep" (func $sleep (param i64)))'
    code = answers(returns(0), uses=uses, interfaces=["isthmus:function/timers"])
    code = code.replace("(i32.store (i32.const 4) (i32.const 1))", "(call $sleep (i64.const 1))")
    with pytest.raises(LoadError, match="'offered' did not return: a guest asks its host for something"):
        await modules(code)


async def test_a_component_that_offers_more_than_can_be_read_is_refused(modules: Modules) -> None:
    many = "(drop (memory.grow (i32.const 100))) (i32.store (i32.const 0) (i32.const 100000)) (i32.store (i32.const 4) (i32.const 100001))"
    code = answers("unreachable").replace("(i32.store8 (i32.const 8) (i32.const 1))", many)
    with pytest.raises(LoadError, match="'offered' returned too much: a list of 100001 elements"):
        await modules(code)


async def test_handlers_named_from_outside_are_for_core_modules(compiled: Path) -> None:
    async with Modules.opened(WasmtimeRuntime(cache=compiled, handlers={"onTrack": "run"})) as modules:
        with pytest.raises(LoadError, match="this is a component: it says itself which handlers it has"):
            await modules(prints(""))


async def test_a_command_is_not_kept_for_an_instance(modules: Modules) -> None:
    with pytest.raises(LoadError, match="a command ends with its call"):
        await modules(prints(""), isolation="instance")


async def test_a_section_says_which_handlers_a_command_has(modules: Modules) -> None:
    binary = bytes(wasmtime.wat2wasm(prints("")))
    assert custom_of(binary, "isthmus:handlers") is None
    module = await modules(with_handlers(binary, {"onTrack": "onTrack"}))
    assert module.program.handlers == {"onTrack"}
    with pytest.raises(LoadError, match="no handler 'onTracks'"):
        await modules(with_handlers(binary, {"onTracks": "run"}))


async def test_a_second_runtime_reads_the_compiled_component(modules: Modules) -> None:
    code = prints('{"return": 1}')
    assert await (await modules(code)).value() == 1
    again = WasmtimeRuntime(cache=modules.runtime._directory)
    async with Modules.opened(again) as others:
        assert await (await others(code)).value() == 1
        assert again._workshop is not None
        assert again._workshop._cache.misses == 0


SOUND = tuple(
    bytes(wasmtime.wat2wasm(code))
    for code in (
        prints('{"return": 1}'),
        answers(returns(0)),
        component(RUNS, imports=["wasi:io/error", "wasi:io/poll", "wasi:io/streams", "wasi:http/types"][:3]),
    )
)


@given(
    which=st.integers(0, len(SOUND) - 1),
    changes=st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 255)), min_size=1, max_size=4),
    cut=st.none() | st.integers(8, 1 << 20),
)
@settings(max_examples=60)
async def test_a_damaged_component_loads_or_is_refused(
    modules: Modules, which: int, changes: list[tuple[int, int]], cut: int | None
) -> None:
    code = bytearray(SOUND[which])
    for at, byte in changes:
        code[8 + at % (len(code) - 8)] = byte
    with contextlib.suppress(LoadError):
        module = await modules(bytes(code[:cut]), wall=1.0, cpu=0.5)
        await module.run()
