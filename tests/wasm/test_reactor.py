"""WASI reactors: modules without a ``_start`` whose exports are the handlers, started once for all calls."""

from __future__ import annotations

import pytest
from tests.javascript import call_of
from tests.wasm.modules import ECHO, Modules, command

from isthmus import LoadError
from isthmus_wasmtime import with_handlers
from isthmus_wasmtime._runtime import binary_of

COUNTING = command(
    """
  (global.set $n (i64.add (global.get $n) (i64.const 1)))
  (call $out (i32.const 1024) (i32.const 10)) (call $number (global.get $n)) (call $out (i32.const 1034) (i32.const 1))""",
    data=r"{\"return\":}",
    more="(global $n (mut i64) (i64.const 0)) "
    '(func (export "_initialize") (global.set $n (i64.add (global.get $n) (i64.const 40))))',
).replace('"_start"', '"onTrack"')


async def test_a_handler_is_an_export_that_reads_and_writes_as_a_command_does(modules: Modules) -> None:
    echo = await modules(ECHO.replace('"_start"', '"onTrack"'))
    assert echo.program.handlers == {"onTrack"}
    found = await echo.value(call_of({"type": "track"}, {"apiKey": "k"}))
    assert found == {"handler": "onTrack", "event": {"type": "track"}, "settings": {"apiKey": "k"}}


async def test_each_call_begins_with_what_its_start_has_left(modules: Modules) -> None:
    module = await modules(COUNTING)
    assert [await module.value(call_of({})) for _ in range(3)] == [41, 41, 41]


async def test_a_kept_world_goes_on(modules: Modules) -> None:
    module = await modules(COUNTING, isolation="instance")
    assert [await module.value(call_of({})) for _ in range(3)] == [41, 42, 43]
    assert await module.value(call_of({}, instance="another")) == 41


async def test_a_number_that_it_returns_is_an_exit_status(modules: Modules) -> None:
    module = await modules(
        command(
            "(result i32) (call $write (i32.const 2) (i32.const 1024) (i32.const 3)) (i32.const 7)",
            data="why",
        ).replace('"_start"', '"on_track"')
    )
    thrown = await module.thrown(call_of({}))
    assert (thrown.name, thrown.message) == ("Error", "exit status 7: why")


async def test_exports_of_other_names_are_handlers_where_it_says_so(modules: Modules) -> None:
    binary = binary_of(COUNTING.replace('"onTrack"', '"count"'), "counting.wat")
    with pytest.raises(LoadError, match=r"nor a reactor \(none of its exports is named as a handler"):
        await modules(binary)
    module = await modules(with_handlers(binary, {"onIdentify": "count"}))
    assert await module.value(call_of({}, handler="onIdentify")) == 41
