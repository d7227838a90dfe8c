"""Functions, versions and insert instances as the API writes them; the names are those of Segment's schemas."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, final

import msgspec

from isthmus.functions import SettingDefinition, SettingType
from isthmus_server.store import (
    Draft,
    InsertInstance,
    ResourceType,
    StoredFunction,
    Version,
    Workspace,
    function_id,
)

from .pagination import PaginationInput, PaginationOutput
from .times import iso

__all__ = [
    "CreateFunctionInput",
    "CreateInsertFunctionInstanceInput",
    "DeployFunctionOutput",
    "FunctionOutput",
    "FunctionSettingV1",
    "FunctionV1",
    "InsertFunctionInstanceOutput",
    "InsertFunctionInstanceV1",
    "ListFunctionItemV1",
    "ListFunctionsOutput",
    "ListFunctionsQuery",
    "ListInsertFunctionInstancesOutput",
    "ListInsertFunctionInstancesQuery",
    "ListQuery",
    "ListVersionsOutput",
    "NamedText",
    "Nothing",
    "RestoreInput",
    "StatusOutput",
    "Text",
    "UpdateFunctionInput",
    "UpdateInsertFunctionInstanceInput",
    "VersionOutput",
    "VersionV1",
    "function_view",
    "instance_view",
    "item_view",
    "name_of",
    "version_view",
]

NAME: Final = 120
"""Characters of a displayed name."""

NamedText = Annotated[str, msgspec.Meta(min_length=1, max_length=NAME)]
Text = Annotated[str, msgspec.Meta(max_length=2048)]
Identifier = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class Wire(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Something that is read or written as JSON."""


@final
class Nothing(Wire, frozen=True, kw_only=True):
    """No query, no body, or an answer without content."""


@final
class StatusOutput(Wire, frozen=True, kw_only=True):
    """It is done."""

    status: Literal["SUCCESS"] = "SUCCESS"


@final
class ListQuery(Wire, frozen=True, kw_only=True):
    """Which part of a list is wanted."""

    pagination: PaginationInput = PaginationInput()


# ------------------------------------------------------------ functions


@final
class FunctionSettingV1(Wire, frozen=True, kw_only=True):
    """The definition of a setting."""

    name: NamedText
    label: Text
    description: Text
    type: SettingType
    required: bool
    sensitive: bool

    def definition(self) -> SettingDefinition:
        """What the engine calls it."""
        return SettingDefinition(**msgspec.structs.asdict(self))


Settings = Annotated[tuple[FunctionSettingV1, ...], msgspec.Meta(max_length=200)]


@final
class ListFunctionsQuery(Wire, frozen=True, kw_only=True):
    """Which functions are wanted."""

    resource_type: ResourceType
    pagination: PaginationInput = PaginationInput()


@final
class CreateFunctionInput(Wire, frozen=True, kw_only=True):
    """A new function.

    Attributes:
        language: which runtime is to run it; beyond Segment, whose functions are JavaScript.
    """

    code: str
    display_name: NamedText
    resource_type: ResourceType
    settings: Settings = ()
    logo_url: Text | None = None
    description: Text | None = None
    language: Annotated[str, msgspec.Meta(min_length=1, max_length=40)] = "javascript"

    def draft(self) -> Draft:
        """What is to be saved."""
        return Draft(
            code=self.code,
            display_name=self.display_name,
            description=self.description,
            logo_url=self.logo_url,
            settings=tuple(setting.definition() for setting in self.settings),
        )


@final
class UpdateFunctionInput(Wire, frozen=True, kw_only=True):
    """Changes of a function; what is not there, or null, stays as it is."""

    code: str | None = None
    settings: Settings | None = None
    display_name: NamedText | None = None
    logo_url: Text | None = None
    description: Text | None = None


@final
class FunctionV1(Wire, frozen=True, kw_only=True):
    """A function."""

    id: str
    workspace_id: str
    resource_type: ResourceType
    created_at: str
    created_by: str
    code: str
    deployed_at: str | None
    settings: tuple[FunctionSettingV1, ...]
    display_name: str
    description: str
    logo_url: str
    preview_webhook_url: str
    batch_max_count: int
    catalog_id: str
    is_latest_version: bool
    buildpack: str
    language: str


@final
class ListFunctionItemV1(Wire, frozen=True, kw_only=True):
    """A function in a list."""

    id: str
    resource_type: ResourceType
    created_at: str
    created_by: str
    display_name: str
    description: str
    logo_url: str
    catalog_id: str


@final
class FunctionOutput(Wire, frozen=True, kw_only=True):
    """One function."""

    function: FunctionV1


@final
class ListFunctionsOutput(Wire, frozen=True, kw_only=True):
    """Functions."""

    functions: tuple[ListFunctionItemV1, ...]
    pagination: PaginationOutput


@final
class FunctionDeployment(Wire, frozen=True, kw_only=True):
    """A deployment that is done."""

    status: Literal["SUCCESS"] = "SUCCESS"


@final
class DeployFunctionOutput(Wire, frozen=True, kw_only=True):
    """One deployment."""

    function_deployment: FunctionDeployment = FunctionDeployment()


def name_of(function: StoredFunction, workspace: Workspace) -> str:
    """What a function is called: a destination function has the workspace's name behind its own."""
    if function.resource_type is ResourceType.DESTINATION:
        return f"{function.display_name} ({workspace.name})"
    return function.display_name


def function_view(function: StoredFunction, workspace: Workspace) -> FunctionV1:
    """A function as the API shows it."""
    return FunctionV1(
        id=function_id(function.resource_type, function.id),
        workspace_id=workspace.id,
        resource_type=function.resource_type,
        created_at=iso(function.created_at),
        created_by=function.created_by,
        code=function.code,
        deployed_at=None if function.deployed_at is None else iso(function.deployed_at),
        settings=tuple(
            FunctionSettingV1(**msgspec.structs.asdict(definition)) for definition in function.settings
        ),
        display_name=name_of(function, workspace),
        description=function.description,
        logo_url=function.logo_url,
        preview_webhook_url="",
        batch_max_count=0,
        catalog_id=function.id,
        is_latest_version=function.deployed == function.latest,
        buildpack="boreal",
        language=function.language,
    )


def item_view(function: StoredFunction, workspace: Workspace) -> ListFunctionItemV1:
    """A function as a list of the API shows it."""
    whole = function_view(function, workspace)
    return ListFunctionItemV1(**{name: getattr(whole, name) for name in ListFunctionItemV1.__struct_fields__})


# ------------------------------------------------------------ versions


@final
class VersionV1(Wire, frozen=True, kw_only=True):
    """A version of a function."""

    id: str
    author: str
    code: str
    is_deployed: bool
    created_at: str
    updated_at: str
    deployed_at: str | None


@final
class VersionOutput(Wire, frozen=True, kw_only=True):
    """One version."""

    version: VersionV1


@final
class ListVersionsOutput(Wire, frozen=True, kw_only=True):
    """Versions, the newest first."""

    versions: tuple[VersionV1, ...]
    pagination: PaginationOutput


@final
class RestoreInput(Wire, frozen=True, kw_only=True):
    """The version whose code is to be the newest."""

    version_id: Identifier


def version_view(version: Version) -> VersionV1:
    """A version as the API shows it."""
    return VersionV1(
        id=version.id,
        author=version.author,
        code=version.code,
        is_deployed=version.is_deployed,
        created_at=iso(version.created_at),
        updated_at=iso(version.updated_at),
        deployed_at=None if version.deployed_at is None else iso(version.deployed_at),
    )


# ------------------------------------------------------------ insert instances


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
