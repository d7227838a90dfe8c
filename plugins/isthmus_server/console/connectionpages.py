"""Pages on sources, and on the destinations and inserts that their events go through."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from starlette.responses import Response

from isthmus.functions import SettingDefinition
from isthmus_server.api.functions import DEPLOY
from isthmus_server.api.problems import Problem, problem_of
from isthmus_server.api.sources import SOURCE_ADMINS
from isthmus_server.store import (
    CatalogEntry,
    Destination,
    InsertInstance,
    NotFound,
    Page as Part,
    Refused,
    ResourceType,
    SettingValues,
    Source,
    StoredFunction,
    Transaction,
    webhook_token,
)

from .forms import Form
from .settingfields import text_of, values_of
from .visits import Page, Visit

__all__ = ["PAGES"]

ALL: Final = Part(count=1000)
NOTHING: Final = SettingValues()


class Connections(msgspec.Struct, frozen=True):
    """What there is, by what it hangs on."""

    sources: list[Source]
    destinations: dict[str, list[Destination]]
    inserts: dict[str, list[InsertInstance]]
    functions: dict[str, StoredFunction]


def _connections(tx: Transaction) -> Connections:
    destinations: dict[str, list[Destination]] = {}
    inserts: dict[str, list[InsertInstance]] = {}
    for destination in tx.destinations.page(ALL)[0]:
        destinations.setdefault(destination.source, []).append(destination)
    for insert in tx.inserts.page(ALL)[0]:
        inserts.setdefault(insert.integration, []).append(insert)
    functions = {each.id: each for kind in ResourceType for each in tx.functions.page(kind, ALL)[0]}
    return Connections(tx.sources.page(ALL)[0], destinations, inserts, functions)


async def _list(visit: Visit) -> Response:
    return visit.show("connections.html", there=await visit.store.read(_connections))


# ------------------------------------------------------------ forms of what there is


def _fields(
    definitions: tuple[SettingDefinition, ...], had: SettingValues, form: Form
) -> list[dict[str, Any]]:
    """Each setting with the text of its field: what was sent, else what is kept and may be seen."""
    sent = "name" in form
    return [
        {
            "definition": each,
            "text": form.text(f"value.{each.name}")
            if sent and not each.sensitive
            else text_of(had.shown.get(each.name)),
            "kept": each.name in had.secret,
        }
        for each in definitions
    ]


def _faults(exc: Problem | Refused) -> Mapping[str, str]:
    """What is said of each field, by the field's name here; what is of none is under ""."""
    said = exc if isinstance(exc, Problem) else problem_of(exc)
    found: dict[str, str] = {}
    for each in said.errors:
        field = each.field or ""
        field = f"value.{field.removeprefix('settings.')}" if field.startswith("settings.") else field
        found.setdefault(field, each.message or each.type)
    return found


def _status(exc: Problem | Refused) -> int:
    return (exc if isinstance(exc, Problem) else problem_of(exc)).status


def _name(visit: Visit) -> str:
    return visit.form.text("name").strip()


# ------------------------------------------------------------ sources


async def _new_source(visit: Visit) -> Response:
    return await _show_new_source(visit)


async def _show_new_source(
    visit: Visit, problems: Mapping[str, str] | None = None, status: int = 200
) -> Response:
    entries, _ = await visit.store.read(lambda tx: tx.catalog(ResourceType.SOURCE, ALL))
    return visit.show(
        "new_source.html",
        status,
        entries=entries,
        chosen=visit.form.text("of") or visit.query.text("of"),
        slug=visit.form.text("slug"),
        problems=problems or {},
    )


async def _create_source(visit: Visit) -> Response:
    body = {
        "slug": visit.form.text("slug").strip(),
        "enabled": True,
        "metadataId": visit.form.text("of"),
        "settings": {},
    }
    try:
        made = (await visit.operate("createSource", body=body)).source
    except (Problem, Refused) as exc:
        return await _show_new_source(visit, _faults(exc), _status(exc))
    return visit.go(f"/sources/{made.id}", "created")


async def _source(visit: Visit) -> Response:
    return await _show_source(visit)


async def _show_source(
    visit: Visit, problems: Mapping[str, str] | None = None, status: int = 200
) -> Response:
    def read(tx: Transaction) -> tuple[Source, CatalogEntry, Connections]:
        source = tx.sources.get(visit.path["sourceId"])
        return source, tx.catalog_entry(source.metadata_id, ResourceType.SOURCE), _connections(tx)

    source, entry, there = await visit.store.read(read)
    function = there.functions.get(source.function or "")
    token = webhook_token(source.id, source.webhook_secret)
    return visit.show(
        "source.html",
        status,
        source=source,
        entry=entry,
        function=function,
        webhook=f"{visit.services.webhook_url}?b={token}" if function else "",
        endpoint=visit.services.webhook_url.rstrip("/"),
        fields=_fields(entry.settings, source.settings, visit.form),
        name=_name(visit) or source.name,
        destinations=there.destinations.get(source.id, []),
        inserts=there.inserts.get(source.id, []),
        functions=there.functions,
        problems=problems or {},
    )


async def _save_source(visit: Visit) -> Response:
    def read(tx: Transaction) -> tuple[Source, CatalogEntry]:
        source = tx.sources.get(visit.path["sourceId"])
        return source, tx.catalog_entry(source.metadata_id, ResourceType.SOURCE)

    source, entry = await visit.store.read(read)
    body = {
        "name": _name(visit),
        "enabled": "enabled" in visit.form,
        "settings": values_of(entry.settings, source.settings, visit.form),
    }
    try:
        await visit.operate("updateSource", visit.path, body=body)
    except (Problem, Refused) as exc:
        return await _show_source(visit, _faults(exc), _status(exc))
    return visit.go(f"/sources/{source.id}", "saved")


async def _add_key(visit: Visit) -> Response:
    await visit.operate("createWriteKeyForSource", visit.path)
    return visit.go(f"/sources/{visit.path['sourceId']}", "saved")


async def _remove_key(visit: Visit) -> Response:
    path = {**visit.path, "writeKey": visit.form.text("key")}
    await visit.operate("removeWriteKeyFromSource", path)
    return visit.go(f"/sources/{visit.path['sourceId']}", "saved")


async def _deploy(visit: Visit) -> Response:
    id_ = visit.path["sourceId"]
    source: Source = await visit.store.read(lambda tx: tx.sources.get(id_))
    await visit.operate("createFunctionDeployment", {"functionId": f"sfn_{id_}"})
    if visit.form.text("from") == "function":
        function: StoredFunction = await visit.store.read(lambda tx: tx.functions.get(source.function or ""))
        return visit.go(f"/functions/{function.id}", "deployed")
    return visit.go(f"/sources/{id_}", "deployed")


async def _delete_source(visit: Visit) -> Response:
    await visit.operate("deleteSource", visit.path)
    return visit.go("/connections", "deleted")


# ------------------------------------------------------------ destinations and inserts


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
        there = _connections(tx)
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
        name=_name(visit),
        fields=_fields(definitions, NOTHING, visit.form),
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
            "name": _name(visit) or None,
        }
        made = (await visit.operate("createDestination", body=body)).destination
    except (Problem, Refused) as exc:
        return await _show_new_instance(visit, "destination", _faults(exc), _status(exc))
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
            "name": _name(visit) or None,
        }
        made = (await visit.operate("createInsertFunctionInstance", body=body)).insert_function_instance
    except (Problem, Refused) as exc:
        return await _show_new_instance(visit, "insert", _faults(exc), _status(exc))
    return visit.go(f"/inserts/{made.id}", "created")


async def _destination(visit: Visit) -> Response:
    return await _show_destination(visit)


async def _show_destination(
    visit: Visit, problems: Mapping[str, str] | None = None, status: int = 200
) -> Response:
    def read(tx: Transaction) -> tuple[Destination, CatalogEntry, Connections]:
        found = tx.destinations.get(visit.path["destinationId"])
        return found, tx.catalog_entry(found.metadata_id, ResourceType.DESTINATION), _connections(tx)

    found, entry, there = await visit.store.read(read)
    return visit.show(
        "instance.html",
        status,
        what="destination",
        one=found,
        name=_name(visit) or found.name,
        function=there.functions.get(found.function or ""),
        made_of=entry.name,
        on=next((each for each in there.sources if each.id == found.source), None),
        on_path="/sources/" + found.source,
        inserts=there.inserts.get(found.id, []),
        functions=there.functions,
        fields=_fields(entry.settings, found.settings, visit.form),
        problems=problems or {},
    )


async def _save_destination(visit: Visit) -> Response:
    def read(tx: Transaction) -> tuple[Destination, CatalogEntry]:
        found = tx.destinations.get(visit.path["destinationId"])
        return found, tx.catalog_entry(found.metadata_id, ResourceType.DESTINATION)

    found, entry = await visit.store.read(read)
    body = {
        "name": _name(visit),
        "enabled": "enabled" in visit.form,
        "settings": values_of(entry.settings, found.settings, visit.form),
    }
    try:
        await visit.operate("updateDestination", visit.path, body=body)
    except (Problem, Refused) as exc:
        return await _show_destination(visit, _faults(exc), _status(exc))
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
        name=_name(visit) or found.name or function.display_name,
        function=function,
        made_of=function.display_name,
        on=on,
        on_path=path,
        inserts=[],
        functions={},
        fields=_fields(function.settings, found.settings, visit.form),
        problems=problems or {},
    )


async def _save_insert(visit: Visit) -> Response:
    def read(tx: Transaction) -> tuple[InsertInstance, StoredFunction]:
        found = tx.inserts.get(visit.path["instanceId"])
        return found, tx.functions.get(found.function)

    found, function = await visit.store.read(read)
    body = {
        "name": _name(visit),
        "enabled": "enabled" in visit.form,
        "settings": values_of(function.settings, found.settings, visit.form),
    }
    try:
        await visit.operate("updateInsertFunctionInstance", visit.path, body=body)
    except (Problem, Refused) as exc:
        return await _show_insert(visit, _faults(exc), _status(exc))
    return visit.go(f"/inserts/{found.id}", "saved")


async def _delete_insert(visit: Visit) -> Response:
    await visit.operate("deleteInsertFunctionInstance", visit.path)
    return visit.go("/connections", "deleted")


def _page(method: Any, path: str, handler: Any, **more: Any) -> Page:
    return Page(method=method, path=path, roles=SOURCE_ADMINS, handler=handler, **more)


PAGES: Final = (
    _page("GET", "/connections", _list, section="Connections"),
    _page("GET", "/sources/new", _new_source),
    _page("POST", "/sources/new", _create_source),
    _page("GET", "/sources/{sourceId}", _source),
    _page("POST", "/sources/{sourceId}", _save_source),
    _page("POST", "/sources/{sourceId}/keys", _add_key),
    _page("POST", "/sources/{sourceId}/keys/remove", _remove_key),
    Page(method="POST", path="/sources/{sourceId}/deploy", roles=DEPLOY, handler=_deploy),
    _page("POST", "/sources/{sourceId}/delete", _delete_source),
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
