"""An HTTP server on loopback that keeps what it is sent, and fails as networks and services do."""

from __future__ import annotations

import math
import random
import socket
import struct
from collections.abc import Callable
from typing import Final, final

import trio

__all__ = ["FAULTS", "Arrival", "Endpoint"]

FAULTS: Final = ("500", "reset", "cut", "stall")
"""A refusal by status; the connection reset; a body that ends early; no answer at all. Each is a path as well."""

STALL: Final = 1.0
"""Seconds until a delivery that gets no answer loses its connection. It is not left to a time limit: a machine that is busy may
reach one just after it has been answered, and what is then sent again is nobody's fault."""

_OK: Final = b'{"ok":true}'
Arrival = tuple[float, str]
"""When a delivery was answered with success, in seconds of the monotonic clock, and its id."""


@final
class Endpoint:
    """Answers ``/ok`` well and ``/FAULT`` with that fault; of ``/deliver/ID`` some, drawn by chance, with any of them.

    Args:
        seed: of the chance.
        failing: the part of deliveries that meet a fault, from 0 to 1.

    Attributes:
        port: on loopback, once it serves.
        requests: how many it has had.
        faults: how many it answered with a fault.
        arrivals: of deliveries, in order.
    """

    def __init__(self, seed: int, failing: float) -> None:
        self._chance = random.Random(seed)
        self._failing = failing
        self.port = 0
        self.requests = 0
        self.faults = 0
        self.arrivals: list[Arrival] = []

    async def serve(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled."""
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1", backlog=1024)
        self.port = listener.socket.getsockname()[1]
        await trio.serve_listeners(
            self._connection,
            [listener],
            task_status=_Started(task_status.started),  # type: ignore[arg-type]
        )

    async def _connection(self, stream: trio.SocketStream) -> None:
        held = b""
        try:
            async with stream:
                async for data in stream:
                    held += data
                    while (request := _taken(held)) is not None:
                        path, held = request
                        if not await self._answer(stream, path):
                            return
        except trio.BrokenResourceError:
            pass  # who asked has gone, or been killed

    async def _answer(self, stream: trio.SocketStream, path: str) -> bool:
        """Whether the connection lives on."""
        self.requests += 1
        _, kind, *ids = path.split("/")
        if kind == "deliver":
            kind = self._chance.choice(FAULTS) if self._chance.random() < self._failing else "ok"
        self.faults += kind != "ok"
        if kind == "ok":
            # Before it is sent: a client that has read the answer may be asked about at once.
            self.arrivals += [(trio.current_time(), each) for each in ids]
            await stream.send_all(_response("200 OK", _OK, len(_OK)))
        elif kind == "500":
            await stream.send_all(_response("500 Internal Server Error", _OK, len(_OK)))
        elif kind == "cut":
            await stream.send_all(_response("200 OK", _OK, 10 * len(_OK)))
            return False
        elif kind == "reset":
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        else:
            with trio.move_on_after(STALL if ids else math.inf):
                while await stream.receive_some():
                    pass  # until who asked gives up
            return False
        return True


class _Started:
    """A task's status that tells of listeners as of nothing."""

    def __init__(self, started: Callable[[], None]) -> None:
        self._started = started

    def started(self, _listeners: object) -> None:
        self._started()


def _taken(held: bytes) -> tuple[str, bytes] | None:
    """The path of the first whole request, and what comes after it."""
    head, end, rest = held.partition(b"\r\n\r\n")
    if not end:
        return None
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return (head.split(b" ", 2)[1].decode(), rest[length:]) if len(rest) >= length else None


def _response(status: str, body: bytes, length: int) -> bytes:
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    return head.encode() + body
