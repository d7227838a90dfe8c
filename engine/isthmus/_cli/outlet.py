"""Writes outcomes as NDJSON, many at a time, and lets the run wait where nobody takes them."""

from __future__ import annotations

import os
import select
from collections.abc import Callable
from typing import Final, Protocol, final

import msgspec
import trio

from isthmus.outcomes import Outcome

__all__ = ["Lines", "Outlet", "Taker"]

FULL: Final = 256 * 1024
"""Bytes that are written without waiting for more."""

BACKLOG: Final = 8 * 1024 * 1024
"""Bytes waiting to be written past which no more events are read."""

LINGER: Final = 0.05
"""Seconds that lines wait for others: a write costs a hop to a thread."""


class Taker(Protocol):
    """Takes the outcomes of a run."""

    def put(self, head: bytes, outcome: Outcome) -> None:
        """Take one: ``head`` is JSON of an object that says which event it is of, less its closing brace."""

    async def admit(self) -> None:
        """Wait while there is too much to take."""

    def end(self) -> None:
        """Nothing more is put: let :meth:`run` return when the rest is done."""

    async def run(self) -> None:
        """Do what is to be done with them, to the end."""


@final
class Lines:
    """Outcomes as NDJSON.

    Attributes:
        text: the lines that were not taken.
    """

    __slots__ = ("_encode_into", "text")

    def __init__(self) -> None:
        self.text = bytearray()
        self._encode_into = msgspec.json.Encoder().encode_into

    def put(self, head: bytes, outcome: Outcome) -> None:
        """Add a line: the fields of ``head``, then the outcome's."""
        text = self.text
        text += head
        place = len(text)
        self._encode_into(outcome, text, place)
        text[place] = 0x2C  # the brace that opened the outcome becomes a comma
        text += b"\n"

    def take(self) -> bytearray:
        """Hand over the lines, and begin anew."""
        taken, self.text = self.text, bytearray()
        return taken


@final
class Outlet:
    """A file of outcomes.

    Args:
        fd: file descriptor to write to.
        on_broken: told once, with the reason, when it takes no more: ``""`` where its reader has gone.
    """

    def __init__(self, fd: int, on_broken: Callable[[str], None]) -> None:
        self._fd = fd
        self._on_broken = on_broken
        self._lines = Lines()
        self._broken = False
        self._ended = False
        self._something = trio.Event()
        self._much = trio.Event()
        self._room = trio.Event()

    def put(self, head: bytes, outcome: Outcome) -> None:
        """See :class:`Taker`; a line has the fields of ``head``, then the outcome's."""
        if not self._broken:
            self._lines.put(head, outcome)
            self._grown()

    def put_lines(self, text: bytes) -> None:
        """Take outcomes that are lines already, if any: of what held no event there is none."""
        if text and not self._broken:
            self._lines.text += text
            self._grown()

    def _grown(self) -> None:
        self._something.set()
        if len(self._lines.text) > FULL:
            self._much.set()

    async def admit(self) -> None:
        """See :class:`Taker`."""
        while len(self._lines.text) > BACKLOG and not self._broken:
            self._room = trio.Event()
            await self._room.wait()

    def end(self) -> None:
        """See :class:`Taker`."""
        self._ended = True
        self._something.set()
        self._much.set()

    async def run(self) -> None:
        """See :class:`Taker`."""
        while True:
            await self._something.wait()
            if not self._ended:
                with trio.move_on_after(LINGER):
                    await self._much.wait()
            data = self._lines.take()
            if self._ended and not data:
                return
            if not self._ended:
                self._something, self._much = trio.Event(), trio.Event()
            try:
                await trio.to_thread.run_sync(_write, self._fd, data, abandon_on_cancel=True)
            except OSError as exc:
                self._broken = True
                self._lines.take()
                self._on_broken("" if isinstance(exc, BrokenPipeError) else exc.strerror or str(exc))
                return
            finally:
                self._room.set()


def _write(fd: int, data: bytearray) -> None:
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(fd, view) :]
        except BlockingIOError:  # somebody who shares the descriptor has made it so
            select.select([], [fd], [])
