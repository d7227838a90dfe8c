"""Destinations: where the events of a source go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, final

import msgspec
from sqlalchemy import delete, select, update

from .catalog import model_of
from .faults import Dangling, NotFound
from .ids import new_hex_id
from .inserts import forget_inserts
from .instance_settings import EMPTY, put
from .places import destination_settings
from .schema import destinations, sources
from .values import Destination, Page, ResourceType
from .work import Work, fields_of

__all__ = ["Destinations"]

CATEGORY: Final = "Destinations"


@final
class Destinations:
    """The destinations of the workspace, within one transaction."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def create(
        self,
        source: str,
        metadata_id: str,
        settings: Mapping[str, object],
        *,
        enabled: bool,
        name: str = "",
        id: str | None = None,  # noqa: A002 -- what it is called everywhere
    ) -> Destination:
        """Make a destination for the events of a source.

        Args:
            source: its id.
            metadata_id: class id of a destination function, or id of a built-in destination.
            settings: of its function.
            enabled: events go to it.
            name: that of its catalog entry by default.
            id: its own where it has one already.

        Raises:
            Dangling: there is no such source, or no such destination in the catalog.
            Conflict: another destination has that id.
            Unfit: the settings are not what its function takes.
        """
        work = self._work
        if work.connection.execute(select(sources.c.id).where(sources.c.id == source)).first() is None:
            raise Dangling("Source", source)
        model = model_of(work, metadata_id, ResourceType.DESTINATION)
        destination = Destination(
            id=work.new_id(destinations, id, new_hex_id),
            source=source,
            name=name or model.name,
            enabled=enabled,
            metadata_id=metadata_id,
            function=model.function,
            settings=put(model.settings, EMPTY, settings),
            created_at=work.now,
            updated_at=work.now,
        )
        work.add(destinations, **self._row(destination))
        work.note("Destination Created", CATEGORY, destination.id, destination.name)
        work.touch()
        return destination

    def get(self, id: str) -> Destination:  # noqa: A002 -- what it is called everywhere
        """A destination by its id.

        Raises:
            NotFound: there is none.
        """
        found = self._work.connection.execute(select(destinations).where(destinations.c.id == id))
        if (row := found.mappings().first()) is None:
            raise NotFound("Destination", id)
        return self._value(fields_of(row))

    def page(self, page: Page, *, source: str | None = None) -> tuple[list[Destination], int]:
        """Destinations in the order in which they were made, and how many there are.

        Args:
            page: of all of them.
            source: id of the only one whose destinations count.
        """
        where = () if source is None else (destinations.c.source == source,)
        rows, total = self._work.page(destinations, where, page)
        return [self._value(row) for row in rows], total

    def update(
        self,
        id: str,  # noqa: A002 -- what it is called everywhere
        *,
        name: str | None = None,
        enabled: bool | None = None,
        settings: Mapping[str, object] | None = None,
    ) -> Destination:
        """Change a destination; what is None stays as it is.

        Raises:
            NotFound: there is none.
            Unfit: the settings are not what its function takes.
        """
        work, had = self._work, self.get(id)
        changes: dict[str, Any] = {"name": name, "enabled": enabled}
        if settings is not None:
            model = model_of(work, had.metadata_id, ResourceType.DESTINATION)
            changes["settings"] = put(model.settings, had.settings, settings)
        given = {field: value for field, value in changes.items() if value is not None}
        destination = msgspec.structs.replace(had, updated_at=work.now, **given)
        work.connection.execute(
            update(destinations).where(destinations.c.id == id).values(**self._row(destination))
        )
        work.note("Destination Modified", CATEGORY, id, destination.name)
        work.touch()
        return destination

    def delete(self, id: str) -> None:  # noqa: A002 -- what it is called everywhere
        """Delete a destination with its insert instances.

        Raises:
            NotFound: there is none.
        """
        work, destination = self._work, self.get(id)
        forget_inserts(work, [id])
        work.connection.execute(delete(destinations).where(destinations.c.id == id))
        work.note("Destination Deleted", CATEGORY, id, destination.name)
        work.touch()

    def _row(self, destination: Destination) -> dict[str, Any]:
        row = {field: getattr(destination, field) for field in destination.__struct_fields__}
        return row | {
            "settings": self._work.seal_settings(destination.settings, destination_settings(destination.id))
        }

    def _value(self, row: dict[str, Any]) -> Destination:
        settings = self._work.open_settings(row["settings"], destination_settings(row["id"]))
        return Destination(**row | {"settings": settings})
