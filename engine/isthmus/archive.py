"""An archive of the events that a pipeline sent on their way, from which they can be sent again."""

from __future__ import annotations

from ._journal.eventarchive import (
    ArchivedEvent as ArchivedEvent,
    ArchiveReader as ArchiveReader,
    EventArchive as EventArchive,
    open_archive as open_archive,
)

__all__ = ["ArchiveReader", "ArchivedEvent", "EventArchive", "open_archive"]
