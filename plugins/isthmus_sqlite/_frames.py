"""What two processes say to each other over the socket beside a queue's file.

One asks and the other, which has the file open, answers: each message is its length in four bytes and then MessagePack.
Only the owner of the file can connect.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal, final

import msgspec
import trio

from isthmus.queues import Entry, QueueOptions

__all__ = [
    "Answered",
    "Answers",
    "Asks",
    "Dead",
    "Declare",
    "Discard",
    "Failed",
    "Findings",
    "Names",
    "Publish",
    "Revive",
    "Stats",
    "receive",
    "send",
    "socket_of",
]

FRAME_BYTES: Final = 64 * 1024 * 1024
"""Of one message."""

SOCKET_PATH: Final = 100
"""Bytes of the path of a socket; systems allow 103 to 107."""


@final
class Declare(msgspec.Struct, frozen=True, tag=True):
    name: str
    options: QueueOptions


@final
class Publish(msgspec.Struct, frozen=True, tag=True):
    entries: list[Entry]


@final
class Stats(msgspec.Struct, frozen=True, tag=True):
    name: str


@final
class Names(msgspec.Struct, frozen=True, tag=True):
    pass


@final
class Dead(msgspec.Struct, frozen=True, tag=True):
    name: str | None
    after: str
    count: int


@final
class Revive(msgspec.Struct, frozen=True, tag=True):
    ids: list[str]


@final
class Discard(msgspec.Struct, frozen=True, tag=True):
    ids: list[str]


@final
class Findings(msgspec.Struct, frozen=True, tag=True):
    pass


Asks = Declare | Publish | Stats | Names | Dead | Revive | Discard | Findings
"""One for each method of a queue that may be called from beside; the fields are its arguments."""


@final
class Answered(msgspec.Struct, frozen=True, tag=True):
    """What the method returned, encoded."""

    value: msgspec.Raw


@final
class Failed(msgspec.Struct, frozen=True, tag=True):
    """What the method raised."""

    kind: Literal["full", "input", "queue"]
    message: str


Answers = Answered | Failed


def socket_of(path: Path) -> Path | None:
    """Where the socket of a queue's file is, None where its path is too long for one."""
    beside = path.absolute().with_name(path.name + "-socket")
    return beside if len(str(beside).encode("utf-8", "surrogateescape")) <= SOCKET_PATH else None


async def send(stream: trio.abc.Stream, message: Asks | Answers) -> None:
    """Send a message.

    Raises:
        ValueError: it is too long.
    """
    data = msgspec.msgpack.encode(message)
    if len(data) > FRAME_BYTES:
        raise ValueError(f"a message has at most {FRAME_BYTES} bytes, and this has {len(data)}")
    await stream.send_all(len(data).to_bytes(4) + data)


async def receive(stream: trio.abc.Stream) -> bytes | None:
    """The next message, encoded; None where the other side has gone.

    Raises:
        ValueError: it is too long.
    """
    head = await _exactly(stream, 4)
    if head is None:
        return None
    size = int.from_bytes(head)
    if size > FRAME_BYTES:
        raise ValueError(f"a message has at most {FRAME_BYTES} bytes, and this has {size}")
    return await _exactly(stream, size)


async def _exactly(stream: trio.abc.Stream, size: int) -> bytes | None:
    data = bytearray()
    while len(data) < size:
        part = await stream.receive_some(min(size - len(data), 1024 * 1024))
        if not part:
            return None
        data += part
    return bytes(data)
