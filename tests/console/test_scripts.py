"""What the pages run in a browser: whether it is there, and bringing it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.console.visiting import ORIGIN, Visitor

import isthmus
from isthmus.__main__ import main
from isthmus_server.console import bundling, console
from isthmus_server.store import ResourceType, Store

NPM = '#!/bin/sh\ntest "$1" = ci && test -f package-lock.json || exit 3\n'
NODE = '#!/bin/sh\ntest "$1" = bundle.mjs && test -f editor.js || exit 3\nmkdir -p "$2"\necho \'{}\' > "$2/manifest.json"\n'


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that alone is on PATH, beside the shell's; a cache of the test's own, and no scripts in the package."""
    place = tmp_path / "tools"
    place.mkdir()
    for name in ("sh", "mkdir", "test"):
        (place / name).symlink_to(f"/bin/{name}" if Path(f"/bin/{name}").exists() else f"/usr/bin/{name}")
    monkeypatch.setenv("PATH", str(place))
    monkeypatch.setenv("ISTHMUS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(bundling.BUNDLES, "dist", tmp_path / "dist")
    return place


def put(place: Path, name: str, script: str) -> None:
    (place / name).write_text(script)
    (place / name).chmod(0o755)


def ran(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    status = main(list(arguments))
    said = capsys.readouterr()
    return status, said.out + said.err


def test_without_node_it_is_said_what_is_missing(tools: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ran(capsys, "console")[0] == 1
    status, said = ran(capsys, "console", "install")
    assert status == 2
    assert "node and npm are needed to bundle the console's scripts, and are not on the PATH" in said
    command = [sys.executable, bundling.__file__]
    done = subprocess.run(command, env=dict(os.environ), capture_output=True, text=True, check=True)
    assert done.stdout == ""
    assert "`isthmus console install` brings them" in done.stderr


def test_installing_brings_them(tools: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(tools, "npm", NPM)
    put(tools, "node", NODE)
    status, said = ran(capsys, "console", "install")
    assert status == 0, said
    assert str(tmp_path / "cache") in said
    assert ran(capsys, "console")[0] == 0


async def test_pages_work_without_scripts_and_the_editor_says_so(
    store: Store, engine: isthmus.Engine, tmp_path: Path
) -> None:
    visitor = await Visitor.owner(store, console(store, engine, url=f"{ORIGIN}/", scripts=tmp_path))
    id_ = await visitor.made(ResourceType.DESTINATION)
    page = await visitor.get(f"/functions/{id_}")
    assert "<script" not in page
    assert "isthmus console install" in page
    assert page.count('name="setting.') > 5
