"""``isthmus console``: whether the scripts of the service's console are here, and bringing them."""

from __future__ import annotations

import argparse
from typing import final

from isthmus.abc import Command
from isthmus.errors import EngineError

from ._extra import of_the_extra

__all__ = ["ConsoleCommand"]


@final
class ConsoleCommand(Command):
    """Says where the console's scripts are, or bundles them into the user's cache."""

    name = "console"
    summary = "say whether the scripts of the service's console are here; install brings them"

    def parser(self) -> argparse.ArgumentParser:
        """The command's arguments."""
        parser = argparse.ArgumentParser(
            prog="isthmus console",
            description="The console of `isthmus serve --data` works without scripts; with them code is in an editor, "
            "and functions are tried out without leaving the page. `install` bundles them from npm into the user's "
            "cache, for which node and npm are needed.",
            epilog="exit status: 0, 1 where they are not installed, 2 where they could not be",
        )
        parser.add_argument("action", nargs="?", choices=["status", "install"], default="status")
        return parser

    def execute(self, arguments: argparse.Namespace) -> int:
        """Run the command and give its exit status."""
        with of_the_extra():
            from .console.bundling import BUNDLES, BundleError

        if arguments.action == "install" and BUNDLES.find() is None:
            try:
                BUNDLES.assemble()
            except BundleError as error:
                raise EngineError(str(error)) from error
        found = BUNDLES.find()
        said = "not installed: `isthmus console install` brings them" if found is None else f"in {found}"
        print(f"the console's scripts are {said}")  # noqa: T201 -- a command prints
        return 1 if found is None else 0
