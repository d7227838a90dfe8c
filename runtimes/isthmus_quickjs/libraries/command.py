"""``isthmus libraries``: which of Segment's libraries are here, and bringing them."""

from __future__ import annotations

import argparse

from isthmus.abc import Command
from isthmus.errors import EngineError

from .assembly import AssemblyError, assemble
from .bundles import Bundles
from .catalogue import Library, catalogue

__all__ = ["LibrariesCommand"]


class LibrariesCommand(Command):
    """Lists the libraries, or bundles them into the user's cache."""

    name = "libraries"
    summary = "say which of Segment's libraries are here; install brings them"

    def parser(self) -> argparse.ArgumentParser:
        """The command's arguments."""
        parser = argparse.ArgumentParser(
            prog="isthmus libraries",
            description="Lists Segment's preinstalled libraries: the global, the package and its version, the size of "
            "what a function that names it loads, or why it can't be had.  `install` bundles them from npm into "
            "the user's cache, for which node and npm are needed.",
            epilog="exit status: 0, 1 where they are not installed, 2 where they could not be",
        )
        parser.add_argument("action", nargs="?", choices=["list", "install"], default="list")
        return parser

    def execute(self, arguments: argparse.Namespace) -> int:
        """Run the command and give its exit status."""
        if arguments.action == "install":
            return _install()
        return _list(Bundles.find())


def _install() -> int:
    if Bundles.find().directory is None:
        try:
            assemble()
        except AssemblyError as error:
            raise EngineError(str(error)) from error
    return _list(Bundles.find())


def _list(bundles: Bundles) -> int:
    versions = {package.name: package.version for package in bundles.manifest.packages}
    rows = [_row(library, bundles, versions) for library in catalogue()]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, (*widths, 0), strict=True)).rstrip())  # noqa: T201 -- a command prints
    if bundles.directory is None:
        print("\nnone is installed: `isthmus libraries install` brings them")  # noqa: T201 -- a command prints
        return 1
    print(f"\nfrom {bundles.directory}; licenses are in its NOTICE")  # noqa: T201 -- a command prints
    return 0


def _row(library: Library, bundles: Bundles, versions: dict[str, str]) -> tuple[str, str, str, str]:
    part = bundles.manifest.parts.get(library.part)
    if library.why:
        return library.name, library.package, "-", library.why
    if part is None:
        return library.name, library.package, "-", "not installed"
    size = f"{part.bytes / 1000:.0f} kB"
    return library.name, f"{library.package} {versions[library.package]}", size, library.note
