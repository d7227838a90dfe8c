"""What commands on a store have in common: the store is opened, and what goes wrong is said in a line."""

from __future__ import annotations

import argparse
import sys
import textwrap
from abc import abstractmethod
from functools import partial
from typing import TYPE_CHECKING, Final

from isthmus.abc import Command
from isthmus.errors import IsthmusError

from ._extra import of_the_extra
from .groups import alone

if TYPE_CHECKING:
    from .store import Store

__all__ = ["DONE", "FAILED", "StoreCommand", "add_data", "say", "wrapped"]

DONE: Final = 0
FAILED: Final = 1


class StoreCommand(Command):
    """A command with ``--data``, which names the store it works on."""

    def execute(self, arguments: argparse.Namespace) -> int:
        """Run it; what goes wrong is printed, a line each, and the status is 1."""
        import trio

        from isthmus.commands import UsageFault

        try:
            with of_the_extra():
                from . import store as _store  # noqa: F401 -- only to see that it is there
            return trio.run(partial(self._run, arguments))
        except (BaseExceptionGroup, IsthmusError, UsageFault) as error:
            exc = alone(error)
        if not isinstance(exc, IsthmusError | UsageFault):
            raise exc
        for line in str(exc).splitlines():
            say(f"isthmus {self.name}: {line}", error=True)
        return FAILED

    async def _run(self, arguments: argparse.Namespace) -> int:
        from .store import open_store

        async with open_store(arguments.data) as store:
            return await self._work(arguments, store)

    @abstractmethod
    async def _work(self, arguments: argparse.Namespace, store: Store) -> int: ...


def add_data(parser: argparse.ArgumentParser) -> None:
    """Add ``--data`` and ``--json``."""
    parser.add_argument(
        "--data",
        metavar="DIRECTORY",
        required=True,
        help="of the store, as for isthmus serve; or postgresql://USER@HOST/DATABASE",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object for programs")


def wrapped(text: str) -> str:
    """A description, in lines that fit a terminal."""
    return textwrap.fill(text, 100)


def say(line: str, *, error: bool = False) -> None:
    """Print a line, without whatever would move a terminal's cursor."""
    from isthmus.commands import visible

    print(visible(line), file=sys.stderr if error else sys.stdout, flush=True)
