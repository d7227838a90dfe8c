"""``isthmus libraries``: what is there, and bringing it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from isthmus_quickjs.libraries import assembly, bundles, command
from isthmus_quickjs.libraries.catalogue import catalogue

from .conftest import Isthmus


def test_it_lists_every_library(isthmus: Isthmus) -> None:
    ran = isthmus("libraries")
    assert all(library.name in ran.out for library in catalogue())


def test_what_is_not_installed_is_said_and_so_is_what_installing_needs(
    isthmus: Isthmus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundles.Bundles, "find", classmethod(lambda cls: cls(None)))
    ran = isthmus("libraries")
    assert ran.status == 1
    assert "isthmus libraries install" in ran.out

    def fail() -> None:
        raise assembly.AssemblyError("node and npm are needed")

    monkeypatch.setattr(command, "assemble", fail)
    ran = isthmus("libraries", "install")
    assert (ran.status, ran.err) == (2, "isthmus libraries: node and npm are needed\n")


NPM = """#!/bin/sh
test "$1" = ci && test -f package-lock.json || exit 3
echo "$@" >> "$ASKED"
"""
NODE = """#!/bin/sh
test "$1" = bundle.mjs && test -f entries/lodash.js || exit 3
echo "$1" >> "$ASKED"
mkdir -p "$2"
echo '{"parts": {"lodash": {"bytes": 9, "packages": ["lodash"]}}, "tables": {}, "packages": [{"name": "lodash", "version": "1", "license": "MIT"}]}' > "$2/manifest.json"
"""


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that alone is on PATH, beside the shell's; a cache of the test's own, and no bundles in the package."""
    place = tmp_path / "tools"
    place.mkdir()
    for name in ("sh", "mkdir", "test"):
        (place / name).symlink_to(f"/bin/{name}" if Path(f"/bin/{name}").exists() else f"/usr/bin/{name}")
    monkeypatch.setenv("PATH", str(place))
    monkeypatch.setenv("ISTHMUS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("ASKED", str(tmp_path / "asked"))
    monkeypatch.setattr(bundles, "DIST", tmp_path / "dist")
    return place


def put(place: Path, name: str, script: str) -> None:
    (place / name).write_text(script)
    (place / name).chmod(0o755)


def test_without_node_an_installation_from_source_goes_on_and_says_what_is_left_out(tools: Path) -> None:
    command = [sys.executable, assembly.__file__]
    ran = subprocess.run(command, env=dict(os.environ), capture_output=True, text=True, check=True)
    assert ran.stdout == ""
    assert "Segment's libraries are left out" in ran.stderr
    assert "node and npm are needed" in ran.stderr
    assert "`isthmus libraries install` brings them" in ran.stderr


def test_installing_needs_node_and_says_so(isthmus: Isthmus, tools: Path) -> None:
    ran = isthmus("libraries", "install")
    assert ran.status == 2
    assert "node and npm are needed to bundle the libraries, and are not on the PATH" in ran.err
    assert isthmus("libraries").status == 1


def test_installing_brings_them_once(isthmus: Isthmus, tools: Path, tmp_path: Path) -> None:
    put(tools, "npm", NPM)
    put(tools, "node", NODE)
    ran = isthmus("libraries", "install")
    assert (ran.status, ran.err) == (0, "")
    assert str(tmp_path / "cache") in ran.out
    assert isthmus("libraries", "install").status == 0
    asked = (tmp_path / "asked").read_text().splitlines()
    assert asked == ["ci --ignore-scripts --no-audit --no-fund --prefer-offline", "bundle.mjs"]


def test_what_npm_says_of_its_failure_is_told(isthmus: Isthmus, tools: Path) -> None:
    put(tools, "npm", "#!/bin/sh\necho the registry is away\nexit 7\n")
    put(tools, "node", NODE)
    ran = isthmus("libraries", "install")
    assert ran.status == 2
    assert "npm ci ended with status 7: the registry is away" in ran.err
    assert isthmus("libraries").status == 1
