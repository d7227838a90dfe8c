"""Sources, destinations and catalog entries as the API writes them; the names are those of Segment's schemas."""

from __future__ import annotations

from typing import Annotated, Any, Literal, final

import msgspec

from isthmus.functions import SettingDefinition
from isthmus_server.store import CatalogEntry, Destination, Source, Workspace, webhook_token

from .function_types import NamedText, Wire
from .pagination import PaginationOutput

__all__ = [
    "CreateDestinationInput",
    "CreateSourceInput",
    "DestinationMetadataOutput",
    "DestinationOutput",
    "DestinationV1",
    "DestinationsCatalogOutput",
    "ListDestinationsOutput",
    "ListSourcesOutput",
    "SourceMetadataOutput",
    "SourceOutput",
    "SourceV1",
    "SourcesCatalogOutput",
    "UpdateDestinationInput",
    "UpdateSourceInput",
    "destination_metadata_view",
    "destination_view",
    "source_metadata_view",
    "source_view",
]

Slug = Annotated[str, msgspec.Meta(min_length=1, max_length=120)]
Identifier = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]

# ------------------------------------------------------------ catalog


@final
class Logos(Wire, frozen=True, kw_only=True):
    """Pictures of a catalog entry."""

    default: str
    mark: str | None = None
    alt: str | None = None


@final
class IntegrationOption(Wire, frozen=True, kw_only=True):
    """A setting of a catalog entry."""

    name: str
    type: str
    required: bool
    description: str
    label: str
    default_value: None = None


@final
class SourceMetadataV1(Wire, frozen=True, kw_only=True):
    """What a source is an instance of."""

    id: str
    name: str
    slug: str
    description: str
    logos: Logos
    options: tuple[IntegrationOption, ...]
    categories: tuple[str, ...]
    is_cloud_event_source: bool


@final
class DestinationMetadataV1(Wire, frozen=True, kw_only=True):
    """What a destination is an instance of."""

    id: str
    name: str
    slug: str
    description: str
    logos: Logos
    options: tuple[IntegrationOption, ...]
    status: Literal["PUBLIC"]
    previous_names: tuple[str, ...]
    categories: tuple[str, ...]
    website: str
    components: tuple[dict[str, Any], ...]
    supported_features: dict[str, Any]
    supported_methods: dict[str, bool]
    supported_platforms: dict[str, bool]
    actions: tuple[dict[str, Any], ...]
    presets: tuple[dict[str, Any], ...]


@final
class SourceMetadataOutput(Wire, frozen=True, kw_only=True):
    """One entry of the catalog of sources."""

    source_metadata: SourceMetadataV1


@final
class DestinationMetadataOutput(Wire, frozen=True, kw_only=True):
    """One entry of the catalog of destinations."""

    destination_metadata: DestinationMetadataV1


@final
class SourcesCatalogOutput(Wire, frozen=True, kw_only=True):
    """What sources can be made of."""

    sources_catalog: tuple[SourceMetadataV1, ...]
    pagination: PaginationOutput


@final
class DestinationsCatalogOutput(Wire, frozen=True, kw_only=True):
    """What destinations can be made of."""

    destinations_catalog: tuple[DestinationMetadataV1, ...]
    pagination: PaginationOutput


def source_metadata_view(entry: CatalogEntry) -> SourceMetadataV1:
    """A catalog entry as the API shows it."""
    return SourceMetadataV1(
        id=entry.id,
        name=entry.name,
        slug=entry.slug,
        description=entry.description,
        logos=Logos(default=entry.logo_url),
        options=tuple(map(_option, entry.settings)),
        categories=("Functions",) if entry.function else ("Server",),
        is_cloud_event_source=False,
    )


def destination_metadata_view(entry: CatalogEntry, workspace: Workspace) -> DestinationMetadataV1:
    """A catalog entry as the API shows it; a function's name has the workspace's behind it, as in ``integrations``."""
    return DestinationMetadataV1(
        id=entry.id,
        name=f"{entry.name} ({workspace.name})" if entry.function else entry.name,
        slug=entry.slug,
        description=entry.description,
        logos=Logos(default=entry.logo_url),
        options=tuple(map(_option, entry.settings)),
        status="PUBLIC",
        previous_names=(),
        categories=("Functions",) if entry.function else ("Raw Data",),
        website="",
        components=(),
        supported_features={"cloudModeInstances": "MULTIPLE", "deviceModeInstances": "NONE", "replay": True},
        supported_methods=dict.fromkeys(("pageview", "identify", "alias", "track", "group"), True),
        supported_platforms={"browser": True, "server": True, "mobile": True, "warehouse": False},
        actions=(),
        presets=(),
    )


def _option(definition: SettingDefinition) -> IntegrationOption:
    return IntegrationOption(
        name=definition.name,
        type=definition.type.value,
        required=definition.required,
        description=definition.description,
        label=definition.label,
    )


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
