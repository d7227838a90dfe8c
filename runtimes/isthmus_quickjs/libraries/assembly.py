"""Bundles the libraries: ``npm ci`` of the pinned packages, esbuild over the entries, kept by content.

Used by ``isthmus libraries install`` and by the build hook, which has nothing but the standard library.
"""

from __future__ import annotations

import sys
from pathlib import Path
from runpy import run_path
from typing import Any, Final

__all__ = ["DIST", "AssemblyError", "assemble", "install", "kept_bundles"]

HERE: Final = Path(__file__).resolve().parent
INPUTS: Final = (
    "package*.json",
    "*.mjs",
    "entries/**/*.js",
    "shims/*.js",
    "shims/*.mjs",
    "tables/*.mjs",
)


def _beside(name: str) -> dict[str, Any]:
    """What a file of the package has, which lies beside this one once installed, and among the sources before.

    Where this is run the package itself may not be importable: it is being built.
    """
    root = HERE.parents[1]
    return run_path(str(root / name if (root / name).exists() else root.parent / "engine" / name))


def _cached() -> Path:
    directory: Path = _beside("isthmus/cachedir.py")["cache_directory"]()
    return directory / "libraries"


_npm = _beside("isthmus/npmbundles.py")
AssemblyError: Final[type[Exception]] = _npm["BundleError"]
"""The libraries could not be bundled; the text says what failed and how."""
_bundles: Final = _npm["NpmBundles"](HERE, inputs=INPUTS, kept=_cached, what="the libraries")
DIST: Final[Path] = _bundles.dist
"""Where a build puts them, beside their sources."""


def kept_bundles() -> Path:
    """Where these sources' bundles are in the user's cache, if they are."""
    found: Path = _bundles.kept()
    return found


def assemble() -> Path:
    """Bundle the libraries into the user's cache, unless they are there; their directory.

    Raises:
        AssemblyError: node or npm is missing, or has failed.
    """
    made: Path = _bundles.assemble()
    return made


def install() -> Path:
    """Bundle the libraries and put them where a build takes them into the package; their directory there.

    Raises:
        AssemblyError: node or npm is missing, or has failed.
    """
    made: Path = _bundles.install()
    return made


if __name__ == "__main__":
    try:
        sys.stdout.write(f"{install()}\n")
    except AssemblyError as failure:
        sys.stderr.write(
            f"Segment's libraries are left out, and say so where they are used: {failure}\n"
            "`isthmus libraries install` brings them.\n"
        )
