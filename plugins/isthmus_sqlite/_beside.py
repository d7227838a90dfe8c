"""A queue whose file another process has open: asked through that process."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar, final

import msgspec
import trio

from isthmus import InvalidInput, QueueError, QueueFull
from isthmus.queues import (
    DEFAULT_OPTIONS,
    Claim,
    DeadLetter,
    Entry,
    Finding,
    Queue,
    QueueOptions,
    QueueStats,
)

from ._frames import (
    Answers,
    Asks,
    Dead,
    Declare,
    Discard,
    Failed,
    Findings,
    Names,
    Publish,
    Revive,
    Stats,
    receive,
    send,
    socket_of,
)

__all__ = ["BesideQueue", "opened_beside"]

T = TypeVar("T")

_ANSWERS: Final[msgspec.msgpack.Decoder[Answers]] = msgspec.msgpack.Decoder(Answers)
_ERRORS: Final = {"full": QueueFull, "input": InvalidInput, "queue": QueueError}


@asynccontextmanager
async def opened_beside(path: Path) -> AsyncIterator[BesideQueue]:
    """Connect to the process that has a file open.

    Raises:
        QueueError: none has, or it cannot be asked.
    """
    queue = BesideQueue(path)
    try:
        await queue.names()
        yield queue
    finally:
        await queue.aclose()


@final
class BesideQueue(Queue):
    """Takes deliveries in and says what is there; hands none out, for the process that has the file does the work.

    Args:
        path: of the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._turn = trio.Lock()
        self._stream: trio.SocketStream | None = None

    async def aclose(self) -> None:
        """Hang up."""
        stream, self._stream = self._stream, None
        if stream is not None:
            await trio.aclose_forcefully(stream)

    async def _ask(self, asks: Asks, kind: type[T] | Any) -> T:
        async with self._turn:
            # A call that is cancelled midway leaves a connection that is good for nothing more.
            stream, self._stream = self._stream, None
            if stream is None:
                stream = await self._connected()
            try:
                await send(stream, asks)
                data = await receive(stream)
                if data is None:
                    raise trio.BrokenResourceError
            except BaseException as exc:
                await trio.aclose_forcefully(stream)
                if isinstance(exc, trio.BrokenResourceError):
                    raise QueueError(f"the process that has {self._path} open has gone") from exc
                if isinstance(exc, ValueError):
                    raise QueueError(f"{self._path}: {exc}") from exc
                raise
            self._stream = stream
        answer = _ANSWERS.decode(data)
        if isinstance(answer, Failed):
            raise _ERRORS[answer.kind](answer.message)
        value: T = msgspec.msgpack.decode(answer.value, type=kind)
        return value

    async def _connected(self) -> trio.SocketStream:
        beside = socket_of(self._path)
        try:
            if beside is None or not beside.exists():
                raise FileNotFoundError
            return await trio.open_unix_socket(os.fspath(beside))
        except (OSError, RuntimeError) as exc:
            raise QueueError(f"no process that has {self._path} open can be asked") from exc

    async def declare(self, name: str, options: QueueOptions = DEFAULT_OPTIONS) -> None:
        await self._ask(Declare(name, options), None)

    async def publish(self, entries: Sequence[Entry]) -> None:
        await self._ask(Publish(list(entries)), None)

    async def stats(self, name: str) -> QueueStats:
        return await self._ask(Stats(name), QueueStats)

    async def names(self) -> list[str]:
        return await self._ask(Names(), list[str])

    async def dead(self, name: str | None = None, *, after: str = "", count: int = 100) -> list[DeadLetter]:
        return await self._ask(Dead(name, after, count), list[DeadLetter])

    async def revive(self, ids: Sequence[str]) -> int:
        return await self._ask(Revive(list(ids)), int)

    async def discard(self, ids: Sequence[str]) -> int:
        return await self._ask(Discard(list(ids)), int)

    async def findings(self) -> list[Finding]:
        return await self._ask(Findings(), list[Finding])

    async def claim(self, name: str, count: int, *, wait: float = 0.0) -> list[Claim]:
        await self._not_here()

    async def ack(self, claims: Sequence[Claim]) -> None:
        await self._not_here()

    async def retry(self, retries: Sequence[tuple[Claim, float]]) -> None:
        await self._not_here()

    async def dead_letter(self, buried: Sequence[tuple[Claim, str]]) -> None:
        await self._not_here()

    async def extend(self, claims: Sequence[Claim]) -> None:
        await self._not_here()

    async def _not_here(self) -> NoReturn:
        await trio.lowlevel.checkpoint()
        raise QueueError(f"{self._path} is open in another process, which alone hands deliveries out")
