"""Events with the lines they came from: over several files, from a line on, and after a stop."""

from __future__ import annotations

import gzip
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
import trio.testing
from hypothesis import HealthCheck, given, settings, strategies as st

from isthmus._cli import feeds
from isthmus._cli.splitting import Unreadable
from isthmus._cli.stream import EventStream, Origin

from .conftest import track

Flaws = list[tuple[Origin, str]]


@asynccontextmanager
async def streaming(*paths: Path | str, **options: object) -> AsyncIterator[tuple[EventStream, Flaws]]:
    flaws: Flaws = []
    stream = EventStream(
        list(map(str, paths)),
        limit=1 << 20,
        on_flaw=lambda origin, said: flaws.append((origin, said)),
        **options,  # type: ignore[arg-type]
    )
    try:
        yield stream, flaws
    finally:
        await stream.aclose()


async def numbered(stream: EventStream, most: int = 3) -> list[tuple[str, int, bytes]]:
    """All events with file and number; each released as it comes, as the engine might."""
    taken = []
    while (share := await stream.take(most)) is not None:
        assert 1 <= len(share.texts) <= most
        for number, text in zip(share.numbers, share.texts, strict=True):
            origin = stream.origin((share.file, number))
            stream.release((share.file, number))
            taken.append((Path(origin.file).name, origin.number, text))
    return taken


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    blanks=st.lists(st.booleans(), max_size=12),
    chunk=st.integers(1, 200),
    packed=st.booleans(),
    first=st.integers(1, 14),
)
def test_each_event_keeps_its_line(
    blanks: list[bool], chunk: int, packed: bool, first: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "CHUNK", chunk)
    lines = [b"  " if blank else track(number) for number, blank in enumerate(blanks, 1)]
    data = b"".join(line + b"\r\n" for line in lines)
    path = tmp_path / "events"
    path.write_bytes(gzip.compress(data) if packed else data)

    async def run() -> None:
        async with streaming(path, first=first) as (stream, flaws):
            expected = [
                ("events", n, line + b"\r") for n, line in enumerate(lines, 1) if line.strip() and n >= first
            ]
            assert await numbered(stream) == expected
            assert not flaws
            assert stream.under_way == 0
            assert stream.unended() == []

    trio.run(run)


async def test_files_follow_each_other_and_count_anew(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(track(1) + b"\n\n" + track(2))
    (tmp_path / "b").write_bytes(b"[" + track(3) + b"," + track(4) + b"]")
    (tmp_path / "c").write_bytes(b"")
    (tmp_path / "d").write_bytes(gzip.compress(track(5)))
    async with streaming(*(tmp_path / name for name in "abcd"), first=3) as (stream, flaws):
        taken = await numbered(stream)
        assert stream.consumed == stream.size
    # From line 3 on counts for the first file only.
    assert [(name, number) for name, number, _ in taken] == [("a", 3), ("b", 1), ("b", 2), ("d", 1)]
    assert [event for _, _, event in taken] == [track(number) for number in range(2, 6)]
    assert not flaws


async def test_flaws_have_their_number_and_stop_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"[" + track(1) + b",," + track(2) + b"] {}")
    (tmp_path / "b").write_bytes(b"x" * (1 << 21) + b"\n" + track(3))
    (tmp_path / "c").write_bytes(gzip.compress(track(4) + b"\n" + b" " * 4000)[:-6])
    async with streaming(*(tmp_path / name for name in "abcd")) as (stream, flaws):
        taken = await numbered(stream)
    assert [(name, number) for name, number, _ in taken] == [("a", 1), ("a", 3), ("b", 2), ("c", 1)]
    assert [(Path(origin.file).name, origin.noun, origin.number) for origin, _ in flaws] == [
        ("a", "event", 2),
        ("a", "event", 0),
        ("b", "line", 1),
        ("c", "line", 0),
        ("d", "line", 0),
    ]


async def test_a_stop_says_where_to_go_on(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"".join(track(number) + b"\n" for number in range(1, 11)))
    async with streaming(tmp_path / "a", tmp_path / "b") as (stream, _):
        share = await stream.take(3)
        assert share is not None
        assert share.numbers == [1, 2, 3]
        stream.release((0, 2))
        stream.stop()
        assert await stream.take(1) is None
        assert stream.position == (str(tmp_path / "a"), "line", 4)
        assert [origin.number for origin in stream.unended()] == [1, 3]
        assert await stream.count_rest(60) == (7, True)
        assert stream.files_from(str(tmp_path / "b")) == [str(tmp_path / "b")]
        assert not stream.ended


async def test_no_more_are_under_way_than_may_be(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"".join(track(number) + b"\n" for number in range(1, 11)))
    taken: list[int] = []

    async def take(stream: EventStream) -> None:
        while (share := await stream.take(3)) is not None:
            taken.extend(share.numbers)

    async with streaming(tmp_path / "a", concurrency=4) as (stream, _), trio.open_nursery() as nursery:
        for _ in range(2):
            nursery.start_soon(take, stream)
        await trio.testing.wait_all_tasks_blocked(0.01)
        for done in range(1, 7):
            # Whichever task takes them, each event is handed out once, in order, as another one ends.
            while len(taken) < done + 3:
                await trio.testing.wait_all_tasks_blocked()
            assert taken == list(range(1, done + 4))
            stream.release((0, done))
        stream.release((0, 7))  # with room again, it is seen that there are no more
    assert taken == list(range(1, 11))


async def test_a_stop_frees_who_waits_for_room(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes((track(1) + b"\n") * 3)
    async with streaming(tmp_path / "a", concurrency=1) as (stream, _), trio.open_nursery() as nursery:
        assert await stream.take(3) is not None

        async def stop() -> None:
            await trio.testing.wait_all_tasks_blocked()
            stream.stop()

        nursery.start_soon(stop)
        assert await stream.take(3) is None
    assert stream.under_way == 1


async def test_many_blank_lines_are_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\n" * 100_000 + track(1))
    async with streaming(tmp_path / "a") as (stream, _):
        assert [number for _, number, _ in await numbered(stream, 1)] == [100_001]


async def test_a_stop_before_the_first_line_that_counts(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(track(1) + b"\n")
    async with streaming(tmp_path / "a", first=5) as (stream, _):
        stream.stop()
        assert await numbered(stream) == []
        assert stream.position.number == 5


async def test_progress_goes_by_events_within_a_chunk(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes((track(1) + b"\n") * 100)
    async with streaming(tmp_path / "a") as (stream, _):
        assert stream.size is not None
        await stream.take(50)
        assert stream.consumed == pytest.approx(stream.size / 2, rel=0.05)
        await numbered(stream)
        assert stream.consumed == stream.size


async def test_a_pipe_that_says_nothing_does_not_hold_up_a_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as source, os.fdopen(writing, "wb", buffering=0) as sink:
        monkeypatch.setattr("sys.stdin", source)
        sink.write(track(1) + b"\n")
        async with streaming("-") as (stream, _):
            async with trio.open_nursery() as nursery:
                got = trio.Event()

                async def read() -> None:
                    while await stream.take(9) is not None:
                        got.set()

                nursery.start_soon(read)
                await got.wait()
                stream.stop()
            assert stream.position == ("-", "line", 2)
            assert stream.size is None
            with pytest.raises(Unreadable):
                await stream.count_rest(1)
