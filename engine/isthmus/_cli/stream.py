"""The events of a run, from files to the engine, each with the line it came from."""

from __future__ import annotations

import os
import stat
from bisect import bisect_right
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import NamedTuple, final

import trio

from isthmus.errors import InvalidInput
from isthmus.events import Request

from .feeds import Feed
from .screen import named
from .splitting import Piece, Splitter, Unreadable, detecting

__all__ = ["EventStream", "Origin"]


class Origin(NamedTuple):
    """Where an event came from.

    Attributes:
        file: as named on the command line.
        noun: what ``number`` counts, ``line`` or ``event``.
        number: from 1; 0 for the file as a whole.
    """

    file: str
    noun: str
    number: int


@final
class EventStream:
    """An async iterable over the events of several files, read once.

    Args:
        paths: the files, ``-`` for standard input.
        first: number of the first line of the first file that counts.
        limit: bytes of one event at the most.
        on_flaw: told of each line that holds no event, and of files that cannot be read.
        admit: waited for before each chunk, to hold the reading back.
        convert: makes what the engine takes of a line; may raise :class:`isthmus.InvalidInput`.

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
        on_flaw: Callable[[Origin, str], None],
        admit: Callable[[], Awaitable[None]] = trio.lowlevel.checkpoint,
        convert: Callable[[bytes], Request] | None = None,
    ) -> None:
        self._paths = list(paths)
        self._limit = limit
        self._on_flaw = on_flaw
        self._admit = admit
        self._convert = convert
        self._stopped = False
        self._reading = trio.CancelScope()
        self._events = self._generate()
        # Events under way, by the order in which they were handed out.
        self._numbers: dict[int, int] = {}
        self._starts: list[int] = []  # index of each file's first event
        self._nouns: list[str] = []
        # The file at hand.
        self._feed: Feed | None = None
        self._ended = False
        self._trouble = ""  # why the rest of it cannot be read
        self._number = 0  # of the last line that was looked at
        self._skip = first - 1
        self._pieces: Sequence[Piece] = ()
        self._before = 0  # how many pieces earlier chunks had
        self._chunk_bytes = 0
        self._past_bytes = 0
        self.taken = 0
        self.ended = False
        self.size = _total_size(self._paths)

    def __aiter__(self) -> AsyncIterator[bytes | Request]:
        return self._events

    def stop(self) -> None:
        """Hand out no more events."""
        self._stopped = True
        self._reading.cancel()

    async def aclose(self) -> None:
        """Close the file at hand."""
        await self._events.aclose()
        if self._feed is not None and not (self._stopped and self._feed.size is None):
            # Where a thread still waits for a pipe, its descriptor is not taken from it.
            self._feed.close()
        self._feed = None

    # ------------------------------------------------------------ where it is

    def release(self, index: int) -> int:
        """The number of an event that is done with, by the index at which it was handed out."""
        return self._numbers.pop(index)

    def file_of(self, index: int) -> int:
        """Which of the files an event came from."""
        return bisect_right(self._starts, index) - 1

    def origin(self, index: int, number: int) -> Origin:
        """Where an event came from, by its index and its number."""
        place = self.file_of(index)
        return Origin(self._paths[place], self._nouns[place], number)

    def places(self, file: int, numbers: Iterable[int]) -> str:
        """What events of one file are called by people; the file is named where there are several."""
        of_file = f" of {named(self._paths[file])}" if len(self._paths) > 1 else ""
        return f"{self._nouns[file]} {', '.join(map(str, numbers))}{of_file}"

    def under_way(self) -> list[int]:
        """The events that were handed out and are not done with, by index, in order."""
        return list(self._numbers)

    def origin_of(self, index: int) -> Origin:
        """Where an event that is under way came from."""
        return self.origin(index, self._numbers[index])

    @property
    def done(self) -> float:
        """The part of the events handed out that is done with, from 0 to 1."""
        return 1 - len(self._numbers) / self.taken if self.taken else 1.0

    @property
    def position(self) -> Origin:
        """The next line that was not looked at."""
        place = max(len(self._starts) - 1, 0)
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

    async def _generate(self) -> AsyncGenerator[bytes | Request, None]:
        numbers, convert = self._numbers, self._convert
        for path in self._paths:
            feed = await self._open(path)
            splitter = detecting(self._limit)
            while feed is not None and not self._ended and not self._stopped:
                await self._admit()
                for piece in await self._next_pieces(feed, splitter):
                    if self._stopped:
                        return
                    self._number += 1
                    # Blank lines count and are no events.
                    if self._number <= self._skip or not piece or piece.isspace():
                        continue
                    try:
                        if type(piece) is not bytes:
                            raise InvalidInput(piece)
                        event = piece if convert is None else convert(piece)
                    except InvalidInput as exc:
                        self._on_flaw(Origin(path, splitter.noun, self._number), str(exc))
                        continue
                    numbers[self.taken] = self._number
                    self.taken += 1
                    yield event
            if self._stopped:
                return
            if self._trouble:
                self._on_flaw(Origin(path, splitter.noun, 0), self._trouble)
            self._close()
        self.ended = True

    async def _open(self, path: str) -> Feed | None:
        self._ended, self._trouble = False, ""
        if self._starts:
            self._number = self._skip = 0
        self._starts.append(self.taken)
        self._nouns.append("line")
        try:
            self._feed = await trio.to_thread.run_sync(Feed, path)
        except OSError as exc:
            self._on_flaw(Origin(path, "line", 0), exc.strerror or str(exc))
        return self._feed

    async def _next_pieces(self, feed: Feed, splitter: Splitter) -> Sequence[Piece]:
        self._before, self._pieces = self._number, ()
        try:
            chunk = await self._read(feed)
            if self._stopped:
                return ()
            self._ended = not chunk
            self._pieces = splitter.feed(chunk) if chunk else splitter.end()
        except Unreadable as exc:
            self._ended, self._pieces, self._trouble = True, exc.pieces, f"the rest cannot be read: {exc}"
        self._nouns[-1] = splitter.noun
        return self._pieces

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

    def _close(self) -> None:
        """Go on to the next file."""
        if self._feed is not None:
            self._past_bytes += self._feed.consumed
            self._feed.close()
            self._feed = None
        self._pieces = ()


def _total_size(paths: Sequence[str]) -> int | None:
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
