"""Many calls together: each has its reply, and one that waits or is long holds up no other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import trio
from tests.javascript import FakeHost, call_of
from tests.wasm.components import answers, prints, returns
from tests.wasm.modules import ECHO, Module, Modules, command, plugin, says
from tests.wasm.test_component_http import http

from isthmus.abc import Call, FetchRequest, FetchResponse, Host, Reply, Returned
from isthmus.errors import RuntimeFault

ASK = '{\\"op\\":\\"fetch\\",\\"url\\":\\"https://h/\\"}'
WAITS = command(
    """
    (drop (call $ask (i32.const 1024) (i32.const 33)))
    (call $out (i32.const 1100) (i32.const 12))
    """,
    data=ASK,
    more='(data (i32.const 1100) "{\\"return\\":1}")',
).replace("(module", '(module (import "isthmus" "ask" (func $ask (param i32 i32) (result i32)))', 1)
FETCH = '(import "isthmus:function/fetch" "fetch" (func $fetch (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))'
WAITS_AS_COMPONENT = answers(
    "(call $fetch (i32.const 1024) (i32.const 3) (i32.const 1027) (i32.const 10)"
    + " (i32.const 0)" * 7
    + " (i32.const 300))"
    + returns(1, 1040, 1),
    uses=FETCH,
    interfaces=["isthmus:function/fetch"],
    data="gethttps://h/   1",
)


async def many(
    module: Module, calls: Sequence[tuple[Call, Host]], told: Callable[[int, Reply], None] | None = None
) -> list[Reply | None]:
    replies: list[Reply | None] = [None] * len(calls)

    def deliver(index: int, reply: Reply) -> None:
        assert replies[index] is None
        replies[index] = reply
        if told is not None:
            told(index, reply)

    await module.program.run_many(calls, deliver)
    return replies


@pytest.mark.parametrize("count", [0, 1, 2, 64, 200])
async def test_every_call_has_its_own_reply(modules: Modules, count: int) -> None:
    echo = await modules(ECHO)
    calls: list[tuple[Call, Host]] = [(call_of({"n": n}), FakeHost()) for n in range(count)]
    for n, reply in enumerate(await many(echo, calls)):
        assert reply is not None
        assert isinstance(reply.ending, Returned)
        assert f'"n": {n}'.encode() in reply.ending.value


@pytest.mark.parametrize(
    "code",
    [says('{"return":1}'), plugin("(i32.const 0)"), prints('{"return":1}'), answers(returns(0))],
    ids=["command", "plug-in", "component", "function"],
)
async def test_every_kind_of_guest_is_run_so(modules: Modules, code: str) -> None:
    module = await modules(code)
    replies = await many(module, [(call_of(), FakeHost()) for _ in range(20)])
    assert all(reply is not None and isinstance(reply.ending, Returned) for reply in replies)
    starts = [reply.started for reply in replies if reply is not None]
    assert max(starts) <= trio.current_time()


async def test_the_log_of_each_goes_to_its_own_host(modules: Modules) -> None:
    body = "(call $write (i32.const 2) (i32.const 1024) (i32.const 2))"
    module = await modules(command(body, data="hi"))
    hosts = [FakeHost() for _ in range(10)]
    await many(module, [(call_of(), host) for host in hosts])
    assert [host.texts for host in hosts] == [["hi"]] * 10


@pytest.mark.parametrize("code", [WAITS, WAITS_AS_COMPONENT], ids=["command", "component"])
async def test_those_that_wait_hold_up_no_other(modules: Modules, code: str) -> None:
    """All of them are waiting before any is answered, though few run at the same time."""
    module = await modules(code, wall=60)
    gate, count = trio.Event(), 20
    waiting: list[FetchRequest] = []

    class Gated(FakeHost):
        async def fetch(self, request: FetchRequest) -> FetchResponse:
            waiting.append(request)
            if len(waiting) == count:
                gate.set()
            return await super().fetch(request)

    replies = await many(module, [(call_of(), Gated(gate)) for _ in range(count)])
    assert all(reply is not None and reply.ending == Returned(b"1") for reply in replies)


async def test_what_is_done_is_told_while_another_waits(modules: Modules) -> None:
    module = await modules(WAITS, wall=60)
    gate = trio.Event()
    hosts = [FakeHost(), FakeHost(), FakeHost(), FakeHost(gate)]
    left = {0, 1, 2}

    def told(index: int, _reply: Reply) -> None:
        left.discard(index)
        if not left:
            gate.set()

    assert all(await many(module, [(call_of(), host) for host in hosts], told))


async def test_a_fault_of_one_is_raised_and_ends_the_rest(modules: Modules) -> None:
    class Broken(FakeHost):
        async def fetch(self, request: FetchRequest) -> FetchResponse:
            raise KeyError(request)

    module = await modules(WAITS)
    with pytest.RaisesGroup(pytest.RaisesExc(RuntimeFault, match="KeyError"), flatten_subgroups=True):
        await many(module, [(call_of(), Broken())])


async def test_a_request_nobody_waits_for_ends_with_its_call_and_not_with_the_last(modules: Modules) -> None:
    module = await modules(http("(drop (call $send (call $new)))"), wall=60)
    # The gate is never opened, so that this would never end if it waited for the requests.
    replies = await many(module, [(call_of(), FakeHost(trio.Event())) for _ in range(5)])
    assert all(reply is not None and reply.ending == Returned() for reply in replies)


async def test_many_that_are_cancelled_end(modules: Modules) -> None:
    module = await modules(command("(loop $on (br $on))"), wall=60, cpu=60)
    with trio.move_on_after(0.05) as scope:
        await many(module, [(call_of(), FakeHost()) for _ in range(10)])
    assert scope.cancelled_caught
