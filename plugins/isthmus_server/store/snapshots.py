"""Everything that is to run, at one moment: what a pipeline is made of.

The code and the definitions of settings are those of the deployed versions, not of those saved last.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, final

import msgspec
from sqlalchemy import select

from isthmus.functions import Function

from .bounds import Bounds, KeptBounds
from .destinations import Destinations
from .faults import StoreError
from .inserts import Inserts
from .schema import functions, versions
from .sources import Sources
from .values import (
    Destination,
    InsertInstance,
    Page,
    Source,
    StoredFunction,
    Version,
    Workspace,
)
from .work import MOST, Work, fields_of

__all__ = ["RunnableDestination", "RunnableFunction", "RunnableSource", "Snapshot", "snapshot_of"]


@final
class RunnableFunction(msgspec.Struct, frozen=True, kw_only=True):
    """A deployed function with the settings of one instance.

    Attributes:
        id: class id.
        instance: id of the source, destination or insert instance.
        version: id of the version that runs.
        function: for :meth:`isthmus.Engine.load`.
        settings: for :meth:`isthmus.Engine.load`; those that the version does not define are left out.
    """

    id: str
    instance: str
    version: str
    function: Function
    settings: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"RunnableFunction(instance={self.instance!r}, version={self.version!r})"


@final
class RunnableSource(msgspec.Struct, frozen=True, kw_only=True):
    """A source that is switched on.

    Attributes:
        function: of its webhook; None for a plain event source, and for a source function that is not deployed.
        inserts: source inserts, in the order in which they were put there.
    """

    source: Source
    function: RunnableFunction | None
    inserts: tuple[RunnableFunction, ...]


@final
class RunnableDestination(msgspec.Struct, frozen=True, kw_only=True):
    """A destination, switched on or off.

    Attributes:
        integration: its name in an event's ``integrations``: for a function ``<name> (<workspace>)``.
        function: None for a built-in destination.
        inserts: the insert before it, if it has one that is switched on.
    """

    destination: Destination
    integration: str
    function: RunnableFunction | None
    inserts: tuple[RunnableFunction, ...]


@final
class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """What is to run.

    Attributes:
        workspace: with the revision that this is.
        sources: those that are switched on.
        destinations: of those sources; ones that are switched off are reached by replays only.
        bounds: of functions by their class ids, and of the workspace; see :class:`.bounds.KeptBounds`.
    """

    workspace: Workspace
    sources: tuple[RunnableSource, ...]
    destinations: tuple[RunnableDestination, ...]
    bounds: Mapping[str, Bounds] = {}

    @property
    def runnables(self) -> Iterator[RunnableFunction]:
        """Every function with its instance."""
        running: list[RunnableSource | RunnableDestination] = [*self.sources, *self.destinations]
        for each in running:
            yield from each.inserts
            if each.function is not None:
                yield each.function


def snapshot_of(work: Work, workspace: Workspace) -> Snapshot:
    """Collect what is to run."""
    by_id = {
        row["id"]: msgspec.convert(fields_of(row), StoredFunction)
        for row in work.connection.execute(select(functions)).mappings()
    }
    inserts: dict[str, list[RunnableFunction]] = defaultdict(list)
    for instance in _all(Inserts(work)):
        function = by_id[instance.function]
        if instance.enabled and function.deployed is not None:
            inserts[instance.integration].append(_runnable(work, instance, function, function.deployed))
    sources = tuple(
        RunnableSource(
            source=source,
            function=(
                _runnable(work, source, by_id[source.function], source.deployed)
                if source.function is not None and source.deployed is not None
                else None
            ),
            inserts=tuple(inserts[source.id]),
        )
        for source in _all(Sources(work))
        if source.enabled
    )
    running = {found.source.id for found in sources}
    destinations = []
    for destination in _all(Destinations(work)):
        if destination.source not in running:
            continue
        made_of = by_id.get(destination.function or "")
        runnable = (
            _runnable(work, destination, made_of, made_of.deployed)
            if made_of is not None and made_of.deployed is not None
            else None
        )
        destinations.append(
            RunnableDestination(
                destination=destination,
                integration=f"{made_of.display_name} ({workspace.name})" if made_of else destination.name,
                function=runnable,
                inserts=tuple(inserts[destination.id]),
            )
        )
    return Snapshot(
        workspace=workspace,
        sources=sources,
        destinations=tuple(destinations),
        bounds=KeptBounds(work).all(),
    )


def _all(of: Any) -> list[Any]:
    found: list[Any] = []
    while True:
        some, total = of.page(Page(len(found), MOST))
        found += some
        if not some or len(found) >= total:
            return found


def _runnable(
    work: Work, instance: Source | Destination | InsertInstance, made_of: StoredFunction, version: str
) -> RunnableFunction:
    kept = work.one(versions, Version, versions.c.id == version, is_deployed=True)
    if kept is None:
        raise StoreError(f"version {version}, which is deployed, is not in the store")
    function = msgspec.structs.replace(
        made_of, code=kept.code, settings=kept.settings, running=kept.running
    ).to_run()
    defined = {definition.name for definition in kept.settings}
    return RunnableFunction(
        id=made_of.id,
        instance=instance.id,
        version=version,
        function=function,
        settings={name: value for name, value in instance.settings.values.items() if name in defined},
    )
