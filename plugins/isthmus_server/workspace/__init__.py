"""A workspace as code: a directory that says what functions, sources and destinations there are.

::

    desired = read_workspace(Path("workspace"), engine.runtimes, os.environ)
    plan = await store.write(lambda tx: apply(tx, desired, prune=False))

It is read (:func:`read_workspace`), compared with a store (:func:`plan`), and the store made so (:func:`apply`);
:func:`export` writes the directory of a store.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from isthmus.abc import Runtime
from isthmus_server.store import Transaction

from .changes import Action as Action, Change as Change, Field as Field, Plan as Plan
from .desired import Desired as Desired, WorkspaceProblems as WorkspaceProblems
from .exporting import (
    Exported as Exported,
    export_of,
    write_export as write_export,
    write_secrets as write_secrets,
)
from .gitsync import is_git_sync, read_git_sync
from .kept import kept_in
from .planning import plan_of
from .reading import WORKSPACE_FILE, read_directory

__all__ = [
    "Action",
    "Change",
    "Desired",
    "Exported",
    "Field",
    "Plan",
    "WorkspaceProblems",
    "apply",
    "export",
    "plan",
    "read_workspace",
    "write_export",
    "write_secrets",
]


def read_workspace(root: Path, runtimes: Mapping[str, Runtime], environ: Mapping[str, str]) -> Desired:
    """Read a directory: one with a ``workspace.toml``, or Segment's workspace as Git Sync writes it down.

    Args:
        root: the directory.
        runtimes: by language, those of an engine.
        environ: variables that secrets are taken from.

    Raises:
        WorkspaceProblems: with a line for each thing that is wrong.
    """
    if (root / WORKSPACE_FILE).is_file():
        return read_directory(root, runtimes, environ)
    if is_git_sync(root):
        return read_git_sync(root, environ)
    raise WorkspaceProblems(f"{root} is no workspace: it has no {WORKSPACE_FILE}, and no functions/*.tf")


def plan(tx: Transaction, desired: Desired, *, prune: bool) -> Plan:
    """What applying would do; nothing is changed.

    Raises:
        WorkspaceProblems: it can't be done, with a line for each reason.
    """
    return plan_of(kept_in(tx), desired, prune=prune).without_inventions()


def apply(tx: Transaction, desired: Desired, *, prune: bool) -> Plan:
    """Make a store as a directory says, and deploy.

    Args:
        tx: one that writes; all of it is kept, or nothing.
        desired: what is to be.
        prune: delete what the directory does not have.

    Returns:
        what was done.

    Raises:
        WorkspaceProblems: it can't be done, with a line for each reason.
        Refused: the store does not take it.
    """
    planned = plan_of(kept_in(tx), desired, prune=prune)
    for step in planned.steps:
        step.carry_out(tx)
    return planned


def export(tx: Transaction, runtimes: Mapping[str, Runtime]) -> Exported:
    """The directory of a store, as files; its secrets apart."""
    return export_of(kept_in(tx), runtimes)
