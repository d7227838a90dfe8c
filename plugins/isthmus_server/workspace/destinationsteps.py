"""What has to change about destinations, and about inserts.  Pure."""

from __future__ import annotations

from collections.abc import Iterable

from isthmus_server.store import EMPTY, ResourceType, Transaction, new_hex_id

from .changes import Action, Change, Step, fields_between, settings_between
from .desired import DesiredDestination, DesiredInsert
from .matching import Matching

__all__ = ["destination_steps", "insert_steps"]


def destination_steps(matching: Matching, written: DesiredDestination) -> Iterable[Step]:
    """See that there is a destination as a file says."""
    source = matching.sources.get(written.source)
    if source is None:
        matching.problems.append(f"{written.where}: source: there is no source {written.source!r}")
    made_of = matching.made_of(written, ResourceType.DESTINATION, written.built_in)
    had = matching.find(
        written.where,
        written.id,
        matching.kept.destinations,
        lambda one: (one.source, one.name, one.metadata_id),
        (source, written.name, made_of and made_of[0]),
    )
    new_id = had.id if had else written.id or new_hex_id()
    matching.destinations[written.key] = new_id
    if made_of is None or source is None:
        return
    if had and not (
        matching.same(written.where, "function", had.metadata_id, made_of[0])
        and matching.same(written.where, "source", had.source, source)
    ):
        return
    metadata_id, definitions = made_of
    settings = matching.settings(written.where, definitions, had.settings if had else EMPTY, written.settings)
    if settings is None:
        return
    before = {"name": had.name, "enabled": had.enabled} if had else {}
    fields = (
        *fields_between(before, {"name": written.name, "enabled": written.enabled}),
        *settings_between(had.settings if had else EMPTY, settings, written.settings),
    )
    if had and not fields:
        return

    def create(tx: Transaction) -> None:
        tx.destinations.create(
            source,
            metadata_id,
            written.settings,
            enabled=written.enabled,
            name=written.name,
            id=new_id,
        )

    def change(tx: Transaction) -> None:
        tx.destinations.update(new_id, name=written.name, enabled=written.enabled, settings=written.settings)

    told = Change(
        action=Action.CHANGE if had else Action.CREATE,
        kind="destination",
        name=written.name,
        id=new_id,
        where=written.where,
        fields=fields,
    )
    yield Step(told, change if had else create, invents=not (had or written.id))


def insert_steps(matching: Matching, written: DesiredInsert) -> Iterable[Step]:
    """See that there is an insert instance as a file says."""
    kind = ResourceType.INSERT_SOURCE if written.source else ResourceType.INSERT_DESTINATION
    folder, key = ("sources", written.source) if written.source else ("destinations", written.destination)
    integration = (matching.sources if written.source else matching.destinations).get(key)
    if integration is None:
        matching.problems.append(f"{written.where}: there is no {folder[:-1]} {key!r}")
    made_of = matching.made_of(written, kind, "")
    had = matching.find(
        written.where,
        written.id,
        matching.kept.inserts,
        lambda one: (one.function, one.integration, one.name),
        (made_of and made_of[0], integration, written.name),
    )
    if made_of is None or integration is None:
        return
    if had and not (
        matching.same(written.where, "function", had.function, made_of[0])
        and matching.same(written.where, folder[:-1], had.integration, integration)
    ):
        return
    occupied = [
        one
        for one in matching.kept.inserts
        if one.integration == integration and not (matching.prune and one.id not in matching.declared)
    ]
    if had is None and written.destination and occupied:
        matching.problems.append(
            f"{written.where}: the destination has the insert {occupied[0].id} already, which --prune deletes "
            "where no file has it"
        )
    function, definitions = made_of
    new_id = had.id if had else written.id or new_hex_id()
    matching.arranged.setdefault(integration, []).append(new_id)
    matching.names[new_id] = written.name or written.key
    settings = matching.settings(written.where, definitions, had.settings if had else EMPTY, written.settings)
    if settings is None:
        return
    before = {"name": had.name, "enabled": had.enabled} if had else {}
    name = had.name if had and written.name is None else written.name
    fields = (
        *fields_between(before, {"name": name, "enabled": written.enabled}),
        *settings_between(had.settings if had else EMPTY, settings, written.settings),
    )
    if had and not fields:
        return

    def create(tx: Transaction) -> None:
        tx.inserts.create(
            function,
            integration,
            written.settings,
            enabled=written.enabled,
            name=written.name,
            id=new_id,
        )

    def change(tx: Transaction) -> None:
        tx.inserts.update(new_id, written.settings, enabled=written.enabled, name=written.name)

    told = Change(
        action=Action.CHANGE if had else Action.CREATE,
        kind="insert",
        name=written.name or written.key,
        id=new_id,
        where=written.where,
        fields=fields,
    )
    yield Step(told, change if had else create, invents=not (had or written.id))
