"""Packages of npm that tests run, as their lock says, kept in the user's cache."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from isthmus.cachedir import cache_directory

__all__ = ["installed", "node"]

HERE = Path(__file__).parent / "node"


def node() -> str:
    """The command; the test is skipped where it is not there."""
    found = shutil.which("node")
    if found is None or shutil.which("npm") is None:
        pytest.skip("no node, or no npm")
    return found


def installed() -> Path:
    """A directory with ``node_modules`` of the packages in ``package-lock.json``."""
    lock = (HERE / "package-lock.json").read_bytes()
    place = cache_directory() / "tests" / f"ingress-{hashlib.sha256(lock).hexdigest()[:16]}"
    if place.is_dir():
        return place
    place.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=place.parent))
    try:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, scratch)
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
        done = subprocess.run(command, cwd=scratch, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stderr
        try:
            os.rename(scratch, place)
        except OSError:  # another process was quicker
            assert place.is_dir()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return place
