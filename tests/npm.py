"""Packages of npm that tests run, pinned by a lock file, and kept in the user's cache."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from isthmus.cachedir import cache_directory

__all__ = ["installed", "node"]

PATIENCE = 300


def node() -> str:
    """The command; the test is skipped where it is not there."""
    found = shutil.which("node")
    if found is None or shutil.which("npm") is None:
        pytest.skip("no node, or no npm")
    return found


def installed(project: Path) -> Path:
    """A directory whose ``node_modules`` are what a project's lock file says, made where it is not there."""
    node()
    names = ("package.json", "package-lock.json")
    digest = hashlib.sha256(b"\0".join((project / name).read_bytes() for name in names)).hexdigest()
    kept = cache_directory() / "tests" / f"npm-{digest[:32]}"
    kept.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (kept / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (kept / "done").exists():
            for name in names:
                shutil.copyfile(project / name, kept / name)
            command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
            subprocess.run(command, cwd=kept, check=True, stdout=subprocess.DEVNULL, timeout=PATIENCE)
            (kept / "done").touch()
    return kept
