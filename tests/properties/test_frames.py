"""Frames between processes are the same whole and byte by byte, and one that is cut short is no frame.

Each reader of frames is given what its own writer wrote, in pieces that end anywhere: a function's process and its host, both
ways; a queue's file and who asks for it; ``isthmus run`` and its companions.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
import pytest
import trio
import trio.testing
from hypothesis import example, given, settings, strategies as st

from isthmus._cli.companions.messages import Channel as CompanionChannel, Ready, Unready
from isthmus_cpython._wire import ANSWER, CONFINED, END, LOG, Connection, FrameTooLarge, Nonsense
from isthmus_guest._channel import Channel as GuestChannel
from isthmus_sqlite import _frames

PAYLOADS = st.lists(
    st.binary(max_size=40) | st.sampled_from([b"", b"x" * 300, b"\x00\x00\x00\x05" * 5]), max_size=5
)
CUTS = st.lists(st.integers(0, 400), max_size=12)
Read = Callable[[Sequence[bytes]], Awaitable[list[Any]]]


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    """The bytes, cut at these places; none of them is empty."""
    places = sorted({cut for cut in cuts if 0 < cut < len(data)})
    return [
        data[begin:end] for begin, end in zip([0, *places], [*places, len(data)], strict=True) if begin < end
    ]


# ---------------------------------------------------------------- writers and readers


class _Taken(trio.abc.HalfCloseableStream):
    """A stream that brings pieces, one at a time, and keeps what is sent."""

    def __init__(self, brought: Sequence[bytes] = ()) -> None:
        self.sent = b""
        self._brought = list(brought)

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await trio.lowlevel.checkpoint()
        self.sent += data

    async def wait_send_all_might_not_block(self) -> None:
        await trio.lowlevel.checkpoint()

    async def send_eof(self) -> None:
        await trio.lowlevel.checkpoint()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        await trio.lowlevel.checkpoint()
        if not self._brought:
            return b""
        piece = self._brought.pop(0)
        if max_bytes is not None and len(piece) > max_bytes:
            self._brought.insert(0, piece[max_bytes:])
            piece = piece[:max_bytes]
        return piece

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()


async def companion_written(payloads: Sequence[bytes]) -> bytes:
    stream = _Taken()
    channel: CompanionChannel[Ready | Unready] = CompanionChannel(stream, Ready | Unready)  # type: ignore[arg-type] # a union
    for payload in payloads:
        await channel.send(Unready(payload.hex()))
    return stream.sent


async def companion_read(brought: Sequence[bytes]) -> list[bytes]:
    channel: CompanionChannel[Any] = CompanionChannel(_Taken(brought), Ready | Unready)  # type: ignore[arg-type] # a union
    found = []
    while (message := await channel.receive()) is not None:
        found.append(bytes.fromhex(message.message))
    return found


async def queue_written(payloads: Sequence[bytes]) -> bytes:
    stream = _Taken()
    for payload in payloads:
        await _frames.send(stream, _frames.Failed("queue", payload.hex()))
    return stream.sent


async def queue_read(brought: Sequence[bytes]) -> list[bytes]:
    stream, found = _Taken(brought), []
    while (data := await _frames.receive(stream)) is not None:
        answer = msgspec.msgpack.decode(data, type=_frames.Answers)
        assert isinstance(answer, _frames.Failed)
        found.append(bytes.fromhex(answer.message))
    return found


async def process_written(payloads: Sequence[bytes]) -> bytes:
    """What a function's process says to its host, by its own half of the code."""
    ours, theirs = os.pipe()
    with os.fdopen(ours, "rb") as reading:
        channel = GuestChannel(theirs)
        channel.send(CONFINED, b"")
        for payload in payloads:
            channel.send(LOG, payload)
        os.close(theirs)
        await trio.lowlevel.checkpoint()
        return reading.read()


async def process_read(brought: Sequence[bytes]) -> list[bytes]:
    frames, fault = await heard(brought)
    assert fault is None
    assert all(kind == LOG for kind, _ in frames)
    return [payload for _, payload in frames]


async def heard(brought: Sequence[bytes]) -> tuple[list[tuple[int, bytes]], type[Exception] | None]:
    """What the host hears of a process, and what is wrong with that."""
    here, there = socket.socketpair()
    connection = Connection(here, {LOG: 1000, END: 1000})
    frames: list[tuple[int, bytes]] = []
    fault: type[Exception] | None = None

    async def say() -> None:
        for piece in brought:
            there.sendall(piece)
            await trio.testing.wait_all_tasks_blocked()
        there.shutdown(socket.SHUT_WR)

    with there:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(say)
            try:
                while (frame := await connection.receive()) is not None:
                    frames.append(frame)
            except (Nonsense, FrameTooLarge) as exc:
                fault = type(exc)
                nursery.cancel_scope.cancel()
        connection.close()
    return frames, fault


async def host_written(payloads: Sequence[bytes]) -> bytes:
    """What the host says to a function's process."""
    here, there = socket.socketpair()
    connection = Connection(here, {})
    for payload in payloads:
        await connection.send(ANSWER, payload)
    connection.close()
    with there:
        parts = []
        while part := there.recv(4096):
            parts.append(part)
    return b"".join(parts)


async def host_read(brought: Sequence[bytes]) -> list[bytes]:
    ours, theirs = os.pipe()

    def say() -> None:
        for piece in brought:
            os.write(theirs, piece)
        os.close(theirs)

    speaker = threading.Thread(target=say)
    speaker.start()
    await trio.lowlevel.checkpoint()
    channel, found = GuestChannel(ours), []
    try:
        while True:
            kind, payload = channel.receive()
            assert kind == ANSWER
            found.append(payload)
    except EOFError:
        return found
    finally:
        speaker.join()
        os.close(ours)


WAYS: dict[str, tuple[Callable[[Sequence[bytes]], Awaitable[bytes]], Read]] = {
    "a companion of isthmus run": (companion_written, companion_read),
    "a queue's file": (queue_written, queue_read),
    "a process to its host": (process_written, process_read),
    "a host to its process": (host_written, host_read),
}


@pytest.mark.parametrize("way", WAYS)
@settings(max_examples=40)
@example(payloads=[b"", b"one", b"x" * 300], cuts=list(range(400)))
@given(payloads=PAYLOADS, cuts=CUTS)
def test_whole_or_in_pieces_they_are_the_same(way: str, payloads: list[bytes], cuts: list[int]) -> None:
    write, read = WAYS[way]
    data = trio.run(write, payloads)
    assert trio.run(read, [data] if data else []) == payloads
    assert trio.run(read, pieces(data, cuts)) == payloads


@pytest.mark.parametrize("way", WAYS)
@settings(max_examples=20)
@given(payloads=PAYLOADS.filter(bool), missing=st.integers(1, 60))
def test_what_is_cut_short_is_as_many_frames_as_are_whole(
    way: str, payloads: list[bytes], missing: int
) -> None:
    write, read = WAYS[way]
    data = trio.run(write, payloads)
    found = trio.run(read, pieces(data[:-missing], [3, 7]))
    assert found == payloads[: len(found)]
    assert len(found) < len(payloads)


@settings(max_examples=100)
@given(st.binary(max_size=60), CUTS)
def test_any_bytes_are_frames_or_nonsense_whole_and_in_pieces(data: bytes, cuts: list[int]) -> None:
    data = b"\0\0\0\0\7" + data  # it has said that it is confined
    assert trio.run(heard, [data]) == trio.run(heard, pieces(data, cuts))
