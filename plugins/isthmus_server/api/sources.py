"""Operations on sources and their write keys."""

from __future__ import annotations

from typing import Final

from isthmus_server.store import ResourceType, Role, Source, Transaction

from .calls import Call, Route, reading, writing
from .connection_types import (
    CreateSourceInput,
    ListDestinationsOutput,
    ListSourcesOutput,
    SourceOutput,
    SourceV1,
    UpdateSourceInput,
    destination_view,
    source_view,
)
from .function_types import ListQuery, StatusOutput
from .pagination import page_of, pagination_of

__all__ = ["ROUTES", "SOURCE_ADMINS"]

SOURCE_ADMINS: Final = frozenset({Role.OWNER, Role.SOURCE_ADMIN})


def _view(tx: Transaction, call: Call, source: Source) -> SourceV1:
    entry = tx.catalog_entry(source.metadata_id, ResourceType.SOURCE)
    return source_view(source, entry, tx.workspace(), call.services.webhook_url)


def _output(tx: Transaction, call: Call, source: Source) -> SourceOutput:
    return SourceOutput(source=_view(tx, call, source))


def _list(tx: Transaction, call: Call) -> ListSourcesOutput:
    query: ListQuery = call.query
    page = page_of(query.pagination)
    found, total = tx.sources.page(page)
    return ListSourcesOutput(
        sources=tuple(_view(tx, call, source) for source in found), pagination=pagination_of(page, total)
    )


def _create(tx: Transaction, call: Call) -> SourceOutput:
    given: CreateSourceInput = call.body
    made = tx.sources.create(given.slug, given.metadata_id, given.settings or {}, enabled=given.enabled)
    return _output(tx, call, made)


def _get(tx: Transaction, call: Call) -> SourceOutput:
    return _output(tx, call, tx.sources.get(call.path["sourceId"]))


def _update(tx: Transaction, call: Call) -> SourceOutput:
    given: UpdateSourceInput = call.body
    changed = tx.sources.update(
        call.path["sourceId"],
        slug=given.slug,
        name=given.name,
        enabled=given.enabled,
        settings=given.settings,
    )
    return _output(tx, call, changed)


def _delete(tx: Transaction, call: Call) -> StatusOutput:
    tx.sources.delete(call.path["sourceId"])
    return StatusOutput()


def _add_write_key(tx: Transaction, call: Call) -> SourceOutput:
    tx.sources.add_write_key(call.path["sourceId"])
    return _get(tx, call)


def _remove_write_key(tx: Transaction, call: Call) -> StatusOutput:
    tx.sources.remove_write_key(call.path["sourceId"], call.path["writeKey"])
    return StatusOutput()


def _destinations(tx: Transaction, call: Call) -> ListDestinationsOutput:
    query: ListQuery = call.query
    page, source, workspace = page_of(query.pagination), tx.sources.get(call.path["sourceId"]), tx.workspace()
    found, total = tx.destinations.page(page, source=source.id)
    views = tuple(
        destination_view(each, tx.catalog_entry(each.metadata_id, ResourceType.DESTINATION), workspace)
        for each in found
    )
    return ListDestinationsOutput(destinations=views, pagination=pagination_of(page, total))


ROUTES: Final = (
    Route(
        method="GET",
        path="/sources",
        operation="listSources",
        summary="List the sources.",
        roles=SOURCE_ADMINS,
        query=ListQuery,
        answer=ListSourcesOutput,
        handler=reading(_list),
    ),
    Route(
        method="POST",
        path="/sources",
        operation="createSource",
        summary="Make a source.",
        roles=SOURCE_ADMINS,
        body=CreateSourceInput,
        answer=SourceOutput,
        status=201,
        gives=(("sourceId", "/data/source/id"), ("writeKey", "/data/source/writeKeys/0")),
        handler=writing(_create),
    ),
    Route(
        method="GET",
        path="/sources/{sourceId}",
        operation="getSource",
        summary="Look at a source.",
        roles=SOURCE_ADMINS,
        answer=SourceOutput,
        handler=reading(_get),
    ),
    Route(
        method="PATCH",
        path="/sources/{sourceId}",
        operation="updateSource",
        summary="Change a source. Secret settings that are not given stay as they are.",
        roles=SOURCE_ADMINS,
        body=UpdateSourceInput,
        answer=SourceOutput,
        handler=writing(_update),
    ),
    Route(
        method="DELETE",
        path="/sources/{sourceId}",
        operation="deleteSource",
        summary="Delete a source with its destinations.",
        roles=SOURCE_ADMINS,
        answer=StatusOutput,
        handler=writing(_delete),
    ),
    Route(
        method="POST",
        path="/sources/{sourceId}/writekey",
        operation="createWriteKeyForSource",
        summary="Give a source one more write key.",
        roles=SOURCE_ADMINS,
        answer=SourceOutput,
        versions=("v1alpha",),
        handler=writing(_add_write_key),
    ),
    Route(
        method="DELETE",
        path="/sources/{sourceId}/writekey/{writeKey}",
        operation="removeWriteKeyFromSource",
        summary="Take a write key from a source.",
        roles=SOURCE_ADMINS,
        answer=StatusOutput,
        versions=("v1alpha",),
        handler=writing(_remove_write_key),
    ),
    Route(
        method="GET",
        path="/sources/{sourceId}/connected-destinations",
        operation="listConnectedDestinationsFromSource",
        summary="List the destinations of a source.",
        roles=SOURCE_ADMINS,
        query=ListQuery,
        answer=ListDestinationsOutput,
        handler=reading(_destinations),
    ),
)
