"""Frames between the host and a function's process: a length, a kind and that many bytes, the length capped by kind.

The process's half is ``isthmus_guest._channel``.
"""

from __future__ import annotations

import socket
import struct
from contextlib import suppress
from typing import Final

import trio

from isthmus.errors import IsthmusError

__all__ = [
    "ANSWER",
    "ARMED",
    "ASK",
    "CALL",
    "END",
    "FAULT",
    "LOAD",
    "LOADED",
    "LOG",
    "Connection",
    "FrameTooLarge",
    "Nonsense",
]

ARMED, ASK, LOG, END, FAULT, LOADED = 1, 2, 3, 4, 5, 6
LOAD, CALL, ANSWER = 33, 34, 35

_HEAD: Final = struct.Struct("<IB")
_CHUNK: Final = 65536
_MOST_CHUNK: Final = 1 << 20
MOST_LINE: Final = 1024 * 1024
"""Bytes of one frame of console output: its text, 64 Ki characters, with every one of them escaped, and more."""


class Nonsense(IsthmusError):
    """What a process wrote is no frame, or not one that it may write now."""


class FrameTooLarge(IsthmusError):
    """A frame is longer than one of its kind may be.

    Attributes:
        kind: of the frame.
        size: bytes, as its head says.
    """

    def __init__(self, kind: int, size: int) -> None:
        super().__init__(f"a frame of kind {kind} with {size} bytes")
        self.kind = kind
        self.size = size


class Connection:
    """The host's end of the connection to one process.

    Args:
        sock: connected, a stream; it is made non-blocking.
        caps: by kind, bytes of the longest frame that may come; other kinds may not come at all.

    Attributes:
        whole: no frame is half written; after one that was left so another would be garbled.
    """

    __slots__ = ("_buffer", "_caps", "_socket", "whole")

    def __init__(self, sock: socket.socket, caps: dict[int, int]) -> None:
        sock.setblocking(False)
        self._socket = sock
        self._caps = caps
        self._buffer = bytearray()
        self.whole = True

    async def send(self, kind: int, payload: bytes) -> None:
        """Write a frame.

        Raises:
            OSError: the process is gone.
        """
        await self.finish(self.begin(kind, payload))

    def begin(self, kind: int, payload: bytes) -> memoryview:
        """Write of a frame what there is room for, and give back what is left for :meth:`finish`.

        Raises:
            OSError: the process is gone.
        """
        data = memoryview(_HEAD.pack(len(payload), kind) + payload)
        with suppress(BlockingIOError):
            data = data[self._socket.send(data) :]
        self.whole = not data
        return data

    async def finish(self, rest: memoryview) -> None:
        """Write the rest of a frame.

        Raises:
            OSError: the process is gone.
        """
        while rest:
            await trio.lowlevel.wait_writable(self._socket)
            with suppress(BlockingIOError):
                rest = rest[self._socket.send(rest) :]
        self.whole = True

    async def receive(self) -> tuple[int, bytes] | None:
        """The next frame, None where the process has closed its end.

        Raises:
            Nonsense: it may not write such a frame.
            FrameTooLarge: the frame is longer than its kind may be; none of it was read.
        """
        buffer = self._buffer
        if not await self._fill(_HEAD.size):
            return None
        size, kind = _HEAD.unpack_from(buffer)
        cap = self._caps.get(kind)
        if cap is None:
            raise Nonsense(f"a frame of kind {kind} is none that may come")
        if size > cap:
            raise FrameTooLarge(kind, size)
        whole = _HEAD.size + size
        if not await self._fill(whole):
            return None
        payload = bytes(memoryview(buffer)[_HEAD.size : whole])
        del buffer[:whole]
        return kind, payload

    async def _fill(self, size: int) -> bool:
        buffer = self._buffer
        waited = False
        while len(buffer) < size:
            try:
                data = self._socket.recv(max(_CHUNK, min(size - len(buffer), _MOST_CHUNK)))
            except BlockingIOError:
                await trio.lowlevel.wait_readable(self._socket)
                waited = True
                continue
            except OSError:
                return False
            if not data:
                return False
            buffer += data
            if not waited:  # one that always has more to say is not to keep everybody else from their turn
                await trio.lowlevel.checkpoint()
            waited = False
        return True

    def close(self) -> None:
        """Close this end; whoever waits for the other is told, once."""
        if self._socket.fileno() >= 0:
            trio.lowlevel.notify_closing(self._socket)
            self._socket.close()
