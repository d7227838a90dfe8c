"""What hostile components come to: each is stopped by the limit it runs against, and the next call is as ever."""

from __future__ import annotations

import base64

import pytest
import trio
from tests.javascript import FakeHost, call_of
from tests.wasm.components import answers, prints, returns, speaking
from tests.wasm.modules import Modules

from isthmus import Kind
from isthmus.abc import FetchRequest, FetchResponse, Killed, Returned, Thrown
from isthmus.errors import RuntimeFault
from isthmus_wasmtime._components import handles
from isthmus_wasmtime._runtime import WasmtimeRuntime

MIB = 1024 * 1024
CLOCK = ["wasi:clocks/monotonic-clock"]
AFTER = '(import "wasi:clocks/monotonic-clock" "subscribe-duration" (func $after (param i64) (result i32)))'
BLOCK = '(import "wasi:io/poll" "[method]pollable.block" (func $block (param i32)))'
DROP = '(import "wasi:io/poll" "[resource-drop]pollable" (func $drop (param i32)))'
POLL = '(import "wasi:io/poll" "poll" (func $poll (param i32 i32 i32)))'
ENDLESS = "(loop $on (br $on))"
FLOOD = "(loop $on (call $write (call ${}) (i32.const 0) (i32.const 60000)) (br $on))"
PUT = '(import "wasi:io/streams" "[method]output-stream.write" (func $puts (param i32 i32 i32 i32)))'


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (speaking(ENDLESS), "timeout"),
        (speaking("(call $block (call $after (i64.const -1)))", uses=AFTER + BLOCK, interfaces=CLOCK), "timeout"),
        (speaking("(loop $on (drop (call $after (i64.const 1))) (br $on))", uses=AFTER, interfaces=CLOCK), "memory"),
        (speaking(FLOOD.format("stdout")), "output"),
        (speaking(FLOOD.format("stderr")), "timeout"),
        (speaking("(loop $on (memory.fill (i32.const 0) (i32.const 1) (i32.const 131072)) (br $on))"), "timeout"),
    ],
    ids=["loop", "poll", "handles", "output", "log", "fill"],
)  # fmt: skip
async def test_an_attack_ends_by_its_limit(modules: Modules, code: str, reason: str) -> None:
    module = await modules(code, wall=0.3 if reason == "timeout" else 60, memory=8 * MIB, output_bytes=MIB)
    for _ in range(2):
        assert (await module.killed()).reason == reason


async def test_processor_time_has_a_limit_of_its_own(modules: Modules) -> None:
    module = await modules(speaking(ENDLESS), cpu=0.05, wall=60)
    assert (await module.killed()).reason == "cpu"


async def test_while_one_loops_another_s_calls_go_on(modules: Modules) -> None:
    loops, works = await modules(speaking(ENDLESS), wall=60, cpu=60), await modules(prints('{"return": 1}'))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(loops.run)
        for _ in range(3):
            assert await works.value() == 1
        nursery.cancel_scope.cancel()


GROWS = """
  (loop $on
    (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1))
      (then (call $number (i64.extend_i32_u (memory.size))) (return (i32.const 0))))
    (br $on))
"""


@pytest.mark.parametrize(("more", "pages"), [("", 64), ("second", 32)])
async def test_memories_together_have_what_a_call_may_have(modules: Modules, more: str, pages: int) -> None:
    code = speaking(GROWS)
    if more:
        code = code.replace(
            "(core module $main",
            "(core module $other (memory 1)) (core instance (instantiate $other)) (core module $main",
            1,
        )
    module = await modules(code, memory=64 * 65536)
    assert (await module.run()).ending == Thrown(
        "InvalidReply",
        f"its standard output is no reply (Expected `object`, got `int`): {pages}",
    )


async def test_what_uses_up_the_stack_traps(modules: Modules) -> None:
    more = "(func $deep (param i32) (result i32) (call $deep (i32.add (local.get 0) (i32.const 1))))"
    module = await modules(speaking("(drop (call $deep (i32.const 0)))", more=more))
    assert "call stack exhausted" in (await module.thrown()).message


@pytest.mark.parametrize(
    ("body", "uses", "message"),
    [
        ("(call $puts (call $stdout) (i32.const 0) (i32.const 65537) (i32.const 16))", PUT, "65537 bytes were written at once"),
        ("(call $poll (i32.const 0) (i32.const 0) (i32.const 16))", POLL, "nothing to wait for"),
        ("(call $chance (i64.const 262145) (i32.const 16))", '(import "wasi:random/random" "get-random-bytes" (func $chance (param i64 i32)))', "262145 random bytes"),
    ],
)  # fmt: skip
async def test_too_much_at_once_is_thrown(modules: Modules, body: str, uses: str, message: str) -> None:
    code = speaking(body, uses=uses, interfaces=["wasi:random/random"])
    assert message in (await (await modules(code)).thrown()).message


async def test_the_greatest_list_is_refused_before_it_is_read(modules: Modules) -> None:
    body = "(call $puts (call $stdout) (i32.const 0) (i32.const 100000000) (i32.const 16))"
    module = await modules(speaking(body, uses=PUT, pages="1600"))
    assert "too much data" in (await module.thrown()).message


@pytest.mark.parametrize("case", [2, 3], ids=["events", "items"])
async def test_more_than_can_be_read_of_a_reply_is_the_function_s_fault(modules: Modules, case: int) -> None:
    body = "(drop (memory.grow (i32.const 100)))" + returns(case, 1_000_000, 100_001)
    thrown = await (await modules(answers(body))).thrown()
    assert (thrown.name, thrown.message) == (
        "InvalidReply",
        "a list of 100001 elements came, and 100000 are the most",
    )


async def test_a_webhook_that_cannot_be_handed_over_is_refused(modules: Modules) -> None:
    module = await modules(answers(returns(0), offered=8), kind=Kind.SOURCE)
    body = base64.b64encode(b"\xff" * (MIB + 1)).decode()
    webhook = {"url": "https://h/", "method": "POST", "headers": [], "base64": body}
    thrown = await module.thrown(call_of(webhook, handler="onRequest"))
    assert thrown.name == "InvalidEventPayload"
    assert f"a body of {MIB + 1} bytes is no text" in thrown.message


AFTERWARDS = '(canon lift (core func $main "handle") (memory $mem) (realloc $realloc)'


def cleaning_up(body: str) -> str:
    """A function whose result is given back to code with this body."""
    lifted = f'{AFTERWARDS} (post-return (core func $main "clean"))'
    function = f'(func (export "clean") (param i32) {body}) (func (export "handle")'
    return answers(returns(0)).replace(AFTERWARDS, lifted).replace('(func (export "handle")', function)


async def test_code_that_runs_after_the_reply_is_part_of_the_call(modules: Modules) -> None:
    assert (await (await modules(cleaning_up(""))).run()).ending == Returned()
    assert "unreachable" in (await (await modules(cleaning_up("unreachable"))).thrown()).message
    assert (await (await modules(cleaning_up(ENDLESS), cpu=0.1, wall=60)).killed()).reason == "cpu"


async def test_an_allocator_that_never_ends_is_stopped(modules: Modules) -> None:
    code = answers(returns(0)).replace(
        "(loop $more", "(loop $on (br_if $on (i32.gt_u (local.get $size) (i32.const 50)))) (loop $more", 1
    )
    module = await modules(code, cpu=0.1, wall=60)
    assert (await module.killed(call_of({"type": "track", "pad": "x" * 100}))).reason == "cpu"


async def test_a_list_whose_elements_are_all_the_same_great_text_is_refused(modules: Modules) -> None:
    # A hundred thousand events, each of them the same megabyte.
    body = f"""
      (local $i i32)
      (loop $each
        (i32.store (i32.add (i32.const 2097152) (i32.mul (local.get $i) (i32.const 8))) (i32.const 1048576))
        (i32.store (i32.add (i32.const 2097156) (i32.mul (local.get $i) (i32.const 8))) (i32.const 1048576))
        (br_if $each (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 100000))))
      {returns(2, 2097152, 100000)}
    """
    module = await modules(
        answers(body).replace('(memory (export "memory") 4)', '(memory (export "memory") 64)')
    )
    ending = (await module.run()).ending
    assert isinstance(ending, Thrown | Killed), ending
    assert "too much data" in ending.message


@pytest.mark.parametrize(
    "body",
    [
        "(call $block (i32.const 77))",
        "(call $block (i32.const 0))",
        "(call $block (call $stdout))",
        "(local $p i32) (local.set $p (call $after (i64.const 1))) (call $drop (local.get $p)) (call $block (local.get $p))",
        "(local $p i32) (local.set $p (call $after (i64.const 1))) (call $drop (local.get $p)) (call $drop (local.get $p))",
        "(call $put (call $after (i64.const 1)) (i32.const 0) (i32.const 1) (i32.const 16))",
        "(call $write (call $stdout) (i32.const 262140) (i32.const 100))",
        "(call $write (call $stdout) (i32.const -4) (i32.const 100))",
        "(i32.store (i32.const 100) (i32.const 9)) (call $poll (i32.const 100) (i32.const 1) (i32.const 16))",
        "(call $poll (i32.const 100) (i32.const -1) (i32.const 16))",
    ],
)
async def test_handles_and_places_that_are_not_the_guest_s_trap(modules: Modules, body: str) -> None:
    module = await modules(speaking(body, uses=AFTER + BLOCK + DROP + POLL, interfaces=CLOCK))
    for _ in range(2):
        assert (await module.thrown()).name == "Trap"


async def test_handles_that_are_let_go_of_make_room(
    modules: Modules, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handles, "MOST", 3)
    body = """
      (local $i i32)
      (loop $on
        (call $drop (call $after (i64.const 1)))
        (br_if $on (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 50))))
    """
    module = await modules(speaking(body, uses=AFTER + DROP, interfaces=CLOCK))
    assert (await module.run()).ending == Returned()


async def test_a_log_flood_is_cut_and_counted(modules: Modules) -> None:
    body = """
      (local $i i32)
      (loop $on
        (call $write (call $stderr) (i32.const 1024) (i32.const 8))
        (br_if $on (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 1000))))
    """
    module = await modules(speaking(body, data="1234567\\n"), log_bytes=100)
    host = FakeHost()
    assert (await module.run(host=host)).ending == Returned()
    assert host.texts == ["1234567"] * 15


async def test_fuel_bounds_a_call_and_is_reported() -> None:
    async with Modules.opened(WasmtimeRuntime(cache=None, fuel=100_000)) as modules:
        module = await modules(prints('{"return": 1}'))
        first, second = await module.run(), await module.run()
        assert first.ending == Returned(b"1")
        assert 0 < first.fuel < 1000
        assert first.fuel == second.fuel
        killed = await modules(speaking(ENDLESS))
        reply = await killed.run()
        assert reply.ending == Killed("cpu", "the call used more fuel than its limit of 100000 units")
        assert reply.fuel >= 100_000


async def test_a_call_that_is_cancelled_ends(modules: Modules) -> None:
    waits = speaking("(call $block (call $after (i64.const -1)))", uses=AFTER + BLOCK, interfaces=CLOCK)
    for code in (waits, speaking(ENDLESS)):
        module = await modules(code, wall=60, cpu=60)
        with trio.move_on_after(0.05) as scope:
            await module.run()
        assert scope.cancelled_caught


class Broken(FakeHost):
    async def fetch(self, request: FetchRequest) -> FetchResponse:
        raise KeyError(request)


async def test_a_host_that_breaks_is_a_fault_of_the_runtime_s(modules: Modules) -> None:
    uses = '(import "isthmus:function/fetch" "fetch" (func $fetch (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))'
    call = "(call $fetch" + " (i32.const 0)" * 11 + " (i32.const 300))"
    module = await modules(answers(call + returns(0), uses=uses, interfaces=["isthmus:function/fetch"]))
    with pytest.raises(RuntimeFault, match="KeyError while a component was served"):
        await module.run(call_of(), Broken())
