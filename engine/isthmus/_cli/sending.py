"""The events of files, accepted into a pipeline: with ids that are the same where a file is sent again."""

from __future__ import annotations

import argparse
import hashlib
import os
import stat
import uuid
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final, final

import trio

from isthmus._pipeline.events import taken
from isthmus._pipeline.holding import patiently
from isthmus.errors import InvalidInput, QueueError

from . import units
from .faults import UsageFault
from .options import add_from_line
from .screen import Screen, named, visible
from .stream import EventStream, Origin, Share
from .webhooks import webhook

if TYPE_CHECKING:
    from isthmus import Pipeline
    from isthmus.events import Request
    from isthmus.queues import Queue

    from .pipelinefile import PipelineFile, SourceEntry

__all__ = ["EVENT_BYTES", "Sending", "add_sending", "source_of"]

EVENT_BYTES: Final = 32 * 1024
"""Bytes of one event (Segment: 32 KB); for the pipeline as well, which is opened with it."""

SHARE: Final = 500
"""Events accepted by one call."""

TASKS: Final = 4
"""Calls under way at one time: storage that groups its writes makes one of them."""

PART_BYTES: Final = 1024 * 1024
"""Of the events of one call: a queue that is nearly full has room for few of them, and takes a call whole or not at all."""

SHOWN_FLAWS: Final = 20


@final
class Sending:
    """Accepts every event of some files once.

    Of a source with a function the events are webhooks.  An event without a message id gets one made of its file's place,
    size and time of change, and of its line.  That of standard input or a pipe is random.

    Args:
        pipeline: takes them.
        queue: of that pipeline.
        source: they come from.
        paths: the files, ``-`` for standard input.
        first: number of the first line of the first file that counts.
        screen: is told of lines that hold no event.
        away: told where the queue is full or away, which is then asked again; None where that ends it.

    Attributes:
        accepted: events that are durable.
        broken: lines that were no events, and files that could not be read.
        ended: every event has been accepted.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        queue: Queue,
        source: SourceEntry,
        paths: Sequence[str],
        *,
        first: int = 1,
        screen: Screen,
        away: Callable[[QueueError], None] | None = None,
    ) -> None:
        self._pipeline = pipeline
        self._away = away
        self._source = source
        self._screen = screen
        self._most = queue.max_body if source.function else min(EVENT_BYTES, queue.max_body)
        self._marks = [_mark_of(path) for path in paths]
        self._paths = list(paths)
        self._stream = EventStream(
            paths, first=first, limit=queue.max_body, concurrency=TASKS * SHARE, on_flaw=self._flaw
        )
        self.accepted = 0
        self.broken = 0
        self.ended = False

    async def run(self) -> None:
        """Accept them all.

        Raises:
            QueueError: one could not be kept; :meth:`where_to_go_on` says where to go on.
        """
        try:
            async with trio.open_nursery() as nursery:
                for _ in range(TASKS):
                    nursery.start_soon(self._take)
            self.ended = True
        except BaseExceptionGroup as group:
            # Several calls meet the same trouble, and are one thing to tell.
            first: BaseException = group
            while isinstance(first, BaseExceptionGroup):
                first = first.exceptions[0]
            if isinstance(first, QueueError):
                raise first from None
            raise
        finally:
            self._stream.stop()
            with trio.CancelScope(shield=True):
                await self._stream.aclose()

    def where_to_go_on(self) -> str:
        """Say, for people, which is the first event that is not known to be kept."""
        left = self._stream.unended()
        origin = left[0] if left else self._stream.position
        files = ", ".join(map(named, self._stream.files_from(origin.file)))
        return (
            f"not all was accepted: go on with --from-line {origin.number} of {files}; what was accepted after it already "
            "is kept twice where that is more than two minutes ago"
        )

    def summary(self) -> str:
        """What was done, in a line."""
        noun = "webhook" if self._source.function else "event"
        broken = f", {units.plural(self.broken, 'line')} broken" if self.broken else ""
        return f"accepted {units.plural(self.accepted, noun)} of source {self._source.id}{broken}"

    async def _take(self) -> None:
        while (share := await self._stream.take(SHARE)) is not None:
            await (self._receive(share) if self._source.function else self._accept(share))
            for number in share.numbers:
                self._stream.release((share.file, number))

    async def _accept(self, share: Share) -> None:
        texts: list[bytes] = []
        for number, text in zip(share.numbers, share.texts, strict=True):
            try:
                event = taken(text, most=self._most, default_id=partial(self._id, share.file, number))
            except InvalidInput as exc:
                self._flaw(self._stream.origin((share.file, number)), str(exc))
            else:
                texts.append(event.text)
        for part in _parts(texts):
            await self._kept(lambda part=part: self._pipeline.accept(self._source.id, part))  # type: ignore[misc]
            self.accepted += len(part)

    async def _receive(self, share: Share) -> None:
        async with trio.open_nursery() as nursery:
            for number, text in zip(share.numbers, share.texts, strict=True):
                try:
                    request = webhook(text)
                except InvalidInput as exc:
                    self._flaw(self._stream.origin((share.file, number)), str(exc))
                else:
                    nursery.start_soon(self._receive_one, share.file, number, request)

    async def _receive_one(self, file: int, number: int, request: Request) -> None:
        try:
            message_id = self._id(file, number)
            await self._kept(lambda: self._pipeline.receive(self._source.id, request, message_id=message_id))
        except InvalidInput as exc:
            self._flaw(self._stream.origin((file, number)), str(exc))
        else:
            self.accepted += 1

    async def _kept(self, ask: Callable[[], Awaitable[object]]) -> None:
        await (ask() if self._away is None else patiently(ask, self._away))

    def _id(self, file: int, number: int) -> str:
        return f"{self._marks[file]}-{number}"

    def _flaw(self, origin: Origin, reason: str) -> None:
        self.broken += 1
        if self.broken > SHOWN_FLAWS:
            return
        place = f", {origin.noun} {origin.number}" if origin.number else ""
        more = " (further ones are only counted)" if self.broken == SHOWN_FLAWS else ""
        self._screen.print(f"{named(origin.file)}{place}: {visible(reason)}{more}")


def add_sending(parser: argparse._ActionsContainer) -> None:
    """What every command takes that sends: where the events come from, and where in their files it begins."""
    parser.add_argument(
        "--source", metavar="ID", help="the source they come from (default: the only one there is)"
    )
    add_from_line(parser)


def source_of(written: PipelineFile, source: str | None) -> SourceEntry:
    """The source that events come from: the one that is named, or the only one there is.

    Raises:
        UsageFault: there is no such source, or several and none is named.
    """
    known = ", ".join(entry.id for entry in written.source)
    if source is None:
        if len(written.source) > 1:
            raise UsageFault(f"--source says which source the events come from: one of {known}")
        return written.source[0]
    for entry in written.source:
        if entry.id == source:
            return entry
    raise UsageFault(f"--source: there is no source {source!r}; there is {known}")


def _parts(texts: Sequence[bytes]) -> Iterator[list[bytes]]:
    """Events in order, in parts of so many bytes; a larger one alone."""
    part: list[bytes] = []
    size = 0
    for text in texts:
        if part and size + len(text) > PART_BYTES:
            yield part
            part, size = [], 0
        part.append(text)
        size += len(text)
    if part:
        yield part


def _mark_of(path: str) -> str:
    """What tells a file from others, and from itself once it has been written to."""
    try:
        status = None if path == "-" else os.stat(path)
    except OSError:
        status = None
    if status is None or not stat.S_ISREG(status.st_mode):
        return uuid.uuid4().hex
    told = f"{os.path.realpath(path)}\0{status.st_size}\0{status.st_mtime_ns}"
    return hashlib.blake2b(told.encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()
