"""The archive of events, and what is sent again out of it."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio

import isthmus
from isthmus import EngineError, InvalidInput, QueueError
from isthmus._journal.reading import JournalReader
from isthmus.archive import ArchiveReader, EventArchive, open_archive
from isthmus.pipelines import Destination, Filter, Source
from isthmus.sinks import CallableSink

from .piping import Kept, load, opened, track


def kept(directory: Path, **options: Any) -> list[tuple[str, Any]]:
    return [
        (one.source, msgspec.json.decode(one.event)) for one in ArchiveReader(directory).events(**options)
    ]


def mask(event: dict[str, Any], _settings: object, _world: object) -> object:
    if event["n"] == 2:
        return None
    return {**event, "email": "masked"}


async def test_what_is_sent_on_its_way_is_kept_as_the_inserts_left_it(
    autojump_clock: object, tmp_path: Path
) -> None:
    arrived = Kept()
    async with opened({"mask": {"onTrack": mask}}) as (engine, queue), open_archive(tmp_path) as archive:
        masked = Source(id="masked", inserts=(await load(engine, "mask", isthmus.Kind.SOURCE_INSERT),))
        async with isthmus.open_pipeline(
            engine,
            queue,
            sources=[Source(id="plain"), masked],
            destinations=[Destination(name="d", to=CallableSink(arrived), filter=Filter(where="n = 1"))],
            archive=archive,
            clock=queue._now,
        ) as pipeline:
            await pipeline.accept("plain", b'{"type": "track",\n "n": 0, "messageId": "p"}')
            assert [event["n"] for _, event in kept(tmp_path)] == [0]  # when accept returns
            await pipeline.accept("masked", [track(1, email="a@b.c"), track(2, email="d@e.f")])
            await pipeline.drain()
            assert await pipeline.replay("plain", [track(9)], to=["d"]) == 0
    assert arrived.numbers == [1]
    assert kept(tmp_path) == [
        ("plain", {"type": "track", "n": 0, "messageId": "p"}),
        ("masked", track(1, email="masked")),
    ]
    assert b"a@b.c" not in b"".join(JournalReader(tmp_path).lines())


async def test_events_are_found_by_time_and_by_what_they_contain(tmp_path: Path) -> None:
    now = time.time()
    async with open_archive(tmp_path) as archive:
        for number in range(4):
            await archive.keep("s", [json.dumps(track(number)).encode()], now + number).wait()
    reader = ArchiveReader(tmp_path, since=now + 1, until=now + 2)
    assert [msgspec.json.decode(one.event)["n"] for one in reader.events()] == [1, 2]
    assert [event["n"] for _, event in kept(tmp_path, containing=["m3", "m0"])] == [0, 3]
    assert kept(tmp_path / "not there") == []


async def test_an_event_that_the_archive_does_not_take_is_not_accepted(
    autojump_clock: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = [True]
    compress = "isthmus._journal.writer._Segment._append"
    from isthmus._journal.writer import _Segment

    append = _Segment._append

    def failing(segment: _Segment, data: bytes) -> None:
        if full[0]:
            raise OSError(28, "No space left on device")
        append(segment, data)

    monkeypatch.setattr(compress, failing)
    arrived = Kept()
    async with (
        opened({}) as (engine, queue),
        open_archive(tmp_path) as archive,
        isthmus.open_pipeline(
            engine,
            queue,
            sources=[Source(id="s")],
            destinations=[Destination(name="d", to=CallableSink(arrived))],
            archive=archive,
            clock=queue._now,
        ) as pipeline,
    ):
        with pytest.raises(QueueError, match="No space left"):
            await pipeline.accept("s", track(1))
        full[0] = False
        await pipeline.accept("s", track(1))
        await pipeline.drain()
        stats = pipeline.stats()
    assert arrived.numbers == [1]
    assert stats.accepted == 1
    assert [event["n"] for _, event in kept(tmp_path)] == [1]


async def replayed(pipeline: isthmus.Pipeline, directory: Path, to: Sequence[str], **options: Any) -> int:
    sent = 0
    for one in ArchiveReader(directory).events():
        sent += await pipeline.replay(one.source, [bytes(one.event)], to=to, **options)
    return sent


async def test_what_was_delivered_is_delivered_again_and_a_mark_keeps_it_from_a_third_time(
    autojump_clock: object, tmp_path: Path
) -> None:
    first, second = Kept(), Kept()
    async with (
        opened({}) as (engine, queue),
        open_archive(tmp_path) as archive,
        isthmus.open_pipeline(
            engine,
            queue,
            sources=[Source(id="s")],
            destinations=[
                Destination(name="first", to=CallableSink(first)),
                Destination(name="second", to=CallableSink(second)),
            ],
            archive=archive,
            clock=queue._now,
        ) as pipeline,
    ):
        await pipeline.accept("s", [track(number, context={"ip": "x"}) for number in range(3)])
        await pipeline.drain()
        for _ in range(2):  # as after an interruption
            assert await replayed(pipeline, tmp_path, ["second"], mark="r1", shown=True) == 3
        await pipeline.drain()
        with pytest.raises(InvalidInput, match="letters and digits"):
            await pipeline.replay("s", [track(1)], to=["first"], mark="r~1")
    assert first.numbers == [0, 1, 2]
    assert sorted(second.numbers) == [0, 0, 1, 1, 2, 2]
    again = [event for event in second.events if "replay" in event["context"]]
    assert sorted(event["messageId"] for event in again) == ["m0", "m1", "m2"]
    assert {event["context"]["replay"]["id"] for event in again} == {"r1"}
    assert all(event["context"]["ip"] == "x" for event in second.events)
    assert len(kept(tmp_path)) == 3  # a replay is not archived


async def test_a_context_that_is_no_object_is_left_alone(autojump_clock: object) -> None:
    arrived = Kept()
    async with (
        opened({}) as (engine, queue),
        isthmus.open_pipeline(
            engine,
            queue,
            sources=[Source(id="s")],
            destinations=[Destination(name="d", to=CallableSink(arrived))],
            clock=queue._now,
        ) as pipeline,
    ):
        await pipeline.replay("s", [track(1, context="odd"), track(2)], to=["d"], mark="r", shown=True)
        await pipeline.drain()
    contexts = {event["n"]: event["context"] for event in arrived.events}
    assert contexts == {1: "odd", 2: {"replay": {"id": "r"}}}


async def test_an_archive_is_open_as_long_as_its_pipeline(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="above 0"):
        async with open_archive(tmp_path, max_age=0):
            pass
    async with open_archive(tmp_path) as archive:
        pass
    with pytest.raises(EngineError, match="closed"):
        archive.keep("s", [b"{}"])


async def test_many_who_wait_share_a_write(tmp_path: Path) -> None:
    async with open_archive(tmp_path) as archive, trio.open_nursery() as nursery:
        for number in range(200):
            nursery.start_soon(keep_one, archive, number)
    assert sorted(event["n"] for _, event in kept(tmp_path)) == list(range(200))


async def keep_one(archive: EventArchive, number: int) -> None:
    await archive.keep("s", [json.dumps(track(number)).encode()]).wait()
