"""What sources and destinations can be made of: the functions of the workspace, and a few things that are built in."""

from __future__ import annotations

from typing import Final, final

import msgspec

from isthmus.functions import SettingDefinition, SettingType

from .faults import Dangling, NotFound
from .functions import Functions
from .values import ResourceType, StoredFunction
from .work import Work

__all__ = ["BUILT_IN", "HTTP_API", "WEBHOOKS", "CatalogEntry", "entry_of", "model_of"]

HTTP_API: Final = "iUM16Md8P2"
"""Segment's id of its HTTP tracking API, the plain event source."""
WEBHOOKS: Final = "614a3c7d791c91c41bae7599"
"""Segment's id of its webhooks, the destination that posts events to a URL."""


@final
class CatalogEntry(msgspec.Struct, frozen=True, kw_only=True):
    """Something a source or a destination is an instance of.

    Attributes:
        id: what ``metadataId`` names.
        resource_type: SOURCE or DESTINATION.
        function: class id of the function that it is, None where it is built in.
    """

    id: str
    resource_type: ResourceType
    name: str
    slug: str
    description: str
    logo_url: str = ""
    function: str | None = None
    settings: tuple[SettingDefinition, ...] = ()


BUILT_IN: Final = (
    CatalogEntry(
        id=HTTP_API,
        resource_type=ResourceType.SOURCE,
        name="HTTP API",
        slug="http-api",
        description="Events that clients send to the tracking API with a write key.",
    ),
    CatalogEntry(
        id=WEBHOOKS,
        resource_type=ResourceType.DESTINATION,
        name="Webhooks",
        slug="webhooks",
        description="Posts events to a URL, as JSON.",
        settings=(
            SettingDefinition(
                name="url",
                label="URL",
                description="Where events are posted to.",
                required=True,
                sensitive=True,
            ),
            SettingDefinition(
                name="headers",
                label="Headers",
                description="Sent with each request.",
                type=SettingType.TEXT_MAP,
                sensitive=True,
            ),
        ),
    ),
)


def entry_of(work: Work, id: str, resource_type: ResourceType) -> CatalogEntry:  # noqa: A002 -- as everywhere
    """A catalog entry by its id.

    Args:
        work: the transaction.
        id: of a built-in entry, or the class id of a function.
        resource_type: SOURCE or DESTINATION.

    Raises:
        NotFound: there is none of that kind.
    """
    for entry in BUILT_IN:
        if entry.id == id and entry.resource_type is resource_type:
            return entry
    try:
        function = Functions(work).get(id)
    except NotFound:
        function = None
    if function is None or function.id != id or function.resource_type is not resource_type:
        raise NotFound(f"{resource_type.value.capitalize()} metadata", id)
    return function_entry(function)


def function_entry(function: StoredFunction) -> CatalogEntry:
    """A function of sources or destinations, as the catalog shows it."""
    return CatalogEntry(
        id=function.id,
        resource_type=function.resource_type,
        name=function.display_name,
        slug=f"function-{function.id.lower()}",
        description=function.description,
        logo_url=function.logo_url,
        function=function.id,
        settings=function.settings,
    )


def model_of(work: Work, metadata_id: str, resource_type: ResourceType) -> CatalogEntry:
    """What an instance is to be made of.

    Raises:
        Dangling: there is no such entry.
    """
    try:
        return entry_of(work, metadata_id, resource_type)
    except NotFound:
        raise Dangling(f"{resource_type.value.capitalize()} metadata", metadata_id) from None
