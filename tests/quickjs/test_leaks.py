"""Nothing is lost for good: after many thousands of calls the process has its old size, threads and files."""

from __future__ import annotations

import os
import threading

import pytest
import trio
from tests.javascript import MIB, FakeHost, Scripts, WorldCensus, call_of, rest, settled_rss

from isthmus.abc import Call, Host, Killed, Reply, Returned

CODE = """
async function onTrack(event) {
    if (event.loop) for (;;);
    if (event.bomb) { const a = []; for (;;) a.push('x'.repeat(1e5) + a.length) }
    if (event.wait) await fetch('http://a.example/');
    const items = Array.from({ length: 20 }, (_, i) => ({ sku: 'SKU-' + i, price: i * 1.5 }));
    console.log('items', items.length);
    return { total: items.reduce((sum, item) => sum + item.price, 0), items };
}"""


def held() -> tuple[int, int]:
    """(threads, open files)."""
    return threading.active_count(), len(os.listdir("/proc/self/fd"))


def no_more_than(before: tuple[int, int]) -> bool:
    """Whether neither is more than it was; Trio lets its idle threads go, so there may be fewer."""
    return all(now <= then for now, then in zip(held(), before, strict=True))


class Tally:
    def __init__(self) -> None:
        self.returned = self.killed = 0

    def deliver(self, _index: int, reply: Reply) -> None:
        self.returned += isinstance(reply.ending, Returned)
        self.killed += isinstance(reply.ending, Killed)


@pytest.mark.slow
async def test_a_hundred_thousand_calls_leave_nothing(scripts: Scripts, census: WorldCensus) -> None:
    script = await scripts(CODE)
    ordinary: Call = call_of({"n": 1})
    tally = Tally()

    async def run(rounds: int) -> None:
        for _ in range(rounds):
            calls: list[tuple[Call, Host]] = [(ordinary, FakeHost()) for _ in range(200)]
            await script.program.run_many(calls, tally.deliver)

    await run(25)
    before, threads_and_files = settled_rss(), held()
    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(run, 95)
    assert tally.returned == 100_000
    assert settled_rss() - before < 20 * MIB
    assert no_more_than(threads_and_files)
    await rest(scripts)
    assert census.open == set(script.spare)
    assert census.made < 200


@pytest.mark.slow
@pytest.mark.parametrize(
    ("event", "count", "limits"),
    [
        ({"loop": True}, 200, {"cpu": 0.01}),
        ({"bomb": True}, 200, {"memory": 8 * MIB}),
        ({"wait": True}, 2000, {"wall": 0.05}),
        ({"wait": True, "cancel": True}, 2000, {}),
    ],
    ids=["loops", "bombs", "calls that wait past their limit", "calls that are cancelled as they wait"],
)
async def test_killed_calls_leave_nothing(
    scripts: Scripts, census: WorldCensus, event: dict[str, object], count: int, limits: dict[str, float]
) -> None:
    script = await scripts(CODE, **limits)  # type: ignore[arg-type] # limits alone
    killed = 0

    async def one() -> None:
        nonlocal killed
        host = FakeHost(gate=trio.Event())
        if "cancel" not in event:
            reply = await script.run(call_of(event), host)
            killed += isinstance(reply.ending, Killed)
            return
        async with trio.open_nursery() as nursery:
            nursery.start_soon(script.run, call_of(event), host)
            await host.arrived.wait()
            nursery.cancel_scope.cancel()
            killed += 1

    async def run(rounds: int) -> None:
        for _ in range(rounds):
            async with trio.open_nursery() as nursery:
                for _ in range(20):
                    nursery.start_soon(one)

    await run(count // 100)
    before, threads_and_files = settled_rss(), held()
    await run(count // 20)
    assert killed == count + count // 100 * 20
    assert settled_rss() - before < 20 * MIB
    assert no_more_than(threads_and_files)
    await rest(scripts)
    assert census.open == set(script.spare)


@pytest.mark.slow
async def test_functions_that_are_loaded_and_closed_leave_nothing(
    scripts: Scripts, census: WorldCensus
) -> None:
    async def load(n: int) -> None:
        script = await scripts(f"{CODE} // {n}")
        await script.value(call_of({"n": n}))
        await script.program.aclose()
        scripts._programs.remove(script.program)

    for n in range(30):
        await load(n)
    before, threads_and_files = settled_rss(), held()
    for n in range(150):
        await load(n)
    assert settled_rss() - before < 100 * MIB  # an image is four of them, and 150 were loaded
    assert no_more_than(threads_and_files)
    assert census.open == set()
