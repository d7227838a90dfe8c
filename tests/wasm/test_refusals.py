"""Modules that are refused, each with what is wrong; and binaries that are damaged, of which none hurts."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings, strategies as st
from tests.wasm.modules import ECHO, Modules, command, plugin

from isthmus import LoadError
from isthmus_wasmtime import _runtime
from isthmus_wasmtime._binary import Binary
from isthmus_wasmtime._loading import LOADING
from isthmus_wasmtime._pieces import Malformed
from isthmus_wasmtime._runtime import WasmtimeRuntime, binary_of


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("function onTrack() {}", "no WebAssembly"),
        (b"", "no WebAssembly"),
        (b"\x7fELF", "no WebAssembly"),
        (b"\0asm\x01\0\0\0\xff", "not valid"),
        (b"\0asm\x02\0\0\0", "not valid"),
        (b"\0asm\x0d\0\1\0", "a component that exports neither"),
        (
            '(module (import "a\\nb" "c\\1b" (func)) (func (export "_start")))',
            r"does not offer: a\\nb.c\\x1b; offered",
        ),
        ("(module (global (mut structref) (ref.null struct)))", "a global of a type that"),
        ("(module (global (mut exnref) (ref.null exn)))", "a global of a type that"),
        (
            '(module (memory (export "memory") 1) (func (export "_start") (param v128)))',
            r"'_start' has the type \(v128 ->\)",
        ),
        (
            '(module (memory (export "memory") 1) (func (export "_start") (result i32 f32 i64) unreachable))',
            r"type \(-> i32 f32 i64\)",
        ),
        (
            (
                "(module (type $s (struct (field i8) (field (mut (ref null $s))))) (rec (type $a (array i16)) (type $f (func (param (ref $a)))))"
                '(memory (export "memory") 1) (func (export "_start") (type $f)))'
            ),
            r"type \(ref ->\)",
        ),
        (
            (
                '(module (import "wasi_snapshot_preview1" "sched_yield" (func $y (result i32))) (memory (export "memory") 1)'
                '(export "_start" (func $y)))'
            ),
            "type \\(of an import\\)",
        ),
        (f'(module (import "a" "{"b" * 1000}" (func)))', "offer: a.b{198}\\.\\.\\.; offered"),
        ("(component)", "a component that exports neither .* but nothing"),
        ("(module)", r"neither a WASI command .*, nor a reactor .*, nor an Extism plug-in"),
        ('(module (func (export "run")) (func (export "go")))', "it exports run, go"),
        ('(module (func (export "_start")))', "exports its memory as 'memory'"),
        (command("", more="(memory 1)"), "2 memories"),
        ('(module (memory (export "memory") i64 1) (func (export "_start")))', "64 bits"),
        (
            (
                '(module (import "env" "read" (func)) (import "wasi_snapshot_preview1" "thread_spawn" (func)) '
                '(import "env" "memory" (memory 1)) (func (export "_start")))'
            ),
            (
                r"does not offer: env.memory \(memory\), env.read, wasi_snapshot_preview1.thread_spawn; offered are "
                "wasi_snapshot_preview1, extism:host/env"
            ),
        ),
        (
            '(module (import "extism:host/env" "take" (func)) (func (export "on_track")))',
            "extism:host/env.take",
        ),
        (
            (
                '(module (import "wasi_snapshot_preview1" "fd_write" (func (param i64))) '
                '(memory (export "memory") 1) (func (export "_start")))'
            ),
            "incompatible import type",
        ),
        (
            '(module (import "wasi_snapshot_preview1" "alloc" (func)) (memory (export "memory") 1) (func (export "_start")))',
            "wasi_snapshot_preview1.alloc",
        ),
        (
            '(module (memory (export "memory") 1) (data (i32.const 70000) "a") (func (export "_start")))',
            "out of bounds",
        ),
    ],
)
async def test_a_module_that_does_not_fit_is_refused_with_the_reason(
    modules: Modules, code: str | bytes, why: str
) -> None:
    with pytest.raises(LoadError, match=why) as caught:
        await modules(code)
    assert caught.value.file == "tested.wasm"


@pytest.mark.parametrize(
    ("functions", "kind"),
    [
        ('(func (export "_start") (param i32))', "i32 ->"),
        ('(func (export "onTrack") (param i64 i64))', "i64 i64 ->"),
        ('(func (export "onTrack") (param externref))', "externref ->"),
        ('(func (export "onTrack") (result f64) unreachable)', "-> f64"),
        ('(func (export "onTrack") (result i32 i32) unreachable)', "-> i32 i32"),
        (f'(func (export "onTrack") (result{" i64" * 900}) unreachable)', "-> i64 i64"),
        (f'(func (export "onTrack") (param{" i64" * 900}))', "i64 i64"),
        ('(func (export "_initialize") (param i32)) (func (export "onTrack"))', "i32 ->"),
    ],
)
@pytest.mark.parametrize("plug_in", [False, True])
async def test_a_function_that_would_reach_beyond_what_it_is_called_with_is_refused(
    modules: Modules, functions: str, kind: str, *, plug_in: bool
) -> None:
    imports = '(import "extism:host/env" "input_length" (func (result i64)))' if plug_in else ""
    functions = functions.replace("_start", "on_track") if plug_in else functions
    with pytest.raises(LoadError, match=rf"has the type \({kind}.*what is called takes nothing"):
        await modules(f'(module {imports} (memory (export "memory") 1) {functions})')


async def test_an_error_in_text_has_its_place(modules: Modules) -> None:
    with pytest.raises(LoadError) as caught:
        await modules('(module\n  (func (export "_start")\n    (i32.cost 1)))')
    assert (caught.value.line, caught.value.column) == (3, 6)
    assert "i32.cost" in caught.value.excerpt


async def test_a_module_that_is_too_large_is_refused_unread(
    modules: Modules, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_runtime, "MOST_CODE", 100)
    with pytest.raises(LoadError, match="more than 100"):
        await modules(ECHO)


async def test_a_handler_section_that_is_none_is_refused(modules: Modules) -> None:
    text = plugin("(i32.const 0)", more='(@custom "isthmus:handlers" "[1]")')
    with pytest.raises(LoadError, match="isthmus:handlers"):
        await modules(text)


async def test_a_start_without_end_does_not_hold_up_loading(
    modules: Modules, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert LOADING < 10
    monkeypatch.setattr("isthmus_wasmtime._loading.LOADING", 0.05)
    module = await modules(plugin("(i32.const 0)", more="(func $f (loop $l (br $l))) (start $f)"), wall=0.05)
    assert (await module.killed()).reason == "timeout"


async def test_a_huge_data_segment_costs_what_it_weighs(modules: Modules) -> None:
    module = await modules(command("", data="\\01" * 3_000_000, pages="64"))
    assert await module.value() is None


async def test_short_binaries_that_are_text_by_chance_are_binaries_all_the_same(modules: Modules) -> None:
    binary = binary_of('(module (memory (export "memory") 1) (func (export "_start")))', "x")
    module = await modules(binary.decode())
    assert await module.value() is None


SEEDS = [
    binary_of(ECHO, "x"),
    binary_of(plugin("(i32.const 0)", more="(table 3 funcref) (start $f) (func $f)"), "x"),
]


@settings(max_examples=150)
@given(data=st.data())
async def test_a_damaged_binary_is_refused_or_runs_within_its_limits(
    modules: Modules, data: st.DataObject
) -> None:
    binary = bytearray(data.draw(st.sampled_from(SEEDS)))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(8, len(binary) - 1))
        match data.draw(st.sampled_from(["flip", "cut", "insert", "copy"])):
            case "flip":
                binary[at] ^= data.draw(st.integers(1, 255))
            case "cut":
                del binary[at : at + data.draw(st.integers(1, 8))]
            case "insert":
                binary[at:at] = data.draw(st.binary(min_size=1, max_size=8))
            case _:
                binary[at:at] = binary[8:at]
        if len(binary) < 12:
            break
    try:
        module = await modules(bytes(binary), wall=0.1, memory=32 * 1024 * 1024)
    except LoadError:
        return
    await module.run()
    await module.program.aclose()


@given(st.binary(max_size=200))
def test_whatever_bytes_are_read_the_reader_says_malformed_or_reads(data: bytes) -> None:
    with contextlib.suppress(Malformed):
        Binary(b"\0asm\1\0\0\0" + data)


async def test_the_runtime_takes_both_suffixes() -> None:
    assert WasmtimeRuntime.suffixes == (".wasm", ".wat")
    assert WasmtimeRuntime.language == "wasm"
