"""Insert instances: insert functions at work on the events of a source or a destination."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, final

import msgspec
from sqlalchemy import delete, select, update

from .faults import Conflict, Dangling, NotFound
from .functions import Functions
from .ids import new_hex_id
from .instance_settings import EMPTY, put
from .places import insert_settings
from .schema import destinations, insert_instances, sources
from .values import InsertInstance, Page, ResourceType, StoredFunction
from .work import Work, fields_of

__all__ = ["Inserts", "forget_inserts"]

CATEGORY: Final = "Functions"
WHAT: Final = "Insert function instance"


@final
class Inserts:
    """The insert instances of the workspace, within one transaction."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def create(
        self,
        function: str,
        integration: str,
        settings: Mapping[str, object],
        *,
        enabled: bool,
        name: str | None = None,
        id: str | None = None,  # noqa: A002 -- what it is called everywhere
    ) -> InsertInstance:
        """Put an insert function to work.

        Args:
            function: its id or its class id.
            integration: id of a destination, for a source insert that of a source.
            settings: of the function.
            enabled: events pass it.
            name: what people call the instance.
            id: its own where it has one already.

        Raises:
            Dangling: there is no such insert function, or nothing of its kind that it could be put before.
            Conflict: the destination has an insert function already, or another instance has that id.
            Unfit: the settings are not what the function takes.
        """
        work, kept = self._work, self._function(function)
        self._check_integration(kept, integration)
        instance = InsertInstance(
            id=work.new_id(insert_instances, id, new_hex_id),
            function=kept.id,
            integration=integration,
            name=name,
            enabled=enabled,
            settings=put(kept.settings, EMPTY, settings),
            created_at=work.now,
            updated_at=work.now,
        )
        work.add(insert_instances, **self._row(instance))
        work.note("Insert Function Instance Created", CATEGORY, instance.id, name or kept.display_name)
        work.touch()
        return instance

    def get(self, id: str) -> InsertInstance:  # noqa: A002 -- what it is called everywhere
        """An instance by its id.

        Raises:
            NotFound: there is none.
        """
        found = self._work.connection.execute(select(insert_instances).where(insert_instances.c.id == id))
        if (row := found.mappings().first()) is None:
            raise NotFound(WHAT, id)
        return self._value(fields_of(row))

    def page(self, page: Page, *, function: str | None = None) -> tuple[list[InsertInstance], int]:
        """Instances in the order in which they were made, and how many there are.

        Args:
            page: of all of them.
            function: id or class id of the only function whose instances count.

        Raises:
            Dangling: there is no such insert function.
        """
        where = () if function is None else (insert_instances.c.function == self._function(function).id,)
        rows, total = self._work.page(insert_instances, where, page)
        return [self._value(row) for row in rows], total

    def update(
        self,
        id: str,  # noqa: A002 -- what it is called everywhere
        settings: Mapping[str, object],
        *,
        enabled: bool | None = None,
        name: str | None = None,
    ) -> InsertInstance:
        """Change an instance; what is None stays as it is.

        Raises:
            NotFound: there is none.
            Unfit: the settings are not what the function takes.
        """
        work, had = self._work, self.get(id)
        function = Functions(work).get(had.function)
        changes = {
            "enabled": enabled,
            "name": name,
            "settings": put(function.settings, had.settings, settings),
        }
        given = {field: value for field, value in changes.items() if value is not None}
        instance = msgspec.structs.replace(had, updated_at=work.now, **given)
        work.connection.execute(
            update(insert_instances).where(insert_instances.c.id == id).values(**self._row(instance))
        )
        work.note("Insert Function Instance Modified", CATEGORY, id, instance.name or function.display_name)
        work.touch()
        return instance

    def arrange(self, ids: Sequence[str]) -> None:
        """Let events pass instances in this order; it goes by the times at which they were put there, which are set anew.

        Args:
            ids: of all the instances before one source.
        """
        work = self._work
        for later, id_ in enumerate(ids):
            work.connection.execute(
                update(insert_instances)
                .where(insert_instances.c.id == id_)
                .values(created_at=work.now + later, updated_at=work.now + later)
            )
            work.note("Insert Function Instance Modified", CATEGORY, id_, self.get(id_).name or "")
        work.touch()

    def delete(self, id: str) -> None:  # noqa: A002 -- what it is called everywhere
        """Delete an instance.

        Raises:
            NotFound: there is none.
        """
        work, instance = self._work, self.get(id)
        work.connection.execute(delete(insert_instances).where(insert_instances.c.id == id))
        work.note("Insert Function Instance Deleted", CATEGORY, id, instance.name or "")
        work.touch()

    def _function(self, given: str) -> StoredFunction:
        try:
            function = Functions(self._work).get(given)
        except NotFound:
            function = None
        if function is None or function.resource_type not in {
            ResourceType.INSERT_DESTINATION,
            ResourceType.INSERT_SOURCE,
        }:
            raise Dangling("Insert function", given)
        return function

    def _check_integration(self, function: StoredFunction, integration: str) -> None:
        find = self._work.connection.execute
        if function.resource_type is ResourceType.INSERT_SOURCE:
            if find(select(sources.c.id).where(sources.c.id == integration)).first() is None:
                raise Dangling("Source", integration)
            return
        if find(select(destinations.c.id).where(destinations.c.id == integration)).first() is None:
            raise Dangling("Destination", integration)
        taken = select(insert_instances.c.id).where(insert_instances.c.integration == integration)
        if find(taken).first() is not None:
            raise Conflict(f"Destination {integration} has an insert function already.")

    def _row(self, instance: InsertInstance) -> dict[str, Any]:
        row = {field: getattr(instance, field) for field in instance.__struct_fields__}
        return row | {"settings": self._work.seal_settings(instance.settings, insert_settings(instance.id))}

    def _value(self, row: dict[str, Any]) -> InsertInstance:
        settings = self._work.open_settings(row["settings"], insert_settings(row["id"]))
        return InsertInstance(**row | {"settings": settings})


def forget_inserts(work: Work, integrations: Iterable[str]) -> None:
    """Delete the instances that were before these sources and destinations."""
    work.connection.execute(
        delete(insert_instances).where(insert_instances.c.integration.in_(list(integrations)))
    )
