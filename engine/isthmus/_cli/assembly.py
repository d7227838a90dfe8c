"""From a ``pipeline.toml`` to sources and destinations whose functions are loaded."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

import msgspec
import trio

from isthmus.abc import Egress
from isthmus.errors import EngineError
from isthmus.functions import Kind
from isthmus.outcomes import Status
from isthmus.pipelines import (
    Attempt,
    Batching,
    BreakerPolicy,
    Destination,
    Filter,
    Rate,
    Sink,
    Source,
)
from isthmus.rules import Schedule
from isthmus.sinks import FileSink, HttpSink

from .definition import find
from .faults import UsageFault
from .opening import load, load_bare
from .pipelinefile import DestinationEntry, FunctionEntry, PipelineFile, SourceEntry, Written, strictly
from .references import References

if TYPE_CHECKING:
    from isthmus import Engine, Instance

__all__ = ["Assembly"]

_AS_WRITTEN: Final = ("concurrency", "timeout", "ordered_by", "lease", "max_unacked", "dedupe_window")
"""Fields of a destination that are handed on, where they are there."""


@final
class Unserved(Sink):
    """Stands where a destination is, in a process that only accepts events: nothing is to reach it."""

    async def deliver(self, events: Sequence[bytes]) -> Attempt:
        await trio.lowlevel.checkpoint()
        return Attempt(status=Status.RETRY)


@final
class Assembly:
    """Makes the parts of a pipeline.

    Args:
        engine: functions are loaded in it.
        path: of the ``pipeline.toml``; what it names is relative to its directory.
        written: what stands in it.
        serving: deliveries will be made.  Else no destination is, and functions of sources are loaded with stand-ins
            for their settings, so that whoever only accepts events needs no secrets.

    Attributes:
        instances: those loaded so far.

    Raises:
        UsageFault: of every method: what the file names is not there, or does not fit.
        LoadError: of every method: a function's code does not load.
    """

    def __init__(self, engine: Engine, path: Path, written: PipelineFile, *, serving: bool) -> None:
        self._engine = engine
        self._root = path.parent
        self._written = written
        self._serving = serving
        self.instances: list[Instance] = []
        self._references = References(path.parent, os.environ)

    async def sources(self) -> list[Source]:
        """Make the sources, in the order of the file."""
        return [await self._source(entry) for entry in self._written.source]

    async def destinations(self) -> list[Destination]:
        """Make the destinations, in the order of the file."""
        return [await self._destination(entry) for entry in self._written.destination]

    async def _source(self, entry: SourceEntry) -> Source:
        where = f"source {entry.id!r}"
        function = None
        if entry.function:
            of_source = FunctionEntry(function=entry.function, settings=entry.settings, egress=entry.egress)
            function = await self._instance(of_source, Kind.SOURCE, where, entry.id)
        options: dict[str, Any] = {}
        for field in ("schedule", "insert_schedule"):
            if (table := getattr(entry, field)) is not None:
                options[field] = strictly(Schedule, table, f"{where}: {field}")
        for field in ("concurrency", "dedupe_window"):
            if getattr(entry, field) is not None:
                options[field] = getattr(entry, field)
        inserts = await self._inserts(entry.inserts, Kind.SOURCE_INSERT, where)
        try:
            return Source(
                id=entry.id,
                function=function,
                inserts=inserts,
                destinations=entry.destinations,
                **options,
            )
        except EngineError as exc:
            raise UsageFault(f"{where}: {exc}") from None

    async def _destination(self, entry: DestinationEntry) -> Destination:
        where = f"destination {entry.name!r}"
        options = {field: value for field in _AS_WRITTEN if (value := getattr(entry, field)) is not None}
        options["rate"] = self.rate(entry.rate, where)
        if isinstance(entry.breaker, dict):
            options["breaker"] = strictly(BreakerPolicy, entry.breaker, f"{where}: breaker")
        elif entry.breaker is False:
            options["breaker"] = None
        if entry.batching is not None:
            options["batching"] = strictly(Batching, entry.batching, f"{where}: batching")
        if entry.schedule is not None:
            options["schedule"] = strictly(Schedule, entry.schedule, f"{where}: schedule")
        wanted = strictly(Filter, entry.filter, f"{where}: filter")
        to: Instance | Sink = Unserved()
        inserts: tuple[Instance, ...] = ()
        if self._serving:
            to = await self._goal(entry, where)
            inserts = await self._inserts(entry.inserts, Kind.INSERT, where)
        try:
            return Destination(
                name=entry.name,
                to=to,
                integration=entry.integration,
                inserts=inserts,
                filter=wanted,
                enabled=entry.enabled,
                **options,
            )
        except EngineError as exc:
            raise UsageFault(f"{where}: {exc}") from None

    async def _goal(self, entry: DestinationEntry, where: str) -> Instance | Sink:
        """What a destination goes to: one of the three, which the file's reader has seen to."""
        if entry.function:
            of_destination = FunctionEntry(
                function=entry.function, settings=entry.settings, egress=entry.egress
            )
            return await self._instance(of_destination, Kind.DESTINATION, where, entry.name)
        if entry.file:
            path = self._root / entry.file
            if not path.parent.is_dir():
                raise UsageFault(f"{where}: there is no directory {str(path.parent)!r} for its file")
            if entry.rotate_bytes is not None and entry.rotate_bytes < 1:
                raise UsageFault(f"{where}: rotate_bytes takes a number from 1")
            return FileSink(path, rotate_bytes=entry.rotate_bytes)
        headers = [
            (name, self._references.text(value, f"{where}: headers: {name}"))
            for name, value in entry.headers.items()
        ]
        try:
            return HttpSink(
                self._engine,
                self._references.text(entry.http, f"{where}: http"),
                headers=headers,
                method=entry.method,
                egress=self._egress(entry.egress, where),
            )
        except EngineError as exc:
            raise UsageFault(f"{where}: {exc}") from None

    async def _inserts(
        self, entries: Sequence[str | FunctionEntry], kind: Kind, where: str
    ) -> tuple[Instance, ...]:
        return tuple(
            [
                await self._instance(
                    FunctionEntry(function=entry) if isinstance(entry, str) else entry,
                    kind,
                    f"{where}: insert {number}",
                    None,
                )
                for number, entry in enumerate(entries, 1)
            ]
        )

    async def _instance(self, entry: FunctionEntry, kind: Kind, where: str, name: str | None) -> Instance:
        """Load a function; of the kind that its definition says, and else that its place wants."""
        try:
            project = find(str(self._root / entry.function))
        except UsageFault as exc:
            raise UsageFault(f"{where}: {exc}") from None
        as_kind = project.manifest.kind or kind.value
        if not self._serving:
            return await load_bare(self._engine, project, kind=as_kind, language="")
        given = self._references.settings(entry.settings, project.settings, where)
        instance = await load(
            self._engine,
            msgspec.structs.replace(project, settings=given.definitions),
            kind=as_kind,
            language="",
            settings=given.values,
            egress=self._egress(entry.egress, where),
            name=name,
        )
        self.instances.append(instance)
        return instance

    def rate(self, written: float | dict[str, Any] | None, where: str) -> Rate | None:
        """A rate that is a number a second, or a table of its fields."""
        if written is None:
            return None
        table = written if isinstance(written, dict) else {"per_second": written}
        return strictly(Rate, table, f"{where}: rate")

    def text(self, written: Written, where: str) -> str:
        """What is written down, or what it refers to."""
        return self._references.text(written, where)

    def _egress(self, table: dict[str, Any], where: str) -> Egress:
        if "proxy" in table:  # it may hold a password
            table = table | {"proxy": self._references.text(table["proxy"], f"{where}: egress: proxy")}
        return strictly(Egress, table, f"{where}: egress")
