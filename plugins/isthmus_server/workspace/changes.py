"""What applying a workspace does, one change at a time, and how it is told."""

from __future__ import annotations

import difflib
import enum
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Final, final

import msgspec

from isthmus_server.store import Secret, SettingValues, Transaction

__all__ = ["Action", "Change", "Field", "Plan", "Step", "code_diff", "fields_between", "settings_between"]


@final
class Action(enum.StrEnum):
    """What becomes of something."""

    CREATE = "create"
    CHANGE = "change"
    DEPLOY = "deploy"
    DELETE = "delete"


@final
class Field(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A field that gets another value.

    Attributes:
        name: ``settings.region`` for one.
        before, after: as JSON; None where there is no value.
        secret: neither is shown, and both are None.
    """

    name: str
    before: str | None = None
    after: str | None = None
    secret: bool = False


@final
class Change(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One change.

    Attributes:
        kind: ``workspace``, ``function``, ``source``, ``destination`` or ``insert``.
        name: what people call it.
        id: that it has, or will have; "" where one is made when the plan is carried out.
        where: the file that says so, "" for what no file says.
        fields: that get another value.
        diff: of the code, unified; "" where it stays.
    """

    action: Action
    kind: str
    name: str
    id: str
    where: str = ""
    fields: tuple[Field, ...] = ()
    diff: str = ""


@final
class Step(msgspec.Struct, frozen=True):
    """A change, and what makes it within a transaction.

    Attributes:
        invents: the id in the change is one that this plan made up.
    """

    change: Change
    carry_out: Callable[[Transaction], object]
    invents: bool = False


@final
class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done, in order.

    Attributes:
        steps: none where the store is as the directory says.
        left: what the store has beyond the directory, and keeps: a line each.
    """

    steps: tuple[Step, ...] = ()
    left: tuple[str, ...] = ()

    def without_inventions(self) -> Plan:
        """The plan without the ids that would be others when it is made again."""
        return msgspec.structs.replace(
            self,
            steps=tuple(
                msgspec.structs.replace(step, change=msgspec.structs.replace(step.change, id=""))
                if step.invents
                else step
                for step in self.steps
            ),
        )

    @property
    def changes(self) -> tuple[Change, ...]:
        """What the steps do."""
        return tuple(step.change for step in self.steps)


_ABSENT: Final = object()


def fields_between(before: Mapping[str, object], after: Mapping[str, object]) -> Iterator[Field]:
    """The fields whose values differ; none of them may be secret."""
    for name in [*after, *(name for name in before if name not in after)]:
        had, has = before.get(name, _ABSENT), after.get(name, _ABSENT)
        if had != has:
            yield Field(name=name, before=_shown(had), after=_shown(has))


def settings_between(
    before: SettingValues, after: SettingValues, given: Mapping[str, object]
) -> Iterator[Field]:
    """The settings whose values, or whose being secret, differ.

    Args:
        before: what there is.
        after: what there will be.
        given: as the directory gives them; what it refers to is not shown.
    """
    for name in sorted({*before.values, *after.values}):
        had, has = before.values.get(name, _ABSENT), after.values.get(name, _ABSENT)
        if had == has and (name in before.secret) == (name in after.secret):
            continue
        if name in before.secret or name in after.secret or isinstance(given.get(name), Secret):
            yield Field(name=f"settings.{name}", secret=True)
        else:
            yield Field(name=f"settings.{name}", before=_shown(had), after=_shown(has))


def code_diff(before: str, after: str, where: str) -> str:
    """What changes in a code, as a unified diff; "" where nothing does."""
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), f"store/{where}", f"files/{where}"
    )
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )


def _shown(value: object) -> str | None:
    return None if value is _ABSENT else json.dumps(msgspec.to_builtins(value), ensure_ascii=False)
