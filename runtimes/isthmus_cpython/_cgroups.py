"""Control groups (cgroup v2), where the operator has delegated some: one for each zygote and all that it forks.

A group bounds what limits of single processes cannot: memory of all of a function's processes together, with what
they write to ``/tmp`` and what the kernel holds for them, and how many there are, threads included.  Killing the
group reaches whatever has slipped away from its parent.

The kernel lends controllers only to groups below one that has no processes of its own.  So a group is usable that is
named by ``ISTHMUS_PYTHON_CGROUP``, or the one above that of this process, which systemd's ``Delegate=`` with
``DelegateSubgroup=`` makes so.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from pathlib import Path
from typing import Final, final

__all__ = ["Group", "Groups"]

GIVEN: Final = "ISTHMUS_PYTHON_CGROUP"
CONTROLLERS: Final = ("memory", "pids")
_PREFIX: Final = "isthmus-"
_numbers = itertools.count(1)


@final
class Group:
    """One control group, empty until a zygote enters it.

    Attributes:
        path: its directory.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def close(self) -> None:
        """Kill what is left in it, and remove it; where the kernel is not done yet, the next who looks removes it."""
        with contextlib.suppress(OSError):
            _write(self.path / "cgroup.kill", "1")
        with contextlib.suppress(OSError):
            self.path.rmdir()


@final
class Groups:
    """Where groups can be made.

    Args:
        given: the directory that the operator has named, or "".
        own: the file that says which group this process is in.
        mounts: the file that says what is mounted where.

    Attributes:
        missing: why no groups can be made, "" where they can.
    """

    def __init__(
        self,
        given: str = "",
        *,
        own: Path = Path("/proc/self/cgroup"),
        mounts: Path = Path("/proc/self/mounts"),
    ) -> None:
        self._parent: Path | None = None
        self.missing = ""
        try:
            self._parent = _usable(Path(given) if given else _above(own, mounts))
        except OSError as error:
            self.missing = f"{error.strerror or error}" + (f": {error.filename}" if error.filename else "")
        else:
            _sweep(self._parent)

    def make(self, *, memory: int, tasks: int) -> Group | None:
        """A group with limits, None where none can be made.

        Args:
            memory: bytes, of all its processes.
            tasks: processes and threads.
        """
        if self._parent is None:
            return None
        path = self._parent / f"{_PREFIX}{os.getpid()}-{next(_numbers)}"
        try:
            path.mkdir()
            _write(path / "memory.max", str(memory))
            _write(path / "pids.max", str(tasks))
        except OSError as error:
            self.missing = f"{error.strerror}: {error.filename}"
            Group(path).close()
            return None
        with contextlib.suppress(OSError):  # a kernel may have no swap to account for
            _write(path / "memory.swap.max", "0")
        return Group(path)


def _above(own: Path, mounts: Path) -> Path:
    """The group above the one this process is in.

    Raises:
        OSError: there is none.
    """
    root = next((line.split()[1] for line in _lines(mounts) if line.split()[2:3] == ["cgroup2"]), None)
    path = next((line[3:] for line in _lines(own) if line.startswith("0::")), None)
    if root is None or path is None:
        raise OSError("cgroup v2 is not mounted")
    if path == "/":
        raise OSError(f"none is delegated; {GIVEN} may name one")
    return Path(root + path).parent


def _usable(directory: Path) -> Path:
    """A group that lends its controllers to groups below it.

    Raises:
        OSError: it does not.
    """
    there = (directory / "cgroup.controllers").read_text("ascii").split()
    if lacking := [name for name in CONTROLLERS if name not in there]:
        raise OSError(f"no controller of {' and '.join(lacking)} in {directory}")
    lent = directory / "cgroup.subtree_control"
    if not set(CONTROLLERS) <= set(lent.read_text("ascii").split()):
        _write(lent, " ".join(f"+{name}" for name in CONTROLLERS))
    if not os.access(directory, os.W_OK):
        raise PermissionError(13, os.strerror(13), str(directory))
    return directory


def _sweep(parent: Path) -> None:
    """Remove what processes have left that are no more."""
    for path in parent.glob(f"{_PREFIX}*-*"):
        owner = path.name.removeprefix(_PREFIX).partition("-")[0]
        if owner.isdigit() and not Path("/proc", owner).exists():
            with contextlib.suppress(OSError):
                path.rmdir()  # fails where one of another namespace of processes is at work


def _lines(path: Path) -> list[str]:
    return path.read_text("utf-8", "replace").splitlines()


def _write(path: Path, text: str) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
