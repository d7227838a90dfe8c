"""Contenders' packages, each in a directory of its own in the user's cache; one that can't be had is left out and said so."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Final

from isthmus.cachedir import cache_directory

from .contenders import Contender
from .handlers import HANDLERS

__all__ = ["Absent", "Packages", "pinned"]

PROJECT: Final = Path(__file__).parents[2] / "pyproject.toml"
HANDLER: Final = Path(__file__).parent / "guest" / "handler.zig"
COMPILED: Final = (
    "-target",
    "wasm32-freestanding",
    "-fno-entry",
    "-rdynamic",
    "-O",
    "ReleaseFast",
    "-fstrip",
)
NODE: Final = Path(__file__).parent / "node"
PATIENCE: Final = 900
"""Seconds for one installation."""
COMPILING: Final = 3600
"""Seconds for one that compiles a great deal."""


class Absent(Exception):
    """A contender can't take part here; says why."""


class Packages:
    """Installs what contenders need, once on a machine.

    Args:
        named: contenders that were asked for by name: they may take as long as they take.
    """

    def __init__(self, named: Collection[str] = ()) -> None:
        self._named = named
        self._directory = cache_directory() / "peers"

    def command(self, contender: Contender) -> tuple[list[str], dict[str, str]]:
        """The command that runs a driver, and its environment.

        Raises:
            Absent: what it needs is not here and can't be had.
        """
        environment = dict(os.environ)
        if contender.group:
            environment["PYTHONPATH"] = f"{self._wheels(pinned(contender.group))}{os.pathsep}{Path.cwd()}"
        node = str(self._npm(contender)) if contender.package else str(NODE)
        if "node" in contender.driver and shutil.which("node") is None:
            raise Absent("there is no node")
        return [part.replace("{node}", node) for part in contender.driver], environment

    def code(self, contender: Contender) -> str:
        """The handler in the contender's language: text, or a module in Base64.

        Raises:
            Absent: it can't be compiled.
        """
        if contender.language != "wasm":
            return HANDLERS[contender.language]
        zig = self._wheels(pinned("peer-zig")) / "ziglang" / "zig"
        place = self._place("module", *pinned("peer-zig"), HANDLER.read_text("utf-8")).with_suffix(".wasm")
        if not place.exists():
            unfinished = place.with_suffix(f".{os.getpid()}")
            self._run([str(zig), "build-exe", str(HANDLER), *COMPILED, f"-femit-bin={unfinished}"])
            unfinished.rename(place)
        return base64.b64encode(place.read_bytes()).decode()

    def _wheels(self, wheels: tuple[str, ...]) -> Path:
        place = self._place("pip", *wheels, f"{sys.version_info[:2]}")
        if not place.exists():
            unfinished = place.with_suffix(".unfinished")
            self._run(
                [sys.executable, "-m", "pip", "install", "--quiet", "--upgrade", "--only-binary", ":all:", "--target",
                 str(unfinished), *wheels],
            )  # fmt: skip
            unfinished.rename(place)
        return place

    def _npm(self, contender: Contender) -> Path:
        """A directory whose ``node_modules`` has a package, by the lock file of its own beside this module."""
        if shutil.which("npm") is None:
            raise Absent("there is no npm")
        package = contender.package
        files = [NODE / package / name for name in ("package.json", "package-lock.json")]
        place = self._place("npm", package, *(file.read_text("utf-8") for file in files))
        if not place.exists():
            if contender.heavy and contender.name not in self._named:
                raise Absent(
                    f"compiling it takes many minutes; `--only {contender.name}` does that, once on a machine"
                )
            unfinished = place.with_suffix(".unfinished")
            unfinished.mkdir(parents=True, exist_ok=True)
            for file in files:
                shutil.copy(file, unfinished)
            self._run(
                ["npm", "ci", "--no-fund", "--no-audit", "--prefix", str(unfinished)],
                COMPILING if contender.heavy else PATIENCE,
            )
            unfinished.rename(place)
        return place

    def _place(self, *what: str) -> Path:
        digest = hashlib.sha256("\0".join(what).encode()).hexdigest()[:16]
        return self._directory / f"{what[0]}-{digest}"

    def _run(self, command: list[str], patience: int = PATIENCE) -> None:
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=patience, check=False)
        except subprocess.TimeoutExpired:
            raise Absent(f"installing it took longer than {patience} s") from None
        if done.returncode:
            raise Absent(f"it could not be installed: {_last_line(done.stderr)}")


def pinned(group: str) -> tuple[str, ...]:
    """What a dependency group of the project holds."""
    with PROJECT.open("rb") as file:
        return tuple(tomllib.load(file)["dependency-groups"][group])


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if "rror" in line]
    return (lines or ["no reason was given"])[-1][:200]
