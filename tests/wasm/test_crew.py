"""The crew: how many guests run and wait at the same time, and what waiting and cancelling come to."""

from __future__ import annotations

import pytest
import trio
from tests.javascript import LONGEST, FakeHost, call_of
from tests.wasm.modules import Modules, plugin
from tests.wasm.test_plugin import asking

from isthmus.abc import FetchRequest, FetchResponse, Killed
from isthmus_wasmtime._runtime import WasmtimeRuntime

FETCH = asking('{"op":"fetch","url":"https://a/"}')
QUICK = plugin("(i32.const 0)")


async def test_a_guest_that_waits_holds_up_nobody() -> None:
    async with Modules.opened(WasmtimeRuntime(1, cache=None)) as modules:
        waiting, quick = await modules(FETCH), await modules(QUICK)
        gate = trio.Event()
        hosts = [FakeHost(gate) for _ in range(20)]
        async with trio.open_nursery() as nursery:
            for host in hosts:
                nursery.start_soon(waiting.value, None, host)
            with trio.fail_after(LONGEST):
                for host in hosts:
                    await host.arrived.wait()
                assert await quick.value() is None
            gate.set()


async def test_threads_are_bounded_and_the_rest_queue() -> None:
    async with Modules.opened(WasmtimeRuntime(1, threads=3, cache=None)) as modules:
        module = await modules(FETCH)
        gate = trio.Event()
        hosts = [FakeHost(gate) for _ in range(8)]
        async with trio.open_nursery() as nursery:
            for host in hosts:
                nursery.start_soon(module.value, None, host)
            with trio.fail_after(LONGEST):
                while sum(host.arrived.is_set() for host in hosts) < 3:  # noqa: ASYNC110 -- of many events
                    await trio.sleep(0.001)
            await trio.testing.wait_all_tasks_blocked(0.05)
            assert sum(host.arrived.is_set() for host in hosts) == 3
            gate.set()
        assert all(host.requests for host in hosts)


async def test_the_loop_goes_on_while_a_guest_runs(modules: Modules) -> None:
    module = await modules(plugin("(loop $l (br $l)) (i32.const 0)"), cpu=0.3, wall=60)
    turns = 0
    done = trio.Event()

    async def turn() -> None:
        nonlocal turns
        while not done.is_set():
            await trio.sleep(0.001)
            turns += 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(turn)
        assert isinstance((await module.run()).ending, Killed)
        done.set()
    assert turns > 5


async def test_waiting_counts_against_the_calls_time(modules: Modules) -> None:
    module = await modules(FETCH, wall=0.1)
    host = FakeHost(trio.Event())
    with trio.fail_after(LONGEST):
        while not host.requests:  # a busy machine may take all of a call's time before it asks
            began = trio.current_time()
            assert (await module.killed(host=host)).reason == "timeout"
            assert trio.current_time() - began >= 0.1


async def test_waiting_is_no_processor_time(modules: Modules) -> None:
    module = await modules(FETCH, cpu=0.05, wall=20)

    class Slow(FakeHost):
        async def fetch(self, request: FetchRequest) -> FetchResponse:
            await trio.sleep(0.1)
            return FetchResponse(status=200, body=b"{}")

    reply = await module.run(host=Slow())
    assert not isinstance(reply.ending, Killed), reply


async def test_cancelling_ends_a_wait_at_once(modules: Modules) -> None:
    module = await modules(FETCH, wall=600)
    host = FakeHost(trio.Event())
    with trio.fail_after(LONGEST):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(module.run, None, host)
            await host.arrived.wait()
            nursery.cancel_scope.cancel()
    assert await (await modules(QUICK)).value() is None


async def test_what_the_host_raises_is_no_ending_of_the_function(modules: Modules) -> None:
    class Broken(FakeHost):
        async def fetch(self, request: FetchRequest) -> FetchResponse:
            raise ZeroDivisionError

    module = await modules(FETCH)
    with pytest.raises(Exception, match="ZeroDivisionError"):
        await module.run(call_of(), Broken())
