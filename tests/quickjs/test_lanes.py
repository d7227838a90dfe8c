"""Lanes: many calls on few threads, none lost, none run twice, none held up by a neighbour that does not end."""

from __future__ import annotations

import hashlib
import itertools
import json
import random
import threading

import pytest
import trio
import trio.testing
from tests.javascript import (
    LONGEST,
    FakeHost,
    Scripts,
    WorldCensus,
    call_of,
    differences_everywhere,
    lane_threads,
    open_scripts,
    rest,
    rss,
    until,
)

from isthmus.abc import Killed, Reply, Returned
from isthmus_quickjs import _lanes
from isthmus_quickjs._guest import Guest
from isthmus_quickjs._lanes import QUIET, Lanes
from isthmus_quickjs._world import EXCHANGE_PAGES, RECORD_LIMIT

CODE = """
async function onTrack(event) {
    console.log('ran ' + event.n);
    if (event.loop) for (;;);
    if (event.spin) for (let i = 0; i < event.spin; i++);
    if (event.throws) throw new Error('as asked');
    if (event.text) return event.n + 'x'.repeat(event.text);
    if (event.wait) { await fetch('http://a.example/'); if (event.then === 'loop') for (;;); }
    return event.n;
}"""


def number(reply: Reply) -> object:
    return (
        json.loads(reply.ending.value) if isinstance(reply.ending, Returned) else type(reply.ending).__name__
    )


# ---- neighbours


async def test_fifty_calls_beside_an_endless_one_go_on_unharmed(scripts: Scripts) -> None:
    script = await scripts(CODE, cpu=1.0, wall=60)
    ended: list[str] = []

    async def one(n: int) -> None:
        reply = await script.run(call_of({"n": n, "loop": n == 0}))
        ended.append(type(reply.ending).__name__)

    async with trio.open_nursery() as nursery:
        for n in range(51):
            nursery.start_soon(one, n)
    assert ended == ["Returned"] * 50 + ["Killed"]


@pytest.mark.parametrize("together", [True, False])
async def test_beside_more_endless_calls_than_lanes_others_go_on(guest: Guest, together: bool) -> None:
    """They once waited for the first to be stopped, and timed out with it."""
    async with open_scripts(guest, lanes=2) as scripts:
        script = await scripts(CODE, cpu=60, wall=60)
        endless = [call_of({"n": n, "loop": True}) for n in range(6)]
        with trio.fail_after(LONGEST):
            async with trio.open_nursery() as nursery:
                if together:
                    hosts = [FakeHost() for _ in endless]
                    nursery.start_soon(script.run_many, endless, hosts)
                else:
                    for call in endless:
                        nursery.start_soon(script.run, call)
                for n in range(20):
                    assert await script.value(call_of({"n": n, "wait": n % 2 == 1})) == n
                nursery.cancel_scope.cancel()


async def test_lanes_opened_beside_long_calls_are_given_up_with_them(guest: Guest) -> None:
    async with open_scripts(guest, lanes=1) as scripts:
        script = await scripts(CODE, cpu=0.2, wall=60)
        replies = await script.run_many([call_of({"n": n, "loop": n < 5}) for n in range(40)])
        assert [number(reply) for reply in replies] == ["Killed"] * 5 + list(range(5, 40))
        await until(lambda: len(scripts.lanes._lanes) == 1)
        await rest(scripts)
        assert [await script.value(call_of({"n": n})) for n in range(3)] == [0, 1, 2]
        await rest(scripts)
        assert script.program._queue._running == 0


async def test_a_call_that_comes_alone_is_not_put_behind_an_endless_one(scripts: Scripts) -> None:
    script = await scripts(CODE, cpu=60, wall=60)
    async with trio.open_nursery() as nursery:
        host = FakeHost()
        nursery.start_soon(script.run, call_of({"n": 0, "loop": True}), host)
        with trio.fail_after(LONGEST):
            for n in range(20):
                assert await script.value(call_of({"n": n})) == n
        nursery.cancel_scope.cancel()


async def test_what_ran_before_an_endless_call_in_its_crossing_is_told_at_once(guest: Guest) -> None:
    async with open_scripts(guest, lanes=1) as scripts:
        script = await scripts(CODE, cpu=60, wall=60)
        await script.run_many([call_of({"n": n}) for n in range(20)])  # so that calls are known to be short
        ended: list[int] = []
        calls = [call_of({"n": n, "loop": n == 8}) for n in range(9)]

        def deliver(index: int, _reply: Reply) -> None:
            ended.append(index)
            if len(ended) == 8:
                nursery.cancel_scope.cancel()

        with trio.fail_after(LONGEST):
            async with trio.open_nursery() as nursery:
                await script.program.run_many([(call, FakeHost()) for call in calls], deliver)
    assert ended == list(range(8))


@pytest.mark.parametrize("lanes", [1, 2])
async def test_beside_killed_calls_none_is_lost_and_none_run_twice(guest: Guest, lanes: int) -> None:
    async with open_scripts(guest, lanes) as scripts:
        script = await scripts(CODE, cpu=0.05, wall=60)
        calls = [
            call_of({"n": n, "loop": n % 16 == 7, "throws": n % 16 == 9, "wait": n % 16 == 11})
            for n in range(64)
        ]
        hosts = [FakeHost() for _ in calls]
        replies = await script.run_many(calls, hosts)
        expected = {7: "Killed", 9: "Thrown"}
        assert [number(reply) for reply in replies] == [expected.get(n % 16, n) for n in range(64)]
        assert [host.texts for host in hosts] == [[f"ran {n}"] for n in range(64)]
        assert [len(host.requests) for host in hosts] == [int(n % 16 == 11) for n in range(64)]


async def test_on_one_lane_calls_end_in_the_order_they_came(guest: Guest) -> None:
    async with open_scripts(guest, lanes=1) as scripts:
        script = await scripts(CODE)
        calls = [(call_of({"n": n}), FakeHost()) for n in range(300)]
        orders: list[list[int]] = []
        while (
            list(range(300)) not in orders and len(orders) < 20
        ):  # a crossing that was held up lets others begin
            orders.append([])
            await script.program.run_many(calls, lambda index, _reply: orders[-1].append(index))
    assert orders[-1] == list(range(300))


async def test_two_functions_share_a_lane(guest: Guest) -> None:
    async with open_scripts(guest, lanes=1) as scripts:
        busy, other = await scripts(CODE), await scripts(CODE + "// another")
        rounds = 0

        async def be_busy() -> None:
            nonlocal rounds
            while True:
                await busy.run_many([call_of({"n": n, "spin": 20_000}) for n in range(100)])
                rounds += 1

        with trio.fail_after(LONGEST):
            async with trio.open_nursery() as nursery:
                for _ in range(2):  # calls of the one wait while those of the other are run
                    nursery.start_soon(be_busy)
                for n in range(3):
                    assert await other.value(call_of({"n": n})) == n
                await until(lambda: rounds >= 2)
                nursery.cancel_scope.cancel()


# ---- sizes


SIZES = [
    1,
    RECORD_LIMIT - 200,
    RECORD_LIMIT - 1,
    RECORD_LIMIT,
    RECORD_LIMIT + 1,
    EXCHANGE_PAGES * 65536 + 1,
    5_000_000,
]


async def test_records_of_any_size_come_through_together(scripts: Scripts) -> None:
    script = await scripts.body("return [event.n, event.pad.length, event.pad.at(-1)]")
    calls = [call_of({"n": n, "pad": "p" * size}) for n, size in enumerate(SIZES * 3)]
    replies = await script.run_many(calls)
    assert [number(reply) for reply in replies] == [[n, size, "p"] for n, size in enumerate(SIZES * 3)]
    assert differences_everywhere(script) == []


async def test_sixty_four_answers_too_large_for_one_crossing_come_out(scripts: Scripts) -> None:
    script = await scripts(CODE)
    hosts = [FakeHost() for _ in range(64)]
    replies = await script.run_many([call_of({"n": n, "text": 100_000}) for n in range(64)], hosts)
    assert [number(reply) for reply in replies] == [f"{n}{'x' * 100_000}" for n in range(64)]
    assert [host.texts for host in hosts] == [[f"ran {n}"] for n in range(64)]


async def test_a_large_log_comes_out_beside_a_large_answer(scripts: Scripts) -> None:
    script = await scripts.body(
        "console.log('l'.repeat(event.log)); return 'a'.repeat(event.answer)", log_bytes=1_000_000
    )
    sizes = [(600_000, 10), (10, 600_000), (300_000, 300_000), (5, 5)] * 2
    hosts = [FakeHost() for _ in sizes]
    replies = await script.run_many([call_of({"log": log, "answer": answer}) for log, answer in sizes], hosts)
    assert [number(reply) for reply in replies] == ["a" * answer for _, answer in sizes]
    assert [host.texts for host in hosts] == [["l" * log] for log, _ in sizes]


# ---- waiting


async def test_a_call_that_waits_holds_no_lane(scripts: Scripts) -> None:
    script = await scripts(CODE)
    gate = trio.Event()
    hosts = [FakeHost(gate) for _ in range(500)]
    done = 0

    async def one(n: int) -> None:
        nonlocal done
        assert await script.value(call_of({"n": n, "wait": True}), hosts[n]) == n
        done += 1

    before, threads = rss(), threading.active_count()
    with trio.fail_after(LONGEST):
        async with trio.open_nursery() as nursery:
            for n in range(500):
                nursery.start_soon(one, n)
            for host in hosts:
                await host.arrived.wait()
            assert done == 0
            assert threading.active_count() <= threads + 1
            assert rss() - before < 500 * 1_000_000
            assert await script.value(call_of({"n": -1})) == -1
            gate.set()
    assert done == 500


# ---- cancellation


STAGES = ["queued", "running", "waiting", "resuming"]


@pytest.mark.parametrize("kind", ["run", "run_many", "kept"])
@pytest.mark.parametrize("stage", STAGES)
async def test_a_cancelled_call_leaves_nothing_behind(
    census: WorldCensus, guest: Guest, stage: str, kind: str
) -> None:
    async with open_scripts(guest, lanes=1) as scripts:
        script = await scripts(CODE, isolation="instance" if kind == "kept" else "call")
        host, gate = FakeHost(trio.Event()), trio.Event()
        event = {"n": 1, "loop": stage == "running", "wait": True, "then": "loop"}

        async def run() -> None:
            if kind == "run_many":
                await script.run_many([call_of(event)] * 3, [host] * 3)
            else:
                await script.run(call_of(event), host)

        async with trio.open_nursery() as nursery:
            if stage == "queued":
                nursery.start_soon(script.run, call_of({"n": 0, "loop": True}, instance="other"))
                await until(lambda: not scripts.lanes.idle)
            nursery.start_soon(run)
            if stage in {"waiting", "resuming"}:
                await host.arrived.wait()
            if stage == "resuming":
                assert host.gate is not None
                host.gate.set()
            if stage in {"running", "resuming"}:
                await trio.testing.wait_all_tasks_blocked()
                await until(lambda: not scripts.lanes.idle)
            await trio.testing.wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
        assert not gate.is_set()
        await rest(scripts)
        assert census.open == set(script.spare)
        with trio.fail_after(LONGEST):
            assert await script.value(call_of({"n": 5})) == 5
    assert census.open == set()
    assert census.made > 0


async def test_cancelled_at_any_moment_a_call_leaves_nothing_behind(
    census: WorldCensus, scripts: Scripts
) -> None:
    script = await scripts(CODE)
    chance = random.Random(3)
    for turn in range(120):
        event = {"n": turn, "spin": chance.choice([0, 20_000]), "wait": turn % 3 != 0}
        with trio.move_on_after(chance.random() * 0.004):
            if turn % 2:
                await script.run(call_of(event))
            else:
                await script.run_many([call_of(event) for _ in range(5)])
    await rest(scripts)
    assert census.open == set(script.spare)
    assert await script.value(call_of({"n": 5})) == 5
    assert differences_everywhere(script) == []


async def test_a_host_that_fails_costs_its_call_only(census: WorldCensus, scripts: Scripts) -> None:
    class Broken(FakeHost):
        async def cache_load(self, key: str) -> None:  # type: ignore[override]
            raise ZeroDivisionError("a fault of the host's")

    script = await scripts.body("return cache.load('k', 1, () => 1)")
    with pytest.RaisesGroup(ZeroDivisionError, flatten_subgroups=True):
        await script.run(host=Broken())
    await rest(scripts)
    assert census.open == set(script.spare)
    assert await script.value() == 1


# ---- threads and their clock


async def test_lanes_begin_with_the_first_work_and_end_when_closed(guest: Guest) -> None:
    before = lane_threads()
    async with open_scripts(guest, lanes=2) as scripts:
        assert lane_threads() == before
        script = await scripts(CODE)
        assert await script.value(call_of({"n": 1})) == 1
        assert sorted(set(lane_threads()) - set(before)) == [
            "isthmus clock",
            "isthmus lane 0",
            "isthmus lane 1",
        ]
    assert lane_threads() == before


async def test_lanes_end_although_an_endless_call_was_just_cancelled(guest: Guest) -> None:
    with trio.fail_after(LONGEST):
        async with open_scripts(guest, lanes=2) as scripts:
            script = await scripts(CODE, wall=100, cpu=100)
            with trio.move_on_after(0.05):
                await script.run(call_of({"n": 0, "loop": True}))
    assert lane_threads() == []


async def test_the_clock_rests_without_work_and_wakes_for_it(scripts: Scripts) -> None:
    script = await scripts(CODE, cpu=0.1, wall=60)
    for _ in range(2):
        assert await script.value(call_of({"n": 1})) == 1
        await until(lambda: not scripts.lanes._ticking.is_set())
        with trio.fail_after(LONGEST):
            assert isinstance((await script.run(call_of({"n": 0, "loop": True}))).ending, Killed)


async def test_work_in_a_lane_raises_where_it_is_awaited(guest: Guest) -> None:
    lanes = Lanes([guest.code.engine], 1)
    names: list[str] = []
    await lanes.run(lambda: names.append(threading.current_thread().name))
    assert names == ["isthmus lane 0"]
    with pytest.raises(ZeroDivisionError):
        await lanes.run(lambda: [][1 // 0])
    await lanes.aclose()


async def test_what_is_posted_runs_in_the_trio_thread_in_order(guest: Guest) -> None:
    lanes = Lanes([guest.code.engine], 2)
    heard: list[int] = []
    threads: set[int] = set()

    def hear(n: int) -> None:
        heard.append(n)
        threads.add(threading.get_ident())

    def tell() -> None:
        for n in range(1000):
            lanes.post(lambda n=n: hear(n))  # type: ignore[misc]

    await lanes.run(tell)
    assert heard == list(range(1000))
    assert threads == {threading.get_ident()}
    await lanes.aclose()


async def test_synchronous_answers_go_to_the_world_that_asks(guest: Guest) -> None:
    """Loading and crossing take turns on one thread, each with its own memory for the host to write to."""
    code = "function onTrack(event) { return crypto.createHash('sha256').update(event.text).digest('hex') }"
    async with open_scripts(guest, lanes=1) as scripts:
        first = await scripts(code)

        async def ask(n: int) -> None:
            text = f"text {n}" * n
            assert await first.value(call_of({"text": text})) == hashlib.sha256(text.encode()).hexdigest()

        async def load(n: int) -> None:
            script = await scripts(
                f"const at = crypto.createHash('md5').update('{n}').digest('hex'); function onTrack() {{ return at }}"
            )
            assert await script.value() == hashlib.md5(str(n).encode()).hexdigest()

        async with trio.open_nursery() as nursery:
            for n in range(12):
                nursery.start_soon(ask, n)
                nursery.start_soon(load, n)


async def test_no_wake_up_is_lost(scripts: Scripts) -> None:
    """Tasks that come, wait, are cancelled and come again: each call that is not cancelled ends."""
    script = await scripts(CODE)
    chance = random.Random(5)
    ended = 0

    async def live() -> None:
        nonlocal ended
        for turn in range(25):
            event = {"n": turn, "wait": chance.random() < 0.2}
            if chance.random() < 0.1:
                with trio.move_on_after(0):
                    await script.run(call_of(event))
            elif chance.random() < 0.3:
                assert len(await script.run_many([call_of(event) for _ in range(chance.randrange(1, 9))])) > 0
            else:
                assert await script.value(call_of(event)) == turn
            ended += 1

    with trio.fail_after(LONGEST):
        async with trio.open_nursery() as nursery:
            for _ in range(30):
                nursery.start_soon(live)
    assert ended == 30 * 25
    await rest(scripts)
    assert script.program._queue._running == 0
    assert not script.program._queue._waiting


@pytest.mark.parametrize("at", [QUIET, QUIET + 1], ids=["as it is about to stop", "as it stops"])
async def test_the_clock_goes_on_for_a_guest_that_begins_in_no_lane_as_it_stops(
    monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    epochs = itertools.count(1)
    last = 0

    def tick(engine: object) -> None:
        nonlocal last
        last = next(epochs)
        if last == at:
            lanes.keep_ticking()

    monkeypatch.setattr(_lanes, "increment_epoch", tick)
    lanes = Lanes([object()], 1)  # type: ignore[list-item]
    lanes.keep_ticking()
    try:
        # An inline call is stopped at the second look; before that the Trio thread stands still.
        await until(lambda: last >= at + 2)
    finally:
        await lanes.aclose()
