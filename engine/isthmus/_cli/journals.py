"""The log of deliveries and the archive of events that a ``pipeline.toml`` names."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isthmus.archive import open_archive
from isthmus.deliveries import open_delivery_log
from isthmus.errors import EngineError

from . import units
from .faults import UsageFault
from .pipelinefile import read_pipeline

if TYPE_CHECKING:
    from isthmus.archive import EventArchive
    from isthmus.deliveries import StoredDeliveryLog

    from .pipelinefile import ArchiveEntry, LogEntry, PipelineFile

__all__ = ["archive_of", "log_directory", "log_of"]


@asynccontextmanager
async def log_of(written: PipelineFile, root: Path) -> AsyncIterator[StoredDeliveryLog | None]:
    """The log that a pipeline file asks for, open; None where it asks for none.

    Raises:
        UsageFault: a value is out of its range, or the directory can't be made.
    """
    if written.log is None:
        yield None
        return
    options = _bounds(written.log, "log")
    for field in ("sample", "sample_bytes"):
        if (value := getattr(written.log, field)) is not None:
            options[field] = value
    opened = open_delivery_log(root / written.log.path, **options)
    try:
        log = await opened.__aenter__()
    except (EngineError, OSError) as exc:
        raise UsageFault(f"[log]: {exc}") from None
    try:
        yield log
    finally:
        await opened.__aexit__(None, None, None)


@asynccontextmanager
async def archive_of(written: PipelineFile, root: Path) -> AsyncIterator[EventArchive | None]:
    """The archive that a pipeline file asks for, open; None where it asks for none.

    Raises:
        UsageFault: a value is out of its range, or the directory can't be made.
    """
    if written.archive is None:
        yield None
        return
    opened = open_archive(root / written.archive.path, **_bounds(written.archive, "archive"))
    try:
        archive = await opened.__aenter__()
    except (EngineError, OSError) as exc:
        raise UsageFault(f"[archive]: {exc}") from None
    try:
        yield archive
    finally:
        await opened.__aexit__(None, None, None)


def log_directory(path: Path) -> tuple[Path, PipelineFile | None]:
    """Where a log of deliveries is: the directory that is named, or that of a pipeline file.

    Raises:
        UsageFault: it is neither, or the file names no log.
    """
    if path.is_dir():
        return path, None
    if path.suffix != ".toml":
        raise UsageFault(f"{path} is neither the directory of a log of deliveries nor a pipeline.toml")
    written = read_pipeline(path)
    if written.log is None:
        raise UsageFault(f"{path} has no [log], so that there is none of its deliveries")
    return path.parent / written.log.path, written


def _bounds(entry: LogEntry | ArchiveEntry, where: str) -> dict[str, Any]:
    bounds: dict[str, Any] = {}
    try:
        if entry.max_age is not None:
            bounds["max_age"] = _number(entry.max_age, units.seconds)
        if entry.max_bytes is not None:
            bounds["max_bytes"] = _number(entry.max_bytes, units.size)
    except ArgumentTypeError as exc:
        raise UsageFault(f"[{where}]: {exc}") from None
    return bounds


def _number(value: float | str, read: Any) -> Any:
    return read(value) if isinstance(value, str) else value
