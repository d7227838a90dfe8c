"""What the workspace, and each function, may use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, final

import msgspec
from sqlalchemy import delete, select

from .faults import FieldProblem, NotFound, Unfit
from .ids import function_id
from .schema import bounds, functions
from .values import StoredFunction
from .work import Work, fields_of

__all__ = ["UNBOUNDED", "WORKSPACE", "Bounds", "KeptBounds"]

WORKSPACE: Final = ""
"""Stands for the workspace where a function's class id would be."""


@final
class Bounds(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Quotas and limits of the workspace, or of one function; what is None has none.

    Attributes:
        execution: seconds that calls may take together in a calendar month (UTC), as Segment bills them.
        events: that may come in in such a month; of the workspace alone.
        locks: a quota that is used up stops what it is of, until the month is over or the quota is another.
        concurrency: calls under way at one time, of all instances together.
        rate: a second: of the workspace and of a source function, events and webhooks that are taken, for each source;
            of a destination function, attempts at each destination.

    Raises:
        Unfit: a number is out of its range.
    """

    execution: float | None = None
    events: int | None = None
    locks: bool = False
    concurrency: int | None = None
    rate: float | None = None

    def __post_init__(self) -> None:
        problems = [
            FieldProblem(name, f"takes a number {'from 1' if whole else 'above 0'}")
            for name, whole in (
                ("execution", False),
                ("events", True),
                ("concurrency", True),
                ("rate", False),
            )
            if (value := getattr(self, name)) is not None and not (value >= 1 if whole else 0 < value < 1e12)
        ]
        if problems:
            raise Unfit(*problems)


UNBOUNDED: Final = Bounds()


@final
class KeptBounds:
    """The bounds of the workspace and of its functions, within one transaction."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def all(self) -> Mapping[str, Bounds]:
        """Those that there are, by the class id of their function; :data:`WORKSPACE` is the workspace's."""
        found = {}
        for row in self._work.connection.execute(select(bounds)).mappings():
            fields = fields_of(row)
            function = fields.pop("function")
            found[function] = msgspec.convert(fields, Bounds)
        return found

    def get(self, function: str = WORKSPACE) -> Bounds:
        """Those of a function, by its class id, or of the workspace."""
        return self.all().get(function, UNBOUNDED)

    def put(self, function: str, given: Bounds) -> None:
        """Set them, all of them anew.

        Args:
            function: class id, or :data:`WORKSPACE`.
            given: what it is bounded by from now on.

        Raises:
            NotFound: there is no such function.
            Unfit: a function is given a quota of events.
        """
        work = self._work
        if function == WORKSPACE:
            what, name = ("Workspace", "Workspace", function), "Workspace"
        else:
            found = work.one(functions, StoredFunction, functions.c.id == function)
            if found is None:
                raise NotFound("Function", function)
            if given.events is not None:
                raise Unfit(FieldProblem("events", "is of the workspace alone"))
            what, name = (
                ("Function", "Functions", function_id(found.resource_type, function)),
                found.display_name,
            )
        if self.get(function) == given:
            return
        work.connection.execute(delete(bounds).where(bounds.c.function == function))
        if given != UNBOUNDED:
            work.add(bounds, function=function, **msgspec.structs.asdict(given))
        work.note(f"{what[0]} Bounds Modified", what[1], what[2], name)
        work.touch()
