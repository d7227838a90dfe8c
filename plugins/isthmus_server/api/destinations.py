"""Operations on destinations."""

from __future__ import annotations

from typing import Final

from isthmus_server.store import Destination, ResourceType, Transaction

from .calls import Call, Route, reading, writing
from .connection_types import (
    CreateDestinationInput,
    DestinationOutput,
    DestinationV1,
    ListDestinationsOutput,
    UpdateDestinationInput,
    destination_view,
)
from .function_types import ListQuery, StatusOutput
from .pagination import page_of, pagination_of
from .sources import SOURCE_ADMINS

__all__ = ["ROUTES"]


def _view(tx: Transaction, destination: Destination) -> DestinationV1:
    entry = tx.catalog_entry(destination.metadata_id, ResourceType.DESTINATION)
    return destination_view(destination, entry, tx.workspace())


def _output(tx: Transaction, destination: Destination) -> DestinationOutput:
    return DestinationOutput(destination=_view(tx, destination))


def _list(tx: Transaction, call: Call) -> ListDestinationsOutput:
    query: ListQuery = call.query
    page = page_of(query.pagination)
    found, total = tx.destinations.page(page)
    return ListDestinationsOutput(
        destinations=tuple(_view(tx, destination) for destination in found),
        pagination=pagination_of(page, total),
    )


def _create(tx: Transaction, call: Call) -> DestinationOutput:
    given: CreateDestinationInput = call.body
    made = tx.destinations.create(
        given.source_id, given.metadata_id, given.settings, enabled=given.enabled, name=given.name or ""
    )
    return _output(tx, made)


def _get(tx: Transaction, call: Call) -> DestinationOutput:
    return _output(tx, tx.destinations.get(call.path["destinationId"]))


def _update(tx: Transaction, call: Call) -> DestinationOutput:
    given: UpdateDestinationInput = call.body
    changed = tx.destinations.update(
        call.path["destinationId"], name=given.name, enabled=given.enabled, settings=given.settings
    )
    return _output(tx, changed)


def _delete(tx: Transaction, call: Call) -> StatusOutput:
    tx.destinations.delete(call.path["destinationId"])
    return StatusOutput()


ROUTES: Final = (
    Route(
        method="GET",
        path="/destinations",
        operation="listDestinations",
        summary="List the destinations.",
        roles=SOURCE_ADMINS,
        query=ListQuery,
        answer=ListDestinationsOutput,
        handler=reading(_list),
    ),
    Route(
        method="POST",
        path="/destinations",
        operation="createDestination",
        summary="Make a destination for the events of a source.",
        roles=SOURCE_ADMINS,
        body=CreateDestinationInput,
        answer=DestinationOutput,
        gives=(("destinationId", "/data/destination/id"),),
        handler=writing(_create),
    ),
    Route(
        method="GET",
        path="/destinations/{destinationId}",
        operation="getDestination",
        summary="Look at a destination.",
        roles=SOURCE_ADMINS,
        answer=DestinationOutput,
        handler=reading(_get),
    ),
    Route(
        method="PATCH",
        path="/destinations/{destinationId}",
        operation="updateDestination",
        summary="Change a destination. Secret settings that are not given stay as they are.",
        roles=SOURCE_ADMINS,
        body=UpdateDestinationInput,
        answer=DestinationOutput,
        handler=writing(_update),
    ),
    Route(
        method="DELETE",
        path="/destinations/{destinationId}",
        operation="deleteDestination",
        summary="Delete a destination with its insert instance.",
        roles=SOURCE_ADMINS,
        answer=StatusOutput,
        handler=writing(_delete),
    ),
)
