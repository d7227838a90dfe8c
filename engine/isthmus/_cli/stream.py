"""The events of a run, from files to whoever runs them, each with the line it came from."""

from __future__ import annotations

import os
import stat
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import NamedTuple, final

import msgspec
import trio

from .feeds import Feed
from .screen import named
from .slots import Slots
from .splitting import Piece, Splitter, Unreadable, detecting

__all__ = ["EventStream", "Origin", "Place", "Share", "total_size"]

Place = tuple[int, int]
"""Which event it is: index of its file, and its number within that, from 1."""


class Origin(NamedTuple):
    """A place as people are told of it.

    Attributes:
        file: as named on the command line.
        noun: what ``number`` counts, ``line`` or ``event``.
        number: from 1; 0 for the file as a whole.
    """

    file: str
    noun: str
    number: int


@final
class Share(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Some events of one file, at least one.

    Attributes:
        file: index of the file.
        numbers: of each event, its number within the file; they rise.
        texts: of each event, as it stands in the file.
    """

    file: int
    numbers: list[int]
    texts: list[bytes]


@final
class EventStream:
    """The events of several files, handed out once, a share at a time, to any number of tasks.

    Args:
        paths: the files, ``-`` for standard input.
        first: number of the first line of the first file that counts.
        limit: bytes of one event at the most.
        concurrency: events that may be handed out and not done with, None where that is nothing to it.
        on_flaw: told of each line that holds no event, and of files that cannot be read.
        admit: waited for before each chunk, to hold the reading back.

    Attributes:
        taken: how many events were handed out.
        ended: whether all files were read to their end.
        size: bytes of all files, None where it is not known.
    """

    def __init__(
        self,
        paths: Sequence[str],
        *,
        first: int = 1,
        limit: int,
        concurrency: int | None = None,
        on_flaw: Callable[[Origin, str], None],
        admit: Callable[[], Awaitable[None]] = trio.lowlevel.checkpoint,
    ) -> None:
        self._paths = list(paths)
        self._limit = limit
        self._slots = Slots(concurrency) if concurrency else None
        self._on_flaw = on_flaw
        self._admit = admit
        self._stopped = False
        self._reading = trio.CancelScope()
        self._turn = trio.Lock()
        self._under_way: dict[Place, None] = {}
        self._nouns: list[str] = []  # of the files that were begun
        # The file at hand.
        self._feed: Feed | None = None
        self._splitter: Splitter = detecting(limit)
        self._ended = True
        self._trouble = ""  # why the rest of it cannot be read
        self._number = 0  # of the last line that was looked at
        self._skip = first - 1
        self._pieces: Sequence[Piece] = ()
        self._before = 0  # how many pieces earlier chunks had
        self._chunk_bytes = 0
        self._past_bytes = 0
        self.taken = 0
        self.ended = False
        self.size = total_size(self._paths)

    async def take(self, most: int) -> Share | None:
        """Hand out the next events, up to so many; None where there are no more.

        It reads only where none is at hand, so that what comes slowly is handed out as it comes.
        """
        async with self._turn:
            while not (self._stopped or self.ended):
                room = most if self._slots is None else await self._slots.room(most)
                if room and (share := self._deal(room)) is not None:
                    return share
                if room:
                    await self._go_on()
            return None

    def stop(self) -> None:
        """Hand out no more events."""
        self._stopped = True
        self._reading.cancel()
        if self._slots is not None:
            self._slots.close()

    async def aclose(self) -> None:
        """Close the file at hand."""
        await trio.lowlevel.checkpoint()
        if self._feed is not None and not (self._stopped and self._feed.size is None):
            # Where a thread still waits for a pipe, its descriptor is not taken from it.
            self._feed.close()
        self._feed = None

    # ------------------------------------------------------------ where it is

    def release(self, place: Place) -> None:
        """Take note that an event is done with."""
        del self._under_way[place]
        if self._slots is not None:
            self._slots.free()

    def origin(self, place: Place) -> Origin:
        """Where an event came from."""
        file, number = place
        return Origin(self._paths[file], self._nouns[file], number)

    def places(self, file: int, numbers: Iterable[int]) -> str:
        """What events of one file are called by people; the file is named where there are several."""
        of_file = f" of {named(self._paths[file])}" if len(self._paths) > 1 else ""
        return f"{self._nouns[file]} {', '.join(map(str, numbers))}{of_file}"

    @property
    def under_way(self) -> int:
        """How many events were handed out and are not done with."""
        return len(self._under_way)

    def unended(self) -> list[Origin]:
        """The events that were handed out and are not done with, in order."""
        return [self.origin(place) for place in sorted(self._under_way)]

    @property
    def done(self) -> float:
        """The part of the events handed out that is done with, from 0 to 1."""
        return 1 - len(self._under_way) / self.taken if self.taken else 1.0

    @property
    def position(self) -> Origin:
        """The next line that was not looked at."""
        place = max(len(self._nouns) - 1, 0)
        noun = self._nouns[place] if self._nouns else "line"
        return Origin(self._paths[place], noun, max(self._number, self._skip) + 1)

    @property
    def consumed(self) -> float:
        """Bytes of the files up to the last event handed out."""
        if self._feed is None:
            return self._past_bytes
        ahead = self._pieces_ahead / len(self._pieces) if self._pieces else 0.0
        return self._past_bytes + self._feed.consumed - ahead * self._chunk_bytes

    @property
    def _pieces_ahead(self) -> int:
        return max(0, len(self._pieces) - (self._number - self._before))

    async def count_rest(self, patience: float) -> tuple[int, bool]:
        """Count the lines of the file at hand that were not looked at.

        Args:
            patience: seconds after which the rest is estimated.

        Returns:
            their number, and whether it is exact.

        Raises:
            Unreadable: nobody can say, as of a pipe.
        """
        feed = self._feed
        if feed is None or feed.size is None or self.position.noun != "line":
            raise Unreadable("it has no lines, or may never end")
        lines, exact = await trio.to_thread.run_sync(feed.count_lines, patience)
        return lines + self._pieces_ahead, exact

    def files_from(self, path: str) -> list[str]:
        """A file and those after it."""
        return self._paths[self._paths.index(path) :]

    # ------------------------------------------------------------ reading

    def _deal(self, most: int) -> Share | None:
        """The next events of the chunk at hand, None where it has no more."""
        file = len(self._nouns) - 1
        numbers: list[int] = []
        texts: list[bytes] = []
        while not texts and self._pieces_ahead:
            at = self._number - self._before
            for piece in self._pieces[at : at + most]:
                self._number += 1
                # Blank lines count and are no events.
                if self._number <= self._skip or not piece or piece.isspace():
                    continue
                if type(piece) is bytes:
                    numbers.append(self._number)
                    texts.append(piece)
                    self._under_way[file, self._number] = None
                else:
                    self._on_flaw(self.origin((file, self._number)), str(piece))
        if not texts:
            return None
        self.taken += len(texts)
        if self._slots is not None:
            self._slots.take(len(texts))
        return Share(file, numbers, texts)

    async def _go_on(self) -> None:
        """Read the next chunk; at the end of a file begin the next."""
        if self._feed is None or self._ended:
            self._finish()
            if len(self._nouns) == len(self._paths):
                self.ended = True
            else:
                await self._open(self._paths[len(self._nouns)])
            return
        await self._admit()
        self._before, self._pieces = self._number, ()
        try:
            chunk = await self._read(self._feed)
            if self._stopped:
                return
            self._ended = not chunk
            self._pieces = self._splitter.feed(chunk) if chunk else self._splitter.end()
        except Unreadable as exc:
            self._ended, self._pieces, self._trouble = True, exc.pieces, f"the rest cannot be read: {exc}"
        self._nouns[-1] = self._splitter.noun

    async def _open(self, path: str) -> None:
        self._ended, self._trouble, self._splitter = False, "", detecting(self._limit)
        if self._nouns:
            self._number = self._skip = 0
        self._before = self._number
        self._nouns.append("line")
        try:
            self._feed = await trio.to_thread.run_sync(Feed, path)
        except OSError as exc:
            self._ended, self._trouble = True, exc.strerror or str(exc)

    async def _read(self, feed: Feed) -> bytes:
        """Read in a thread; one that waits for a pipe is left behind where the run stops."""
        if self._stopped:
            return b""
        before = feed.consumed
        chunk = b""
        with trio.CancelScope() as self._reading:
            chunk = await trio.to_thread.run_sync(feed.read, abandon_on_cancel=feed.size is None)
        self._chunk_bytes = feed.consumed - before
        return chunk

    def _finish(self) -> None:
        """Be done with the file at hand."""
        if self._trouble:
            self._on_flaw(self.origin((len(self._nouns) - 1, 0)), self._trouble)
            self._trouble = ""
        if self._feed is not None:
            self._past_bytes += self._feed.consumed
            self._feed.close()
            self._feed = None
        self._pieces = ()


def total_size(paths: Sequence[str]) -> int | None:
    """Bytes of some files together, None where one of them is none, or not there."""
    total = 0
    for path in paths:
        try:
            status = os.stat(path)
        except OSError:
            return None
        if not stat.S_ISREG(status.st_mode):
            return None
        total += status.st_size
    return total
