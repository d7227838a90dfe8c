"""Pages on destinations and inserts: a new one, and one with the values of its settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from starlette.responses import Response

from isthmus_server.api.problems import Problem
from isthmus_server.api.sources import SOURCE_ADMINS
from isthmus_server.store import (
    CatalogEntry,
    Destination,
    InsertInstance,
    NotFound,
    Refused,
    ResourceType,
    SettingValues,
    Source,
    StoredFunction,
    Transaction,
)

from .connections import ALL, Connections, connections, faults, fields, name_in, status_of
from .settingfields import values_of
from .visits import Page, Visit

__all__ = ["PAGES"]

NOTHING: Final = SettingValues()


async def _new_destination(visit: Visit) -> Response:
    return await _show_new_instance(visit, "destination")


async def _new_insert(visit: Visit) -> Response:
    return await _show_new_instance(visit, "insert")


async def _show_new_instance(
    visit: Visit, what: str, problems: Mapping[str, str] | None = None, status: int = 200
) -> Response:
    """What it is to be made of and for; and where that is chosen, its settings."""
    on, of = _given(visit, "on"), _given(visit, "of")

    def read(tx: Transaction) -> tuple[list[tuple[str, str]], list[tuple[str, str]], Any]:
        there = connections(tx)
        if what == "destination":
            entries = tx.catalog(ResourceType.DESTINATION, ALL)[0]
            ons = [(each.id, each.name) for each in there.sources]
            return ons, [(each.id, each.name) for each in entries], [(e.id, e.settings) for e in entries]
        ons = [(each.id, f"source {each.name}") for each in there.sources]
        ons += [(e.id, f"destination {e.name}") for each in there.destinations.values() for e in each]
        kinds = {
            ResourceType.INSERT_SOURCE: {each.id for each in there.sources},
            ResourceType.INSERT_DESTINATION: {e.id for each in there.destinations.values() for e in each},
        }
        inserts = [
            each
            for each in there.functions.values()
            if each.resource_type in kinds and (not on or on in kinds[each.resource_type])
        ]
        return ons, [(e.id, e.display_name) for e in inserts], [(e.id, e.settings) for e in inserts]

    ons, ofs, settings = await visit.store.read(read)
    definitions = dict(settings).get(of, ())
    return visit.show(
        "new_instance.html",
        status,
        what=what,
        on=on,
        ons=ons,
        of=of,
        ofs=ofs,
        name=name_in(visit),
        fields=fields(definitions, NOTHING, visit.form),
        is_chosen=bool(of) and bool(on),
        problems=problems or {},
    )


def _given(visit: Visit, name: str) -> str:
    return visit.form.text(name) or visit.query.text(name)


async def _create_destination(visit: Visit) -> Response:
    of = visit.form.text("of")
    try:
        entry = await visit.store.read(lambda tx: tx.catalog_entry(of, ResourceType.DESTINATION))
        body = {
            "sourceId": visit.form.text("on"),
            "metadataId": of,
            "settings": values_of(entry.settings, NOTHING, visit.form),
            "enabled": "enabled" in visit.form,
            "name": name_in(visit) or None,
        }
        made = (await visit.operate("createDestination", body=body)).destination
    except (Problem, Refused) as exc:
        return await _show_new_instance(visit, "destination", faults(exc), status_of(exc))
    return visit.go(f"/destinations/{made.id}", "created")


async def _create_insert(visit: Visit) -> Response:
    of = visit.form.text("of")
    try:
        function = await visit.store.read(lambda tx: tx.functions.get(of))
        body = {
            "functionId": of,
            "integrationId": visit.form.text("on"),
            "settings": values_of(function.settings, NOTHING, visit.form),
            "enabled": "enabled" in visit.form,
            "name": name_in(visit) or None,
        }
        made = (await visit.operate("createInsertFunctionInstance", body=body)).insert_function_instance
    except (Problem, Refused) as exc:
        return await _show_new_instance(visit, "insert", faults(exc), status_of(exc))
    return visit.go(f"/inserts/{made.id}", "created")


async def _destination(visit: Visit) -> Response:
    return await _show_destination(visit)


async def _show_destination(
    visit: Visit, problems: Mapping[str, str] | None = None, status: int = 200
) -> Response:
    def read(tx: Transaction) -> tuple[Destination, CatalogEntry, Connections]:
        found = tx.destinations.get(visit.path["destinationId"])
        return found, tx.catalog_entry(found.metadata_id, ResourceType.DESTINATION), connections(tx)

    found, entry, there = await visit.store.read(read)
    return visit.show(
        "instance.html",
        status,
        what="destination",
        one=found,
        name=name_in(visit) or found.name,
        function=there.functions.get(found.function or ""),
        made_of=entry.name,
        on=next((each for each in there.sources if each.id == found.source), None),
        on_path="/sources/" + found.source,
        inserts=there.inserts.get(found.id, []),
        functions=there.functions,
        fields=fields(entry.settings, found.settings, visit.form),
        problems=problems or {},
    )


async def _save_destination(visit: Visit) -> Response:
    def read(tx: Transaction) -> tuple[Destination, CatalogEntry]:
        found = tx.destinations.get(visit.path["destinationId"])
        return found, tx.catalog_entry(found.metadata_id, ResourceType.DESTINATION)

    found, entry = await visit.store.read(read)
    body = {
        "name": name_in(visit),
        "enabled": "enabled" in visit.form,
        "settings": values_of(entry.settings, found.settings, visit.form),
    }
    try:
        await visit.operate("updateDestination", visit.path, body=body)
    except (Problem, Refused) as exc:
        return await _show_destination(visit, faults(exc), status_of(exc))
    return visit.go(f"/destinations/{found.id}", "saved")


async def _delete_destination(visit: Visit) -> Response:
    await visit.operate("deleteDestination", visit.path)
    return visit.go("/connections", "deleted")


async def _insert(visit: Visit) -> Response:
    return await _show_insert(visit)


async def _show_insert(
    visit: Visit, problems: Mapping[str, str] | None = None, status: int = 200
) -> Response:
    def read(tx: Transaction) -> tuple[InsertInstance, StoredFunction, Source | Destination, str]:
        found = tx.inserts.get(visit.path["instanceId"])
        on: Source | Destination
        try:
            on, path = tx.sources.get(found.integration), "/sources/"
        except NotFound:
            on, path = tx.destinations.get(found.integration), "/destinations/"
        return found, tx.functions.get(found.function), on, path + on.id

    found, function, on, path = await visit.store.read(read)
    return visit.show(
        "instance.html",
        status,
        what="insert",
        one=found,
        name=name_in(visit) or found.name or function.display_name,
        function=function,
        made_of=function.display_name,
        on=on,
        on_path=path,
        inserts=[],
        functions={},
        fields=fields(function.settings, found.settings, visit.form),
        problems=problems or {},
    )


async def _save_insert(visit: Visit) -> Response:
    def read(tx: Transaction) -> tuple[InsertInstance, StoredFunction]:
        found = tx.inserts.get(visit.path["instanceId"])
        return found, tx.functions.get(found.function)

    found, function = await visit.store.read(read)
    body = {
        "name": name_in(visit),
        "enabled": "enabled" in visit.form,
        "settings": values_of(function.settings, found.settings, visit.form),
    }
    try:
        await visit.operate("updateInsertFunctionInstance", visit.path, body=body)
    except (Problem, Refused) as exc:
        return await _show_insert(visit, faults(exc), status_of(exc))
    return visit.go(f"/inserts/{found.id}", "saved")


async def _delete_insert(visit: Visit) -> Response:
    await visit.operate("deleteInsertFunctionInstance", visit.path)
    return visit.go("/connections", "deleted")


def _page(method: Any, path: str, handler: Any, **more: Any) -> Page:
    return Page(method=method, path=path, roles=SOURCE_ADMINS, handler=handler, **more)


PAGES: Final = (
    _page("GET", "/destinations/new", _new_destination),
    _page("POST", "/destinations/new", _create_destination),
    _page("GET", "/destinations/{destinationId}", _destination),
    _page("POST", "/destinations/{destinationId}", _save_destination),
    _page("POST", "/destinations/{destinationId}/delete", _delete_destination),
    _page("GET", "/inserts/new", _new_insert),
    _page("POST", "/inserts/new", _create_insert),
    _page("GET", "/inserts/{instanceId}", _insert),
    _page("POST", "/inserts/{instanceId}", _save_insert),
    _page("POST", "/inserts/{instanceId}/delete", _delete_insert),
)
