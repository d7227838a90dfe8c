"""Inline calls: run in the Trio thread where they are short, run again in a thread where they are not, seen once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
import trio
from tests.javascript import FakeHost, call_of
from tests.wasm.components import answers, returns
from tests.wasm.modules import Module, Modules, plugin, says
from tests.wasm.test_many import WAITS, WAITS_AS_COMPONENT

from isthmus.abc import Killed, Returned
from isthmus_wasmtime import _inline
from isthmus_wasmtime._crew import Crew
from isthmus_wasmtime._runtime import WasmtimeRuntime

QUICK = plugin("(i32.const 0)")
LOGS = {"log_warn": "(param i64)"}
VARIABLES = {"var_get": "(param i64) (result i64)", "var_set": "(param i64 i64)", "log_info": "(param i64)"}
USER = '(import "extism:host/user" "isthmus_ask" (func $ask (param i64) (result i64)))'


def quoted(text: str) -> str:
    """A text as WebAssembly text writes it."""
    return text.replace('"', '\\"')


STORE = '{"op":"cache_store","key":"k","value":1}'


def in_user(text: str) -> str:
    """A plug-in with the host function of JSON requests."""
    return text.replace("(module", f"(module {USER}", 1)


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """One entry for each call that is given a thread."""
    taken: list[None] = []
    run = Crew.run

    async def counted(self: Crew, work: Callable[..., Any]) -> Any:
        taken.append(None)
        return await run(self, work)

    monkeypatch.setattr(Crew, "run", counted)
    return taken


async def warmed(module: Module) -> Module:
    """A module whose next call is tried inline."""
    await module.run()
    return module


@pytest.mark.parametrize(
    "code", [QUICK, says('{"return":1}'), answers(returns(0))], ids=["plug-in", "command", "component"]
)
async def test_a_short_call_that_comes_alone_takes_no_thread(
    modules: Modules, threads: list[None], monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    monkeypatch.setattr(_inline, "LONG", 60.0)  # a busy machine makes any call long
    monkeypatch.setattr(_inline, "SHORT", 60.0)
    module = await warmed(await modules(code))
    threads.clear()
    for _ in range(5):
        assert isinstance((await module.run()).ending, Returned)
    assert not threads


@pytest.mark.parametrize("code", [WAITS, WAITS_AS_COMPONENT], ids=["command", "component"])
async def test_a_call_that_asks_its_host_is_run_again_and_asks_once(
    modules: Modules, threads: list[None], code: str
) -> None:
    module = await warmed(await modules(code))
    threads.clear()
    host = FakeHost()
    assert await module.value(host=host) == 1
    assert len(host.requests) == 1
    assert len(threads) == 1


async def test_what_was_logged_before_is_logged_once(modules: Modules) -> None:
    code = in_user(
        plugin(
            f"""
            (call $log_warn (call $block (i32.const 1024) (i32.const 3)))
            (drop (call $ask (call $block (i32.const 1027) (i32.const {len(STORE)}))))
            (i32.const 0)""",
            uses=LOGS,
            data="abc" + quoted(STORE),
        )
    )
    module = await warmed(await modules(code))
    host = FakeHost()
    assert isinstance((await module.run(host=host)).ending, Returned)
    assert host.lines == [("warn", "abc")]
    assert host.cache == {"k": b"1"}


async def test_variables_of_an_attempt_are_forgotten(modules: Modules) -> None:
    """The variable is set before the host is asked; a second run that saw it would say so in the log."""
    code = in_user(
        plugin(
            f"""
            (local $name i64)
            (local.set $name (call $block (i32.const 1024) (i32.const 1)))
            (if (i64.ne (call $var_get (local.get $name)) (i64.const 0))
              (then (call $log_info (local.get $name))))
            (call $var_set (local.get $name) (local.get $name))
            (drop (call $ask (call $block (i32.const 1025) (i32.const {len(STORE)}))))
            (i32.const 0)""",
            uses=VARIABLES,
            data="v" + quoted(STORE),
        )
    )
    module = await warmed(await modules(code))
    host = FakeHost()
    assert isinstance((await module.run(host=host)).ending, Returned)
    assert host.cache == {"k": b"1"}
    assert host.lines == []


async def test_endless_code_stops_the_trio_thread_for_moments_only(
    modules: Modules, threads: list[None]
) -> None:
    endless = plugin(
        "(if (i32.eq (call $input_load_u8 (i64.const 0)) (i32.const 91)) (then (loop $l (br $l)))) (i32.const 0)"
    )
    module = await warmed(await modules(endless, cpu=0.2, wall=60))
    threads.clear()
    turns = 0

    async def turn() -> None:
        nonlocal turns
        while True:
            await trio.sleep(0.001)
            turns += 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(turn)
        assert isinstance((await module.run(call_of([1]))).ending, Killed)
        nursery.cancel_scope.cancel()
    assert len(threads) == 1
    assert turns > 5


async def test_a_program_whose_calls_do_not_fit_is_tried_less_and_less(
    modules: Modules, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = 0
    attempt = _inline.InlineCalls._run

    def counted(self: _inline.InlineCalls[Any], work: Callable[..., Any]) -> Any:
        nonlocal tried
        tried += 1
        return attempt(self, work)

    monkeypatch.setattr(_inline.InlineCalls, "_run", counted)
    module = await modules(WAITS)
    for _ in range(64):
        assert await module.value(host=FakeHost()) == 1
    assert 1 <= tried <= 6


async def test_only_one_call_at_a_time_is_run_so(modules: Modules, threads: list[None]) -> None:
    module = await warmed(await modules(QUICK))
    threads.clear()
    async with trio.open_nursery() as nursery:
        for _ in range(10):
            nursery.start_soon(module.run)
    assert len(threads) >= 9


async def test_a_world_that_is_kept_is_never_run_twice(modules: Modules, threads: list[None]) -> None:
    module = await warmed(await modules(QUICK, isolation="instance"))
    threads.clear()
    for _ in range(3):
        await module.run()
    assert len(threads) == 3


def test_a_thread_with_a_small_stack_runs_no_guest() -> None:
    found: list[tuple[int, bool]] = []
    before = threading.stack_size(1024 * 1024)
    try:
        thread = threading.Thread(target=lambda: found.append((_inline._stack_size(), _inline._fits())))
        thread.start()
        thread.join()
    finally:
        threading.stack_size(before)
    assert found[0][0] <= 1024 * 1024 + 65_536
    assert not found[0][1]


async def test_recursion_without_end_is_the_guests_fault_here_too(
    threads: list[None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_inline, "LONG", 60.0)
    monkeypatch.setattr(_inline, "SHORT", 60.0)
    deep = plugin(
        "(if (i32.eq (call $input_load_u8 (i64.const 0)) (i32.const 91)) (then (call $down))) (i32.const 0)",
        more="(func $down (call $down))",
    )
    async with Modules.opened(WasmtimeRuntime(cache=None)) as modules:
        module = await warmed(await modules(deep, wall=60, cpu=60))
        threads.clear()
        thrown = await module.thrown(call_of([1]))
    assert "stack" in thrown.message
    assert not threads
