"""Functions and their versions: saving, deploying, restoring."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, final

import msgspec
from sqlalchemy import delete, exists, select, update

from isthmus.errors import InvalidFunction
from isthmus.functions import SettingDefinition

from .faults import Conflict, FieldProblem, NotFound, Unfit
from .ids import class_id, function_id, new_class_id
from .schema import bounds, destinations, functions, insert_instances, sources, versions
from .values import AS_USUAL, Page, ResourceType, Running, StoredFunction, Version
from .work import Work, fields_of

__all__ = ["Draft", "Functions"]

CATEGORY: Final = "Functions"


@final
class Draft(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is to be saved; what is None stays as it is."""

    code: str | None = None
    display_name: str | None = None
    description: str | None = None
    logo_url: str | None = None
    settings: tuple[SettingDefinition, ...] | None = None
    running: Running | None = None


@final
class Functions:
    """The functions of the workspace, within one transaction."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def create(
        self,
        resource_type: ResourceType,
        draft: Draft,
        *,
        language: str = "javascript",
        id: str | None = None,  # noqa: A002 -- what it is called everywhere
    ) -> StoredFunction:
        """Save a new function.  A source function runs once it is deployed to a source; the others run from now on.

        Args:
            resource_type: its kind.
            draft: what it is.
            language: which runtime is to run it.
            id: its class id where it has one already.

        Raises:
            Unfit: its settings contradict each other.
            Conflict: another function has that id.
        """
        work, version = self._work, self._work.new_ksuid()
        bare = work.new_id(functions, id, lambda: new_class_id(resource_type))
        deployed = resource_type is not ResourceType.SOURCE
        function = StoredFunction(
            id=bare,
            resource_type=resource_type,
            display_name=draft.display_name or "",
            description=draft.description or "",
            logo_url=draft.logo_url or "",
            language=language,
            code=draft.code or "",
            settings=draft.settings or (),
            running=draft.running or AS_USUAL,
            latest=version,
            deployed=version if deployed else None,
            created_at=work.now,
            created_by=work.actor,
            updated_at=work.now,
            deployed_at=work.now if deployed else None,
        )
        _check(function)
        work.add(functions, **msgspec.to_builtins(function))
        self._add_version(function, 1)
        work.note("Function Created", CATEGORY, function_id(resource_type, bare), function.display_name)
        work.touch()
        return function

    def get(self, given: str) -> StoredFunction:
        """A function by its id or its class id.

        Raises:
            NotFound: there is none.
        """
        bare = class_id(given)
        found = self._work.one(functions, StoredFunction, functions.c.id == bare)
        if found is None or given not in {bare, function_id(found.resource_type, bare)}:
            raise NotFound("Function", given)
        return found

    def page(
        self, resource_type: ResourceType, page: Page, *, only: Iterable[str] | None = None
    ) -> tuple[list[StoredFunction], int]:
        """Functions of one kind in the order in which they were made, and how many there are.

        Args:
            resource_type: the kind.
            page: of all of them.
            only: class ids of those that count, or None for all.
        """
        where = [functions.c.resource_type == resource_type.value]
        if only is not None:
            where.append(functions.c.id.in_(list(only)))
        rows, total = self._work.page(functions, tuple(where), page)
        return msgspec.convert(rows, list[StoredFunction]), total

    def update(self, given: str, draft: Draft) -> StoredFunction:
        """Save a function.

        New code, new definitions of settings or another way to run it make a version.  It runs at once, but for a source function, which is deployed
        source by source.

        Raises:
            NotFound: there is none.
            Unfit: its settings contradict each other.
        """
        work, had = self._work, self.get(given)
        changes = {
            name: value for name in draft.__struct_fields__ if (value := getattr(draft, name)) is not None
        }
        function = msgspec.structs.replace(had, updated_at=work.now, **changes)
        _check(function)
        if not changes.keys().isdisjoint({"code", "settings", "running"}):
            version = work.new_ksuid()
            function = msgspec.structs.replace(function, latest=version)
            if function.resource_type is not ResourceType.SOURCE:
                function = msgspec.structs.replace(function, deployed=version, deployed_at=work.now)
            self._add_version(function, self._next_number(had.id))
        self._write(function)
        work.note(
            "Function Modified", CATEGORY, function_id(function.resource_type, had.id), function.display_name
        )
        return function

    def delete(self, given: str) -> None:
        """Delete a function with its versions.

        Raises:
            NotFound: there is none.
            Conflict: sources, destinations or insert instances are made of it.
        """
        work, function = self._work, self.get(given)
        for table, what in (
            (sources, "sources"),
            (destinations, "destinations"),
            (insert_instances, "insert function instances"),
        ):
            if work.connection.execute(select(exists().where(table.c.function == function.id))).scalar():
                raise Conflict(f"Function {given[:120]} still has {what}; delete them first.")
        work.connection.execute(delete(versions).where(versions.c.function == function.id))
        work.connection.execute(delete(bounds).where(bounds.c.function == function.id))
        work.connection.execute(delete(functions).where(functions.c.id == function.id))
        work.note(
            "Function Deleted",
            CATEGORY,
            function_id(function.resource_type, function.id),
            function.display_name,
        )
        work.touch()

    # ------------------------------------------------------------ versions

    def versions(self, given: str, page: Page) -> tuple[list[Version], int]:
        """The versions of a function, the newest first, and how many there are.

        Raises:
            NotFound: there is no such function.
        """
        function = self.get(given)
        running = self._running(function)
        total = self._next_number(function.id) - 1
        rows = self._work.connection.execute(
            select(versions)
            .where(versions.c.function == function.id)
            .order_by(versions.c.number.desc())
            .offset(page.offset)
            .limit(page.count)
        ).mappings()
        return [
            msgspec.convert(fields_of(row) | {"is_deployed": row["id"] in running}, Version) for row in rows
        ], total

    def version(self, given: str, version: str) -> Version:
        """One version of a function; ``LATEST`` and ``DEPLOYED`` name two of them.

        Raises:
            NotFound: there is no such function, or no such version of it.
        """
        function = self.get(given)
        named = {"LATEST": function.latest, "DEPLOYED": function.deployed}.get(version, version)
        where = (versions.c.function == function.id) & (versions.c.id == named)
        found = self._work.one(versions, Version, where, is_deployed=named in self._running(function))
        if found is None:
            raise NotFound("Function version", version)
        return found

    def restore(self, given: str, version: str) -> Version:
        """Make the code of an older version the newest one; what runs goes on running.

        Raises:
            NotFound: there is no such function, or no such version of it.
        """
        work, old = self._work, self.version(given, version)
        function = msgspec.structs.replace(
            self.get(given), code=old.code, latest=work.new_ksuid(), updated_at=work.now
        )
        self._add_version(function, self._next_number(function.id))
        self._write(function)
        work.note(
            "Function Version Restored",
            CATEGORY,
            function_id(function.resource_type, function.id),
            function.display_name,
        )
        return self.version(given, function.latest)

    def deploy(self, source: str) -> StoredFunction:
        """Let a source run the newest version of its function.

        Args:
            source: its id.

        Raises:
            NotFound: there is no such source, or it has no function.
        """
        work = self._work
        row = work.connection.execute(select(sources.c.function).where(sources.c.id == source)).first()
        if row is None or row.function is None:
            raise NotFound("Source function instance", source)
        function = msgspec.structs.replace(self.get(row.function), deployed_at=work.now)
        function = msgspec.structs.replace(function, deployed=function.latest)
        work.connection.execute(
            update(sources)
            .where(sources.c.id == source)
            .values(deployed=function.latest, updated_at=work.now)
        )
        work.connection.execute(
            update(versions)
            .where(versions.c.id == function.latest)
            .values(deployed_at=work.now, updated_at=work.now)
        )
        self._write(function)
        work.note("Function Deployed", CATEGORY, f"sfn_{source}", function.display_name)
        return function

    # ------------------------------------------------------------ rows

    def _write(self, function: StoredFunction) -> None:
        values: dict[str, Any] = msgspec.to_builtins(function)
        self._work.connection.execute(update(functions).where(functions.c.id == function.id).values(**values))
        self._work.touch()

    def _add_version(self, function: StoredFunction, number: int) -> None:
        work = self._work
        work.add(
            versions,
            id=function.latest,
            function=function.id,
            number=number,
            code=function.code,
            settings=msgspec.to_builtins(function.settings),
            running=msgspec.to_builtins(function.running),
            author=work.actor,
            created_at=work.now,
            updated_at=work.now,
            deployed_at=work.now if function.deployed == function.latest else None,
        )

    def _next_number(self, function: str) -> int:
        newest = (
            select(versions.c.number)
            .where(versions.c.function == function)
            .order_by(versions.c.number.desc())
            .limit(1)
        )
        number: int = self._work.connection.execute(newest).scalar_one_or_none() or 0
        return number + 1

    def _running(self, function: StoredFunction) -> set[str]:
        """Ids of the versions that run somewhere."""
        if function.resource_type is not ResourceType.SOURCE:
            return {function.deployed} if function.deployed else set()
        rows = self._work.connection.execute(
            select(sources.c.deployed).where(sources.c.function == function.id)
        )
        return {row.deployed for row in rows if row.deployed}


def _check(function: StoredFunction) -> None:
    """See that the engine would take it for a function, whatever its code does."""
    try:
        function.to_run()
    except InvalidFunction as exc:
        raise Unfit(FieldProblem("settings", str(exc))) from None
