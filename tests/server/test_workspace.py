"""A directory applied to, and exported from, each kind of database."""

from __future__ import annotations

from pathlib import Path

from tests.workspace.directories import ENVIRON, SAMPLE, write

import isthmus
import isthmus_cpython
import isthmus_quickjs
from isthmus_server.store import Store
from isthmus_server.workspace import apply, export, plan, read_workspace, write_export


async def test_a_store_is_made_of_a_directory_and_a_directory_of_a_store(
    store: Store, tmp_path: Path
) -> None:
    async with isthmus.open_engine(
        plugins=[isthmus_quickjs, isthmus_cpython], load_entry_points=False
    ) as engine:
        desired = read_workspace(write(tmp_path / "in", SAMPLE), engine.runtimes, ENVIRON)
        assert (await store.write(lambda tx: apply(tx, desired, prune=True))).changes
        assert (await store.write(lambda tx: apply(tx, desired, prune=True))).changes == ()
        exported = await store.read(lambda tx: export(tx, engine.runtimes))
        write_export(exported, tmp_path / "out")
        again = read_workspace(tmp_path / "out", engine.runtimes, exported.secrets)
        assert (await store.read(lambda tx: plan(tx, again, prune=True))).changes == ()
