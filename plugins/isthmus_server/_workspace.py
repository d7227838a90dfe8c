"""``isthmus plan``, ``isthmus apply`` and ``isthmus export``: a workspace as code."""

from __future__ import annotations

import argparse
import os
import sys
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, final

from isthmus.abc import Command
from isthmus.errors import IsthmusError

from ._extra import of_the_extra
from .groups import alone

if TYPE_CHECKING:
    from .store import Store
    from .workspace import Desired, Plan

__all__ = ["ApplyCommand", "ExportCommand", "PlanCommand"]

DONE: Final = 0
FAILED: Final = 1
CHANGES: Final = 2

_STATUSES: Final = "exit status: 0 {}, 1 it can't be done (nothing was changed), 2 {}"


class _Command(Command):
    """What the three have in common: a directory, a store, and errors with status 1."""

    def execute(self, arguments: argparse.Namespace) -> int:
        """Run it; what is wrong with directory or store is printed, a line each."""
        import trio

        from isthmus.commands import UsageFault

        try:
            with of_the_extra():
                from . import workspace as _workspace  # noqa: F401 -- only to see that it is there
            return trio.run(partial(self._run, arguments))
        except (BaseExceptionGroup, IsthmusError, UsageFault) as error:
            exc = alone(error)
        if not isinstance(exc, IsthmusError | UsageFault):
            raise exc
        for line in str(exc).splitlines():
            _say(f"isthmus {self.name}: {line}", error=True)
        return FAILED

    async def _run(self, arguments: argparse.Namespace) -> int:
        from .store import open_store

        async with open_store(arguments.data) as store:
            return await self._work(arguments, store)

    @abstractmethod
    async def _work(self, arguments: argparse.Namespace, store: Store) -> int: ...


@final
class PlanCommand(_Command):
    """``isthmus plan``."""

    name = "plan"
    summary = "say what applying a workspace's directory to a store would change"

    def parser(self) -> argparse.ArgumentParser:
        """The command's arguments."""
        parser = _parser(
            "plan",
            "Says what `isthmus apply` would create, change, deploy and delete. Nothing is changed, and no secret shown.",
            _STATUSES.format("there is nothing to do", "there are changes, or a wrong call"),
        )
        _add_prune(parser)
        return parser

    async def _work(self, arguments: argparse.Namespace, store: Store) -> int:
        from .workspace import plan

        desired = await _read(arguments)
        with _noting(desired):
            planned = await store.read(lambda tx: plan(tx, desired, prune=arguments.prune))
        _tell(planned, desired, as_json=arguments.json)
        return CHANGES if planned.steps else DONE


@final
class ApplyCommand(_Command):
    """``isthmus apply``."""

    name = "apply"
    summary = "make a store as a workspace's directory says, and deploy"

    def parser(self) -> argparse.ArgumentParser:
        """The command's arguments."""
        parser = _parser(
            "apply",
            "Makes functions, sources, destinations and inserts of a store as the directory says, in one transaction, "
            "and deploys functions. A second time there is nothing to do. A service over the store takes the change up by itself.",
            _STATUSES.format("done", "a wrong call"),
        )
        _add_prune(parser)
        return parser

    async def _work(self, arguments: argparse.Namespace, store: Store) -> int:
        from .workspace import apply

        desired = await _read(arguments)
        with _noting(desired):
            done = await store.write(lambda tx: apply(tx, desired, prune=arguments.prune))
        _tell(done, desired, as_json=arguments.json)
        return DONE


@final
class ExportCommand(_Command):
    """``isthmus export``."""

    name = "export"
    summary = "write a store's workspace into a directory, secrets by reference"

    def parser(self) -> argparse.ArgumentParser:
        """The command's arguments."""
        parser = _parser(
            "export",
            "Writes the workspace of a store into a new or empty directory. Secrets are references to variables, "
            "which are listed.",
            _STATUSES.format("done", "a wrong call"),
        )
        parser.add_argument(
            "--secrets", metavar="FILE", help="write the variables' values as JSON into this new file"
        )
        return parser

    async def _work(self, arguments: argparse.Namespace, store: Store) -> int:
        import trio

        from isthmus import open_engine

        from .workspace import export, write_export, write_secrets

        async with open_engine() as engine:
            exported = await store.read(lambda tx: export(tx, engine.runtimes))
        if arguments.secrets:
            await trio.to_thread.run_sync(write_secrets, exported.secrets, Path(arguments.secrets))
        await trio.to_thread.run_sync(write_export, exported, Path(arguments.directory))
        if arguments.json:
            import msgspec

            told = {
                "files": list(exported.files),
                "variables": list(exported.secrets),
                "notes": exported.notes,
            }
            _say(msgspec.json.encode(told).decode())
            return DONE
        _say(f"{len(exported.files)} files in {arguments.directory}")
        for note in exported.notes:
            _say(f"note: {note}")
        if exported.secrets:
            _say("variables that the files refer to:")
        for name in exported.secrets:
            _say(f"  {name}")
        return DONE


def _parser(name: str, description: str, statuses: str) -> argparse.ArgumentParser:
    from isthmus.commands import Parser

    parser = Parser(
        prog=f"isthmus {name}",
        usage=f"isthmus {name} DIRECTORY --data DIRECTORY [options]",
        description=_wrapped(description),
        epilog=f"""
            examples:
              isthmus {name} workspace --data data
              isthmus {name} workspace --data postgresql://isthmus@db/isthmus

            {statuses}
        """,
    )
    parser.add_argument("directory", metavar="DIRECTORY", help="of the workspace")
    parser.add_argument(
        "--data",
        metavar="DIRECTORY",
        required=True,
        help="of the store, as for isthmus serve; or postgresql://USER@HOST/DATABASE",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object for programs")
    return parser


def _wrapped(text: str) -> str:
    import textwrap

    return textwrap.fill(text, 100)


def _add_prune(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--prune", action="store_true", help="delete what the store has and the directory has not"
    )


async def _read(arguments: argparse.Namespace) -> Desired:
    import trio

    from isthmus import open_engine

    from .workspace import read_workspace

    async with open_engine() as engine:
        root = Path(arguments.directory)
        return await trio.to_thread.run_sync(read_workspace, root, engine.runtimes, dict(os.environ))


@contextmanager
def _noting(desired: Desired) -> Iterator[None]:
    """What was left out may be why something can't be done."""
    try:
        yield
    except Exception:
        for note in desired.notes:
            _say(f"note: {note}", error=True)
        raise


def _tell(planned: Plan, desired: Desired, *, as_json: bool) -> None:
    if as_json:
        import msgspec

        told = {"changes": planned.changes, "left": planned.left, "notes": desired.notes}
        _say(msgspec.json.encode(told).decode())
        return
    from .workspace.telling import told_lines

    lines: Sequence[str] = told_lines(planned, desired.notes)
    for line in lines:
        _say(line)


def _say(line: str, *, error: bool = False) -> None:
    from isthmus.commands import visible

    print(visible(line), file=sys.stderr if error else sys.stdout, flush=True)
