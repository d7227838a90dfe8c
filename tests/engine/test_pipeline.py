"""Events from sources to destinations, over a queue in memory and a scripted runtime."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio
import trio.testing
from hypothesis import given, settings, strategies as st
from tests.engine.piping import QUICKLY, Kept, load, opened, track

import isthmus
from isthmus.abc import FetchRequest, FetchResponse
from isthmus.errors import EngineError, InvalidInput
from isthmus.pipelines import (
    Attempted,
    Batching,
    BreakerMoved,
    BreakerPolicy,
    Destination,
    Filter,
    Observation,
    Rate,
    Source,
)
from isthmus.rules import RetryAt, Schedule
from isthmus.sinks import CallableSink, FileSink, HttpSink, Retry
from isthmus.testing import Handler, MockFetcher, Throw, World

# ---------------------------------------------------------------- the way


async def test_an_event_passes_source_insert_destination_insert_and_destination(
    autojump_clock: object,
) -> None:
    arrived: list[Any] = []
    scripts: dict[str, dict[str, Handler]] = {
        "first": {"onTrack": lambda event, settings, world: {**event, "path": ["first"]}},
        "second": {"onTrack": lambda event, settings, world: {**event, "path": [*event["path"], "second"]}},
        "to": {"onTrack": lambda event, settings, world: arrived.append(event)},
    }
    async with opened(scripts) as (engine, queue):
        source = Source(id="web", inserts=(await load(engine, "first", isthmus.Kind.SOURCE_INSERT),))
        destination = Destination(
            name="crm",
            to=await load(engine, "to", isthmus.Kind.DESTINATION),
            inserts=(await load(engine, "second", isthmus.Kind.INSERT),),
        )
        async with isthmus.open_pipeline(
            engine, queue, sources=[source], destinations=[destination], clock=queue._now
        ) as pipeline:
            ids = await pipeline.accept("web", [track(1), {"type": "track"}])
            await pipeline.drain()
            stats = pipeline.stats()
    assert [event["path"] for event in arrived] == [["first", "second"]] * 2
    assert sorted(event["messageId"] for event in arrived) == sorted(ids)
    assert ids[0] == "m1"
    assert stats.accepted == 2
    assert stats.lanes["destination:crm"].delivered == 2


async def test_a_webhook_becomes_events_that_another_attempt_does_not_double(autojump_clock: object) -> None:
    calls: list[int] = []

    def on_request(request: Any, settings: Any, world: World) -> None:
        calls.append(1)
        world.sent.append({"type": "track", "event": "Paid", "userId": "u", "n": 1})
        if len(calls) == 1:
            raise Throw("RetryError", "not yet")

    kept = Kept()
    async with opened({"hook": {"onRequest": on_request}}) as (engine, queue):
        source = Source(id="hook", function=await load(engine, "hook", isthmus.Kind.SOURCE), schedule=QUICKLY)
        async with isthmus.open_pipeline(
            engine,
            queue,
            sources=[source],
            destinations=[Destination(name="d", to=CallableSink(kept))],
            clock=queue._now,
        ) as pipeline:
            webhook = await pipeline.receive("hook", isthmus.Request(body=b"{}"))
            await pipeline.receive("hook", isthmus.Request(body=b"{}"), message_id=webhook)
            await trio.sleep(10)
            await pipeline.drain()
    assert len(calls) == 2
    assert [event["messageId"] for event in kept.events] == [f"{webhook}.0"]


async def test_an_event_goes_only_where_filter_integrations_and_switch_let_it(autojump_clock: object) -> None:
    everything, named, off = Kept(), Kept(), Kept()
    destinations = [
        Destination(name="all", to=CallableSink(everything)),
        Destination(name="named", to=CallableSink(named), filter=Filter(events=("Wanted",))),
        Destination(name="off", to=CallableSink(off), enabled=False),
    ]
    async with (
        opened({}) as (engine, queue),
        isthmus.open_pipeline(
            engine, queue, sources=[Source(id="s")], destinations=destinations, clock=queue._now
        ) as pipeline,
    ):
        await pipeline.accept("s", track(1, event="Wanted"))
        await pipeline.accept("s", track(2))
        await pipeline.accept("s", track(3, integrations={"All": False, "named": True}, event="Wanted"))
        await pipeline.accept("s", [track(1, event="Wanted")])  # once more, and kept once
        assert await pipeline.replay("s", [track(2)], to=["off"]) == 1
        await pipeline.drain()
    assert sorted(everything.numbers) == [1, 2]
    assert sorted(named.numbers) == [1, 3]
    assert off.numbers == [2]


async def test_what_is_no_event_is_refused_and_nothing_is_taken(autojump_clock: object) -> None:
    kept = Kept()
    async with (
        opened({}) as (engine, queue),
        isthmus.open_pipeline(
            engine,
            queue,
            sources=[Source(id="s")],
            destinations=[Destination(name="d", to=CallableSink(kept))],
            clock=queue._now,
        ) as pipeline,
    ):
        for broken in (b"[1]", b"{", b'{"a":"\xff"}', {"big": "x" * 40_000}, {"messageId": "m" * 256}):
            with pytest.raises(InvalidInput):
                await pipeline.accept("s", [track(1), broken])
        with pytest.raises(InvalidInput, match="no source 'other'"):
            await pipeline.accept("other", track(1))
        with pytest.raises(InvalidInput, match="no function"):
            await pipeline.receive("s", isthmus.Request())
        await pipeline.drain()
        assert pipeline.stats().accepted == 0
    assert kept.numbers == []


async def test_definitions_that_contradict_each_other_are_refused() -> None:
    async with opened({"to": {"onTrack": lambda event, settings, world: None}}) as (engine, queue):
        instance = await load(engine, "to", isthmus.Kind.DESTINATION)
        sink = CallableSink(lambda event: None)
        for sources, destinations in (
            ([Source(id="s"), Source(id="s")], []),
            ([Source(id="s", destinations=("none",))], []),
            ([Source(id="s", inserts=(instance,))], []),
            ([], [Destination(name="d", to=sink), Destination(name="d", to=sink)]),
            ([], [Destination(name="d", to=sink, inserts=(instance,))]),
        ):
            with pytest.raises(EngineError):
                async with isthmus.open_pipeline(engine, queue, sources=sources, destinations=destinations):
                    pytest.fail("it opened")


# ---------------------------------------------------------------- failing


async def test_what_fails_is_tried_again_and_what_is_refused_is_a_dead_letter_with_its_reason(
    autojump_clock: object,
) -> None:
    tries: dict[int, int] = {}

    def on_track(event: Any, settings: Any, world: World) -> None:
        tries[event["n"]] = tries.get(event["n"], 0) + 1
        if event["n"] == 1 and tries[1] < 3:
            raise Throw("RetryError", "busy")
        if event["n"] == 2:
            raise Throw("InvalidEventPayload", "no email")
        if event["n"] == 3:
            raise Throw("RetryError", "never")

    async with opened({"to": {"onTrack": on_track}}) as (engine, queue):
        destination = Destination(
            name="d", to=await load(engine, "to", isthmus.Kind.DESTINATION), schedule=QUICKLY
        )
        async with isthmus.open_pipeline(
            engine, queue, sources=[Source(id="s")], destinations=[destination], clock=queue._now
        ) as pipeline:
            await pipeline.accept("s", [track(number) for number in range(5)])
            await trio.sleep(60)
            await pipeline.drain()
            lane = pipeline.stats().lanes["destination:d"]
        letters = {letter.message_id: letter for letter in await queue.dead()}
    assert tries == {0: 1, 1: 3, 2: 1, 3: 6, 4: 1}
    assert set(letters) == {"s:m2", "s:m3"}
    assert letters["s:m2"].reason == "message_rejected: InvalidEventPayload: no email"
    assert letters["s:m3"].reason == "retry: RetryError: never (the schedule's attempts used up)"
    assert (lane.delivered, lane.dead, lane.retried) == (3, {"permanent": 1, "attempts": 1}, {"retry": 7})


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.data())
def test_of_a_batch_exactly_the_poisonous_events_are_dead(count: int, data: st.DataObject) -> None:
    poison = data.draw(st.sets(st.integers(0, count - 1)))
    delivered: list[int] = []

    def on_batch(events: Any, settings: Any, world: World) -> None:
        numbers = [event["n"] for event in events]
        if poison.intersection(numbers):
            raise Throw("TypeError", "x is undefined")
        delivered.extend(numbers)

    async def run() -> set[str]:
        async with opened({"to": {"onBatch": on_batch}}) as (engine, queue):
            destination = Destination(name="d", to=await load(engine, "to", isthmus.Kind.DESTINATION))
            async with isthmus.open_pipeline(
                engine, queue, sources=[Source(id="s")], destinations=[destination], clock=queue._now
            ) as pipeline:
                await pipeline.accept("s", [track(number) for number in range(count)])
                await pipeline.drain()
            return {letter.message_id for letter in await queue.dead(count=1000)}

    dead = trio.run(run, clock=trio.testing.MockClock(autojump_threshold=0))
    assert dead == {f"s:m{number}" for number in poison}
    assert sorted(delivered) == sorted(set(range(count)) - poison)


async def test_one_dead_destination_of_ten_takes_nothing_from_the_others(autojump_clock: object) -> None:
    """Each call takes a tenth of a second; the dead one's take all of their time limit."""

    async def slowly(event: dict[str, Any]) -> None:
        await trio.sleep(0.1)

    async def never(event: dict[str, Any]) -> None:
        await trio.sleep_forever()

    def destinations(dead: int) -> list[Destination]:
        return [
            Destination(
                name=f"d{number}",
                to=CallableSink(never if number < dead else slowly),
                concurrency=4,
                batching=Batching(count=1, wait=0.0),
                timeout=5.0,
            )
            for number in range(10)
        ]

    async def delivered(dead: int) -> list[int]:
        async with (
            opened({}) as (engine, queue),
            isthmus.open_pipeline(
                engine,
                queue,
                sources=[Source(id="s")],
                destinations=destinations(dead),
                grace=0.0,
                clock=queue._now,
            ) as pipeline,
        ):
            await pipeline.accept("s", [track(number) for number in range(1000)])
            await trio.sleep(10)
            lanes = pipeline.stats().lanes
        return [lanes[f"destination:d{number}"].delivered for number in range(10)]

    all_well, one_dead = await delivered(0), await delivered(1)
    assert one_dead[0] == 0
    assert min(all_well) > 300
    assert min(one_dead[1:]) >= 0.95 * min(all_well[1:])


async def test_a_destination_that_is_down_is_probed_and_gets_the_rest_when_it_is_back(
    autojump_clock: object,
) -> None:
    seen: list[Observation] = []
    asked: list[float] = []
    down = True

    def call(event: dict[str, Any]) -> None:
        asked.append(trio.current_time())
        if down:
            raise Retry("down")

    async with opened({}) as (engine, queue):
        destination = Destination(
            name="d",
            to=CallableSink(call),
            concurrency=1,
            batching=Batching(count=1, wait=0.0),
            breaker=BreakerPolicy(failures=5, interval=30.0),
        )
        async with isthmus.open_pipeline(
            engine,
            queue,
            sources=[Source(id="s")],
            destinations=[destination],
            observe=seen.append,
            clock=queue._now,
        ) as pipeline:
            await pipeline.accept("s", [track(number) for number in range(500)])
            await trio.sleep(300)
            while_down = len(asked)
            stats = await queue.stats("destination:d")
            down = False
            await trio.sleep(600)
            await pipeline.drain()
            assert pipeline.stats().lanes["destination:d"].delivered == 500
    assert 5 + 8 <= while_down <= 5 + 11
    assert stats.waiting > 400
    states = [moved.state for moved in seen if isinstance(moved, BreakerMoved)]
    assert states[0] == "open"
    assert states[-1] == "closed"


async def test_a_rate_holds(autojump_clock: object) -> None:
    kept = Kept()
    async with opened({}) as (engine, queue):
        destination = Destination(name="d", to=CallableSink(kept), rate=Rate(per_second=10, burst=5))
        async with isthmus.open_pipeline(
            engine, queue, sources=[Source(id="s")], destinations=[destination], clock=queue._now
        ) as pipeline:
            await pipeline.accept("s", [track(number) for number in range(200)])
            await trio.sleep(9.95)
            assert 90 <= len(kept.numbers) <= 105


async def test_events_of_one_key_arrive_in_order_though_one_of_them_fails(autojump_clock: object) -> None:
    arrived: dict[str, list[int]] = {"a": [], "b": []}
    failed: set[int] = set()

    def call(event: dict[str, Any]) -> None:
        if event["n"] % 3 == 0 and event["n"] not in failed:
            failed.add(event["n"])
            raise Retry("once")
        arrived[event["userId"]].append(event["n"])

    async with opened({}) as (engine, queue):
        destination = Destination(name="d", to=CallableSink(call), ordered_by="userId", schedule=QUICKLY)
        async with isthmus.open_pipeline(
            engine, queue, sources=[Source(id="s")], destinations=[destination], clock=queue._now
        ) as pipeline:
            await pipeline.accept("s", [track(number, userId="ab"[number % 2]) for number in range(40)])
            await trio.sleep(200)
    assert arrived == {"a": list(range(0, 40, 2)), "b": list(range(1, 40, 2))}


async def test_batches_are_counted_with_their_events_and_their_time(autojump_clock: object) -> None:
    async def on_batch(events: Any, settings: Any, world: World) -> None:
        await trio.sleep(3)

    async with opened({"to": {"onBatch": on_batch}}) as (engine, queue):
        destination = Destination(
            name="d",
            to=await load(engine, "to", isthmus.Kind.DESTINATION),
            batching=Batching(count=4, wait=0.5),
        )
        async with isthmus.open_pipeline(
            engine, queue, sources=[Source(id="s")], destinations=[destination], clock=queue._now
        ) as pipeline:
            await pipeline.accept("s", [track(number) for number in range(10)])
            await pipeline.drain()
            lane = pipeline.stats().lanes["destination:d"]
    assert (lane.batches, lane.batched, lane.delivered) == (3, 10, 10)
    assert lane.trying == pytest.approx(9)


# ---------------------------------------------------------------- ending, and being ended


async def test_what_has_not_begun_when_it_closes_is_given_back(autojump_clock: object) -> None:
    async with opened({"to": {"onBatch": lambda events, settings, world: None}}) as (engine, queue):
        destination = Destination(
            name="d",
            to=await load(engine, "to", isthmus.Kind.DESTINATION),
            batching=Batching(count=100, wait=60.0),
        )
        async with isthmus.open_pipeline(
            engine, queue, sources=[Source(id="s")], destinations=[destination], clock=queue._now
        ) as pipeline:
            await pipeline.accept("s", [track(number) for number in range(7)])
            await trio.sleep(5)
        assert pipeline.stats().lanes["destination:d"].given_back == 7
        assert (await queue.stats("destination:d")).waiting == 7
        with pytest.raises(EngineError, match="closed"):
            await pipeline.accept("s", track(9))


async def test_long_work_keeps_its_lease(autojump_clock: object) -> None:
    begun: list[int] = []

    async def call(event: dict[str, Any]) -> None:
        begun.append(event["n"])
        await trio.sleep(100)

    async with opened({}) as (engine, queue):
        destination = Destination(name="d", to=CallableSink(call), lease=10.0, timeout=200.0)
        async with isthmus.open_pipeline(
            engine, queue, sources=[Source(id="s")], destinations=[destination], clock=queue._now
        ) as pipeline:
            await pipeline.accept("s", track(1))
            await trio.sleep(150)
            assert pipeline.stats().lanes["destination:d"].delivered == 1
    assert begun == [1]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 12), st.floats(0.0, 5.0), st.sampled_from(["close", "cancel", "drain"])),
        min_size=1,
        max_size=3,
    ),
    st.integers(1, 8),
    st.booleans(),
    st.randoms(use_true_random=False),
)
def test_nothing_is_lost_or_doubled_without_cause_whatever_ends_the_pipeline_when(
    lives: list[tuple[int, float, str]], concurrency: int, batched: bool, random: Any
) -> None:
    """Each life accepts events and is closed or cancelled at a moment; a last one delivers what is left."""
    accepted: list[str] = []
    delivered: list[str] = []
    failures: Counter[str] = Counter()
    interrupted = 0
    most_at_once = 0

    async def run() -> set[str]:
        nonlocal interrupted, most_at_once
        under_way = 0

        async def call(event: dict[str, Any]) -> None:
            nonlocal under_way, most_at_once
            under_way += 1
            most_at_once = max(most_at_once, under_way)
            try:
                await trio.sleep(random.random())
                chance = random.random()
                if chance < 0.2 and failures[event["messageId"]] < 3:
                    failures[event["messageId"]] += 1
                    raise Retry("sometimes")
                if chance < 0.25:
                    raise ValueError("poison")
                delivered.append(event["messageId"])
            finally:
                under_way -= 1

        destination = Destination(
            name="d",
            to=CallableSink(call),
            concurrency=concurrency,
            batching=Batching(count=5 if batched else 1, wait=0.5 if batched else 0.0),
            schedule=Schedule(first=(1.0, 2.0), cap=4.0, attempts=100),
            lease=5.0,
        )

        async with opened({}) as (engine, queue):
            number = 0
            for count, seconds, ending in [*lives, (0, 0.0, "last")]:
                with trio.CancelScope() as scope:
                    async with isthmus.open_pipeline(
                        engine,
                        queue,
                        sources=[Source(id="s")],
                        destinations=[destination],
                        grace=0.5,
                        clock=queue._now,
                    ) as pipeline:
                        for _ in range(count):
                            number += 1
                            accepted.extend(await pipeline.accept("s", track(number)))
                        if ending == "drain":
                            await pipeline.drain()
                        elif ending == "last":
                            with trio.fail_after(2000):
                                while (await queue.stats("destination:d")).oldest is not None:  # noqa: ASYNC110 -- a queue has no event for it
                                    await trio.sleep(5)
                        else:
                            await trio.sleep(seconds)
                        if ending == "cancel":
                            scope.cancel()
                        interrupted += (
                            pipeline.stats().lanes["destination:d"].in_hand if ending != "last" else 0
                        )
            assert (await queue.stats("destination:d")).oldest is None
            return {letter.message_id.removeprefix("s:") for letter in await queue.dead(count=1000)}

    dead = trio.run(run, clock=trio.testing.MockClock(autojump_threshold=0))
    assert set(delivered) | dead == set(accepted)
    assert len(delivered) - len(set(delivered)) + len(dead & set(delivered)) <= interrupted
    assert most_at_once <= concurrency


# ---------------------------------------------------------------- sinks


async def test_an_http_sink_sends_batches_and_waits_as_long_as_it_is_told(autojump_clock: object) -> None:
    requests: list[tuple[float, list[int]]] = []

    def answer(request: FetchRequest) -> FetchResponse:
        numbers = [event["n"] for event in msgspec.json.decode(request.body or b"")]
        requests.append((trio.current_time(), numbers))
        if len(requests) == 1:
            return FetchResponse(status=429, headers=(("retry-after", "900"),))
        return FetchResponse(status=400 if 3 in numbers else 200)

    seen: list[Observation] = []
    async with opened({}, MockFetcher(answer)) as (engine, queue):
        sink = HttpSink(engine, "https://example.com/?key=secret", headers=[("authorization", "secret")])
        assert "secret" not in repr(sink)
        async with isthmus.open_pipeline(
            engine,
            queue,
            sources=[Source(id="s")],
            destinations=[Destination(name="d", to=sink)],
            observe=seen.append,
            clock=queue._now,
        ) as pipeline:
            await pipeline.accept("s", [track(number) for number in range(8)])
            await trio.sleep(2000)
            await pipeline.drain()
            assert pipeline.stats().lanes["destination:d"].delivered == 7
        dead = await queue.dead()
    assert requests[1][0] - requests[0][0] >= 899
    assert [letter.message_id for letter in dead] == ["s:m3"]
    assert dead[0].reason == "bad_request: BadRequest: status 400"
    waits = [
        one.decision.seconds
        for one in seen
        if isinstance(one, Attempted) and isinstance(one.decision, RetryAt)
    ]
    assert waits
    assert min(waits) == 900.0


async def test_a_file_sink_writes_a_line_an_event_and_rotates(tmp_path: Path) -> None:
    path = tmp_path / "events.ndjson"
    sink = FileSink(path, rotate_bytes=100)
    for number in range(6):
        attempt = await sink.deliver([b'{"n":\n%d,"pad":"%s"}' % (number, b"x" * 40)])
        assert attempt.status is isthmus.Status.DELIVERED
    files = sorted(tmp_path.iterdir())  # noqa: ASYNC240 -- a test's own
    assert [file.name for file in files] == ["events.ndjson.1", "events.ndjson.2", "events.ndjson.3"]
    lines = b"".join(file.read_bytes() for file in files).splitlines()
    assert [msgspec.json.decode(line)["n"] for line in lines] == list(range(6))


async def test_a_file_sink_that_cannot_write_is_tried_again(tmp_path: Path) -> None:
    attempt = await FileSink(tmp_path / "none" / "events").deliver([b"{}"])
    assert attempt.status is isthmus.Status.RETRY
