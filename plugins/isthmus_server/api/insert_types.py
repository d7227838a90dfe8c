"""Insert instances as the API writes them; the names are those of Segment's schemas."""

from __future__ import annotations

from typing import Any, final

from isthmus_server.store import InsertInstance

from .pagination import PaginationInput, PaginationOutput
from .times import iso
from .wire import Identifier, NamedText, Wire

__all__ = [
    "CreateInsertFunctionInstanceInput",
    "InsertFunctionInstanceOutput",
    "InsertFunctionInstanceV1",
    "ListInsertFunctionInstancesOutput",
    "ListInsertFunctionInstancesQuery",
    "UpdateInsertFunctionInstanceInput",
    "instance_view",
]


@final
class ListInsertFunctionInstancesQuery(Wire, frozen=True, kw_only=True):
    """Which instances are wanted."""

    function_id: Identifier
    pagination: PaginationInput = PaginationInput()


@final
class CreateInsertFunctionInstanceInput(Wire, frozen=True, kw_only=True):
    """A new instance.

    Attributes:
        function_id: of an insert function, with its prefix or without.
        integration_id: of the source or destination whose events pass it.
    """

    function_id: Identifier
    integration_id: Identifier
    settings: dict[str, Any]
    enabled: bool = False
    name: NamedText | None = None


@final
class UpdateInsertFunctionInstanceInput(Wire, frozen=True, kw_only=True):
    """Changes of an instance; what is not there, or null, stays as it is."""

    settings: dict[str, Any]
    enabled: bool | None = None
    name: NamedText | None = None


@final
class InsertFunctionInstanceV1(Wire, frozen=True, kw_only=True):
    """An insert function at work.

    Attributes:
        encrypted_settings: those that are kept and not shown, each with the same mask; sent back, it means the same value.
    """

    id: str
    name: str | None
    integration_id: str
    class_id: str
    enabled: bool
    created_at: str
    updated_at: str
    settings: dict[str, Any]
    encrypted_settings: dict[str, str]


@final
class InsertFunctionInstanceOutput(Wire, frozen=True, kw_only=True):
    """One instance."""

    insert_function_instance: InsertFunctionInstanceV1


@final
class ListInsertFunctionInstancesOutput(Wire, frozen=True, kw_only=True):
    """Instances of one function."""

    instances: tuple[InsertFunctionInstanceV1, ...]
    pagination: PaginationOutput


def instance_view(instance: InsertInstance) -> InsertFunctionInstanceV1:
    """An instance as the API shows it."""
    return InsertFunctionInstanceV1(
        id=instance.id,
        name=instance.name,
        integration_id=instance.integration,
        class_id=instance.function,
        enabled=instance.enabled,
        created_at=iso(instance.created_at),
        updated_at=iso(instance.updated_at),
        settings=instance.settings.shown,
        encrypted_settings=instance.settings.masked,
    )
