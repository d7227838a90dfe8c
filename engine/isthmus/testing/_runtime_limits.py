"""Promises of runtimes: limits, cancellation, and what a call is said to have used."""

from __future__ import annotations

from typing import Final

import trio

from isthmus.abc import Killed, Thrown

from ._kit_host import KitHost
from ._runtime_bench import LONGEST, RuntimeBench, check, killed

SHORT: Final = 0.2


@check("loop")
async def wall_time_ends_what_does_not_end(bench: RuntimeBench) -> None:
    assert killed(await bench.reply("loop", wall=SHORT)).reason == "timeout"


@check("loop")
async def processor_time_ends_it_as_well(bench: RuntimeBench) -> None:
    reply = await bench.reply("loop", cpu=SHORT)
    assert killed(reply).reason == "cpu"
    assert reply.cpu >= SHORT / 2, f"it used up {SHORT} s, and is said to have used {reply.cpu}"


@check("loop", "echo")
async def one_that_does_not_end_holds_up_no_other(bench: RuntimeBench) -> None:
    looping, echoing = await bench.program("loop", wall=3 * SHORT), await bench.program("echo")
    ended: list[str] = []

    async def loop() -> None:
        reply = await looping.run(bench.call(), KitHost())
        ended.append(killed(reply).reason)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(loop)
        nursery.start_soon(loop)
        await echoing.run(bench.call(), KitHost())
        ended.append("echo")
    assert sorted(ended) == ["echo", "timeout", "timeout"]


@check("sleep")
async def waiting_counts_as_wall_time(bench: RuntimeBench) -> None:
    assert killed(await bench.reply("sleep", wall=SHORT)).reason == "timeout"


@check("hoard", "echo")
async def memory_is_bounded(bench: RuntimeBench) -> None:
    ending = (await bench.reply("hoard")).ending
    if isinstance(ending, Killed):
        assert ending.reason == "memory", ending
    else:  # a language may have an error for it, which the function could have caught
        assert isinstance(ending, Thrown), ending
    assert await bench.value("echo", {"n": 1}) == {"n": 1}


@check("bulky")
async def what_is_returned_is_bounded(bench: RuntimeBench) -> None:
    assert await bench.value("bulky") == "x" * 100_000
    assert killed(await bench.reply("bulky", output_bytes=1000)).reason == "output"


@check("flood")
async def a_flood_of_output_ends(bench: RuntimeBench) -> None:
    host = KitHost()
    await bench.reply("flood", host=host)
    assert host.lines, "nothing of the output came"
    assert host.lines[0][1] == "line"
    assert len(host.lines) == 20_000 or host.left_out > 0, "output that is kept back is told of"


@check("fetch", "echo")
async def a_call_that_waits_can_be_cancelled(bench: RuntimeBench) -> None:
    program, host = await bench.program("fetch"), KitHost()
    host.gate = trio.Event()
    with trio.fail_after(LONGEST):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(program.run, bench.call(), host)
            await host.waiting.wait()
            nursery.cancel_scope.cancel()
    assert await bench.value("echo", {"n": 1}) == {"n": 1}


@check("loop", "echo")
async def a_call_that_runs_can_be_cancelled(bench: RuntimeBench) -> None:
    program = await bench.program("loop")
    with trio.fail_after(LONGEST / 2), trio.move_on_after(SHORT) as scope:
        await program.run(bench.call(), KitHost())
    assert scope.cancelled_caught
    assert await bench.value("echo", {"n": 1}) == {"n": 1}


@check("echo")
async def a_call_that_is_cancelled_from_the_start_does_not_run(bench: RuntimeBench) -> None:
    program, host = await bench.program("echo"), KitHost()
    with trio.CancelScope() as scope:
        scope.cancel()
        await program.run(bench.call(), host)
    assert scope.cancelled_caught, "Program.run has a checkpoint"


@check("echo")
async def usage_is_told(bench: RuntimeBench) -> None:
    before = trio.current_time()
    reply = await bench.reply("echo", {"n": 1})
    assert before <= reply.started <= trio.current_time(), (
        "Reply.started is trio.current_time() as the call begins"
    )
    assert 0 <= reply.cpu < LONGEST
    assert reply.memory >= 0
    assert reply.fuel >= 0


@check("echo")
async def memory_is_told(bench: RuntimeBench) -> None:
    assert (await bench.reply("echo", {"n": 1})).memory > 0
