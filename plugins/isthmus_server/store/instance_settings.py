"""The values of an instance's settings: how new ones are put to those it has, and whether they fit.  Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from isthmus.errors import InvalidSettings
from isthmus.functions import Function, Kind, SettingDefinition
from isthmus.settings import validate

from .faults import FieldProblem, Unfit
from .values import MASK, Secret, SettingValues

__all__ = ["EMPTY", "put"]

EMPTY: Final = SettingValues()


def put(
    definitions: Iterable[SettingDefinition], had: SettingValues, given: Mapping[str, object]
) -> SettingValues:
    """Put new values in place of those an instance has.

    What can be read is replaced as a whole.  What can't be read can't be sent back either: a secret value stays where its
    name is not given, or is given with the mask that stands for it; null takes it away.  A value is secret where its
    setting is sensitive or it is given as a :class:`Secret`, and stays so for as long as it is that value.

    Args:
        definitions: what the function takes.
        had: the values so far, `EMPTY` for a new instance.
        given: the new ones.

    Raises:
        Unfit: with a problem for each setting at fault, none of them showing a value.
    """
    known = {definition.name: definition for definition in definitions}
    values: dict[str, object] = {}
    secret: set[str] = set()
    for name in [*given, *(name for name in had.secret if name not in given)]:
        is_kept = name in had.secret and (name not in given or given[name] == MASK)
        value = had.values[name] if is_kept else given[name]
        hidden = isinstance(value, Secret)
        value = value.value if isinstance(value, Secret) else value
        if value is None or (name not in known and is_kept and name not in given):
            continue
        values[name] = value
        if is_kept or hidden or (name in known and known[name].sensitive):
            secret.add(name)
    if problems := _problems(known, values):
        raise Unfit(*problems)
    return SettingValues(values=values, secret=frozenset(secret))


def _problems(known: Mapping[str, SettingDefinition], values: Mapping[str, object]) -> list[FieldProblem]:
    problems = []
    for name, definition in known.items():
        alone = Function(name="it", kind=Kind.SOURCE, language="", code="", settings=(definition,))
        try:
            validate(alone, {name: values[name]} if name in values else {})
        except InvalidSettings as exc:
            problems.append(FieldProblem(f"settings.{name}", exc.problems[0]))
    names = ", ".join(f'"{name}"' for name in known) or "none"
    problems += [
        FieldProblem(f"settings.{name}", f'"settings.{name}" is not allowed: the function has {names}')
        for name in values
        if name not in known
    ]
    return problems
