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
    "CONFINED",
    "END",
    "FAULT",
    "LOAD",
    "LOADED",
    "LOG",
    "METERED",
    "Connection",
    "FrameTooLarge",
    "Nonsense",
]

ARMED, ASK, LOG, END, FAULT, LOADED, CONFINED, METERED = 1, 2, 3, 4, 5, 6, 7, 8
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

    A process says first that it is confined, or why it cannot be; from then on it may run what its author wrote, and
    is not believed that it cannot be.

    Args:
        sock: connected, a stream; it is made non-blocking.
        caps: by kind, bytes of the longest frame that may come; other kinds may not come at all.
    """

    __slots__ = ("_buffer", "_caps", "_confined", "_flushing", "_socket", "_unsent")

    def __init__(self, sock: socket.socket, caps: dict[int, int]) -> None:
        sock.setblocking(False)
        self._socket = sock
        self._caps = caps
        self._buffer = bytearray()
        self._unsent = bytearray()
        self._flushing = trio.Lock()
        self._confined = False

    @property
    def whole(self) -> bool:
        """No frame is half written, as one is whose sender was cancelled."""
        return not self._unsent

    async def send(self, kind: int, payload: bytes) -> None:
        """Write a frame.

        Raises:
            OSError: the process is gone.
        """
        self.begin(kind, payload)
        await self.finish()

    def begin(self, kind: int, payload: bytes) -> None:
        """Write of a frame what there is room for, after those begun before; :meth:`finish` writes the rest.

        Raises:
            OSError: the process is gone.
        """
        self._unsent += _HEAD.pack(len(payload), kind)
        self._unsent += payload
        self._write()

    async def finish(self) -> None:
        """Write the rest of what was begun; at once where there is none.

        Raises:
            OSError: the process is gone.
        """
        if self._unsent:
            async with self._flushing:
                while self._unsent:
                    await trio.lowlevel.wait_writable(self._socket)
                    self._write()

    def _write(self) -> None:
        with suppress(BlockingIOError):
            while self._unsent:
                del self._unsent[: self._socket.send(self._unsent)]

    async def receive(self) -> tuple[int, bytes] | None:
        """The next frame, None where the process has closed its end.

        Raises:
            Nonsense: it may not write such a frame.
            FrameTooLarge: the frame is longer than its kind may be; none of it was read.
        """
        while (frame := await self._receive()) is not None:
            confined, self._confined = self._confined, True
            if confined == (frame[0] in {CONFINED, FAULT}):
                raise Nonsense(f"a frame of kind {frame[0]} comes {'too late' if confined else 'too early'}")
            if frame[0] != CONFINED:
                return frame
        return None

    async def _receive(self) -> tuple[int, bytes] | None:
        buffer = self._buffer
        if not await self._fill(_HEAD.size):
            return None
        size, kind = _HEAD.unpack_from(buffer)
        cap = 0 if kind == CONFINED else self._caps.get(kind)
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
