"""esbuild, found on this machine and run: npm's bundler, which no installation of isthmus carries."""

from __future__ import annotations

import logging
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from isthmus.errors import LoadError

__all__ = ["VERSION", "BuildError", "find_esbuild", "run_esbuild"]

logger = logging.getLogger("isthmus")

VERSION: Final = "0.28.2"
"""What npx is asked for where no esbuild is found."""
SECONDS: Final = 120
_ERROR: Final = re.compile(r"^\S+ \[ERROR\] (?P<message>.*)$", re.MULTILINE)
_PLACE: Final = re.compile(r"\s+(?P<file>\S.*?):(?P<line>\d+):(?P<column>\d+):$", re.MULTILINE)


class BuildError(NamedTuple):
    """The first error that esbuild tells of; lines and columns count from 1."""

    message: str
    file: str = ""
    line: int | None = None
    column: int | None = None


def find_esbuild(root: Path) -> list[str]:
    """The command that runs esbuild for a directory.

    The one that is installed there (or in a directory above) comes first, then the one on PATH, then npx,
    which fetches it.

    Raises:
        LoadError: there is none of them.
    """
    for directory in (root, *root.parents):
        installed = directory / "node_modules" / ".bin" / "esbuild"
        if installed.exists():
            return [str(installed)]
    if found := shutil.which("esbuild"):
        return [found]
    if npx := shutil.which("npx"):
        logger.warning(
            "esbuild is not installed: npx runs esbuild@%s (npm install --save-dev esbuild)", VERSION
        )
        return [npx, "--yes", f"esbuild@{VERSION}"]
    raise LoadError(
        f"{root} has a package.json, and to bundle it takes esbuild, which is not there: install Node.js, then "
        "run npm install --save-dev esbuild in that directory",
        file=str(root / "package.json"),
    )


def run_esbuild(
    command: Sequence[str], arguments: Sequence[str], *, text: str, directory: Path
) -> BuildError | None:
    """Run it; its first error, None where there is none.

    Args:
        command: see :func:`find_esbuild`.
        arguments: what it is to do.
        text: its standard input.
        directory: where it runs; files are told relative to it.

    Raises:
        LoadError: it cannot be run, or does not end.
    """
    try:
        done = subprocess.run(  # noqa: S603 -- the bundler of the machine's owner, over the owner's own files
            [*command, *arguments, "--log-level=error", "--color=false"],
            input=text.encode(),
            capture_output=True,
            cwd=directory,
            timeout=SECONDS,
            check=False,
        )
    except OSError as error:
        raise LoadError(f"{command[0]} cannot be run: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise LoadError(f"{' '.join(command)} did not end within {SECONDS} s") from None
    return _first_error(done.stderr.decode(errors="replace")) if done.returncode else None


def _first_error(said: str) -> BuildError:
    found = _ERROR.search(said)
    if not found:
        return BuildError(said.strip().partition("\n")[0] or "esbuild failed, and does not say why")
    place = _PLACE.match(said, found.end())
    if not place:
        return BuildError(found["message"])
    return BuildError(found["message"], place["file"], int(place["line"]), int(place["column"]) + 1)
