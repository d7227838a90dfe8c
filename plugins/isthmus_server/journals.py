"""What a service over a store writes down beside it: the log of its deliveries, and the archive of its events."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, final

import msgspec

from isthmus.archive import open_archive
from isthmus.deliveries import open_delivery_log
from isthmus.errors import EngineError
from isthmus.pipelinefiles import Journals

__all__ = ["ARCHIVE", "DELIVERIES", "JournalOptions", "open_store_journals"]

DELIVERIES: Final = "deliveries"
"""Folder of the log; see :class:`isthmus.deliveries.DeliveryReader`."""

ARCHIVE: Final = "archive"
"""Folder of the archive; see :class:`isthmus.archive.ArchiveReader`."""


@final
class JournalOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Where it is kept, and how much of it.

    Attributes:
        directory: of the two folders, None for keeping neither.
        log_age, archive_age: seconds.
        log_bytes, archive_bytes: of a folder; the oldest go first.
        log_sample: the share, 0 to 1, of deliveries that were delivered at the first attempt.
    """

    directory: Path | None
    log_age: float = 7 * 86_400.0
    log_bytes: int = 1024**3
    log_sample: float = 0.01
    archive_age: float = 30 * 86_400.0
    archive_bytes: int = 10 * 1024**3


@asynccontextmanager
async def open_store_journals(options: JournalOptions) -> AsyncIterator[Journals]:
    """Open the log and the archive, and close them on the way out.

    Raises:
        EngineError: a number is out of its range, or a folder can't be made.
    """
    if options.directory is None:
        yield Journals()
        return
    log_folder, archive_folder = (options.directory / name for name in (DELIVERIES, ARCHIVE))
    try:
        for folder in (log_folder, archive_folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as exc:
        raise EngineError(f"{exc.filename} can't be made: {exc.strerror}") from None
    async with (
        open_delivery_log(
            log_folder, sample=options.log_sample, max_age=options.log_age, max_bytes=options.log_bytes
        ) as log,
        open_archive(archive_folder, max_age=options.archive_age, max_bytes=options.archive_bytes) as archive,
    ):
        yield Journals(log=log, archive=archive)
