"""Tokens, usage, bounds and keys of a store, as a shell sees them."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
import trio

from isthmus.__main__ import main
from isthmus_server.store import (
    KeyRing,
    Role,
    StoreError,
    Token,
    Transaction,
    open_store,
)
from isthmus_server.store.keyfiles import forget_old_keys, put_new_key
from isthmus_server.store.usage import SECOND, Usage, UsageKey, Used, day_of

from .conftest import Workspace


class Shell:
    """Runs commands on one store."""

    def __init__(self, workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
        self.workspace = workspace
        self._capsys = capsys

    def run(self, command: str, *arguments: str, status: int = 0) -> str:
        """What is printed."""
        given = main([command, *arguments, "--data", str(self.workspace.data)])
        told = self._capsys.readouterr()
        assert given == status, told
        return told.out if status == 0 else told.err

    def json(self, command: str, *arguments: str) -> dict[str, object]:
        """What a program reads."""
        return dict(json.loads(self.run(command, *arguments, "--json")))


@pytest.fixture
def shell(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(workspace, capsys)


def bearer(data: Path, token: str) -> Token | None:
    async def ask() -> Token | None:
        async with open_store(data) as store:
            return await store.bearer(token)

    return trio.run(ask)


def test_a_token_is_made_shown_once_listed_and_revoked(shell: Shell) -> None:
    token = shell.run("tokens", "create", "ci", "--role", "owner").strip()
    kept = bearer(shell.workspace.directory, token)
    assert kept is not None
    assert [grant.role for grant in kept.grants] == [Role.OWNER]
    listed = shell.run("tokens", "list")
    assert token not in listed
    assert f"{kept.id}  " in listed
    assert "ci  Workspace Owner\n" in listed
    assert shell.run("tokens", "revoke", kept.id) == f"revoked {kept.id}\n"
    assert bearer(shell.workspace.directory, token) is None
    assert "  revoked 20" in shell.run("tokens", "list")
    assert "not found" in shell.run("tokens", "revoke", kept.id, status=1)


def test_a_token_is_over_some_functions_alone(shell: Shell) -> None:
    function = shell.workspace.function
    made = shell.json("tokens", "create", "crm", "--role", "functions-admin", "--function", function)
    kept = bearer(shell.workspace.directory, str(made["token"]))
    assert kept is not None
    assert [(grant.role, grant.functions) for grant in kept.grants] == [
        (Role.FUNCTIONS_ADMIN, (function.removeprefix("dfn_"),))
    ]
    assert made["grants"] == [{"role": "Functions Admin", "functions": [function.removeprefix("dfn_")]}]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("create",), "takes the new token's name"),
        (("create", "x"), "say what it may do"),
        (("list", "x"), "list neither"),
        (("list", "--role", "owner"), "of a new token"),
        (("create", "x", "--role", "owner", "--function", "dfn_none"), "has none"),
        (("create", "x", "--role", "functions-admin", "--function", "dfn_none"), "not found"),
    ],
    ids=str,
)
def test_a_token_that_can_not_be_is_not_made(shell: Shell, arguments: tuple[str, ...], said: str) -> None:
    assert said in shell.run("tokens", *arguments, status=1)
    assert shell.json("tokens", "list") == {"tokens": []}


def use(workspace: Workspace, *, at: float, seconds: float, calls: int, events: int) -> None:
    """Have something used."""
    day = day_of(int(at * 1000))
    function = workspace.function.removeprefix("dfn_")
    used = {
        UsageKey(day, function, workspace.destination): Used(
            calls=calls, failed=1, wall=round(seconds * SECOND), cpu=SECOND
        ),
        UsageKey(day, "", workspace.source): Used(events=events),
    }

    async def write() -> None:
        async with open_store(workspace.data) as store:
            await store.write(lambda tx: Usage.add(tx.usage, used))

    trio.run(write)


def test_usage_and_bounds_are_shown_and_set(shell: Shell) -> None:
    workspace = shell.workspace
    use(workspace, at=time.time(), seconds=80.0, calls=4, events=1000)
    use(workspace, at=1_772_323_200.0, seconds=7.0, calls=1, events=2)  # 2026-03-01
    assert shell.run("bounds") == "no bounds\n"
    assert shell.run("bounds", "--execution", "100s", "--lock", "--rate", "50") == (
        "execution: 1 min 40 s\nlocks: True\nrate: 50.0\n"
    )
    assert shell.json("bounds", "--events", "1000") == {
        "execution": 100.0,
        "events": 1000,
        "locks": True,
        "rate": 50.0,
    }
    assert shell.run("bounds", workspace.function, "--concurrency", "3", "--execution", "1h") == (
        "execution: 1 h 00 min\nconcurrency: 3\n"
    )
    told = shell.run("usage")
    assert f"{workspace.function}  4 calls, 1 failed  1 min 20 s  Crm\n" in told
    assert "in all: 4 calls, 1 min 20 s; 1,000 events came in\n" in told
    assert "quota of the workspace: 1 min 20 s of 1 min 40 s execution, 80 %\n" in told
    assert "quota of the workspace: 1,000 of 1,000 events, 100 %, locked\n" in told
    before = shell.json("usage", "--month", "2026-03")
    assert (before["calls"], before["execution"], before["events"], before["quotas"]) == (1, 7.0, 2, [])
    assert shell.run("bounds", "--clear") == "no bounds\n"
    assert "locked" not in shell.run("usage")
    assert "workspace alone" in shell.run("bounds", workspace.function, "--events", "1", status=1)


def test_keys_are_changed_in_one_command(shell: Shell) -> None:
    path = shell.workspace.directory / "store.keys"
    old = path.read_text()
    token = shell.run("tokens", "create", "ci", "--role", "owner").strip()
    told = shell.json("reseal", "--new-key", "--forget")
    assert (
        told["sealed"] == 4
    )  # the tokens' key; settings and the secret of the source; settings of the destination
    assert told["forgotten"] == 1
    assert path.stat().st_mode & 0o777 == 0o600
    assert old.strip() not in path.read_text()
    assert bearer(shell.workspace.directory, token) is not None

    async def with_the_old_key() -> None:
        async with open_store(shell.workspace.data, keys=KeyRing.from_text(old)):
            pass

    with pytest.raises(StoreError, match="not among those given"):
        trio.run(with_the_old_key)
    assert shell.json("reseal") == {"sealed": 0, "forgotten": 0}


def test_keys_in_the_environment_are_not_changed(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = (shell.workspace.directory / "store.keys").read_text()
    monkeypatch.setenv("ISTHMUS_STORE_KEYS", keys)
    assert "are changed there" in shell.run("reseal", "--new-key", status=1)
    assert (shell.workspace.directory / "store.keys").read_text() == keys


def test_a_file_of_keys_keeps_its_first_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    KeyRing.from_file(path, make=True)
    first = path.read_text().strip()
    path.write_text(f"# of the spring\n{first}  # and more\n")
    put_new_key(path)
    put_new_key(path)
    newest = path.read_text().split()[0]
    assert forget_old_keys(path) == 2
    assert path.read_text() == f"{newest}\n"
    assert forget_old_keys(path) == 0
    assert [each.name for each in tmp_path.iterdir()] == ["keys"]


def test_what_a_command_reads_changes_nothing(shell: Shell) -> None:
    def revision(tx: Transaction) -> int:
        return tx.workspace().revision

    async def now() -> int:
        async with open_store(shell.workspace.data) as store:
            return await store.read(revision)

    before = trio.run(now)
    for command in ("usage", "bounds"):
        shell.run(command)
    shell.run("tokens", "list")
    assert trio.run(now) == before
