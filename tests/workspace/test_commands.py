"""The three commands, as a shell sees them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.workspace.directories import ENVIRON, write

from isthmus.__main__ import main


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    return str(tmp_path / "data")


def run(*arguments: str) -> int:
    return main(list(arguments))


def test_plan_apply_export_and_all_is_there(
    directory: Path,
    data: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    where = ["--data", data]
    assert run("plan", str(directory), *where) == 2
    told = capsys.readouterr().out
    assert "+ create function 'My CRM'\n" in told
    assert "    code: 3 lines\n" in told
    assert "settings.apiKey: a secret, not shown" in told
    assert told.endswith("10 to create, 1 to change, 1 to deploy\n")
    assert run("apply", str(directory), *where, "--json") == 0
    assert len(json.loads(capsys.readouterr().out)["changes"]) == 12
    assert run("plan", str(directory), *where) == 0
    assert capsys.readouterr().out == "nothing to do\n"
    write(directory, {"functions/crm/function.js": "async function onTrack() {\n  return 2\n}"})
    assert run("plan", str(directory), *where) == 2
    told = capsys.readouterr().out
    assert "    +++ files/functions/crm/function.js\n" in told
    assert "    -  return 1\n" in told
    assert "    +  return 2\n" in told
    assert run("apply", str(directory), *where) == 0
    assert capsys.readouterr().out == told

    out, secrets = tmp_path / "out", tmp_path / "secrets.json"
    assert run("export", str(out), *where, "--secrets", str(secrets)) == 0
    told = capsys.readouterr().out
    assert "  CRM_API_KEY\n" in told
    assert not any(secret in told for secret in ENVIRON.values())
    for name, value in json.loads(secrets.read_text()).items():
        monkeypatch.setenv(name, value)
    assert run("plan", str(out), *where, "--prune") == 0
    assert run("check", str(out / "functions/mask")) == 0  # it is a function as any other


def test_what_is_wrong_is_said_and_the_status_is_1(
    directory: Path, data: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write(directory, {"sources/web.toml": "enabledd = true\n", "inserts/tag.toml": "function = 3\n"})
    for command in ("plan", "apply"):
        assert run(command, str(directory), "--data", data) == 1
        told = capsys.readouterr()
        assert told.out == ""
        assert told.err.splitlines()[0].startswith(
            f"isthmus {command}: sources/web.toml: Object contains unknown field `enabledd`; it has id, slug"
        )
        assert "inserts/tag.toml: Expected `str`, got `int` - at `$.function`" in told.err
    assert run("plan", str(directory), "--data", "mysql://x") == 1
    assert "isthmus plan: a store is in" in capsys.readouterr().err
    assert run("export", str(directory), "--data", data) == 1
    assert "has something in it already" in capsys.readouterr().err
