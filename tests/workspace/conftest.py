from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
import trio
from tests.workspace.directories import SAMPLE, Stores, write

import isthmus
import isthmus_cpython
import isthmus_quickjs
from isthmus.abc import Runtime
from isthmus_server.store import KeyRing, new_key, open_store


@pytest.fixture(scope="session")
def runtimes() -> Mapping[str, Runtime]:
    async def opened() -> Mapping[str, Runtime]:
        async with isthmus.open_engine(
            plugins=[isthmus_quickjs, isthmus_cpython], load_entry_points=False
        ) as engine:
            return dict(engine.runtimes)

    return trio.run(opened)


@pytest.fixture(scope="session")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Stores:
    """New stores, each a copy of one that was made once."""
    root, keys = tmp_path_factory.mktemp("stores"), KeyRing.from_text(new_key())

    async def make() -> None:
        async with open_store(f"sqlite:{root}/new.db", keys=keys, workspace="New"):
            pass

    trio.run(make)
    return Stores(root, keys)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A workspace with one of each kind."""
    return write(tmp_path / "workspace", SAMPLE)
