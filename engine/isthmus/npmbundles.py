"""Bundles of packages from npm: pinned by a lock file, made by a script of their own, kept by the content of their sources.

Of the standard library alone, for builds run it too, by its path: where they run the package is not importable yet.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, final

__all__ = ["BundleError", "NpmBundles"]

LONGEST: Final = 900
"""Seconds that npm may take."""
LAST: Final = "manifest.json"
"""What a bundling script writes, beside what it makes."""


class BundleError(Exception):
    """It could not be bundled; the text says what failed and how."""


@final
class NpmBundles:
    """What one directory of sources is bundled into.

    Args:
        sources: has ``package.json``, ``package-lock.json`` and ``bundle.mjs``, which is run with a directory to make.
        inputs: patterns of all the files that count, within the sources.
        kept: gives the directory in the user's cache for all that is made of these sources.
        what: it is, in an error.

    Attributes:
        dist: where a build puts them into the package.
    """

    def __init__(self, sources: Path, *, inputs: Sequence[str], kept: Callable[[], Path], what: str) -> None:
        self.dist: Final = sources / "dist"
        self._sources = sources
        self._inputs = inputs
        self._kept = kept
        self._what = what

    def find(self) -> Path | None:
        """Where they are on this machine: in the installed package, else in the user's cache; None where they are not."""
        return next((path for path in (self.dist, self.kept()) if (path / LAST).is_file()), None)

    def kept(self) -> Path:
        """Where these sources' bundles are in the user's cache, if they are."""
        digest = hashlib.sha256()
        for path in self._files():
            content = path.read_bytes()
            digest.update(f"{path.relative_to(self._sources).as_posix()} {len(content)}\0".encode() + content)
        return self._kept() / digest.hexdigest()[:32]

    def assemble(self) -> Path:
        """Bundle them into the user's cache, unless they are there; their directory.

        Raises:
            BundleError: node or npm is missing, or has failed.
        """
        kept = self.kept()
        if (kept / LAST).is_file():
            return kept
        node, npm = shutil.which("node"), shutil.which("npm")
        if not node or not npm:
            raise BundleError(f"node and npm are needed to bundle {self._what}, and are not on the PATH")
        part = kept.with_suffix(f".{os.getpid()}")
        with tempfile.TemporaryDirectory() as name:
            scratch = Path(name)
            for path in self._files():
                target = scratch / path.relative_to(self._sources)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)
            _run(scratch, npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
            try:
                _run(scratch, node, "bundle.mjs", str(part))
                try:
                    part.replace(kept)
                except OSError:  # somebody was faster
                    if not (kept / LAST).is_file():
                        raise
            finally:
                shutil.rmtree(part, ignore_errors=True)
        return kept

    def install(self) -> Path:
        """Bundle them and put them where a build takes them into the package; their directory there.

        Raises:
            BundleError: node or npm is missing, or has failed.
        """
        kept = self.assemble()
        shutil.rmtree(self.dist, ignore_errors=True)
        shutil.copytree(kept, self.dist)
        return self.dist

    def _files(self) -> list[Path]:
        return sorted({path for pattern in self._inputs for path in self._sources.glob(pattern)})


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
        raise BundleError(f"{Path(command[0]).name} {command[1]} failed: {error}") from error
    if done.returncode:
        said = done.stdout.strip()[-4000:]
        raise BundleError(f"{Path(command[0]).name} {command[1]} ended with status {done.returncode}: {said}")
