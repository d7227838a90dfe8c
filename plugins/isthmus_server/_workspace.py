"""``isthmus plan``, ``isthmus apply`` and ``isthmus export``: a workspace as code."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, final

from ._storecommand import DONE, StoreCommand, add_data, say, wrapped

if TYPE_CHECKING:
    from .store import Store
    from .workspace import Desired, Plan

__all__ = ["ApplyCommand", "ExportCommand", "PlanCommand"]

CHANGES: Final = 2

_STATUSES: Final = "exit status: 0 {}, 1 it can't be done (nothing was changed), 2 {}"


@final
class PlanCommand(StoreCommand):
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
class ApplyCommand(StoreCommand):
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
class ExportCommand(StoreCommand):
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
            say(msgspec.json.encode(told).decode())
            return DONE
        say(f"{len(exported.files)} files in {arguments.directory}")
        for note in exported.notes:
            say(f"note: {note}")
        if exported.secrets:
            say("variables that the files refer to:")
        for name in exported.secrets:
            say(f"  {name}")
        return DONE


def _parser(name: str, description: str, statuses: str) -> argparse.ArgumentParser:
    from isthmus.commands import Parser

    parser = Parser(
        prog=f"isthmus {name}",
        usage=f"isthmus {name} DIRECTORY --data DIRECTORY [options]",
        description=wrapped(description),
        epilog=f"""
            examples:
              isthmus {name} workspace --data data
              isthmus {name} workspace --data postgresql://isthmus@db/isthmus

            {statuses}
        """,
    )
    parser.add_argument("directory", metavar="DIRECTORY", help="of the workspace")
    add_data(parser)
    return parser


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
            say(f"note: {note}", error=True)
        raise


def _tell(planned: Plan, desired: Desired, *, as_json: bool) -> None:
    if as_json:
        import msgspec

        told = {"changes": planned.changes, "left": planned.left, "notes": desired.notes}
        say(msgspec.json.encode(told).decode())
        return
    from .workspace.telling import told_lines

    lines: Sequence[str] = told_lines(planned, desired.notes)
    for line in lines:
        say(line)
