from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.server import postgres
from tests.server.asking import Api

import isthmus
import isthmus_quickjs
from isthmus_server.store import KeyRing, Store, new_key, open_store

NUMBERS = iter(range(1, 1_000_000))


@pytest.fixture(scope="session")
def keys() -> KeyRing:
    return KeyRing.from_text(new_key())


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """A PostgreSQL server; the URL of its first database."""
    with postgres.running() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where a store can be opened that is not there yet, on each kind of database."""
    if request.param == "sqlite":
        yield f"sqlite:{tmp_path}/store.db"
        return
    with postgres.database(request.getfixturevalue("postgresql"), f"test{next(NUMBERS)}") as url:
        yield url


@pytest.fixture
async def store(url: str, keys: KeyRing) -> AsyncIterator[Store]:
    async with open_store(url, keys=keys, workspace="Acme") as opened:
        yield opened


@pytest.fixture
async def api(tmp_path: Path, keys: KeyRing) -> AsyncIterator[Api]:
    """The API over a store in SQLite and an engine that runs JavaScript; asked without a network."""
    async with (
        open_store(f"sqlite:{tmp_path}/store.db", keys=keys, workspace="Acme") as opened,
        isthmus.open_engine(plugins=[isthmus_quickjs], load_entry_points=False) as engine,
    ):
        yield await Api.over(opened, engine)
