"""Faults that a pipeline is to outlive: of its stages, of what is kept, and of the storage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import trio
from tests.engine.piping import QUICKLY, Kept, Unsteady, load, opened, track, until_empty

import isthmus
from isthmus import Code, QueueError, QueueFull
from isthmus._pipeline.faults import traced
from isthmus.pipelines import Attempt, Attempted, Batching, Destination, Observation, QueueAway, Sink, Source
from isthmus.queues import Entry
from isthmus.rules import Schedule
from isthmus.sinks import CallableSink, Retry
from isthmus.testing import MemoryQueue, World

FOREIGN = [b"", b"\x00\xff\x00", b"[1]", b"null", b'{"a":', b"[" * 50_000, b'"text"', b'{"a":"\xff"}']
SECRET = "hunter2"


class Texts(Sink):
    """Keeps the texts that arrive."""

    def __init__(self) -> None:
        self.texts: list[bytes] = []

    async def deliver(self, events: Sequence[bytes]) -> Attempt:
        await trio.lowlevel.checkpoint()
        self.texts += events
        return Attempt(status=isthmus.Status.DELIVERED)


class Faulty(Sink):
    """Answers what is no answer, or raises."""

    def __init__(self, answer: object) -> None:
        self.answer = answer
        self.closed = False

    async def deliver(self, events: Sequence[bytes]) -> Any:
        await trio.lowlevel.checkpoint()
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()
        self.closed = True
        if isinstance(self.answer, BaseException):
            raise self.answer


# ---------------------------------------------------------------- of what is kept


@pytest.mark.parametrize("body", [*FOREIGN, b"{}", b'{"type":"track"}', b'{"url":1}'])
async def test_a_webhook_that_is_none_is_a_dead_letter(body: bytes, autojump_clock: object) -> None:
    def on_request(request: Any, settings: Any, world: World) -> None:
        world.sent.append(track(1))

    kept = Kept()
    async with opened({"hook": {"onRequest": on_request}}) as (engine, queue):
        source = Source(id="hook", function=await load(engine, "hook", isthmus.Kind.SOURCE))
        destination = Destination(name="d", to=CallableSink(kept))
        async with isthmus.open_pipeline(
            engine, queue, sources=[source], destinations=[destination], clock=queue._now
        ) as pipeline:
            await queue.publish([Entry(queue="webhook:hook", message_id="foreign", body=body)])
            await pipeline.receive("hook", isthmus.Request(body=b"{}"))
            await pipeline.drain()
        dead = await queue.dead()
    assert [letter.message_id for letter in dead] == ["foreign"]
    assert "no webhook" in dead[0].reason
    assert kept.numbers == [1]


@pytest.mark.parametrize("body", FOREIGN)
@pytest.mark.parametrize("to", ["function", "batch", "sink", "insert", "source"])
async def test_an_event_that_is_none_is_a_dead_letter_and_takes_no_other_along(
    body: bytes, to: str, autojump_clock: object
) -> None:
    arrived = Kept()

    def on_batch(events: Any, settings: Any, world: World) -> None:
        for event in events:
            arrived(event)

    scripts: dict[str, Any] = {
        "function": {"onTrack": lambda event, settings, world: arrived(event)},
        "batch": {"onBatch": on_batch},
        "insert": {"onTrack": lambda event, settings, world: event},
    }
    texts = Texts()
    async with opened(scripts) as (engine, queue):
        insert = await load(engine, "insert", isthmus.Kind.INSERT)
        is_function = to in ("function", "batch")
        destination = Destination(
            name="d",
            to=await load(engine, to, isthmus.Kind.DESTINATION) if is_function else texts,
            inserts=(insert,) if to == "insert" else (),
            batching=Batching(count=10, wait=0.1),
        )
        source = Source(id="s", inserts=(insert,) if to == "source" else ())
        first = "source:s" if to == "source" else "destination:d"
        async with isthmus.open_pipeline(
            engine, queue, sources=[source], destinations=[destination], clock=queue._now
        ) as pipeline:
            await queue.publish([Entry(queue=first, message_id="x", body=body)])
            await pipeline.accept("s", [track(1), track(2)])
            await pipeline.drain()
        dead = await queue.dead()
    assert [letter.message_id for letter in dead] == ["x"]
    assert dead[0].queue == first
    assert len(arrived.numbers if is_function else texts.texts) == 2


# ---------------------------------------------------------------- of a stage


@pytest.mark.parametrize("place", ["to", "insert", "batch"])
async def test_an_instance_that_is_closed_holds_up_its_own_lane_alone(
    place: str, autojump_clock: object
) -> None:
    kept = Kept()
    seen: list[Observation] = []
    scripts: dict[str, Any] = {
        "to": {"onTrack": lambda event, settings, world: None},
        "batch": {"onBatch": lambda events, settings, world: None},
        "insert": {"onTrack": lambda event, settings, world: event},
    }
    async with opened(scripts) as (engine, queue):
        kind = isthmus.Kind.INSERT if place == "insert" else isthmus.Kind.DESTINATION
        closed = await load(engine, place, kind)
        broken = (
            Destination(name="broken", to=CallableSink(kept), inserts=(closed,), schedule=QUICKLY)
            if place == "insert"
            else Destination(name="broken", to=closed, schedule=QUICKLY, batching=Batching(count=2, wait=0.0))
        )
        well = Destination(name="well", to=CallableSink(kept))
        async with isthmus.open_pipeline(
            engine,
            queue,
            sources=[Source(id="s")],
            destinations=[broken, well],
            observe=seen.append,
            clock=queue._now,
        ) as pipeline:
            await closed.aclose()
            await pipeline.accept("s", [track(number) for number in range(3)])
            await trio.sleep(1)
            await pipeline.accept("s", [track(number) for number in range(3, 6)])
            await until_empty(queue, "destination:broken", "destination:well")
        dead = await queue.dead()
    assert sorted(kept.numbers) == list(range(6))
    assert sorted(letter.message_id for letter in dead) == [f"s:m{number}" for number in range(6)]
    failed = [one for one in seen if isinstance(one, Attempted) and one.queue == "destination:broken"]
    assert {one.problem.code for one in failed if one.problem} == {Code.INTERNAL}
    assert max(one.attempt for one in failed) == QUICKLY.attempts


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [None],
        [Attempt(status=isthmus.Status.DELIVERED)],
        ValueError(SECRET),
        isthmus.EngineError(SECRET),
        isthmus.FetchError(SECRET),
        ExceptionGroup(SECRET, [KeyError(SECRET)]),
    ],
    ids=repr,
)
async def test_a_sink_that_breaks_its_promises_takes_nobody_along_and_nothing_of_what_it_says_is_logged(
    answer: object, autojump_clock: object, caplog: pytest.LogCaptureFixture
) -> None:
    kept = Kept()
    faulty = Faulty(answer)
    closed = Faulty(None)
    async with opened({}) as (engine, queue):
        destinations = [
            Destination(name="faulty", to=faulty, schedule=QUICKLY, batching=Batching(count=3, wait=0.1)),
            Destination(name="well", to=CallableSink(kept)),
            Destination(name="last", to=closed, enabled=False),
        ]

        def observe(observation: Observation) -> None:
            raise ValueError(SECRET)

        async with isthmus.open_pipeline(
            engine,
            queue,
            sources=[Source(id="s")],
            destinations=destinations,
            observe=observe,
            clock=queue._now,
        ) as pipeline:
            await pipeline.accept("s", [track(number, password=SECRET) for number in range(3)])
            await until_empty(queue, "destination:faulty", "destination:well")
            lane = pipeline.stats().lanes["destination:faulty"]
        dead = await queue.dead()
    assert sorted(kept.numbers) == [0, 1, 2]
    assert lane.delivered + len(dead) == 3
    assert lane.retried["internal"] > 0
    assert faulty.closed
    assert closed.closed
    assert caplog.records
    assert SECRET not in caplog.text
    assert not any(SECRET in letter.reason for letter in dead)
    assert "test_pipeline_faults.py" in caplog.text


def test_what_the_log_shows_of_an_exception_has_all_its_causes_and_no_message() -> None:
    def fail() -> None:
        try:
            raise KeyError(SECRET)
        except KeyError as exc:
            raise isthmus.FetchError(SECRET) from exc

    with pytest.raises(isthmus.FetchError) as caught:
        fail()
    shown = traced(ExceptionGroup(SECRET, [caught.value, ValueError(SECRET)]))
    assert shown.count(" in fail") == 2
    assert all(name in shown for name in ("FetchError", "caused by KeyError", "ValueError"))
    assert SECRET not in shown


# ---------------------------------------------------------------- how a pipeline is left


class Own(Exception):
    """The body's."""


async def test_what_the_body_raises_leaves_plain_and_does_not_wait_for_grace(autojump_clock: object) -> None:
    begun = trio.Event()
    ended: list[str] = []

    async def call(event: dict[str, Any]) -> None:
        begun.set()
        try:
            await trio.sleep(500)
        except trio.Cancelled:
            ended.append("cancelled")
            raise

    async with opened({}) as (engine, queue):
        destination = Destination(name="d", to=CallableSink(call), timeout=600)

        async def live(error: Exception) -> None:
            nonlocal begun
            begun = trio.Event()
            async with isthmus.open_pipeline(
                engine,
                queue,
                sources=[Source(id="s")],
                destinations=[destination],
                grace=1000,
                clock=queue._now,
            ) as pipeline:
                await pipeline.accept("s", track(len(ended)))
                await begun.wait()
                raise error

        before = trio.current_time()
        for error in (Own("plain"), ExceptionGroup("the body's own", [Own(), Own()])):
            with pytest.raises(type(error)) as caught:
                await live(error)
            assert caught.value is error
    assert trio.current_time() - before < 10
    assert ended == ["cancelled"] * 2


async def test_a_body_that_is_cancelled_does_not_wait_for_grace(autojump_clock: object) -> None:
    async def call(event: dict[str, Any]) -> None:
        await trio.sleep(500)

    async with opened({}) as (engine, queue):
        destination = Destination(name="d", to=CallableSink(call), timeout=600)
        before = trio.current_time()
        with trio.move_on_after(2) as scope:
            async with isthmus.open_pipeline(
                engine,
                queue,
                sources=[Source(id="s")],
                destinations=[destination],
                grace=1000,
                clock=queue._now,
            ) as pipeline:
                await pipeline.accept("s", track(1))
                await trio.sleep_forever()
    assert scope.cancelled_caught
    assert trio.current_time() - before < 10


@pytest.mark.parametrize("method", ["claim", "ack"])
async def test_an_error_of_the_storage_that_is_not_its_own_leaves_plain(
    method: str, autojump_clock: object
) -> None:
    async with opened({}) as (engine, memory):
        queue = Unsteady(memory)
        queue.error = Own("a bug of the storage")

        async def live() -> None:
            destination = Destination(name="d", to=Texts())
            async with isthmus.open_pipeline(
                engine, queue, sources=[Source(id="s")], destinations=[destination], clock=memory._now
            ) as pipeline:
                queue.away.add(method)
                await pipeline.accept("s", track(1))
                await trio.sleep(60)

        with pytest.raises(Own, match="a bug"):
            await live()


async def test_a_storage_that_cannot_be_made_ready_says_so_plainly(autojump_clock: object) -> None:
    async with opened({}) as (engine, memory):
        queue = Unsteady(memory)
        queue.away = {"declare"}
        sink = Faulty(None)
        with pytest.raises(QueueError, match="away"):
            async with isthmus.open_pipeline(
                engine, queue, sources=[Source(id="s")], destinations=[Destination(name="d", to=sink)]
            ):
                pytest.fail("it opened")
    assert sink.closed


# ---------------------------------------------------------------- of the storage


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("method", ["claim", "ack", "publish", "retry", "dead_letter", "extend"])
async def test_while_the_storage_is_away_nothing_is_lost(
    method: str, late: bool, autojump_clock: object
) -> None:
    """The source has an insert, so that the pipeline publishes as well."""
    tries: dict[int, int] = {}
    seen: list[Observation] = []

    async def call(event: dict[str, Any]) -> None:
        number = event["n"]
        tries[number] = tries.get(number, 0) + 1
        await trio.sleep(5 if number == 3 else 0)
        if number == 1 and tries[1] < 2:
            raise Retry("once")
        if number == 2:
            raise ValueError("poison")

    async with opened({"insert": {"onTrack": lambda event, settings, world: event}}) as (engine, memory):
        queue = Unsteady(memory)
        queue.late = late
        # A claim whose answer is lost has counted as an attempt.
        patient = Schedule(first=(1.0, 2.0), cap=4.0, attempts=1000)
        source = Source(id="s", inserts=(await load(engine, "insert", isthmus.Kind.SOURCE_INSERT),))
        destination = Destination(
            name="d", to=CallableSink(call), schedule=patient, lease=6.0, batching=Batching(count=1, wait=0.0)
        )
        async with isthmus.open_pipeline(
            engine,
            queue,
            sources=[source],
            destinations=[destination],
            observe=seen.append,
            clock=memory._now,
        ) as pipeline:
            await pipeline.accept("s", [track(number) for number in range(4)])
            queue.away = {method}
            await trio.sleep(60)
            queue.away = set()
            await until_empty(queue, "source:s", "destination:d")
            delivered = pipeline.stats().lanes["destination:d"].delivered
        dead = await queue.dead()
    assert queue.calls[method] > 0
    assert set(tries) == {0, 1, 2, 3}
    assert delivered >= 3
    assert {letter.message_id for letter in dead} == {"s:m2"}
    assert any(isinstance(one, QueueAway) and "away" in one.error for one in seen)


async def test_where_there_is_no_room_accept_says_so_and_what_was_taken_is_delivered(
    autojump_clock: object,
) -> None:
    kept = Kept()
    async with opened({}) as (engine, _):
        queue = MemoryQueue(max_bytes=2000)
        taken: list[str] = []
        refused = 0
        async with isthmus.open_pipeline(
            engine,
            queue,
            sources=[Source(id="s")],
            destinations=[Destination(name="d", to=CallableSink(kept))],
            clock=queue._now,
        ) as pipeline:
            with pytest.raises(QueueFull):
                await pipeline.accept("s", [track(number, pad="x" * 900) for number in range(100, 110)])
            await pipeline.drain()
            assert kept.numbers == []
            assert pipeline.stats().accepted == 0
            for number in range(20):
                try:
                    taken += await pipeline.accept("s", track(number, pad="x" * 900))
                except QueueFull:
                    refused += 1
                    await pipeline.drain()
                    taken += await pipeline.accept("s", track(number, pad="x" * 900))
            await pipeline.drain()
    assert refused > 0
    assert sorted(kept.numbers) == list(range(20))
    assert len(taken) == 20


async def test_two_pipelines_share_a_queue_and_each_event_arrives_once(autojump_clock: object) -> None:
    arrived: dict[str, list[int]] = {"first": [], "second": []}

    def to(name: str) -> CallableSink:
        async def call(event: dict[str, Any]) -> None:
            await trio.sleep(0.5)
            arrived[name].append(event["n"])

        return CallableSink(call)

    async with opened({}) as (engine, queue):

        async def work(name: str, count: int) -> None:
            destination = Destination(
                name="d", to=to(name), concurrency=2, batching=Batching(count=5, wait=0.0)
            )
            async with isthmus.open_pipeline(
                engine, queue, sources=[Source(id="s")], destinations=[destination], clock=queue._now
            ) as pipeline:
                await pipeline.accept("s", [track(number) for number in range(count)])
                await until_empty(queue, "destination:d")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(work, "first", 100)
            nursery.start_soon(work, "second", 60)
    assert min(len(numbers) for numbers in arrived.values()) > 20
    assert sorted(arrived["first"] + arrived["second"]) == list(range(100))
