"""Transactions on a database, carried out in threads: any number may read, one writes.

Where two processes write to one database, the database keeps them apart: SQLite by its lock on the file, PostgreSQL by an
advisory lock that every writing transaction takes first.  Both kinds of transaction see one state of everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar, final

import trio
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from .faults import StoreError

__all__ = ["Storage"]

T = TypeVar("T")

WRITE_LOCK: Final = 0x1574_3054
"""Advisory lock of PostgreSQL that writers take."""


@final
class Storage:
    """A database.

    Args:
        engine: of SQLAlchemy.
        readers: transactions that read at one time.
    """

    def __init__(self, engine: Engine, *, readers: int) -> None:
        self._engine = engine
        self._reading = trio.CapacityLimiter(readers)
        self._writing = trio.CapacityLimiter(1)

    def __repr__(self) -> str:
        return f"<Storage in {self._engine.dialect.name}>"

    async def read(self, action: Callable[[Connection], T]) -> T:
        """Do something that changes nothing, in one transaction.

        Raises:
            StoreError: the database is away or damaged.
        """
        return await self.run(lambda: self._transact(action, writes=False), self._reading)

    async def write(self, action: Callable[[Connection], T]) -> T:
        """Do something in one transaction: all of it is kept, or nothing where it raises.

        Raises:
            StoreError: the database is away or damaged.
        """
        return await self.run(lambda: self._transact(action, writes=True), self._writing)

    async def run(self, action: Callable[[], T], limiter: trio.CapacityLimiter | None = None) -> T:
        """Do something in a thread, with the errors of the database as errors of the store.

        Raises:
            StoreError: the database is away or damaged.
        """
        try:
            return await trio.to_thread.run_sync(action, limiter=limiter or self._writing)
        except DBAPIError as exc:
            raise StoreError(f"the database: {_first_line(exc.orig)}") from None
        except SQLAlchemyError as exc:
            raise StoreError(f"the database: {type(exc).__name__}") from None

    def _transact(self, action: Callable[[Connection], T], *, writes: bool) -> T:
        with self._engine.connect() as connection, self._begun(connection, writes=writes):
            return action(connection)

    @contextmanager
    def _begun(self, connection: Connection, *, writes: bool) -> Iterator[None]:
        if self._engine.dialect.name == "sqlite":
            connection.execute(text("BEGIN IMMEDIATE" if writes else "BEGIN"))
        elif writes:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": WRITE_LOCK})
        else:
            connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
        yield
        if writes:
            connection.commit()


def _first_line(exc: BaseException | None) -> str:
    """What a driver says, without what follows it: statements and values may be secret."""
    return str(exc).partition("\n")[0][:200]
