"""Stores opened: where, with which keys, of which version, by how many at one time."""

from __future__ import annotations

import base64
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import trio
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine
from tests.server.test_store import made_function, made_source

from isthmus.errors import EngineError, PluginError
from isthmus_server._extra import of_the_extra
from isthmus_server.store import (
    KEY_VARIABLE,
    Draft,
    KeyRing,
    Page,
    ResourceType,
    StoreError,
    new_key,
    open_store,
)
from isthmus_server.store.schema import METADATA


async def test_migrations_lead_to_the_schema(url: str, keys: KeyRing) -> None:
    async with open_store(url, keys=keys):
        pass
    address = url.replace("sqlite:", "sqlite:///").replace("postgresql:", "postgresql+psycopg:")
    engine = create_engine(address)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    engine.dispose()


async def test_a_data_directory_needs_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    directory = tmp_path / "data"
    async with open_store(directory) as store:
        source = await made_source(store)
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    for name in ("store.keys", "store.db"):
        assert stat.S_IMODE((directory / name).stat().st_mode) == 0o600
    async with open_store(str(directory)) as store:
        assert await store.read(lambda tx: tx.sources.get(source.id)) == source


async def test_what_is_secret_is_not_in_the_file(tmp_path: Path, keys: KeyRing) -> None:
    async with open_store(f"sqlite:{tmp_path}/store.db", keys=keys) as store:
        source = await made_source(store)
        _, token = await store.write(lambda tx: tx.tokens.create("t", ()))
    written = await trio.to_thread.run_sync(
        lambda: b"".join(path.read_bytes() for path in tmp_path.iterdir())
    )
    assert source.slug.encode() in written
    assert source.webhook_secret.encode() not in written
    assert token.encode() not in written


async def test_keys_come_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, f"{new_key()} {new_key()}")
    async with open_store(tmp_path / "data"):
        assert not (tmp_path / "data" / "store.keys").exists()


KEY = base64.urlsafe_b64encode(bytes(range(32))).decode()


async def test_without_keys_nothing_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    with pytest.raises(StoreError, match=KEY_VARIABLE):
        async with open_store(f"sqlite:{tmp_path}/store.db"):
            pass


@pytest.mark.parametrize("text", ["", "# none\n", "short", "é" * 44, KEY[:-2], f"{KEY} x"])
def test_keys_that_are_none_are_not_shown(tmp_path: Path, text: str) -> None:
    path = tmp_path / "keys"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(StoreError) as caught:
        KeyRing.from_file(path)
    assert not text.strip() or text not in str(caught.value)


def test_keys_that_others_may_read_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(new_key())
    path.chmod(0o644)
    with pytest.raises(StoreError, match="chmod 600"):
        KeyRing.from_file(path)


def test_keys_are_made_once(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    first = KeyRing.from_file(path, make=True)
    sealed = first.seal(b"x", "here")
    assert KeyRing.from_file(path, make=True).open(sealed, "here") == b"x"
    assert [found.name for found in tmp_path.iterdir()] == ["keys"]


@pytest.mark.parametrize("url", ["mysql://x/y", "http://x", "sqlite:", "postgresql://u:p@host:port/d"])
async def test_a_url_that_is_none(url: str, keys: KeyRing) -> None:
    with pytest.raises(EngineError):
        async with open_store(url, keys=keys):
            pass


async def test_a_store_that_is_away(keys: KeyRing, tmp_path: Path) -> None:
    password = "sesame"
    with pytest.raises(StoreError) as caught:
        async with open_store(f"postgresql://u:{password}@/x?host={tmp_path}", keys=keys):
            pass
    assert password not in str(caught.value)


async def test_a_file_that_can_not_be_opened_is_said(tmp_path: Path, keys: KeyRing) -> None:
    with pytest.raises(StoreError, match="directory"):
        async with open_store(f"sqlite:{tmp_path}", keys=keys):
            pass


async def test_a_file_of_something_else_is_refused(tmp_path: Path, keys: KeyRing) -> None:
    (tmp_path / "store.db").write_bytes(b"something else" * 1000)
    with pytest.raises(StoreError):
        async with open_store(f"sqlite:{tmp_path}/store.db", keys=keys):
            pass


async def test_a_newer_store_is_left_alone(tmp_path: Path, keys: KeyRing) -> None:
    async with open_store(f"sqlite:{tmp_path}/store.db", keys=keys):
        pass
    with sqlite3.connect(tmp_path / "store.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(StoreError, match="newer version"):
        async with open_store(f"sqlite:{tmp_path}/store.db", keys=keys):
            pass


async def test_many_that_open_and_write_at_once_lose_nothing(url: str, keys: KeyRing) -> None:
    function = ""
    opened = trio.Event()

    async def write(number: int) -> None:
        nonlocal function
        async with open_store(url, keys=keys) as store:
            if number == 0:
                function = (await made_function(store, ResourceType.DESTINATION)).id
                opened.set()
            await opened.wait()
            for step in range(3):
                draft = Draft(code=f"// {number}.{step}")
                await store.write(lambda tx, draft=draft: tx.functions.update(function, draft))  # type: ignore[misc]

    async with trio.open_nursery() as nursery:
        for number in range(3):
            nursery.start_soon(write, number)
    async with open_store(url, keys=keys) as store:
        versions, total = await store.read(lambda tx: tx.functions.versions(function, Page()))
    assert total == 10
    assert [version.number for version in versions] == list(range(10, 0, -1))
    assert len({version.code for version in versions}) == 10


async def test_what_another_process_changes_is_heard_of(tmp_path: Path, keys: KeyRing) -> None:
    url = f"sqlite:{tmp_path}/store.db"
    async with open_store(url, keys=keys) as store, open_store(url, keys=keys) as other:
        before = (await store.snapshot()).workspace.revision
        heard = []
        async with trio.open_nursery() as nursery:

            async def wait() -> None:
                heard.append(await store.wait_changed(before, every=0.01))

            nursery.start_soon(wait)
            await made_source(other)
        assert heard == [before + 1]


def test_a_package_that_is_missing_is_named_with_what_brings_it() -> None:
    with pytest.raises(PluginError, match=r"isthmus\[server\]"), of_the_extra():
        import isthmus_is_not_a_package  # type: ignore[import-not-found] # noqa: F401


def test_the_plugin_costs_nothing_that_is_not_used() -> None:
    heavy = ("sqlalchemy", "alembic", "starlette", "hypercorn", "cryptography")
    code = f"import sys, isthmus_server; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
