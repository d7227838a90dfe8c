"""A plan as lines for a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from .changes import Action, Change, Field, Plan

__all__ = ["told_lines"]

LONGEST: Final = 200
"""Characters of a value that are shown."""

_SIGNS: Final = {Action.CREATE: "+", Action.CHANGE: "~", Action.DEPLOY: ">", Action.DELETE: "-"}


def told_lines(plan: Plan, notes: Iterable[str]) -> list[str]:
    """What a plan does, change by change, and how much in all."""
    lines = [line for change in plan.changes for line in _change(change)]
    counts = Counter(change.action for change in plan.changes)
    counted = ", ".join(f"{counts[action]} to {action}" for action in Action if counts[action])
    lines.append(counted or "nothing to do")
    if plan.left:
        lines.append("in the store, and not in the directory; --prune deletes it:")
        lines += [f"  {one}" for one in plan.left]
    return [*lines, *(f"note: {note}" for note in notes)]


def _change(change: Change) -> Iterator[str]:
    yield f"{_SIGNS[change.action]} {change.action} {change.kind} {change.name!r}" + (
        f" ({change.id})" if change.id else ""
    )
    for field in change.fields:
        yield f"    {field.name}: {_field(field)}"
    if change.action is Action.CREATE and change.diff:
        count = sum(line.startswith("+") for line in change.diff.splitlines()) - 1
        yield f"    code: {count} lines"
    else:
        yield from (f"    {line}" for line in change.diff.splitlines())


def _field(field: Field) -> str:
    if field.secret:
        return "a secret, not shown"
    before, after = (None if value is None else _cut(value) for value in (field.before, field.after))
    if before is None:
        return after or ""
    return f"{before} -> {after or 'none'}"


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
