"""Operations on insert function instances."""

from __future__ import annotations

from typing import Final

from isthmus_server.store import InsertInstance, NotFound, Role, Transaction, class_id

from .calls import Call, Route, reading, writing
from .function_types import (
    CreateInsertFunctionInstanceInput,
    InsertFunctionInstanceOutput,
    ListInsertFunctionInstancesOutput,
    ListInsertFunctionInstancesQuery,
    StatusOutput,
    UpdateInsertFunctionInstanceInput,
    instance_view,
)
from .pagination import page_of, pagination_of

__all__ = ["ROUTES"]

READ: Final = frozenset({Role.OWNER, Role.FUNCTIONS_ADMIN, Role.FUNCTIONS_READ_ONLY, Role.SOURCE_ADMIN})
EDIT: Final = frozenset({Role.OWNER, Role.FUNCTIONS_ADMIN, Role.SOURCE_ADMIN})
ALPHA: Final = ("v1alpha",)


def _list(tx: Transaction, call: Call) -> ListInsertFunctionInstancesOutput:
    query: ListInsertFunctionInstancesQuery = call.query
    call.check_function(class_id(query.function_id))
    page = page_of(query.pagination)
    found, total = tx.inserts.page(page, function=query.function_id)
    return ListInsertFunctionInstancesOutput(
        instances=tuple(map(instance_view, found)), pagination=pagination_of(page, total)
    )


def _create(tx: Transaction, call: Call) -> InsertFunctionInstanceOutput:
    given: CreateInsertFunctionInstanceInput = call.body
    call.check_function(class_id(given.function_id))
    instance = tx.inserts.create(
        given.function_id, given.integration_id, given.settings, enabled=given.enabled, name=given.name
    )
    return _output(instance)


def _get(tx: Transaction, call: Call) -> InsertFunctionInstanceOutput:
    return _output(_found(tx, call))


def _update(tx: Transaction, call: Call) -> InsertFunctionInstanceOutput:
    given: UpdateInsertFunctionInstanceInput = call.body
    had = _found(tx, call)
    return _output(tx.inserts.update(had.id, given.settings, enabled=given.enabled, name=given.name))


def _delete(tx: Transaction, call: Call) -> StatusOutput:
    tx.inserts.delete(_found(tx, call).id)
    return StatusOutput()


def _found(tx: Transaction, call: Call) -> InsertInstance:
    """The instance that the path names; one of a function out of the role's reach is not shown to exist."""
    instance = tx.inserts.get(call.path["instanceId"])
    if call.functions is not None and instance.function not in call.functions:
        raise NotFound("Insert function instance", instance.id)
    return instance


def _output(instance: InsertInstance) -> InsertFunctionInstanceOutput:
    return InsertFunctionInstanceOutput(insert_function_instance=instance_view(instance))


ROUTES: Final = (
    Route(
        method="GET",
        path="/insert-function-instances",
        operation="listInsertFunctionInstances",
        summary="List the instances of an insert function.",
        roles=READ,
        scoped=True,
        query=ListInsertFunctionInstancesQuery,
        answer=ListInsertFunctionInstancesOutput,
        versions=ALPHA,
        handler=reading(_list),
    ),
    Route(
        method="POST",
        path="/insert-function-instances",
        operation="createInsertFunctionInstance",
        summary="Put an insert function to work on the events of a source or destination.",
        roles=EDIT,
        scoped=True,
        body=CreateInsertFunctionInstanceInput,
        answer=InsertFunctionInstanceOutput,
        gives=(("instanceId", "/data/insertFunctionInstance/id"),),
        versions=ALPHA,
        handler=writing(_create),
    ),
    Route(
        method="GET",
        path="/insert-function-instances/{instanceId}",
        operation="getInsertFunctionInstance",
        summary="Look at an instance.",
        roles=READ,
        scoped=True,
        answer=InsertFunctionInstanceOutput,
        versions=ALPHA,
        handler=reading(_get),
    ),
    Route(
        method="PATCH",
        path="/insert-function-instances/{instanceId}",
        operation="updateInsertFunctionInstance",
        summary="Change an instance. Secret settings that are not given stay as they are.",
        roles=EDIT,
        scoped=True,
        body=UpdateInsertFunctionInstanceInput,
        answer=InsertFunctionInstanceOutput,
        versions=ALPHA,
        handler=writing(_update),
    ),
    Route(
        method="DELETE",
        path="/insert-function-instances/{instanceId}",
        operation="deleteInsertFunctionInstance",
        summary="Delete an instance.",
        roles=EDIT,
        scoped=True,
        answer=StatusOutput,
        versions=ALPHA,
        handler=writing(_delete),
    ),
)
