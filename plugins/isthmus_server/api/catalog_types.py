"""Catalog entries as the API writes them; the names are those of Segment's schemas."""

from __future__ import annotations

from typing import Any, Literal, final

from isthmus.functions import SettingDefinition
from isthmus_server.store import CatalogEntry, Workspace

from .pagination import PaginationOutput
from .wire import Wire

__all__ = [
    "DestinationMetadataOutput",
    "DestinationMetadataV1",
    "DestinationsCatalogOutput",
    "SourceMetadataOutput",
    "SourceMetadataV1",
    "SourcesCatalogOutput",
    "destination_metadata_view",
    "source_metadata_view",
]


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
