"""Sources and destinations as the API writes them; the names are those of Segment's schemas."""

from __future__ import annotations

from typing import Annotated, Any, final

import msgspec

from isthmus_server.store import CatalogEntry, Destination, Source, Workspace, webhook_token

from .catalog_types import (
    DestinationMetadataV1,
    SourceMetadataV1,
    destination_metadata_view,
    source_metadata_view,
)
from .pagination import PaginationOutput
from .wire import Identifier, NamedText, Wire

__all__ = [
    "CreateDestinationInput",
    "CreateSourceInput",
    "DestinationOutput",
    "DestinationV1",
    "ListDestinationsOutput",
    "ListSourcesOutput",
    "SourceOutput",
    "SourceV1",
    "UpdateDestinationInput",
    "UpdateSourceInput",
    "destination_view",
    "source_view",
]

Slug = Annotated[str, msgspec.Meta(min_length=1, max_length=120)]

# ------------------------------------------------------------ sources


@final
class CreateSourceInput(Wire, frozen=True, kw_only=True):
    """A new source.

    Attributes:
        metadata_id: of a catalog entry; for a source function its ``catalogId``.
    """

    slug: Slug
    enabled: bool
    metadata_id: Identifier
    settings: dict[str, Any] | None = None


@final
class UpdateSourceInput(Wire, frozen=True, kw_only=True):
    """Changes of a source; what is not there, or null, stays as it is."""

    name: NamedText | None = None
    enabled: bool | None = None
    slug: Slug | None = None
    settings: dict[str, Any] | None = None


@final
class SourceV1(Wire, frozen=True, kw_only=True):
    """A source.

    Attributes:
        encrypted_settings: as those of an insert instance.
        webhook_url: where its function's webhooks are posted to; it has a secret in it. Null where it has no function.
    """

    id: str
    slug: str
    name: str
    metadata: SourceMetadataV1
    workspace_id: str
    enabled: bool
    write_keys: tuple[str, ...]
    settings: dict[str, Any]
    encrypted_settings: dict[str, str]
    labels: tuple[dict[str, str], ...]
    webhook_url: str | None


@final
class SourceOutput(Wire, frozen=True, kw_only=True):
    """One source."""

    source: SourceV1


@final
class ListSourcesOutput(Wire, frozen=True, kw_only=True):
    """Sources."""

    sources: tuple[SourceV1, ...]
    pagination: PaginationOutput


def source_view(source: Source, entry: CatalogEntry, workspace: Workspace, webhook_url: str) -> SourceV1:
    """A source as the API shows it to who may send events to it."""
    token = webhook_token(source.id, source.webhook_secret)
    return SourceV1(
        id=source.id,
        slug=source.slug,
        name=source.name,
        metadata=source_metadata_view(entry),
        workspace_id=workspace.id,
        enabled=source.enabled,
        write_keys=source.write_keys,
        settings=source.settings.shown,
        encrypted_settings=source.settings.masked,
        labels=(),
        webhook_url=f"{webhook_url}?b={token}" if source.function else None,
    )


# ------------------------------------------------------------ destinations


@final
class CreateDestinationInput(Wire, frozen=True, kw_only=True):
    """A new destination.

    Attributes:
        metadata_id: of a catalog entry; for a destination function its ``catalogId``.
    """

    source_id: Identifier
    metadata_id: Identifier
    settings: dict[str, Any]
    enabled: bool = True
    name: NamedText | None = None


@final
class UpdateDestinationInput(Wire, frozen=True, kw_only=True):
    """Changes of a destination; what is not there, or null, stays as it is."""

    name: NamedText | None = None
    enabled: bool | None = None
    settings: dict[str, Any] | None = None


@final
class DestinationV1(Wire, frozen=True, kw_only=True):
    """A destination.

    Attributes:
        encrypted_settings: as those of an insert instance.
    """

    id: str
    name: str
    enabled: bool
    metadata: DestinationMetadataV1
    source_id: str
    settings: dict[str, Any]
    encrypted_settings: dict[str, str]


@final
class DestinationOutput(Wire, frozen=True, kw_only=True):
    """One destination."""

    destination: DestinationV1


@final
class ListDestinationsOutput(Wire, frozen=True, kw_only=True):
    """Destinations."""

    destinations: tuple[DestinationV1, ...]
    pagination: PaginationOutput


def destination_view(destination: Destination, entry: CatalogEntry, workspace: Workspace) -> DestinationV1:
    """A destination as the API shows it."""
    return DestinationV1(
        id=destination.id,
        name=destination.name,
        enabled=destination.enabled,
        metadata=destination_metadata_view(entry, workspace),
        source_id=destination.source,
        settings=destination.settings.shown,
        encrypted_settings=destination.settings.masked,
    )
