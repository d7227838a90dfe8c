"""A store opened: its storage reached, brought to the newest schema, and given a workspace where it is new."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import unquote

import trio
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, create_engine, event, insert, select, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.pool import QueuePool

from isthmus.errors import EngineError
from isthmus_server._extra import of_the_extra

from .elsewhere import offered_engine
from .faults import StoreError
from .ids import new_source_id
from .places import TOKEN_KEY
from .schema import workspaces
from .sealing import KeyRing
from .storage import Storage
from .store import Store

__all__ = ["open_store"]

DATABASE_FILE: Final = "store.db"
KEY_FILE: Final = "store.keys"
READERS: Final = 4
"""Transactions that read at one time."""
MIGRATION_LOCK: Final = 0x1574_3053
"""Advisory lock of PostgreSQL under which one process at a time brings a database to the newest schema."""


@asynccontextmanager
async def open_store(
    where: str | Path,
    *,
    keys: KeyRing | None = None,
    workspace: str = "isthmus",
    clock: Callable[[], float] = time.time,
    plugins: Sequence[object] = (),
) -> AsyncIterator[Store]:
    """Open a store, which is made where it is not there, and close it on the way out.

    Args:
        where: a data directory, which then holds a SQLite file and a file of keys; ``sqlite:PATH`` for such a file alone; or
            ``postgresql://USER@HOST/DATABASE``; or a URL of a scheme that a plugin offers by ``isthmus_stores``.
        keys: what secrets are sealed with; by default those in ``$ISTHMUS_STORE_KEYS``, else in a data directory's
            ``store.keys``, which is made where it is missing.
        workspace: the name of the workspace of a new store.
        clock: seconds since the epoch.
        plugins: beside the installed ones.

    Raises:
        EngineError: the URL is none that a store can be at.
        StoreError: the storage is away, damaged or of a newer version, or there are no keys.
        PluginError: the driver of that database is not installed, or no plugin offers the scheme.
    """
    engine = offered_engine(str(where), plugins)
    directory: Path | None = None
    if engine is None:
        url, directory = _address(where)
        engine = _engine(url)
    key_file = None if directory is None else directory / KEY_FILE
    ring = await trio.to_thread.run_sync(lambda: KeyRing.found(key_file)) if keys is None else keys
    storage = Storage(engine, readers=READERS)
    try:
        await storage.run(lambda: _prepare(engine, ring, workspace, clock()))
        yield Store(storage, ring, clock)
    finally:
        with trio.CancelScope(shield=True):
            await trio.to_thread.run_sync(engine.dispose)


def _address(where: str | Path) -> tuple[URL, Path | None]:
    """The database's URL, and the data directory where there is one."""
    if isinstance(where, Path) or ":" not in where:
        directory = Path(where)
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        return _sqlite(directory / DATABASE_FILE), directory
    scheme, _, rest = where.partition(":")
    if scheme == "sqlite":
        if not (path := unquote(rest.removeprefix("//"))):
            raise EngineError("a store in a SQLite file has its path in the URL: sqlite:data/store.db")
        return _sqlite(Path(path)), None
    if scheme in {"postgresql", "postgres"}:
        try:
            return make_url(f"postgresql+psycopg:{rest}"), None
        except (ArgumentError, ValueError):
            raise EngineError("the URL of the store can't be read") from None
    raise EngineError(f"a store is in a directory, sqlite: or postgresql:, not in {scheme!r}")


def _sqlite(path: Path) -> URL:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as exc:
        raise StoreError(f"the store in {path} can't be opened: {exc.strerror}") from None
    return URL.create("sqlite", database=str(path))


def _engine(url: URL) -> Engine:
    try:
        if url.get_backend_name() == "sqlite":
            engine = create_engine(
                url,
                poolclass=QueuePool,
                pool_size=READERS + 1,
                hide_parameters=True,
                connect_args={"check_same_thread": False, "timeout": 30.0, "isolation_level": None},
            )
            event.listen(engine, "connect", _set_up_sqlite)
            return engine
        with of_the_extra("postgresql"):
            return create_engine(url, pool_size=READERS + 1, pool_pre_ping=True, hide_parameters=True)
    except NoSuchModuleError as exc:
        raise EngineError(str(exc)) from None


def _set_up_sqlite(connection: object, _record: object) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()  # type: ignore[attr-defined] # of whichever driver


def _prepare(engine: Engine, keys: KeyRing, name: str, now: float) -> None:
    """Bring the database to the newest schema, and see that the keys are those of what it holds."""
    with _migrating(engine) as connection:
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError:
            raise StoreError(
                "the store was made by a newer version of isthmus; nothing was changed"
            ) from None
        found = connection.execute(select(workspaces.c.token_key)).scalar_one_or_none()
        if found is None:
            connection.execute(
                insert(workspaces).values(
                    id=new_source_id(),
                    slug="-".join(name.lower().split()) or "isthmus",
                    name=name,
                    revision=1,
                    token_key=keys.seal(secrets.token_bytes(32), TOKEN_KEY),
                )
            )
        else:
            keys.open(bytes(found), TOKEN_KEY)


@contextmanager
def _migrating(engine: Engine) -> Iterator[Connection]:
    """A transaction that no other process is in at the same time."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.execute(text("BEGIN IMMEDIATE"))
        else:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
        yield connection
        connection.commit()
