"""Bundles what the console's pages run in a browser, htmx and CodeMirror among it: from npm, by a lock file.

Used by ``isthmus console install`` and by the build hook, which has nothing but the standard library.
"""

from __future__ import annotations

import sys
from pathlib import Path
from runpy import run_path
from typing import Any, Final

__all__ = ["BUNDLES", "BundleError"]

HERE: Final = Path(__file__).resolve().parent


def _beside(name: str) -> dict[str, Any]:
    """What a file of the package has, which lies beside this one once installed, and among the sources before.

    Where this is run the package itself may not be importable: it is being built.
    """
    root = HERE.parents[1]
    return run_path(str(root / name if (root / name).exists() else root.parent / "engine" / name))


_npm = _beside("isthmus/npmbundles.py")
BundleError: Final[type[Exception]] = _npm["BundleError"]


def _cached(name: str) -> Path:
    directory: Path = _beside("isthmus/cachedir.py")["cache_directory"]()
    return directory / name


BUNDLES: Final = _npm["NpmBundles"](
    HERE / "assets",
    inputs=("*.json", "*.js", "*.mjs"),
    kept=lambda: _cached("console"),
    what="the console's scripts",
)


if __name__ == "__main__":
    try:
        sys.stdout.write(f"{BUNDLES.install()}\n")
    except BundleError as failure:
        sys.stderr.write(
            f"The console's scripts are left out, and its pages say so: {failure}\n"
            "`isthmus console install` brings them.\n"
        )
