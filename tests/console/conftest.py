from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import trio
from tests.console.visiting import Visitor

import isthmus
import isthmus_quickjs
from isthmus_server.console import Live, console
from isthmus_server.console.captured import CapturedWebhooks
from isthmus_server.store import KeyRing, Store, new_key, open_store

MEMORY = Path("/dev/shm")


@pytest.fixture(scope="session")
def keys() -> KeyRing:
    return KeyRing.from_text(new_key())


@pytest.fixture(scope="session")
def new_store(tmp_path_factory: pytest.TempPathFactory, keys: KeyRing) -> Path:
    """A store's file in which nothing has happened, to be copied."""
    path = tmp_path_factory.mktemp("new") / "store.db"

    async def make() -> None:
        async with open_store(f"sqlite:{path}", keys=keys, workspace="Acme"):
            pass

    trio.run(make)
    return path


@pytest.fixture
def quick_path() -> Iterator[Path]:
    """A directory in memory, where there is such: these tests are not about the disk."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as directory:
        yield Path(directory)


@pytest.fixture
async def store(quick_path: Path, new_store: Path, keys: KeyRing) -> AsyncIterator[Store]:
    shutil.copyfile(new_store, quick_path / "store.db")
    async with open_store(f"sqlite:{quick_path}/store.db", keys=keys) as opened:
        yield opened


@pytest.fixture
async def engine() -> AsyncIterator[isthmus.Engine]:
    async with isthmus.open_engine(plugins=[isthmus_quickjs], load_entry_points=False) as opened:
        yield opened


@pytest.fixture
def live(quick_path: Path) -> Live:
    """A log and an archive that are kept, and nothing that runs."""
    return Live(
        deliveries=quick_path / "deliveries",
        archive=quick_path / "archive",
        captured=CapturedWebhooks(clock=lambda: 0.0),
    )


@pytest.fixture
async def owner(store: Store, engine: isthmus.Engine, live: Live) -> Visitor:
    """Somebody who has signed in, and may do everything."""
    pages = console(store, engine, live=live, url="http://console.test/")
    return await Visitor.owner(store, pages)
