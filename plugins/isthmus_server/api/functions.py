"""Operations on functions and their versions."""

from __future__ import annotations

from typing import Final

from isthmus_server.store import Draft, NotFound, ResourceType, Role, Transaction, deployed_source_id

from .calls import Call, Handler, Route, reading, writing
from .function_types import (
    CreateFunctionInput,
    DeployFunctionOutput,
    FunctionOutput,
    ListFunctionsOutput,
    ListFunctionsQuery,
    ListQuery,
    ListVersionsOutput,
    RestoreInput,
    StatusOutput,
    UpdateFunctionInput,
    VersionOutput,
    function_view,
    item_view,
    version_view,
)
from .pagination import page_of, pagination_of
from .problems import problem

__all__ = ["ROUTES"]

READ: Final = frozenset({Role.OWNER, Role.FUNCTIONS_ADMIN, Role.FUNCTIONS_READ_ONLY})
EDIT: Final = frozenset({Role.OWNER, Role.FUNCTIONS_ADMIN})
DEPLOY: Final = frozenset({Role.OWNER, Role.SOURCE_ADMIN})
ALPHA: Final = ("v1alpha",)
ORIGIN: Final = "https://fn.segmentapis.com"
"""Where webhooks arrive at Segment, which refuses code that names it: the function would feed itself."""


def _checked(code: str, call: Call) -> str:
    for origin in (ORIGIN, call.services.webhook_url):
        if origin and origin in code:
            raise problem(
                400, "Functions are unable to send data or events back to their originating source."
            )
    return code


def _list(tx: Transaction, call: Call) -> ListFunctionsOutput:
    query: ListFunctionsQuery = call.query
    page = page_of(query.pagination)
    found, total = tx.functions.page(query.resource_type, page, only=call.functions)
    workspace = tx.workspace()
    return ListFunctionsOutput(
        functions=tuple(item_view(function, workspace) for function in found),
        pagination=pagination_of(page, total),
    )


def _create(tx: Transaction, call: Call) -> FunctionOutput:
    given: CreateFunctionInput = call.body
    _checked(given.code, call)
    function = tx.functions.create(given.resource_type, given.draft(), language=given.language)
    return FunctionOutput(function=function_view(function, tx.workspace()))


def _get(tx: Transaction, call: Call) -> FunctionOutput:
    function = tx.functions.get(call.path["functionId"])
    return FunctionOutput(function=function_view(function, tx.workspace()))


def _update(tx: Transaction, call: Call) -> FunctionOutput:
    given: UpdateFunctionInput = call.body
    workspace, had = tx.workspace(), tx.functions.get(call.path["functionId"])
    name = given.display_name
    if name is not None and had.resource_type is ResourceType.DESTINATION:
        # Clients send back what they were told, and that has the workspace's name in it.
        name = name.removesuffix(f" ({workspace.name})") or name
    draft = Draft(
        code=None if given.code is None else _checked(given.code, call),
        display_name=name,
        description=given.description,
        logo_url=given.logo_url,
        settings=(
            None if given.settings is None else tuple(setting.definition() for setting in given.settings)
        ),
    )
    return FunctionOutput(function=function_view(tx.functions.update(had.id, draft), workspace))


def _delete(tx: Transaction, call: Call) -> StatusOutput:
    tx.functions.delete(call.path["functionId"])
    return StatusOutput()


def _deploy(tx: Transaction, call: Call) -> DeployFunctionOutput:
    source = deployed_source_id(call.path["functionId"])
    try:
        if source is not None:
            tx.functions.deploy(source)
            return DeployFunctionOutput()
    except NotFound:
        pass
    raise problem(400, "Please provide a valid Source function instance ID.")


def _versions(tx: Transaction, call: Call) -> ListVersionsOutput:
    query: ListQuery = call.query
    page = page_of(query.pagination)
    found, total = tx.functions.versions(call.path["functionId"], page)
    return ListVersionsOutput(versions=tuple(map(version_view, found)), pagination=pagination_of(page, total))


def _version(tx: Transaction, call: Call) -> VersionOutput:
    found = tx.functions.version(call.path["functionId"], call.path["versionId"])
    return VersionOutput(version=version_view(found))


def _restore(tx: Transaction, call: Call) -> VersionOutput:
    given: RestoreInput = call.body
    return VersionOutput(
        version=version_view(tx.functions.restore(call.path["functionId"], given.version_id))
    )


def _restoring(path: str, operation: str) -> Route:
    return Route(
        method="POST",
        path=path,
        operation=operation,
        summary="Make the code of an older version the newest; what runs goes on running.",
        roles=EDIT,
        scoped=True,
        body=RestoreInput,
        answer=VersionOutput,
        versions=ALPHA,
        handler=_RESTORE,
    )


_RESTORE: Final[Handler] = writing(_restore)

ROUTES: Final = (
    Route(
        method="GET",
        path="/functions",
        operation="listFunctions",
        summary="List the functions of one kind.",
        roles=READ,
        scoped=True,
        query=ListFunctionsQuery,
        answer=ListFunctionsOutput,
        handler=reading(_list),
    ),
    Route(
        method="POST",
        path="/functions",
        operation="createFunction",
        summary="Save a new function.",
        roles=EDIT,
        body=CreateFunctionInput,
        answer=FunctionOutput,
        gives=(("functionId", "/data/function/id"),),
        handler=writing(_create),
    ),
    Route(
        method="GET",
        path="/functions/{functionId}",
        operation="getFunction",
        summary="Look at a function.",
        roles=READ,
        scoped=True,
        answer=FunctionOutput,
        handler=reading(_get),
    ),
    Route(
        method="PATCH",
        path="/functions/{functionId}",
        operation="updateFunction",
        summary="Save a function; it runs at once, but for source functions, which are deployed source by source.",
        roles=EDIT,
        scoped=True,
        body=UpdateFunctionInput,
        answer=FunctionOutput,
        handler=writing(_update),
    ),
    Route(
        method="DELETE",
        path="/functions/{functionId}",
        operation="deleteFunction",
        summary="Delete a function that nothing is made of.",
        roles=EDIT,
        scoped=True,
        answer=StatusOutput,
        handler=writing(_delete),
    ),
    Route(
        method="POST",
        path="/functions/{functionId}/deploy",
        operation="createFunctionDeployment",
        summary="Let a source, sfn_<source id>, run the newest version of its function.",
        roles=DEPLOY,
        answer=DeployFunctionOutput,
        cost=5,
        handler=writing(_deploy),
    ),
    Route(
        method="GET",
        path="/functions/{functionId}/versions",
        operation="listFunctionVersions",
        summary="List the versions of a function, the newest first.",
        roles=READ,
        scoped=True,
        query=ListQuery,
        answer=ListVersionsOutput,
        gives=(("versionId", "/data/versions/0/id"),),
        versions=ALPHA,
        handler=reading(_versions),
    ),
    Route(
        method="GET",
        path="/functions/{functionId}/versions/{versionId}",
        operation="getFunctionVersion",
        summary="Look at a version; LATEST and DEPLOYED name two of them.",
        roles=READ,
        scoped=True,
        answer=VersionOutput,
        versions=ALPHA,
        handler=reading(_version),
    ),
    _restoring("/functions/{functionId}/versions", "restoreFunctionVersion"),
    _restoring("/functions/{functionId}/restore", "restoreFunctionVersionByAlias"),
)
