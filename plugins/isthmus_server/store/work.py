"""What the parts of one transaction share: its connection, its time, its keys, and who is at it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar, final

import msgspec
from sqlalchemy import ColumnElement, Connection, RowMapping, Select, Table, func, insert, select, update

from .faults import Conflict
from .ids import ksuid
from .schema import audit_events, workspaces
from .sealing import KeyRing
from .values import Page, SettingValues

__all__ = ["Work", "fields_of"]

T = TypeVar("T", bound=msgspec.Struct)

MOST: Final = 1_000
"""Entries of a page."""


class _Sealed(msgspec.Struct, frozen=True):
    """Settings, as they are written down before they are sealed."""

    values: dict[str, Any]
    secret: tuple[str, ...]


@final
class Work:
    """One transaction.

    Attributes:
        connection: within a transaction.
        now: milliseconds since the epoch.
        actor: id of the token on whose behalf it is.
    """

    def __init__(self, connection: Connection, keys: KeyRing, now: float, actor: str) -> None:
        self.connection = connection
        self.now = int(now * 1000)
        self.actor = actor
        self._keys = keys

    def new_ksuid(self) -> str:
        return ksuid(self.now / 1000)

    # ------------------------------------------------------------ rows

    def one(self, table: Table, kind: type[T], where: ColumnElement[bool], **more: Any) -> T | None:
        """The row that matches, as a value, or None."""
        row = self.connection.execute(select(table).where(where)).mappings().first()
        return None if row is None else msgspec.convert(fields_of(row) | more, kind)

    def add(self, table: Table, **values: Any) -> None:
        """Insert a row."""
        self.connection.execute(insert(table).values(**values))

    def new_id(self, table: Table, given: str | None, make: Callable[[], str]) -> str:
        """The id of a new row: the one that is given, or one that is made.

        Raises:
            Conflict: another row has the given one.
        """
        if given is None:
            return make()
        if self.connection.execute(select(table.c.id).where(table.c.id == given)).first():
            raise Conflict(f"The id {given[:120]} is taken.")
        return given

    def page(
        self, table: Table, where: tuple[ColumnElement[bool], ...], page: Page, *, newest_first: bool = False
    ) -> tuple[list[dict[str, Any]], int]:
        """Rows of a table by time and id, and how many there are in all."""
        order = (table.c.at if "at" in table.c else table.c.created_at, table.c.id)
        chosen: Select[Any] = select(table).where(*where)
        chosen = chosen.order_by(*(column.desc() if newest_first else column for column in order))
        chosen = chosen.offset(page.offset).limit(min(page.count, MOST))
        total = self.connection.execute(select(func.count()).select_from(table).where(*where)).scalar_one()
        return [fields_of(row) for row in self.connection.execute(chosen).mappings()], total

    # ------------------------------------------------------------ secrets

    def seal(self, plain: bytes, place: str) -> bytes:
        """Encrypt for a place; see :class:`KeyRing`."""
        return self._keys.seal(plain, place)

    def open(self, sealed: bytes, place: str) -> bytes:
        """Decrypt what is kept in a place."""
        return self._keys.open(bytes(sealed), place)

    def seal_settings(self, settings: SettingValues, place: str) -> bytes:
        """Encrypt settings, the public ones as well: what is public today may have been secret."""
        plain = _Sealed(dict(settings.values), tuple(sorted(settings.secret)))
        return self.seal(msgspec.json.encode(plain), place)

    def open_settings(self, sealed: bytes, place: str) -> SettingValues:
        """Decrypt settings."""
        plain = msgspec.json.decode(self.open(sealed, place), type=_Sealed)
        return SettingValues(values=plain.values, secret=frozenset(plain.secret))

    # ------------------------------------------------------------ traces

    def note(self, type: str, resource_type: str, id: str, name: str) -> None:  # noqa: A002 -- as events call it
        """Write down who did what."""
        self.add(
            audit_events,
            id=self.new_ksuid(),
            at=self.now,
            actor=self.actor,
            type=type,
            resource_type=resource_type,
            resource_id=id,
            resource_name=name,
        )

    def touch(self) -> None:
        """Say that what is to run has changed."""
        self.connection.execute(update(workspaces).values(revision=workspaces.c.revision + 1))


def fields_of(row: RowMapping) -> dict[str, Any]:
    """A row by the names of its columns, which are plain texts here: msgspec takes no others."""
    return {str(name): value for name, value in row.items()}
