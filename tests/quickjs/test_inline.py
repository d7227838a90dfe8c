"""Inline calls: what is run in the Trio thread is what a lane would have said, and leaves as little behind."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import AsyncIterator

import pytest
import trio
from hypothesis import given, settings, strategies as st
from tests.javascript import (
    MIB,
    SEED,
    FakeHost,
    Script,
    Scripts,
    call_of,
    memory_of,
    open_scripts,
    pages_unlike,
    until,
)

from isthmus.abc import Ending, Killed, Returned
from isthmus_quickjs import _inline
from isthmus_quickjs._guest import Guest, Image
from isthmus_quickjs._inline import FIRST, InlineWorld
from isthmus_quickjs._world import RECORD_LIMIT

CODE = """
const kept = [];
async function onTrack(event) {
    const began = Date.now();
    console.log('ran', event.n);
    kept.push(event.n);
    Object.prototype.seen = event.n;
    switch (event.do) {
        case 'loop': for (;;);
        case 'wait': await fetch('http://a.example/' + event.n); break;
        case 'sleep': await new Promise((done) => setTimeout(done, 1)); break;
        case 'recurse': { const f = (n) => n ? 1 + f(n - 1) : 0; return f(event.n * 200) }
        case 'overflow': { const f = (n) => 1 + f(n + 1); try { f(0) } catch (e) { return e.name } }
        case 'allocate': return 'x'.repeat(event.n * 50000).length;
        case 'grow': return new Uint8Array(event.n * 200000).fill(7).length;
        case 'hash': return crypto.createHash('sha256').update('x'.repeat(event.n * 10000)).digest('hex');
        case 'throw': throw new RangeError('as asked ' + event.n);
        case 'stall': await new Promise(() => {}); break;
        case 'bomb': { const a = []; for (;;) a.push(new Array(1000).fill(a.length)) }
        case 'cache': return await cache.load('key', 1000, async () => event.n);
    }
    return [event.n, kept.length, Math.random(), began];
}"""
DEEDS = [
    "", "wait", "sleep", "recurse", "overflow", "allocate", "grow", "hash", "throw", "stall", "bomb", "cache",
]  # fmt: skip


class Runs:
    """The inline worlds that were made, and the records that ran in them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.threads: list[int] = []
        self.ended: list[bool] = []
        self.open: set[InlineWorld] = set()
        make, run, close = InlineWorld.__init__, InlineWorld.run, InlineWorld.close

        def noted_make(world: InlineWorld, image: Image) -> None:
            make(world, image)
            self.open.add(world)

        def noted_run(world: InlineWorld, record: bytes) -> tuple[bytes, bytes] | None:
            self.threads.append(threading.get_ident())
            ran = run(world, record)
            self.ended.append(ran is not None)
            return ran

        def noted_close(world: InlineWorld) -> None:
            self.open.remove(world)
            close(world)

        monkeypatch.setattr(InlineWorld, "__init__", noted_make)
        monkeypatch.setattr(InlineWorld, "run", noted_run)
        monkeypatch.setattr(InlineWorld, "close", noted_close)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Runs:
    return Runs(monkeypatch)


@pytest.fixture
async def inline(guest: Guest) -> AsyncIterator[Scripts]:
    async with open_scripts(guest, inline=True) as made:
        yield made


async def warmed(scripts: Scripts, code: str = CODE, **limits: float) -> Script:
    """A function whose next call is tried inline."""
    script = await scripts(code, **{"wall": 60, "cpu": 60, **limits})  # type: ignore[arg-type] # limits alone
    for n in range(FIRST):
        await script.run(call_of({"n": n}))
    await be_tried(scripts, script)
    return script


async def be_tried(scripts: Scripts, script: Script) -> None:
    """See to it that the function's next call is tried inline."""
    assert script.program._inline is not None
    script.program._inline._skip = 0
    await until(lambda: scripts.lanes.idle)


async def test_a_call_that_comes_alone_runs_in_the_thread_that_asks(inline: Scripts, runs: Runs) -> None:
    script = await warmed(inline)
    assert runs.threads == []
    for n in range(5):
        host = FakeHost()
        ending = (await script.run(call_of({"n": n}), host)).ending
        assert isinstance(ending, Returned)
        assert ending.value.startswith(b"[%d,1," % n)
        assert host.texts == [f"ran {n}"]
    assert runs.threads == [threading.get_ident()] * 5
    assert len(runs.open) == 1
    await script.program.aclose()
    assert not runs.open


async def test_of_calls_that_come_together_one_runs_inline(inline: Scripts, runs: Runs) -> None:
    script = await warmed(inline)
    values: list[object] = []

    async def one(n: int) -> None:
        values.append(await script.value(call_of({"n": n, "do": "recurse"})))

    async with trio.open_nursery() as nursery:
        for n in range(10):
            nursery.start_soon(one, n)
    assert sorted(map(str, values)) == sorted(str(n * 200) for n in range(10))
    assert len(runs.threads) == 1


@settings(max_examples=40)
@given(deeds=st.lists(st.tuples(st.sampled_from(DEEDS), st.integers(0, 40)), min_size=1, max_size=6))
async def test_a_call_says_the_same_inline_and_in_a_lane(
    inline: Scripts, deeds: list[tuple[str, int]]
) -> None:
    script = await inline.once(CODE, cpu=60, wall=60, memory=16 * MIB)
    inlined = script.program._inline
    assert inlined is not None

    async def told(do: str, n: int) -> tuple[Ending, list[str], list[str]]:
        host = FakeHost()
        reply = await script.run(call_of({"do": do, "n": n}, seed=SEED), host)
        return reply.ending, host.texts, [request.url for request in host.requests]

    try:
        for do, n in deeds:
            script.program._inline = None
            expected = await told(do, n)
            script.program._inline = inlined
            await be_tried(inline, script)
            assert await told(do, n) == expected
            if inlined._world is not None:
                assert pages_unlike(script.image, memory_of(inlined._world)) == []
    finally:
        script.program._inline = inlined


async def test_what_does_not_end_soon_is_run_again_in_a_lane(inline: Scripts, runs: Runs) -> None:
    script = await warmed(inline, cpu=0.1)
    for do in ("loop", "bomb"):
        await be_tried(inline, script)
        assert isinstance((await script.run(call_of({"n": 1, "do": do}))).ending, Killed)
    await be_tried(inline, script)
    assert await script.value(call_of({"n": 1, "do": "overflow"})) == "RangeError"
    assert runs.ended == [False] * 3
    assert not runs.open


async def test_what_waits_asks_its_host_once(inline: Scripts, runs: Runs) -> None:
    script = await warmed(inline)
    host = FakeHost()
    await script.run(call_of({"n": 7, "do": "wait"}), host)
    assert [request.url for request in host.requests] == ["http://a.example/7"]
    assert host.texts == ["ran 7"]
    assert runs.ended == [True]


async def test_a_hash_of_much_is_a_lanes_affair(inline: Scripts, runs: Runs) -> None:
    script = await warmed(inline)
    for n, ended in ((1, True), (40, False)):
        await be_tried(inline, script)
        digest = await script.value(call_of({"n": n, "do": "hash"}))
        assert digest == hashlib.sha256(b"x" * n * 10000).hexdigest()
        assert runs.ended[-1] is ended


async def test_a_program_that_gains_nothing_is_tried_less_and_less(inline: Scripts, runs: Runs) -> None:
    script = await warmed(inline)
    for _ in range(500):
        await script.run(call_of({"n": 1, "do": "sleep"}))
    assert 3 <= len(runs.threads) <= 7
    assert len(runs.open) <= 1


@pytest.mark.parametrize("limits", [{"wall": 0.009}, {"cpu": 0.009}])
async def test_a_limit_below_what_is_tried_is_a_lanes_affair(
    inline: Scripts, runs: Runs, limits: dict[str, float]
) -> None:
    script = await warmed(inline, CODE, **limits)
    for n in range(3):
        await script.run(call_of({"n": n}))
    assert runs.threads == []


async def test_a_large_record_is_a_lanes_affair(inline: Scripts, runs: Runs) -> None:
    script = await warmed(inline)
    await script.run(call_of({"n": 1, "text": "x" * RECORD_LIMIT}))
    assert runs.threads == []


async def test_cancelled_before_it_begins_it_does_not_run(inline: Scripts, runs: Runs) -> None:
    script = await warmed(inline)
    with trio.CancelScope() as scope:
        scope.cancel()
        await script.run(call_of({"n": 1}))
    assert scope.cancelled_caught
    assert runs.threads == []
    assert await script.value(call_of({"n": 3, "do": "recurse"})) == 600
    assert len(runs.threads) == 1


async def test_a_thread_with_a_small_stack_runs_nothing_inline(
    guest: Guest, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_inline, "NEEDED_STACK", _inline._stack_size() + 1)
    async with open_scripts(guest, inline=True) as scripts:
        script = await warmed(scripts)
        assert await script.value(call_of({"n": 1, "do": "overflow"})) == "RangeError"
    assert runs.threads == []


def test_a_threads_stack_is_as_large_as_it_was_made() -> None:
    size, sizes = 256 * MIB, list[int]()  # larger than what the C library keeps of threads that have ended
    before = threading.stack_size(size)
    try:
        thread = threading.Thread(target=lambda: sizes.append(_inline._stack_size()))
        thread.start()
    finally:
        threading.stack_size(before)
    thread.join()
    assert size <= sizes[0] <= size + MIB
