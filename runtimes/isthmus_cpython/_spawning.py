"""How a zygote is started: its interpreter, what it is told, and what it reports of its confinement."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any, Final, final

import msgspec

from isthmus.errors import RuntimeFault

from ._levels import Isolation
from ._modules import ALWAYS

__all__ = ["Recipe", "executable", "isolation_of", "last_words", "spawn"]

HERE: Final = Path(__file__).resolve().parent
INSIDE: Final[Mapping[str, str]] = MappingProxyType({"isthmus_cpython.inside": str(HERE / "inside")})
BESIDE: Final = (str(HERE.parent),)
"""Where ``isthmus_guest`` is."""


def executable() -> str:
    """The interpreter of functions: this one's, without the virtual environment round it."""
    return str(getattr(sys, "_base_executable", "") or sys.executable)


@final
class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """How a zygote is to be.

    Attributes:
        python: its interpreter.
        aim: layers to build.
        packages: directories of the function's own packages.
        memory: bytes of address space of a child.
        cpu: seconds of processor time of a child, 0 for no limit of the kernel's.
        group: directory of the control group to enter, or "".
        groupless: why there is none.
        zygote: module whose ``main`` it runs.
        inside: packages beside the standard library, by name, with their directories.
        beside: directories that can be imported from until ``zygote`` is.
        given: what else ``zygote`` is to know, values of JSON by name.
    """

    python: str
    aim: frozenset[str]
    packages: tuple[str, ...] = ()
    memory: int = 0
    cpu: float = 0.0
    group: str = ""
    groupless: str = ""
    zygote: str = "isthmus_cpython.inside.zygote"
    inside: Mapping[str, str] = INSIDE
    beside: tuple[str, ...] = BESIDE
    given: Mapping[str, object] = MappingProxyType({})


def spawn(recipe: Recipe, control: socket.socket, said: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start the interpreter; in this thread, for it is quick, and never by a fork of this process."""
    config: dict[str, Any] = {
        "aim": sorted(recipe.aim),
        "packages": list(recipe.packages),
        "memory": recipe.memory,
        "cpu": recipe.cpu,
        "modules": list(ALWAYS),
        "zygote": recipe.zygote,
        "inside": dict(recipe.inside),
        "beside": list(recipe.beside),
        "parent": os.getpid(),
        "group": recipe.group,
        "groupless": recipe.groupless,
        **recipe.given,
    }
    environment = {"LANG": "C.UTF-8", "PATH": "/usr/bin:/bin", "MALLOC_ARENA_MAX": "1"}
    if libraries := os.environ.get("LD_LIBRARY_PATH"):
        environment["LD_LIBRARY_PATH"] = libraries  # where this interpreter's own are, perhaps
    with tempfile.TemporaryFile() as given:
        given.write(json.dumps(config).encode())
        given.seek(0)
        command = [recipe.python, "-I", "-S", str(HERE / "inside" / "boot.py"), str(control.fileno())]
        try:
            return subprocess.Popen(  # noqa: S603 -- the operator's interpreter, our own script
                command,
                stdin=given,
                stdout=subprocess.DEVNULL,
                stderr=said,
                env=environment,
                pass_fds=[control.fileno()],
                cwd="/",
            )
        except OSError as error:
            raise RuntimeFault(f"{recipe.python} could not be started: {error.strerror}") from error


def last_words(said: IO[bytes]) -> str:
    """The last line of what an interpreter wrote to its standard error."""
    said.seek(0)
    return said.read(4000).decode("utf-8", "replace").strip().rpartition("\n")[2] or "it said nothing"


def isolation_of(report: bytes) -> Isolation:
    """What a zygote has reported."""
    found = msgspec.json.decode(report, type=_Report)
    return Isolation.of(found.missing, scratch=found.scratch)


class _Report(msgspec.Struct, frozen=True):
    missing: dict[str, str]
    scratch: bool
