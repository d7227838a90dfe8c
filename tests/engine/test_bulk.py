"""Many events at once: each answered once, none held back by another."""

from __future__ import annotations

import itertools
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing
from typing import Any

import pytest
import trio
import trio.testing
from hypothesis import given, strategies as st
from tests.engine.scripted import TRACK, function, instance_with

import isthmus
from isthmus import Code, Engine, Instance, InvalidInput, Kind, Limits, Outcome, Request, Status
from isthmus._bulk import CHUNK, SPAN
from isthmus.abc import Call, Host, Program, Reply, Returned, Runtime
from isthmus.hookspecs import hookimpl
from isthmus.testing import ScriptedRuntime, World

Answers = dict[int, Outcome | InvalidInput]


def collect(answers: Answers) -> Callable[[int, Outcome | InvalidInput], None]:
    def deliver(index: int, outcome: Outcome | InvalidInput) -> None:
        assert index not in answers
        answers[index] = outcome

    return deliver


async def echo(event: Any, settings: Any, world: World) -> Any:
    await trio.sleep(event.get("wait", 0))
    return event.get("n")


@given(
    sorts=st.lists(st.sampled_from(["track", "page", "unknown", "nonsense", "slow"]), max_size=200),
    concurrency=st.integers(1, 80),
    as_async=st.booleans(),
)
def test_every_event_is_answered_once_under_its_own_index(
    sorts: list[str], concurrency: int, as_async: bool
) -> None:
    def text(index: int, sort: str) -> isthmus.Event:
        if sort == "nonsense":
            return b"[]"
        wait = index % 5 if sort == "slow" else 0
        return {"type": "track" if sort == "slow" else sort, "n": index, "wait": wait}

    running, most = 0, 0

    async def counted(event: Any, settings: Any, world: World) -> Any:
        nonlocal running, most
        running += 1
        most = max(most, running)
        try:
            return await echo(event, settings, world)
        finally:
            running -= 1

    answers: Answers = {}

    async def main() -> None:
        events = [text(index, sort) for index, sort in enumerate(sorts)]

        async def one_by_one() -> AsyncIterator[isthmus.Event]:
            for event in events:
                yield event

        async with instance_with({"onTrack": counted}) as (engine, instance):
            given = one_by_one() if as_async else events
            await engine.invoke_each(instance, given, collect(answers), concurrency=concurrency)

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    assert sorted(answers) == list(range(len(sorts)))
    assert most <= concurrency
    for index, sort in enumerate(sorts):
        answer = answers[index]
        if sort == "nonsense":
            assert isinstance(answer, InvalidInput)
            continue
        assert isinstance(answer, Outcome)
        expected = Status.REFUSED if sort == "page" else Status.DELIVERED
        assert answer.status is expected
        if sort in {"track", "slow"}:
            assert bytes(answer.value or b"") == str(index).encode()


async def test_a_slow_call_holds_its_own_slot_and_no_other(autojump_clock: trio.abc.Clock) -> None:
    done: list[tuple[int, float]] = []

    def deliver(index: int, outcome: Outcome | InvalidInput) -> None:
        done.append((index, trio.current_time()))

    events = [{"type": "track", "wait": 4 if index == 0 else 1} for index in range(7)]
    async with instance_with({"onTrack": echo}) as (engine, instance):
        await engine.invoke_each(instance, events, deliver, concurrency=3)
    times = dict(done)
    assert times == {0: 4, 1: 1, 2: 1, 3: 2, 4: 2, 5: 3, 6: 3}


async def test_a_call_that_ends_without_its_value_lets_the_next_of_its_chunk_load() -> None:
    async def on_track(event: Any, settings: Any, world: World) -> Any:
        return (await world.host.cache_load("k")).value is None

    answers: Answers = {}
    async with instance_with({"onTrack": on_track}) as (engine, instance):
        await engine.invoke_each(instance, [TRACK] * 5, collect(answers))
    values = [outcome.value for outcome in answers.values() if isinstance(outcome, Outcome)]
    assert [bytes(value or b"") for value in values] == [b"true"] * 5


async def test_an_event_of_a_slow_source_does_not_wait_for_the_next() -> None:
    answers: Answers = {}
    go_on = trio.Event()

    async def trickle() -> AsyncIterator[bytes]:
        yield TRACK
        await go_on.wait()

    async with instance_with({"onTrack": echo}) as (engine, instance), trio.open_nursery() as nursery:
        nursery.start_soon(engine.invoke_each, instance, trickle(), collect(answers))
        await trio.testing.wait_all_tasks_blocked()
        assert list(answers) == [0]
        go_on.set()


async def test_webhooks_too_and_their_messages() -> None:
    answers: Answers = {}

    def on_request(request: Any, settings: Any, world: World) -> None:
        world.sent.append({"type": "track", "messageId": "in"})

    async with instance_with({"onRequest": on_request}, kind=Kind.SOURCE) as (engine, instance):
        await engine.invoke_each(instance, [Request(body=b'{"messageId":"in"}'), TRACK], collect(answers))
    outcome, wrong = answers[0], answers[1]
    assert isinstance(outcome, Outcome)
    assert isinstance(wrong, InvalidInput)
    (message,) = outcome.messages
    assert b'"in"' not in bytes(message)


async def test_nothing_but_wrong_events_still_lets_others_run() -> None:
    ran = []

    async def other() -> None:
        for _ in range(3):
            await trio.lowlevel.checkpoint()
            ran.append(len(answers))

    answers: Answers = {}
    async with instance_with({"onTrack": echo}) as (engine, instance), trio.open_nursery() as nursery:
        nursery.start_soon(other)
        await engine.invoke_each(instance, [b"x"] * SPAN * 20, collect(answers))
    assert len(answers) == SPAN * 20
    assert ran[-1] < SPAN * 20


async def test_calls_have_seeds_of_their_own_from_one_draw_a_chunk() -> None:
    seeds: set[bytes] = set()
    draws: list[int] = []

    def on_track(event: Any, settings: Any, world: World) -> None:
        seeds.add(world.call.seed)

    def entropy(size: int) -> bytes:
        draws.append(size)
        return b"".join(bytes([len(draws), place]) * 16 for place in range(size // 32))

    runtime = ScriptedRuntime({"onTrack": on_track})
    async with isthmus.open_engine(plugins=[runtime], load_entry_points=False, entropy=entropy) as engine:
        await engine.invoke_each(await engine.load(function()), [TRACK] * 100, lambda index, outcome: None)
    assert len(seeds) == 100
    assert all(len(seed) == 32 for seed in seeds)
    assert sum(draws) == 3200
    assert len(draws) <= 4


async def test_concurrency_is_a_whole_number_from_1() -> None:
    async with instance_with({"onTrack": echo}) as (engine, instance):
        with pytest.raises(isthmus.EngineError, match="from 1, not 0"):
            await engine.invoke_each(instance, [], collect({}), concurrency=0)


# ---------------------------------------------------------------- when something raises


async def test_an_error_of_the_events_comes_out_after_the_calls_under_way(
    autojump_clock: trio.abc.Clock,
) -> None:
    answers: Answers = {}

    def broken() -> Iterator[isthmus.Event]:
        yield from ({"type": "track", "wait": 1} for _ in range(CHUNK))
        raise ZeroDivisionError

    async with instance_with({"onTrack": echo}) as (engine, instance):
        with pytest.raises(ZeroDivisionError):
            await engine.invoke_each(instance, broken(), collect(answers))
    assert len(answers) == CHUNK


@pytest.mark.parametrize("events", [[TRACK] * 300, [b"x"] * 3, [{"type": "page"}]])
async def test_an_error_of_deliver_comes_out_at_once_and_once(events: list[isthmus.Event]) -> None:
    calls = []

    def deliver(index: int, outcome: Outcome | InvalidInput) -> None:
        calls.append(index)
        raise ZeroDivisionError

    runtime = ScriptedRuntime({"onTrack": echo})
    async with instance_with(runtime) as (engine, instance):
        with pytest.raises(ZeroDivisionError):
            await engine.invoke_each(instance, events, deliver)
        assert (len(calls), runtime.running) == (1, 0)
        assert (await engine.invoke(instance, TRACK)).ok
    assert runtime.loads == 1  # the program is not blamed


async def test_closing_the_instance_ends_the_run_with_its_calls_delivered(
    autojump_clock: trio.abc.Clock,
) -> None:
    answers: Answers = {}

    async def endless() -> AsyncIterator[isthmus.Event]:
        while True:
            yield {"type": "track", "wait": 1}

    runtime = ScriptedRuntime({"onTrack": echo})
    async with instance_with(runtime) as (engine, instance):

        async def run() -> None:
            with pytest.raises(isthmus.EngineClosed, match="before all events"):
                await engine.invoke_each(instance, endless(), collect(answers), concurrency=10)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(run)
            await trio.sleep(0.5)
            await instance.aclose()
        assert trio.current_time() == 1
        assert (len(answers), runtime.programs) == (10, 0)


# ---------------------------------------------------------------- a runtime with its own run_many


class _ManyRuntime(Runtime):
    """Its programs run calls together, in a way the test says."""

    language = "scripted"

    def __init__(self, run_many: Callable[[Sequence[tuple[Call, Host]], Any], None]) -> None:
        self._run_many = run_many
        self.loads = 0

    async def load(self, function: isthmus.Function, limits: Limits) -> Program:
        self.loads += 1
        return _ManyProgram(self._run_many)

    @hookimpl
    def isthmus_runtimes(self) -> list[Runtime]:
        return [self]


class _ManyProgram(Program):
    handlers = frozenset({"onTrack"})

    def __init__(self, run_many: Callable[[Sequence[tuple[Call, Host]], Any], None]) -> None:
        self._run_many = run_many

    async def run(self, call: Call, host: Host) -> Reply:
        raise AssertionError

    async def run_many(
        self, calls: Sequence[tuple[Call, Host]], deliver: Callable[[int, Reply], None]
    ) -> None:
        await trio.lowlevel.checkpoint()
        self._run_many(calls, deliver)

    async def aclose(self) -> None:
        pass


async def run_over(run_many: Any, events: int = 4) -> tuple[Answers, _ManyRuntime]:
    answers: Answers = {}
    runtime = _ManyRuntime(run_many)
    async with isthmus.open_engine(plugins=[runtime], load_entry_points=False) as engine:
        instance: Instance = await engine.load(function())
        await check(engine, instance, answers, events)
    return answers, runtime


async def check(engine: Engine, instance: Instance, answers: Answers, events: int) -> None:
    await engine.invoke_each(instance, [TRACK] * events, collect(answers))
    assert len(answers) == events


def statuses(answers: Answers) -> list[Status]:
    return [outcome.status for _, outcome in sorted(answers.items()) if isinstance(outcome, Outcome)]


async def test_a_chunk_is_handed_over_whole() -> None:
    sizes = []

    def run_many(calls: Any, deliver: Any) -> None:
        sizes.append(len(calls))
        for place in reversed(range(len(calls))):
            deliver(place, Reply(Returned(str(place).encode())))

    answers, _ = await run_over(run_many, events=200)
    assert max(sizes) == CHUNK
    assert len(sizes) <= 6
    assert statuses(answers) == [Status.DELIVERED] * 200


async def test_calls_without_a_reply_are_retried() -> None:
    def run_many(calls: Any, deliver: Any) -> None:
        deliver(2, Reply(Returned()))

    answers, _ = await run_over(run_many)
    assert statuses(answers) == [Status.RETRY, Status.RETRY, Status.DELIVERED, Status.RETRY]
    first = answers[0]
    assert isinstance(first, Outcome)
    assert first.problem is not None
    assert (first.problem.code, first.problem.message) == (
        Code.INTERNAL,
        "3 of 4 calls were left without a reply",
    )


async def test_a_fault_costs_the_calls_that_had_no_reply_yet_and_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def run_many(calls: Any, deliver: Any) -> None:
        deliver(0, Reply(Returned()))
        raise ExceptionGroup("both", [KeyError("hunter-2"), OSError()])

    answers, _ = await run_over(run_many)
    assert statuses(answers) == [Status.DELIVERED, Status.RETRY, Status.RETRY, Status.RETRY]
    (record,) = caplog.records
    assert "KeyError" in record.getMessage()
    assert "OSError" in record.getMessage()
    assert "hunter-2" not in record.getMessage()


async def test_a_malformed_reply_costs_its_own_call() -> None:
    def run_many(calls: Any, deliver: Any) -> None:
        for place in range(len(calls)):
            deliver(place, None if place == 1 and not runs else Reply(Returned()))
        runs.append(len(calls))

    runs: list[int] = []
    answers, runtime = await run_over(run_many, events=1000)
    assert statuses(answers) == [Status.DELIVERED, Status.RETRY, *[Status.DELIVERED] * 998]
    assert runtime.loads == 2


async def test_a_program_that_cannot_be_loaded_again_costs_every_call_of_its_chunk() -> None:
    def run_many(calls: Any, deliver: Any) -> None:
        raise isthmus.RuntimeFault("once")

    class Once(_ManyRuntime):
        async def load(self, function: isthmus.Function, limits: Limits) -> Program:
            if self.loads:
                raise isthmus.LoadError("gone", file="f.js", line=1)
            return await super().load(function, limits)

    answers: Answers = {}
    async with isthmus.open_engine(plugins=[Once(run_many)], load_entry_points=False) as engine:
        await check(engine, await engine.load(function()), answers, 1000)
    assert statuses(answers) == [Status.RETRY] * 1000
    last = answers[999]
    assert isinstance(last, Outcome)
    assert last.problem is not None
    assert last.problem.message == "f.js:1: gone"


async def test_a_second_reply_is_reported_and_does_not_count(caplog: pytest.LogCaptureFixture) -> None:
    def run_many(calls: Any, deliver: Any) -> None:
        for place in (0, 0, 1, 2, 3):
            deliver(place, Reply(Returned()))

    answers, _ = await run_over(run_many)
    assert statuses(answers) == [Status.DELIVERED] * 4
    assert "answered twice" in caplog.text


async def test_a_run_goes_on_after_a_fault_on_a_program_loaded_anew() -> None:
    chunks = []

    def run_many(calls: Any, deliver: Any) -> None:
        chunks.append(len(calls))
        if len(chunks) == 1:
            raise isthmus.RuntimeFault("once")
        for place in range(len(calls)):
            deliver(place, Reply(Returned()))

    answers, runtime = await run_over(run_many, events=1000)
    assert runtime.loads == 2
    assert statuses(answers).count(Status.RETRY) == chunks[0]


@pytest.mark.parametrize("silent", [False, True])
async def test_once_it_is_stopped_no_call_begins_and_those_under_way_end(
    silent: bool, autojump_clock: trio.abc.Clock
) -> None:
    stop = trio.Event()
    begun: list[int] = []

    async def on_track(event: Any, settings: Any, world: World) -> Any:
        begun.append(event["n"])
        await trio.sleep(1)

    async def endless() -> AsyncGenerator[isthmus.Event]:
        for number in range(5) if silent else itertools.count():
            yield {"type": "track", "n": number}
        await trio.sleep_forever()

    answers: Answers = {}
    async with instance_with({"onTrack": on_track}) as (engine, instance), trio.open_nursery() as nursery:

        async def run() -> None:
            async with aclosing(endless()) as events:
                await engine.invoke_each(instance, events, collect(answers), concurrency=3, stop=stop)
            nursery.cancel_scope.cancel()

        nursery.start_soon(run)
        await trio.sleep(5.5 if silent else 1.5)
        stop.set()
        await trio.sleep(10)
        pytest.fail("it has not ended")
    count = 5 if silent else 6
    assert sorted(begun) == sorted(answers) == list(range(count))
