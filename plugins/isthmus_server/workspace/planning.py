"""What has to change in a store for it to be as a directory says.  Pure: values in, a plan out.

Ids are given to what is new when it is planned, so that each step knows everything it needs.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable

from isthmus_server.store import Transaction, function_id

from .changes import Action, Change, Plan, Step, fields_between
from .desired import Desired, WorkspaceProblems
from .destinationsteps import destination_steps, insert_steps
from .functionsteps import function_steps
from .kept import Kept
from .matching import Matching
from .sourcesteps import order_steps, source_steps

__all__ = ["plan_of"]


def plan_of(kept: Kept, desired: Desired, *, prune: bool) -> Plan:
    """Plan.

    Args:
        kept: what there is.
        desired: what there is to be.
        prune: delete what the directory does not have; else it stays, and the plan says so.

    Raises:
        WorkspaceProblems: what is to be can't be, with a line for each reason.
    """
    matching = Matching(kept, (insert.id for insert in desired.inserts), prune=prune)
    for what in ("functions", "sources", "destinations", "inserts"):
        matching.check_once(what, getattr(desired, what))
    steps = [
        *_workspace(kept, desired),
        *(step for function in desired.functions for step in function_steps(matching, function)),
        *(step for source in desired.sources for step in source_steps(matching, source)),
        *(step for destination in desired.destinations for step in destination_steps(matching, destination)),
    ]
    for insert in sorted(desired.inserts, key=lambda one: (one.order, one.key)):
        steps += insert_steps(matching, insert)
    for key, id_ in matching.sources.items():
        steps += order_steps(matching, key, id_)
    first, last = _beyond(kept, matching.taken)
    if matching.problems:
        raise WorkspaceProblems(*matching.problems)
    if prune:
        return Plan(steps=(*first, *steps, *last))
    left = [f"{step.change.kind} {step.change.name!r} ({step.change.id})" for step in first + last]
    return Plan(steps=tuple(steps), left=tuple(left))


def _workspace(kept: Kept, desired: Desired) -> Iterable[Step]:
    had = kept.workspace
    name = had.name if desired.name is None else desired.name
    slug = had.slug if desired.slug is None else desired.slug
    fields = tuple(fields_between({"name": had.name, "slug": had.slug}, {"name": name, "slug": slug}))
    if fields:
        change = Change(action=Action.CHANGE, kind="workspace", name=name, id=had.id, fields=fields)
        yield Step(change, lambda tx: tx.rename_workspace(name=name, slug=slug))


def _beyond(kept: Kept, taken: Container[str]) -> tuple[list[Step], list[Step]]:
    """What takes away what the directory does not have: before all else, and after it."""
    first = [
        *(
            _deletion("insert", one.name or one.id, one.id, tx_delete=_delete_insert)
            for one in kept.inserts
            if one.id not in taken
        ),
        *(
            _deletion("destination", one.name, one.id, tx_delete=_delete_destination)
            for one in kept.destinations
            if one.id not in taken
        ),
        *(
            _deletion("source", one.slug, one.id, tx_delete=_delete_source)
            for one in kept.sources
            if one.id not in taken
        ),
    ]
    last = [
        _deletion(
            "function",
            one.display_name,
            function_id(one.resource_type, one.id),
            tx_delete=_delete_function,
        )
        for one in kept.functions
        if one.id not in taken
    ]
    return first, last


def _deletion(kind: str, name: str, id_: str, *, tx_delete: Callable[[Transaction, str], None]) -> Step:
    change = Change(action=Action.DELETE, kind=kind, name=name, id=id_)
    return Step(change, lambda tx: tx_delete(tx, id_))


def _delete_insert(tx: Transaction, id_: str) -> None:
    tx.inserts.delete(id_)


def _delete_destination(tx: Transaction, id_: str) -> None:
    tx.destinations.delete(id_)


def _delete_source(tx: Transaction, id_: str) -> None:
    tx.sources.delete(id_)


def _delete_function(tx: Transaction, id_: str) -> None:
    tx.functions.delete(id_)
