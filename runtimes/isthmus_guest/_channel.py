"""Frames between a function's process and its host: a length, a kind, that many bytes."""

from __future__ import annotations

import os
import select
import struct

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
    "Channel",
]

ARMED, ASK, LOG, END, FAULT, LOADED, CONFINED, METERED = 1, 2, 3, 4, 5, 6, 7, 8
"""From the process: ready for a call; an operation; a line of console output; the end; it cannot run; loaded; it is
confined; the end, after nanoseconds of processor time in eight bytes."""
LOAD, CALL, ANSWER = 33, 34, 35
"""From the host."""

HEAD = struct.Struct("<IB")


class Channel:
    """One end of the connection, by its descriptor; blocking.  A frame is written whole or not at all."""

    def __init__(self, file: int) -> None:
        self.file = file

    def send(self, kind: int, payload: bytes) -> None:
        """Write a frame."""
        left = memoryview(HEAD.pack(len(payload), kind) + payload)
        while left:
            left = left[os.write(self.file, left) :]

    def receive(self) -> tuple[int, bytes]:
        """Wait for a frame.

        Raises:
            EOFError: the host has gone.
        """
        size, kind = HEAD.unpack(self._exactly(HEAD.size))
        return kind, self._exactly(size)

    def wait(self, seconds: float | None) -> bool:
        """Wait for the beginning of a frame, for so long at the most, None for ever; whether there is one."""
        return bool(select.select([self.file], [], [], seconds)[0])

    def _exactly(self, size: int) -> bytes:
        parts = []
        while size:
            part = os.read(self.file, min(size, 1 << 20))
            if not part:
                raise EOFError("the host has gone")
            parts.append(part)
            size -= len(part)
        return b"".join(parts)
