"""What has to change about functions.  Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from isthmus_server.store import (
    AS_USUAL,
    Draft,
    ResourceType,
    Transaction,
    function_id,
    new_class_id,
)

from .changes import Action, Change, Field, Step, code_diff, fields_between
from .desired import DesiredFunction
from .matching import Matching

__all__ = ["function_steps"]

_NOTHING: Final = object()
_TOLD: Final = ("display_name", "description", "logo_url", "settings", "running")
"""Fields of a function that are shown as they are; its code is shown as a diff."""
_EMPTY: Final = ("", (), AS_USUAL)
"""Values that need no showing where a function is new."""


def function_steps(matching: Matching, written: DesiredFunction) -> Iterable[Step]:
    """See that there is a function as a file says, and that it runs; a source function is deployed source by source."""
    had = matching.find(
        written.where,
        written.id,
        matching.kept.functions,
        lambda one: (one.resource_type, one.display_name),
        (written.resource_type, written.display_name),
    )
    new_id = had.id if had else written.id or new_class_id(written.resource_type)
    matching.functions[written.key] = new_id, written
    fixed = ("resource_type", "language")
    if had and (other := [field for field in fixed if getattr(had, field) != getattr(written, field)]):
        field = other[0]
        matching.problems.append(
            f"{written.where}: its {'kind' if field == 'resource_type' else field} is "
            f"{getattr(had, field)!s} in the store, and can't become {getattr(written, field)!s}"
        )
        return
    before = {field: getattr(had, field) for field in _TOLD} if had else {}
    after = {field: getattr(written, field) for field in _TOLD}
    if written.running is None:
        after["running"] = had.running if had else AS_USUAL
    code_before = had.code if had else ""
    if had and before == after and code_before == written.code:
        if had.resource_type is not ResourceType.SOURCE and had.deployed != had.latest:
            yield _step(
                Action.DEPLOY,
                written,
                new_id,
                lambda tx: tx.functions.update(new_id, Draft(code=written.code)),
            )
        return
    changed = {field: value for field, value in after.items() if before.get(field, _NOTHING) != value}
    if not had or code_before != written.code:
        changed["code"] = written.code
    draft = Draft(**changed)
    if not had or changed.keys() & {"code", "settings", "running"}:
        matching.versioned.add(new_id)
    fields = tuple(
        fields_between(before, {name: value for name, value in after.items() if had or value not in _EMPTY})
    )
    diff = code_diff(code_before, written.code, written.file)
    if had:
        yield _step(
            Action.CHANGE, written, new_id, lambda tx: tx.functions.update(new_id, draft), fields, diff
        )
    else:
        yield _step(
            Action.CREATE,
            written,
            new_id,
            lambda tx: tx.functions.create(
                written.resource_type, draft, language=written.language, id=new_id
            ),
            fields,
            diff,
        )


def _step(
    action: Action,
    written: DesiredFunction,
    bare: str,
    carry_out: Callable[[Transaction], object],
    fields: tuple[Field, ...] = (),
    diff: str = "",
) -> Step:
    change = Change(
        action=action,
        kind="function",
        name=written.display_name,
        id=function_id(written.resource_type, bare),
        where=written.where,
        fields=fields,
        diff=diff,
    )
    return Step(change, carry_out, invents=action is Action.CREATE and written.id is None)
