"""``isolation="instance"``: a world lives on from call to call, for one instance, until a call is killed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
import trio
from tests.javascript import MIB, FakeHost, Script, Scripts, WorldCensus, call_of, in_some_round, rest

from isthmus.abc import Call, Killed, Reply, Returned

COUNTER = """
let n = 0; const seen = [];
async function onTrack(event, settings) {
    n++; seen.push(settings.name);
    if (event.wait) await fetch('http://a.example/');
    if (event.loop) for (;;);
    if (event.bomb) { const a = []; for (;;) a.push('x'.repeat(1e5) + a.length) }
    if (event.throws) throw new Error('thrown ' + n);
    if (event.grow) seen.ballast = new Uint8Array(event.grow).fill(1);
    return { n, names: [...new Set(seen)], ballast: seen.ballast?.length };
}"""


def of(instance: str, **event: object) -> Call:
    return call_of(event, {"name": instance}, instance=instance)


async def test_an_instance_that_keeps_its_world_keeps_it_to_itself(scripts: Scripts) -> None:
    script = await scripts(COUNTER, isolation="instance")
    for turn in range(1, 4):
        for instance in ("one", "two"):
            assert await script.value(of(instance)) == {"n": turn, "names": [instance]}
    await script.program.forget("one")
    assert await script.value(of("one")) == {"n": 1, "names": ["one"]}
    assert await script.value(of("two")) == {"n": 4, "names": ["two"]}


async def test_calls_of_one_instance_come_one_after_the_other(scripts: Scripts) -> None:
    script = await scripts(COUNTER, isolation="instance")
    gate, host = trio.Event(), FakeHost(gate=trio.Event())
    assert host.gate is not None
    seen: list[object] = []

    async def run(call: Call, host: FakeHost) -> None:
        seen.append(await script.value(call, host))

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run, of("one", wait=True), host)
            await host.arrived.wait()
            nursery.start_soon(run, of("one"), FakeHost())
            await script.value(of("two"))  # is not held up
            assert seen == []
            host.gate.set()
    assert [each["n"] for each in seen if isinstance(each, dict)] == [1, 2]
    assert not gate.is_set()


async def kill(script: Script, call: Call) -> None:
    assert isinstance((await script.run(call)).ending, Killed)


async def cancel(script: Script, call: Call) -> None:
    host = FakeHost(gate=trio.Event())
    async with trio.open_nursery() as nursery:
        nursery.start_soon(script.run, call, host)
        await host.arrived.wait()
        nursery.cancel_scope.cancel()


ENDS: dict[str, tuple[Callable[[Script, Call], Awaitable[None]], Call]] = {
    "a loop": (kill, of("one", loop=True)),
    "a memory bomb": (kill, of("one", bomb=True)),
    "a cancellation": (cancel, of("one", wait=True)),
}


@pytest.mark.parametrize(("end", "call"), ENDS.values(), ids=ENDS.keys())
async def test_a_call_that_is_killed_costs_its_own_instances_world(
    scripts: Scripts, census: WorldCensus, end: Callable[[Script, Call], Awaitable[None]], call: Call
) -> None:
    script = await scripts(COUNTER, isolation="instance", cpu=0.3, wall=60, memory=16 * MIB)
    await script.value(of("one"))
    await script.value(of("two"))
    await end(script, call)
    assert await script.value(of("one")) == {"n": 1, "names": ["one"]}
    assert await script.value(of("two")) == {"n": 2, "names": ["two"]}
    await rest(scripts)
    assert census.open == set(script.program._kept.values()) | set(script.spare)


async def test_a_throw_does_not_cost_an_instance_its_world(scripts: Scripts) -> None:
    script = await scripts(COUNTER, isolation="instance")
    await script.value(of("one"))
    assert (await script.thrown(of("one", throws=True))).message == "thrown 2"
    assert await script.value(of("one")) == {"n": 3, "names": ["one"]}


async def test_an_instance_may_keep_much(scripts: Scripts) -> None:
    script = await scripts(COUNTER, isolation="instance", memory=32 * MIB)
    await script.value(of("one", grow=10_000_000))
    assert await script.value(of("one")) == {"n": 2, "names": ["one"], "ballast": 10_000_000}


async def test_an_instance_rests_as_long_as_it_likes(scripts: Scripts) -> None:
    """The limits of a call that had ended once stopped what was done before the next."""

    async def twice() -> Reply:
        script = await scripts(COUNTER, isolation="instance", wall=0.3)
        await script.run(of("one"))
        await trio.sleep(0.4)
        return await script.run(of("one"))

    second = Returned(b'{"n":2,"names":["one"]}')
    assert (await in_some_round(twice, lambda reply: reply.ending == second)).ending == second
