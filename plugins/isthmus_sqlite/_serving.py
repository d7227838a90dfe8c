"""Answers other processes about a queue whose file is open in this one."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec
import trio

from isthmus import InvalidInput, IsthmusError, QueueFull
from isthmus.queues import Queue

from ._frames import (
    Answered,
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

__all__ = ["served"]

logger = logging.getLogger("isthmus")

_ASKS: Final[msgspec.msgpack.Decoder[Asks]] = msgspec.msgpack.Decoder(Asks)


@asynccontextmanager
async def served(queue: Queue, path: Path) -> AsyncIterator[None]:
    """Listen on the socket beside a file for as long as it is open; where there can be none, nobody is answered.

    In a system task, so that it neither wraps what its caller raises nor ends with a cancellation of the caller's.
    """
    beside = socket_of(path)
    listener = await _listening(beside) if beside is not None else None
    if beside is None or listener is None:
        yield
        return
    stopping, stopped = trio.CancelScope(), trio.Event()

    async def serve() -> None:
        try:
            with stopping:
                await trio.serve_listeners(partial(_answer, queue), [listener])
        except Exception as exc:  # noqa: BLE001 -- a system task's exception would end the whole program
            logger.error("the socket %s answers no more (%s)", beside, type(exc).__name__)
        finally:
            stopped.set()

    trio.lowlevel.spawn_system_task(serve)
    try:
        yield
    finally:
        stopping.cancel()
        with trio.CancelScope(shield=True):
            await stopped.wait()
            await listener.aclose()
        with suppress(OSError):
            os.unlink(beside)


async def _listening(beside: Path) -> trio.SocketListener | None:
    """The socket; one that is there already is a dead process's, for the lock is ours."""
    if not hasattr(socket, "AF_UNIX"):
        return None
    made = trio.socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with suppress(FileNotFoundError):
            os.unlink(beside)
        await made.bind(os.fspath(beside))
        os.chmod(beside, 0o600)  # before anybody can connect
        made.listen(16)
    except BaseException as exc:
        made.close()
        if not isinstance(exc, OSError):
            raise
        logger.debug("there is no socket %s: %s", beside, exc.strerror)
        return None
    return trio.SocketListener(made)


async def _answer(queue: Queue, stream: trio.abc.Stream) -> None:
    async with stream:
        try:
            while (asked := await receive(stream)) is not None:
                await send(stream, await _answer_of(queue, asked))
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return
        except Exception as exc:  # noqa: BLE001 -- one who asks wrongly is not to end the others
            logger.debug("somebody asked wrongly about a queue (%s)", type(exc).__name__)


async def _answer_of(queue: Queue, asked: bytes) -> Answers:
    try:
        value = await _done(queue, _ASKS.decode(asked))
        return Answered(msgspec.Raw(msgspec.msgpack.encode(value)))
    except QueueFull as exc:
        return Failed("full", str(exc))
    except (InvalidInput, msgspec.DecodeError) as exc:
        return Failed("input", str(exc))
    except IsthmusError as exc:
        return Failed("queue", str(exc))


async def _done(queue: Queue, asks: Asks) -> Any:
    match asks:
        case Declare(name, options):
            return await queue.declare(name, options)
        case Publish(entries):
            return await queue.publish(entries)
        case Stats(name):
            return await queue.stats(name)
        case Names():
            return await queue.names()
        case Dead(name, after, count):
            return await queue.dead(name, after=after, count=count)
        case Revive(ids):
            return await queue.revive(ids)
        case Discard(ids):
            return await queue.discard(ids)
        case Findings():
            return await queue.findings()
