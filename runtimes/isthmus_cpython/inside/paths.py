"""What every function may read of the machine: the standard library, shared libraries, time zones.

Not what is installed beside the standard library: ``site-packages`` may hold the host's own code.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from typing import NamedTuple

__all__ = ["View", "view"]

HIDDEN = ("site-packages", "dist-packages")
LIBRARIES = (
    "/lib64",
    "/usr/lib64",
    "/lib/x86_64-linux-gnu",
    "/usr/lib/x86_64-linux-gnu",
    "/lib/aarch64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
)
ZONES = "/usr/share/zoneinfo"


class View(NamedTuple):
    """Paths, absolute.

    Attributes:
        mounted: to be there in a root directory of its own.
        masked: of those, what is to be empty.
        readable: what Landlock is to allow, files and directories.
        listed: directories whose entries may be listed; not all of what is below may be read.
    """

    mounted: list[str]
    masked: list[str]
    readable: list[str]
    listed: list[str]


def view() -> View:
    """What there is on this machine for this interpreter."""
    library = os.path.dirname(os.path.abspath(os.__file__))
    whole = [*(path for path in LIBRARIES if os.path.isdir(path)), ZONES]
    files = sorted(_mapped_files())
    readable, listed = list(files), []
    for directory in [library, *whole]:
        if _is_within(library, directory):
            readable += _all_but(directory, library)
            listed.append(directory)
        else:
            readable.append(directory)
    masked = [f"{library}/{name}" for name in HIDDEN if os.path.isdir(f"{library}/{name}")]
    mounted = [
        *whole,
        library,
        *(file for file in files if not any(_is_within(file, each) for each in whole)),
    ]
    return View(_outermost_first(mounted), masked, readable, listed)


def _mapped_files() -> Iterator[str]:
    """Shared libraries that this process uses, wherever they are."""
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:
            lines = maps.readlines()
    except OSError:
        return
    for path in {line.split(maxsplit=5)[-1].strip() for line in lines if ".so" in line}:
        if os.path.isabs(path) and os.path.isfile(path):
            yield path


def _is_within(path: str, directory: str) -> bool:
    return (os.path.realpath(path) + "/").startswith(os.path.realpath(directory) + "/")


def _all_but(directory: str, library: str) -> Iterator[str]:
    """Entries of a directory on the way down to the standard library, and of that, without what is hidden."""
    for name in sorted(os.listdir(directory)):
        path = f"{directory}/{name}"
        if name in HIDDEN or (not _is_within(path, library) and _is_within(library, path)):
            continue
        if sys.platform == "linux":
            yield path


def _outermost_first(paths: Iterable[str]) -> list[str]:
    return sorted(set(paths), key=lambda path: path.count("/"))
