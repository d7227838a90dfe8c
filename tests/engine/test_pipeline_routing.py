"""Where a pipeline sends an event, beyond what Segment's routing has: conditions, samples, windows, fan-out."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
import trio
from hypothesis import given, strategies as st

import isthmus
from isthmus import EngineError, InvalidInput
from isthmus._pipeline.fanout import spread
from isthmus.pipelines import Attempted, Batching, Destination, Filter, Source
from isthmus.queues import Entry
from isthmus.sinks import CallableSink, Retry
from isthmus.testing import Throw

from .piping import QUICKLY, Kept, Unsteady, load, opened, track, until_empty


async def test_a_destination_gets_the_events_that_meet_its_condition(autojump_clock: object) -> None:
    large, sampled, all_of_them = Kept(), Kept(), Kept()
    destinations = [
        Destination(name="large", to=CallableSink(large), filter=Filter(where="n >= 5 and type = 'track'")),
        Destination(name="sampled", to=CallableSink(sampled), filter=Filter(where="sample(0.5)")),
        Destination(name="all", to=CallableSink(all_of_them)),
    ]
    async with (
        opened({}) as (engine, queue),
        isthmus.open_pipeline(
            engine, queue, sources=[Source(id="s")], destinations=destinations, clock=queue._now
        ) as pipeline,
    ):
        await pipeline.accept("s", [track(number) for number in range(40)])
        assert await pipeline.replay("s", [track(1), track(7)], to=["large"]) == 1
        await pipeline.drain()
    assert sorted(large.numbers) == [*range(5, 8), *range(7, 40)]
    assert 8 < len(sampled.numbers) < 32
    assert sorted(all_of_them.numbers) == list(range(40))


async def test_an_event_too_deep_to_look_into_is_not_taken(autojump_clock: object) -> None:
    kept = Kept()
    destination = Destination(name="d", to=CallableSink(kept), filter=Filter(where="n = 1"))
    deep = b'{"type":"track","n":1,"d":' + b"[" * 5000 + b"]" * 5000 + b"}"
    async with (
        opened({}) as (engine, queue),
        isthmus.open_pipeline(
            engine, queue, sources=[Source(id="s")], destinations=[destination], clock=queue._now
        ) as pipeline,
    ):
        with pytest.raises(InvalidInput, match=r"deeply|recursion"):
            await pipeline.accept("s", [track(1), deep])
        await pipeline.drain()
    assert kept.numbers == []


async def test_the_window_in_which_an_id_is_remembered_is_a_destinations_own(autojump_clock: object) -> None:
    short, long = Kept(), Kept()
    destinations = [
        Destination(name="short", to=CallableSink(short), dedupe_window=5),
        Destination(name="long", to=CallableSink(long), dedupe_window=3600),
    ]
    async with (
        opened({}) as (engine, queue),
        isthmus.open_pipeline(
            engine, queue, sources=[Source(id="s")], destinations=destinations, clock=queue._now
        ) as pipeline,
    ):
        for _ in range(2):
            await pipeline.accept("s", track(1))
            await trio.sleep(60)
        await pipeline.drain()
    assert (short.numbers, long.numbers) == ([1, 1], [1])


def test_windows_out_of_their_range_are_refused() -> None:
    with pytest.raises(EngineError, match="dedupe_window"):
        Source(id="s", dedupe_window=-1)
    with pytest.raises(EngineError, match="dedupe_window"):
        Destination(name="d", to=CallableSink(Kept()), dedupe_window=1e9)


async def test_what_an_error_asks_to_wait_is_waited_for(autojump_clock: object) -> None:
    times: list[float] = []

    def on_track(event: dict[str, Any], _settings: object, _world: object) -> None:
        times.append(trio.current_time())
        if len(times) == 1:
            raise Throw("RetryError", "later", retry_after=900.0)

    async with opened({"d": {"onTrack": on_track}}) as (engine, queue):
        destination = Destination(name="d", to=await load(engine, "d", isthmus.Kind.DESTINATION))
        async with isthmus.open_pipeline(
            engine, queue, sources=[Source(id="s")], destinations=[destination], clock=queue._now
        ) as pipeline:
            await pipeline.accept("s", track(1))
            await until_empty(queue, "destination:d")
    first, second = times
    assert 900 <= second - first < 960


async def test_each_event_of_a_batch_waits_as_long_as_its_own_entry_asks(autojump_clock: object) -> None:
    times: dict[int, list[float]] = {}

    def on_batch(events: list[dict[str, Any]], _settings: object, _world: object) -> object:
        for event in events:
            times.setdefault(event["n"], []).append(trio.current_time())
        first = [event["n"] for event in events if len(times[event["n"]]) == 1]
        asked = {1: 900, 2: "1800", 3: None}
        return [
            {"status": 429, "retryAfter": asked[event["n"]]} if event["n"] in first else {"status": 200}
            for event in events
        ]

    async with opened({"d": {"onBatch": on_batch}}) as (engine, queue):
        to = await load(engine, "d", isthmus.Kind.DESTINATION)
        destination = Destination(name="d", to=to, batching=Batching(count=3, wait=1.0))
        async with isthmus.open_pipeline(
            engine, queue, sources=[Source(id="s")], destinations=[destination], clock=queue._now
        ) as pipeline:
            await pipeline.accept("s", [track(number) for number in (1, 2, 3)])
            await until_empty(queue, "destination:d")
    waited = {number: second - first for number, (first, second) in times.items()}
    assert 900 <= waited[1] < 960
    assert 1800 <= waited[2] < 1860
    assert 30 <= waited[3] < 90


# ---------------------------------------------------------------- inserts that make several events


def several(event: dict[str, Any], _settings: object, _world: object) -> object:
    """An order as an event for each of its lines."""
    match event["n"]:
        case 1:
            return [{**event, "line": line} for line in range(3)]
        case 2:
            return []
        case 3:
            return [None, {**event, "messageId": "mine"}, {**event, "messageId": "mine"}]
        case 4:
            return ["no event"]
        case 5:
            return event
    return None


async def spreading(engine: isthmus.Engine, code: str, **options: Any) -> isthmus.Instance:
    kind = options.pop("kind", isthmus.Kind.SOURCE_INSERT)
    function = isthmus.Function(name=code, kind=kind, language="scripted", code=code, **options)
    return await engine.load(function)


async def test_an_insert_of_a_source_makes_several_events_of_one(autojump_clock: object) -> None:
    kept = Kept()
    failures = [1]

    def check(event: dict[str, Any], _settings: object, _world: object) -> object:
        if event.get("line") == 2 and failures:
            failures.pop()
            raise Throw("RetryError", "not yet")
        return None if event.get("line") == 1 else {**event, "checked": True}

    async with opened({"several": {"onTrack": several}, "check": {"onTrack": check}}) as (engine, queue):
        source = Source(
            id="s",
            inserts=(await spreading(engine, "several", fan_out=True), await spreading(engine, "check")),
            insert_schedule=QUICKLY,
        )
        async with isthmus.open_pipeline(
            engine,
            queue,
            sources=[source],
            destinations=[Destination(name="d", to=CallableSink(kept))],
            clock=queue._now,
        ) as pipeline:
            await pipeline.accept("s", [track(number) for number in range(1, 7)])
            await until_empty(queue, "source:s", "destination:d")
            stats = pipeline.stats().lanes["source:s"]
        dead = await queue.dead()
    assert sorted(event["messageId"] for event in kept.events) == ["m1", "m1.2", "m5", "mine", "mine.1"]
    assert all(event["checked"] for event in kept.events)
    assert [letter.message_id for letter in dead] == ["s:m4"]
    assert "a string among its events" in dead[0].reason
    assert (stats.dropped, sum(stats.retried.values())) == (2, 1)


async def test_an_insert_of_a_destination_makes_a_delivery_of_each_event(autojump_clock: object) -> None:
    kept, other = Kept(), Kept()
    calls: list[str] = []
    failures = [1]

    def check(event: dict[str, Any], _settings: object, _world: object) -> object:
        calls.append(event["messageId"])
        return {key: value for key, value in event.items() if key != "messageId" or event["n"] != 1}

    def deliver(event: dict[str, Any]) -> None:
        if event.get("line") == 2 and failures:
            failures.pop()
            raise Retry("not yet")
        if event.get("n") == 3:
            raise ValueError("never")
        kept(event)

    seen: list[Attempted] = []
    async with opened({"several": {"onTrack": several}, "check": {"onTrack": check}}) as (engine, queue):
        inserts = [
            await spreading(engine, code, fan_out=code == "several", kind=isthmus.Kind.INSERT)
            for code in ("several", "check")
        ]
        destinations = [
            Destination(name="d", to=CallableSink(deliver), inserts=tuple(inserts), schedule=QUICKLY),
            Destination(name="other", to=CallableSink(other)),
        ]
        async with isthmus.open_pipeline(
            engine,
            queue,
            sources=[Source(id="a:b")],
            destinations=destinations,
            observe=lambda one: seen.append(one) if isinstance(one, Attempted) else None,
            clock=queue._now,
        ) as pipeline:
            await pipeline.accept("a:b", [track(number) for number in range(1, 7)])
            await until_empty(queue, "destination:d", "destination:other")
            await pipeline.replay("a:b", [track(1)], to=["d"], mark="again")
            await until_empty(queue, "destination:d")
        dead = {letter.message_id: letter.reason for letter in await queue.dead()}
    # Its parts pass the inserts no second time, and are tried again alone; an id that an insert took is given anew.
    assert sorted(calls) == sorted(["m1", "m1.1", "m1.2", "mine", "mine.1", "m5", "m1", "m1.1", "m1.2"])
    assert sorted(event["messageId"] for event in kept.events) == sorted(["m1", "m1.1", "m1.2"] * 2 + ["m5"])
    assert sorted(other.numbers) == list(range(1, 7))
    assert set(dead) == {"a:b:m4", "part a:b:mine", "part a:b:mine.1"}
    ended = {
        one.delivery: (one.status, one.problem and one.problem.name) for one in seen if one.queue[-1] == "d"
    }
    assert ended["a:b:m1"] == (isthmus.Status.DROPPED, "InParts")
    assert ended["a:b:m5"] == (isthmus.Status.DELIVERED, None)
    assert ended["part a:b:m1.2~again"] == (isthmus.Status.DELIVERED, None)
    assert [one.attempt for one in seen if one.delivery == "part a:b:m1.2"] == [1, 2]


async def test_parts_are_kept_once_and_stay_parts_where_the_insert_has_gone(autojump_clock: object) -> None:
    kept = Kept()
    async with opened({"several": {"onTrack": several}}) as (engine, memory):
        queue = Unsteady(memory)
        inserts = (await spreading(engine, "several", fan_out=True, kind=isthmus.Kind.INSERT),)
        destination = Destination(name="d", to=CallableSink(kept), inserts=inserts, lease=5.0)
        gone = Destination(name="d", to=CallableSink(kept), lease=5.0)
        async with isthmus.open_pipeline(
            engine, queue, sources=[Source(id="s")], destinations=[destination], clock=memory._now
        ) as pipeline:
            await pipeline.accept("s", track(1))
            # What is published is kept and nobody hears of it: it is published again, and is there once.
            queue.away, queue.late = {"publish"}, True
            await trio.sleep(3)
            assert queue.calls["publish"] > 1
            queue.away, queue.late = set(), False
            await pipeline.drain()
        assert [event["line"] for event in kept.events] == [0, 1, 2]
        await memory.publish([Entry(queue="destination:d", message_id="part s:m9", body=b'{"n":9}')])
        async with isthmus.open_pipeline(
            engine, memory, sources=[Source(id="s")], destinations=[gone], clock=memory._now
        ) as pipeline:
            await pipeline.drain()
    assert kept.numbers[3:] == [9]


async def test_no_sender_can_pass_an_event_off_as_a_part(autojump_clock: object) -> None:
    kept = Kept()
    async with opened({"several": {"onTrack": several}}) as (engine, queue):
        inserts = (await spreading(engine, "several", fan_out=True, kind=isthmus.Kind.INSERT),)
        async with isthmus.open_pipeline(
            engine,
            queue,
            sources=[Source(id="part")],
            destinations=[Destination(name="d", to=CallableSink(kept), inserts=inserts)],
            clock=queue._now,
        ) as pipeline:
            for message_id in ("part s:m", " part s:m", "part part:m~x"):
                await pipeline.accept("part", track(2) | {"messageId": message_id})
            await pipeline.drain()
    assert kept.events == []
    with pytest.raises(EngineError, match="without white space"):
        Source(id="part s")


async def test_several_events_are_for_inserts_that_say_so_and_keep_no_order(autojump_clock: object) -> None:
    with pytest.raises(isthmus.InvalidFunction, match="fan_out is for inserts"):
        isthmus.Function(name="f", kind=isthmus.Kind.DESTINATION, language="x", code="", fan_out=True)
    async with opened({"several": {"onTrack": several}}) as (engine, queue):
        plain = await spreading(engine, "several")
        outcome = await engine.invoke(plain, track(1))
        assert outcome.problem is not None
        assert "returns one event, an object, but an array came" in outcome.problem.message
        wide = await spreading(engine, "several", fan_out=True, kind=isthmus.Kind.INSERT)
        destination = Destination(name="d", to=CallableSink(Kept()), inserts=(wide,), ordered_by="userId")
        with pytest.raises(EngineError, match=r"keeps an order \(ordered_by\), and its insert 'several'"):
            async with isthmus.open_pipeline(
                engine, queue, sources=[Source(id="s")], destinations=[destination]
            ):
                pass


@given(
    st.lists(
        st.fixed_dictionaries(
            {}, optional={"messageId": st.sampled_from(["m", "m.1", "m.2", "x", "", None, 3])}
        ),
        max_size=6,
    )
)
def test_no_two_events_of_one_have_the_same_id(events: list[dict[str, Any]]) -> None:
    texts = spread(msgspec.json.encode(events), "m")
    ids = [msgspec.json.decode(text)["messageId"] for text in texts]
    assert len(set(ids)) == len(ids) == len(events)
    assert texts == spread(msgspec.json.encode(events), "m")
    if events:
        own = events[0].get("messageId")
        assert ids[0] == (own if isinstance(own, str) and own else "m")
