"""The archive of events: what was sent on its way, so that it can be sent again."""

from __future__ import annotations

import math
import os
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import final

import msgspec
import trio

from isthmus.errors import EngineError, QueueError

from .reading import JournalReader
from .writer import JournalWriter

__all__ = ["ArchiveReader", "ArchivedEvent", "EventArchive", "Keeping", "open_archive"]


@final
class ArchivedEvent(msgspec.Struct, frozen=True):
    """An event that was sent on its way.

    Attributes:
        at: seconds since the epoch.
        source: the id of its source.
        event: its JSON text, as the inserts of its source left it, with a message id in it.
    """

    at: float
    source: str
    event: msgspec.Raw


_DECODER = msgspec.json.Decoder(ArchivedEvent)


@final
class _Group(msgspec.Struct, frozen=True, gc=False):
    """Events that were sent on their way together."""

    at: float
    source: str
    texts: Sequence[bytes]


def _lines(group: _Group) -> bytes:
    head = msgspec.json.encode({"at": group.at, "source": group.source})[:-1] + b',"event":'
    # JSON may have line feeds between its parts, and never within a string.
    return b"\n".join(head + text.replace(b"\n", b" ").replace(b"\r", b" ") + b"}" for text in group.texts)


@final
class Keeping:
    """Events on their way to the disk."""

    __slots__ = ("_error", "_kept", "_token")

    def __init__(self) -> None:
        self._kept = trio.Event()
        self._token = trio.lowlevel.current_trio_token()
        self._error: OSError | None = None

    def done(self, error: OSError | None) -> None:
        """Hear of the end, in the writer's thread."""
        self._error = error
        with suppress(trio.RunFinishedError):
            self._token.run_sync_soon(self._kept.set)

    async def wait(self) -> None:
        """Wait until they are on the disk.

        Raises:
            QueueError: they are not.
        """
        await self._kept.wait()
        if self._error is not None:
            raise QueueError(
                f"the archive of events cannot be written: {self._error.strerror or self._error}"
            ) from self._error


@final
class EventArchive:
    """Keeps events; made by :func:`open_archive`, and handed to :func:`isthmus.open_pipeline` as ``archive``."""

    def __init__(self, writer: JournalWriter[_Group]) -> None:
        self._writer = writer

    def keep(self, source: str, texts: Sequence[bytes], at: float | None = None) -> Keeping:
        """Begin to keep events.

        Args:
            source: the id of the one they come from.
            texts: JSON text of each.
            at: seconds since the epoch; now by default.

        Raises:
            EngineError: the archive has been closed.
        """
        keeping = Keeping()
        group = _Group(time.time() if at is None else at, source, texts)
        try:
            self._writer.put_and_tell(group, keeping.done)
        except ValueError:
            raise EngineError(
                "the archive has been closed; it has to be open for as long as its pipeline"
            ) from None
        return keeping


@asynccontextmanager
async def open_archive(
    directory: str | os.PathLike[str],
    *,
    max_age: float = 30 * 86_400.0,
    max_bytes: int = 10 * 1024**3,
) -> AsyncIterator[EventArchive]:
    """Keep an archive of events in a directory; several processes may write to one.

    An event is on the disk when it is accepted; those that come together share an fsync.

    Args:
        directory: made where it is not there, for its owner alone.
        max_age: seconds for which an event is kept at least, as far as ``max_bytes`` allows.
        max_bytes: of the directory; the oldest events go first.

    Raises:
        EngineError: a number is out of its range.
        OSError: the directory can't be made.
    """
    if max_age <= 0 or max_bytes < 1:
        raise EngineError(
            f"an archive takes max_age and max_bytes above 0, not {max_age!r} and {max_bytes!r}"
        )
    writer: JournalWriter[_Group] = JournalWriter(
        Path(directory), _lines, max_bytes=max_bytes, max_age=max_age, linger=0.0, sync=True
    )
    try:
        yield EventArchive(writer)
    finally:
        with trio.CancelScope(shield=True):
            await trio.to_thread.run_sync(writer.close)


@final
class ArchiveReader:
    """Reads an archive, also while processes write to it.

    Args:
        directory: of the archive.
        since: seconds since the epoch; events before it are left out.
        until: as ``since``: those after it are.

    Attributes:
        damaged: files that could not be read to their end.
    """

    def __init__(
        self, directory: str | os.PathLike[str], *, since: float = -math.inf, until: float = math.inf
    ) -> None:
        self._reader = JournalReader(Path(directory), since=since, until=until)
        self.damaged = self._reader.damaged

    def events(self, *, containing: Sequence[str] = ()) -> Iterator[ArchivedEvent]:
        """Events, roughly in their order; one that was accepted twice may be there twice.

        Args:
            containing: texts such as message ids; events with none of them are not looked at.  Nothing leaves all in.
        """
        yield from self._reader.records(_decoded, containing)


def _decoded(line: bytes) -> ArchivedEvent | None:
    try:
        return _DECODER.decode(line)
    except (ValueError, RecursionError):
        return None
