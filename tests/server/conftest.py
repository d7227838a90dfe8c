from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import trio
from tests.server import postgres
from tests.server.asking import Api

import isthmus
import isthmus_quickjs
from isthmus_server.store import KeyRing, Store, new_key, open_store

MEMORY = Path("/dev/shm")
NUMBERS = iter(range(1, 1_000_000))


@pytest.fixture(scope="session")
def keys() -> KeyRing:
    return KeyRing.from_text(new_key())


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """A PostgreSQL server; the URL of its first database."""
    with postgres.running() as url:
        yield url


@pytest.fixture
def quick_path() -> Iterator[Path]:
    """A directory in memory, where there is such: most tests are not about the disk."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as directory:
        yield Path(directory)


@pytest.fixture(scope="session")
def new_store(tmp_path_factory: pytest.TempPathFactory, keys: KeyRing) -> Path:
    """A store's file in which nothing has happened, to be copied."""
    path = tmp_path_factory.mktemp("new") / "store.db"

    async def make() -> None:
        async with open_store(f"sqlite:{path}", keys=keys, workspace="Acme"):
            pass

    trio.run(make)
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, quick_path: Path) -> Iterator[str]:
    """Where a store can be opened that is not there yet, on each kind of database."""
    if request.param == "sqlite":
        yield f"sqlite:{quick_path}/store.db"
        return
    with postgres.database(request.getfixturevalue("postgresql"), f"test{next(NUMBERS)}") as url:
        yield url


@pytest.fixture
async def store(url: str, keys: KeyRing) -> AsyncIterator[Store]:
    async with open_store(url, keys=keys, workspace="Acme") as opened:
        yield opened


@pytest.fixture
async def api(quick_path: Path, new_store: Path, keys: KeyRing) -> AsyncIterator[Api]:
    """The API over a store in SQLite and an engine that runs JavaScript; asked without a network."""
    shutil.copyfile(new_store, quick_path / "store.db")
    async with (
        open_store(f"sqlite:{quick_path}/store.db", keys=keys) as opened,
        isthmus.open_engine(plugins=[isthmus_quickjs], load_entry_points=False) as engine,
    ):
        yield await Api.over(opened, engine)
