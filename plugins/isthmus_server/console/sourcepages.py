"""Pages on sources: all of them with what hangs on them, a new one, one with its keys and its webhook."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from starlette.responses import Response

from isthmus_server.api.functions import DEPLOY
from isthmus_server.api.problems import Problem
from isthmus_server.api.sources import SOURCE_ADMINS
from isthmus_server.store import (
    CatalogEntry,
    Refused,
    ResourceType,
    Source,
    StoredFunction,
    Transaction,
    webhook_token,
)

from .connections import ALL, Connections, connections, faults, fields, name_in, status_of
from .settingfields import values_of
from .visits import Page, Visit

__all__ = ["PAGES"]


async def _list(visit: Visit) -> Response:
    return visit.show("connections.html", there=await visit.store.read(connections))


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
        return await _show_new_source(visit, faults(exc), status_of(exc))
    return visit.go(f"/sources/{made.id}", "created")


async def _source(visit: Visit) -> Response:
    return await _show_source(visit)


async def _show_source(
    visit: Visit, problems: Mapping[str, str] | None = None, status: int = 200
) -> Response:
    def read(tx: Transaction) -> tuple[Source, CatalogEntry, Connections]:
        source = tx.sources.get(visit.path["sourceId"])
        return source, tx.catalog_entry(source.metadata_id, ResourceType.SOURCE), connections(tx)

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
        fields=fields(entry.settings, source.settings, visit.form),
        name=name_in(visit) or source.name,
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
        "name": name_in(visit),
        "enabled": "enabled" in visit.form,
        "settings": values_of(entry.settings, source.settings, visit.form),
    }
    try:
        await visit.operate("updateSource", visit.path, body=body)
    except (Problem, Refused) as exc:
        return await _show_source(visit, faults(exc), status_of(exc))
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
)
