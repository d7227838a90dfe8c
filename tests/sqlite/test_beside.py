"""A queue in a file asked through the process that has it open."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
import trio

import isthmus
from isthmus import InvalidInput, QueueError, QueueFull
from isthmus.queues import Entry, Queue, QueueOptions
from isthmus_sqlite import _frames
from isthmus_sqlite._beside import opened_beside

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="sockets in the file system")


def entries(*ids: str) -> list[Entry]:
    return [Entry(queue="q", message_id=each, body=b"\x00\xff" + each.encode()) for each in ids]


@asynccontextmanager
async def both(tmp_path: Path, query: str = "") -> AsyncIterator[tuple[Queue, Queue]]:
    """The queue as its process has it, and as another sees it."""
    url = f"sqlite:{tmp_path}/q.db"
    async with isthmus.open_queue(url + query) as own:
        await own.declare("q")
        async with isthmus.open_queue(url + "?beside=1") as beside:
            yield own, beside


async def test_what_is_put_in_from_beside_is_claimed_by_the_one_that_has_the_file(tmp_path: Path) -> None:
    async with both(tmp_path) as (own, beside):
        await beside.declare("other", QueueOptions(ordered=True))
        assert await beside.names() == ["other", "q"]
        await beside.publish(entries("a", "b"))
        await beside.publish(entries("b"))  # once more, and kept once
        claims = await own.claim("q", 10, wait=5.0)
        assert [(claim.message_id, claim.body) for claim in claims] == [("a", b"\0\xffa"), ("b", b"\0\xffb")]
        stats = await beside.stats("q")
        assert (stats.waiting, stats.in_flight) == (0, 2)
        await own.dead_letter([(claim, "no") for claim in claims])
        first, second = await beside.dead("q")
        assert (first.message_id, first.reason, first.body) == ("a", "no", b"\0\xffa")
        assert [letter.id for letter in await beside.dead(after=first.id)] == [second.id]
        assert await beside.revive([first.id]) == 1
        assert await beside.discard([second.id, "999"]) == 1
        assert (await own.stats("q")).waiting == 1
        assert [finding.level for finding in await beside.findings()] == [
            finding.level for finding in await own.findings()
        ]


async def test_it_hands_nothing_out(tmp_path: Path) -> None:
    async with both(tmp_path) as (own, beside):
        await own.publish(entries("a"))
        claims = await own.claim("q", 1)
        for call in (
            lambda: beside.claim("q", 1),
            lambda: beside.ack(claims),
            lambda: beside.retry([(claims[0], 1.0)]),
            lambda: beside.dead_letter([(claims[0], "no")]),
            lambda: beside.extend(claims),
        ):
            with pytest.raises(QueueError, match="another process, which alone"):
                await call()


async def test_errors_are_those_of_the_queue(tmp_path: Path) -> None:
    async with both(tmp_path, "?max_bytes=1") as (_, beside):
        with pytest.raises(QueueFull, match="no room"):
            await beside.publish(entries("a"))
        with pytest.raises(InvalidInput, match="no queue 'nowhere'"):
            await beside.stats("nowhere")
        with pytest.raises(InvalidInput, match="no id of a dead letter"):
            await beside.revive(["x"])
        assert await beside.names() == ["q"]  # and the connection goes on


async def test_a_message_that_is_too_long_is_not_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with both(tmp_path) as (_, beside):
        monkeypatch.setattr(_frames, "FRAME_BYTES", 1000)
        with pytest.raises(QueueError, match="at most 1000 bytes"):
            await beside.publish(entries("a" * 500, "b" * 500))
        assert (await beside.stats("q")).waiting == 0


async def test_a_call_that_is_cancelled_does_not_confuse_the_next(tmp_path: Path) -> None:
    async with both(tmp_path) as (_, beside):
        for _ in range(20):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(beside.names)
                await trio.lowlevel.checkpoint()
                nursery.cancel_scope.cancel()
            assert (await beside.stats("q")).waiting == 0


@pytest.mark.parametrize("sent", [b"\xff\xff\xff\xff", b"\0\0\0\x01\xc1", b"GET / HTTP/1.1\r\n\r\n", b"\0\0"])
async def test_who_asks_wrongly_disturbs_nobody(sent: bytes, tmp_path: Path) -> None:
    async with both(tmp_path) as (_, beside):
        stream = await trio.open_unix_socket(f"{tmp_path}/q.db-socket")
        async with stream:
            await stream.send_all(sent)
        assert await beside.names() == ["q"]


async def test_answers_are_what_the_frames_say(tmp_path: Path) -> None:
    async with both(tmp_path), await trio.open_unix_socket(f"{tmp_path}/q.db-socket") as stream:
        await stream.send_all(b"\0\0\0\x01\xc0")  # null is no question
        answer = msgspec.msgpack.decode(await _frames.receive(stream) or b"", type=_frames.Answers)
    assert isinstance(answer, _frames.Failed)
    assert answer.kind == "input"


async def test_only_the_owner_gets_in_and_nothing_stays_behind(tmp_path: Path) -> None:
    beside = tmp_path / "q.db-socket"
    beside.write_bytes(b"of a process that was killed")
    async with isthmus.open_queue(f"sqlite:{tmp_path}/q.db"):
        assert beside.is_socket()
        assert beside.stat().st_mode & 0o077 == 0
    assert not beside.exists()
    with pytest.raises(QueueError, match="no process that has"):
        async with opened_beside(tmp_path / "q.db"):
            pass


async def test_a_path_too_long_for_a_socket_only_keeps_others_from_asking(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100)
    async with isthmus.open_queue(f"sqlite:{deep}/q.db") as queue:
        await queue.declare("q")
        assert not any(name.endswith("-socket") for name in os.listdir(deep))
        with pytest.raises(QueueError, match="no process that has"):
            async with opened_beside(deep / "q.db"):
                pass


async def test_where_the_process_ends_meanwhile_it_is_said(tmp_path: Path) -> None:
    async with isthmus.open_queue(f"sqlite:{tmp_path}/q.db") as own:
        await own.declare("q")
        async with opened_beside(tmp_path / "q.db") as beside:
            assert await beside.names() == ["q"]
            # The socket's other end closes as the file does.
            assert beside._stream is not None
            async with trio.open_nursery() as nursery:
                nursery.start_soon(own._writer.aclose)  # type: ignore[attr-defined]
            with pytest.raises(QueueError, match="closed"):
                await beside.stats("q")
