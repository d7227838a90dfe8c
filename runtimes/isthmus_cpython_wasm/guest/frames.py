"""The connection to the host, as the process round this WebAssembly passes it on."""

from __future__ import annotations

import wit_world

from isthmus_guest._channel import Channel

__all__ = ["Frames", "connection"]


class Frames(Channel):
    """Its ``file`` is a number that an event loop may wait for, and nothing else."""

    def __init__(self) -> None:
        super().__init__(3)
        self._held: list[str] = []

    def send(self, kind: int, payload: bytes) -> None:
        """Write a frame."""
        wit_world.send(kind, payload.decode())

    def receive(self) -> tuple[int, bytes]:
        """Wait for a frame; where the host has gone, this code does not go on."""
        frame = self._held.pop() if self._held else wit_world.receive(-1.0)
        return ord(frame[0]), frame[1:].encode()

    def wait(self, seconds: float | None) -> bool:
        """Wait for a frame, for so long at the most; whether :meth:`receive` has one."""
        if not self._held and (frame := wit_world.receive(-1.0 if seconds is None else seconds)):
            self._held.append(frame)
        return bool(self._held)


connection = Frames()
"""There is one."""
