"""Bundles the libraries: ``npm ci`` of the pinned packages, esbuild over the entries, kept by content.

Used by ``isthmus libraries install`` and by the build hook, which has nothing but the standard library.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from runpy import run_path
from typing import Final

__all__ = ["DIST", "HERE", "AssemblyError", "assemble", "install", "kept_bundles", "tools"]

HERE: Final = Path(__file__).resolve().parent


def _beside(name: str) -> Path:
    """A file of the package, which lies beside this one once installed, and among the sources before."""
    root = HERE.parents[1]
    return root / name if (root / name).exists() else root.parent / "engine" / name


# Where this is run the package itself may not be importable: it is being built.
cache_directory: Callable[[], Path] = run_path(str(_beside("isthmus/cachedir.py")))["cache_directory"]
DIST: Final = HERE / "dist"
"""Where a build puts them, beside their sources."""
INPUTS: Final = ("*.json", "*.mjs", "entries/**/*.js", "shims/*.js", "shims/*.mjs", "tables/*.mjs")
LONGEST: Final = 900
"""Seconds that npm may take."""


class AssemblyError(Exception):
    """The libraries could not be bundled; the text says what failed and how."""


def _inputs() -> list[Path]:
    found = {path for pattern in INPUTS for path in HERE.glob(pattern)}
    return sorted(found - {HERE / "catalogue.json"})


def kept_bundles() -> Path:
    """Where these sources' bundles are in the user's cache, if they are."""
    digest = hashlib.sha256()
    for path in _inputs():
        content = path.read_bytes()
        digest.update(f"{path.relative_to(HERE).as_posix()} {len(content)}\0".encode() + content)
    return cache_directory() / "libraries" / digest.hexdigest()[:32]


def tools() -> tuple[str, str] | None:
    """Paths of node and npm, None where one is missing."""
    node, npm = shutil.which("node"), shutil.which("npm")
    return (node, npm) if node and npm else None


def assemble() -> Path:
    """Bundle the libraries into the user's cache, unless they are there; their directory.

    Raises:
        AssemblyError: node or npm is missing, or has failed.
    """
    kept = kept_bundles()
    if (kept / "manifest.json").is_file():
        return kept
    found = tools()
    if found is None:
        raise AssemblyError("node and npm are needed to bundle the libraries, and are not on the PATH")
    node, npm = found
    part = kept.with_suffix(f".{os.getpid()}")
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        for path in _inputs():
            target = scratch / path.relative_to(HERE)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        _run(scratch, npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
        try:
            _run(scratch, node, "bundle.mjs", str(part))
            try:
                part.replace(kept)
            except OSError:  # somebody was faster
                if not (kept / "manifest.json").is_file():
                    raise
        finally:
            shutil.rmtree(part, ignore_errors=True)
    return kept


def install() -> Path:
    """Bundle the libraries and put them where a build takes them into the package; their directory there.

    Raises:
        AssemblyError: node or npm is missing, or has failed.
    """
    kept = assemble()
    shutil.rmtree(DIST, ignore_errors=True)
    shutil.copytree(kept, DIST)
    return DIST


def _run(directory: Path, *command: str) -> None:
    try:
        done = subprocess.run(  # noqa: S603 -- node and npm, with arguments of our own
            command,
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
            timeout=LONGEST,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise AssemblyError(f"{Path(command[0]).name} {command[1]} failed: {error}") from error
    if done.returncode:
        said = done.stdout.strip()[-4000:]
        raise AssemblyError(
            f"{Path(command[0]).name} {command[1]} ended with status {done.returncode}: {said}"
        )


if __name__ == "__main__":
    try:
        sys.stdout.write(f"{install()}\n")
    except AssemblyError as failure:
        sys.stderr.write(
            f"Segment's libraries are left out, and say so where they are used: {failure}\n"
            "`isthmus libraries install` brings them.\n"
        )
