"""Which file is about which thing of the store, and whether the two fit.  Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar, final

from isthmus.functions import SettingDefinition
from isthmus_server.store import (
    BUILT_IN,
    Destination,
    InsertInstance,
    ResourceType,
    SettingValues,
    Source,
    StoredFunction,
    Unfit,
    put,
)

from .desired import DesiredDestination, DesiredFunction, DesiredInsert, DesiredSource
from .kept import Kept

__all__ = ["Matching"]

T = TypeVar("T", StoredFunction, Source, Destination, InsertInstance)


@final
class Matching:
    """What is known once files have been looked at, in the order in which they depend on each other.

    Args:
        kept: what there is.
        declared: ids of the inserts that files name.
        prune: what no file is about is deleted.

    Attributes:
        problems: a line for each thing that does not fit.
        functions: class id and file of each function, by its key.
        sources, destinations: ids by key.
        taken: ids of what files are about.
        versioned: class ids of the functions that get another version.
        arranged: ids of the inserts before a source or destination, by its id, in their order.
        names: what the inserts are called, by their ids.
    """

    def __init__(self, kept: Kept, declared: Iterable[str | None], *, prune: bool) -> None:
        self.kept = kept
        self.prune = prune
        self.declared = set(declared)
        self.problems: list[str] = []
        self.functions: dict[str, tuple[str, DesiredFunction]] = {}
        self.sources: dict[str, str] = {}
        self.destinations: dict[str, str] = {}
        self.taken: set[str] = set()
        self.versioned: set[str] = set()
        self.arranged: dict[str, list[str]] = {}
        self.names: dict[str, str] = {}
        self._named: dict[tuple[object, ...], str] = {}

    def check_once(self, what: str, written: Iterable[Any]) -> None:
        ids: dict[str, str] = {}
        for one in written:
            if one.id is not None and ids.setdefault(one.id, one.where) != one.where:
                self.problems.append(f"{one.where}: {ids[one.id]} has the same id, {one.id}")
        slugs: dict[str, str] = {}
        for one in written if what == "sources" else ():
            if slugs.setdefault(one.slug, one.where) != one.where:
                self.problems.append(f"{one.where}: {slugs[one.slug]} has the same slug, {one.slug}")

    def find(
        self,
        where: str,
        id_: str | None,
        kept: Sequence[T],
        identity_of: Callable[[T], tuple[object, ...]],
        identity: tuple[object, ...],
    ) -> T | None:
        """What a file is about: by its id, or by its name where it has none."""
        if id_ is None and (other := self._named.setdefault(identity, where)) != where:
            self.problems.append(f"{where}: {other} is of the same name; give both an id, or another name")
        found = [one for one in kept if (one.id == id_ if id_ is not None else identity_of(one) == identity)]
        if len(found) > 1:
            ids = ", ".join(one.id for one in found)
            self.problems.append(f"{where}: the store has several of that name; give an id: {ids}")
        if not found:
            return None
        if found[0].id in self.taken:
            self.problems.append(f"{where}: another file is about the same thing, {found[0].id}")
        self.taken.add(found[0].id)
        return found[0]

    def made_of(
        self, written: DesiredSource | DesiredDestination | DesiredInsert, kind: ResourceType, built_in: str
    ) -> tuple[str, tuple[SettingDefinition, ...]] | None:
        """The id of what an instance is of, and the definitions of its settings."""
        if built_in:
            return built_in, next(entry.settings for entry in BUILT_IN if entry.id == built_in)
        found = self.functions.get(written.function)
        if found is None:
            self.problems.append(f"{written.where}: function: there is no function {written.function!r}")
            return None
        if found[1].resource_type is not kind:
            self.problems.append(
                f"{written.where}: function: expected one of kind {kind.kind.value}, and "
                f"{written.function} is of kind {found[1].resource_type.kind.value}"
            )
            return None
        return found[0], found[1].settings

    def settings(
        self,
        where: str,
        definitions: Iterable[SettingDefinition],
        had: SettingValues,
        given: Mapping[str, object],
    ) -> SettingValues | None:
        try:
            return put(definitions, had, given)
        except Unfit as exc:
            self.problems += [f"{where}: {problem.field}: {problem.message}" for problem in exc.problems]
            return None

    def same(self, where: str, field: str, had: str, has: str) -> bool:
        if had != has:
            self.problems.append(
                f"{where}: its {field} is {had} in the store, and can't become {has}; "
                "leave out the id to have another one made"
            )
        return had == has
