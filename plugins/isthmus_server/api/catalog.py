"""Operations that look at what sources and destinations can be made of."""

from __future__ import annotations

from typing import Final

from isthmus_server.store import ResourceType, Role, Transaction

from .calls import Call, Route, reading
from .connection_types import (
    DestinationMetadataOutput,
    DestinationsCatalogOutput,
    SourceMetadataOutput,
    SourcesCatalogOutput,
    destination_metadata_view,
    source_metadata_view,
)
from .function_types import ListQuery
from .pagination import page_of, pagination_of

__all__ = ["ROUTES"]

ANYONE: Final = frozenset(Role)


def _sources(tx: Transaction, call: Call) -> SourcesCatalogOutput:
    query: ListQuery = call.query
    page = page_of(query.pagination)
    found, total = tx.catalog(ResourceType.SOURCE, page)
    return SourcesCatalogOutput(
        sources_catalog=tuple(map(source_metadata_view, found)), pagination=pagination_of(page, total)
    )


def _source(tx: Transaction, call: Call) -> SourceMetadataOutput:
    entry = tx.catalog_entry(call.path["sourceMetadataId"], ResourceType.SOURCE)
    return SourceMetadataOutput(source_metadata=source_metadata_view(entry))


def _destinations(tx: Transaction, call: Call) -> DestinationsCatalogOutput:
    query: ListQuery = call.query
    page, workspace = page_of(query.pagination), tx.workspace()
    found, total = tx.catalog(ResourceType.DESTINATION, page)
    return DestinationsCatalogOutput(
        destinations_catalog=tuple(destination_metadata_view(entry, workspace) for entry in found),
        pagination=pagination_of(page, total),
    )


def _destination(tx: Transaction, call: Call) -> DestinationMetadataOutput:
    entry = tx.catalog_entry(call.path["destinationMetadataId"], ResourceType.DESTINATION)
    return DestinationMetadataOutput(destination_metadata=destination_metadata_view(entry, tx.workspace()))


ROUTES: Final = (
    Route(
        method="GET",
        path="/catalog/sources",
        operation="getSourcesCatalog",
        summary="List what sources can be made of.",
        roles=ANYONE,
        query=ListQuery,
        answer=SourcesCatalogOutput,
        handler=reading(_sources),
    ),
    Route(
        method="GET",
        path="/catalog/sources/{sourceMetadataId}",
        operation="getSourceMetadata",
        summary="Look at what a source can be made of.",
        roles=ANYONE,
        answer=SourceMetadataOutput,
        handler=reading(_source),
    ),
    Route(
        method="GET",
        path="/catalog/destinations",
        operation="getDestinationsCatalog",
        summary="List what destinations can be made of.",
        roles=ANYONE,
        query=ListQuery,
        answer=DestinationsCatalogOutput,
        handler=reading(_destinations),
    ),
    Route(
        method="GET",
        path="/catalog/destinations/{destinationMetadataId}",
        operation="getDestinationMetadata",
        summary="Look at what a destination can be made of.",
        roles=ANYONE,
        answer=DestinationMetadataOutput,
        handler=reading(_destination),
    ),
)
