"""``pipeline.toml``: the sources and destinations of a pipeline, as they are written down."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypeVar, final

import msgspec

from isthmus.errors import EngineError

from .faults import UsageFault

__all__ = [
    "ArchiveEntry",
    "DestinationEntry",
    "FunctionEntry",
    "HttpEntry",
    "LogEntry",
    "PipelineFile",
    "SourceEntry",
    "Written",
    "read_pipeline",
    "strictly",
]

FILE_BYTES: Final = 1024 * 1024
"""Of a ``pipeline.toml``; a thousand destinations are a tenth of it."""

T = TypeVar("T", bound=msgspec.Struct)

Written = str | dict[str, Any]
"""Text, or a reference to it: ``{env = "NAME"}`` or ``{file = "PATH"}``."""


class _Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file; what it holds may be secret."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"


@final
class FunctionEntry(_Entry, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A function with what it is given: an insert written as a table, or part of a source or destination.

    Attributes:
        function: its directory or its file.
        settings: a file of values; or the values, each as it is or by reference.
        egress: the fields of :class:`isthmus.abc.Egress`.
    """

    function: str
    settings: str | dict[str, Any] = {}
    egress: dict[str, Any] = {}


@final
class HttpEntry(_Entry, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[source.http]``; the fields are those of :class:`isthmus.pipelinefiles.Entrance`, secrets as they are or by reference."""

    write_keys: tuple[Written, ...] = ()
    secrets: tuple[Written, ...] = ()
    custom_response: bool = False
    run_later: bool = False
    sender_retries: bool = False
    rate: float | dict[str, Any] | None = None


@final
class SourceEntry(_Entry, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[[source]]``; the fields are those of :class:`isthmus.pipelines.Source`, and of its function."""

    id: str
    function: str = ""
    settings: str | dict[str, Any] = {}
    egress: dict[str, Any] = {}
    inserts: tuple[str | FunctionEntry, ...] = ()
    destinations: tuple[str, ...] | None = None
    schedule: dict[str, Any] | None = None
    insert_schedule: dict[str, Any] | None = None
    concurrency: int | None = None
    http: HttpEntry = HttpEntry()
    dedupe_window: float | None = None


@final
class DestinationEntry(_Entry, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[[destination]]``; the fields are those of :class:`isthmus.pipelines.Destination`, and of where it goes.

    Attributes:
        function: its directory or its file.
        http: URL of an endpoint, as it is or by reference; ``headers`` and ``method`` are for it.
        file: path of a file that events are added to; ``rotate_bytes`` is for it.
        settings: of the function, see :class:`FunctionEntry`.
        rate: a number a second, or the fields of :class:`isthmus.pipelines.Rate`.
        breaker: the fields of :class:`isthmus.pipelines.BreakerPolicy`, or false for none.
    """

    name: str
    function: str = ""
    http: Written = ""
    file: str = ""
    settings: str | dict[str, Any] = {}
    headers: dict[str, Written] = {}
    method: str = "POST"
    rotate_bytes: int | None = None
    egress: dict[str, Any] = {}
    integration: str = ""
    inserts: tuple[str | FunctionEntry, ...] = ()
    filter: dict[str, Any] = {}
    enabled: bool = True
    concurrency: int | None = None
    rate: float | dict[str, Any] | None = None
    batching: dict[str, Any] | None = None
    timeout: float | None = None
    schedule: dict[str, Any] | None = None
    breaker: dict[str, Any] | bool | None = None
    ordered_by: str | None = None
    lease: float | None = None
    max_unacked: int | None = None
    dedupe_window: float | None = None


@final
class LogEntry(_Entry, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[log]``: a log of deliveries on disk; the fields are those of :func:`isthmus.deliveries.open_delivery_log`.

    Attributes:
        path: its directory.
        max_age: seconds, or text such as ``7d``.
        max_bytes: a number, or text such as ``500M``.
    """

    path: str
    sample: float | None = None
    sample_bytes: int | None = None
    max_age: float | str | None = None
    max_bytes: int | str | None = None


@final
class ArchiveEntry(_Entry, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[archive]``: an archive of events; the fields are as those of ``[log]``."""

    path: str
    max_age: float | str | None = None
    max_bytes: int | str | None = None


@final
class PipelineFile(_Entry, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file.

    Attributes:
        source: in the order of the file, at least one.
        destination: in the order of the file, at least one.
        log: where deliveries are logged, or None.
        archive: where events are kept, or None.
    """

    source: tuple[SourceEntry, ...] = ()
    destination: tuple[DestinationEntry, ...] = ()
    log: LogEntry | None = None
    archive: ArchiveEntry | None = None


_MEANT_FOR: Final[Mapping[str, tuple[str, ...]]] = {
    "settings": ("function",),
    "headers": ("http",),
    "method": ("http",),
    "rotate_bytes": ("file",),
    "egress": ("function", "http"),
}
"""Fields that mean something to some kinds of destinations only."""


def read_pipeline(path: Path) -> PipelineFile:
    """Read a ``pipeline.toml``; what it names is not looked at yet.

    Raises:
        UsageFault: it cannot be read, or defines no pipeline; the text names the key.
    """
    try:
        with path.open("rb") as file:
            data = file.read(FILE_BYTES + 1)
    except OSError as exc:
        raise UsageFault(f"{path} cannot be read: {exc.strerror}") from None
    if len(data) > FILE_BYTES:
        raise UsageFault(f"{path} is longer than the limit of {FILE_BYTES} bytes")
    try:
        written = msgspec.toml.decode(data, type=PipelineFile)
    except (msgspec.DecodeError, ValueError, RecursionError) as exc:
        raise UsageFault(f"{path} defines no pipeline: {exc}") from None
    for what, entries in (("source", written.source), ("destination", written.destination)):
        if not entries:
            raise UsageFault(f"{path} defines no pipeline: it has no [[{what}]]")
    for entry in written.destination:
        _check_way(entry, f"{path}: destination {entry.name!r}")
    for source in written.source:
        if not source.function and (source.settings or source.egress):
            raise UsageFault(f"{path}: source {source.id!r} has settings or egress, and no function for them")
    return written


def _check_way(entry: DestinationEntry, where: str) -> None:
    """See that a destination goes to one place, and has no field that would mean nothing there."""
    ways = [way for way in ("function", "http", "file") if getattr(entry, way)]
    if len(ways) != 1:
        said = f"{where} has {' and '.join(ways)}" if ways else f"{where} goes nowhere"
        raise UsageFault(f"{said}: give it one of function, http and file")
    for field, kinds in _MEANT_FOR.items():
        default = "POST" if field == "method" else None
        value = getattr(entry, field)
        if ways[0] not in kinds and value and value != default:
            raise UsageFault(f"{where}: {field} is for {' and '.join(kinds)}, and it has {ways[0]}")


def strictly(kind: type[T], table: Mapping[str, Any], where: str) -> T:
    """Make a value of a table, for values that by themselves let unknown fields pass.

    Raises:
        UsageFault: a field is unknown, has not its type, or is out of its range; no value is shown that has not been
            checked to be a number.
    """
    known = kind.__struct_fields__
    if unknown := sorted(table.keys() - set(known)):
        raise UsageFault(f"{where} has no field {unknown[0]!r}; it has {', '.join(known)}")
    try:
        return msgspec.convert(table, kind)
    except (msgspec.ValidationError, EngineError) as exc:
        raise UsageFault(f"{where}: {exc}") from None
