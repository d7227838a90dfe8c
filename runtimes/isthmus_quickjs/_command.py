"""``isthmus bundle``: a function made one file of."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import msgspec

from isthmus.abc import Command
from isthmus.errors import InvalidInput

__all__ = ["BundleCommand"]

MANIFEST: Final = "function.toml"


class _Manifest(msgspec.Struct, frozen=True):
    """As much of a ``function.toml`` as a bundle needs."""

    code: str = "function.js"


class BundleCommand(Command):
    """``isthmus bundle FUNCTION``."""

    name = "bundle"
    summary = "make one file of a function, its modules and its npm packages"

    def parser(self) -> argparse.ArgumentParser:
        """The command's arguments."""
        parser = argparse.ArgumentParser(
            prog="isthmus bundle",
            description=(
                "Makes one ES module of a function in JavaScript or TypeScript, of the modules it imports and of "
                "the npm packages it uses, with a source map, by esbuild. run, invoke, test and check do this by "
                "themselves for a directory with a package.json."
            ),
        )
        parser.add_argument("function", metavar="FUNCTION", help="directory of the function, or its file")
        parser.add_argument("--out", metavar="FILE", help="write it there (default: standard output)")
        parser.add_argument("--minify", action="store_true", help="make it short")
        parser.add_argument(
            "--install",
            action="store_true",
            help="install its packages first: npm ci, or npm install without a lock",
        )
        return parser

    def execute(self, arguments: argparse.Namespace) -> int:
        """Bundle, and say what of."""
        from ._bundles import bundle, bundles_directory

        entry, root = _found(Path(arguments.function))
        if arguments.install:
            _install(root)
        made = bundle(entry, root, bundles_directory(), minify=arguments.minify)
        if arguments.out:
            try:
                Path(arguments.out).write_text(made.code, encoding="utf-8")
            except OSError as error:
                raise InvalidInput(f"{arguments.out} cannot be written: {error.strerror}") from None
        else:
            sys.stdout.write(made.code)
        packages = {_package(name) for name in made.inputs if "node_modules/" in name}
        own = sum("node_modules/" not in name for name in made.inputs)
        size = len(made.code.encode())
        said = f"{own} files" + (
            f" and {len(packages)} packages ({', '.join(sorted(packages))})" if packages else ""
        )
        print(f"{entry}: {said}, {size:,} bytes", file=sys.stderr)  # noqa: T201 -- a command prints
        return 0


def _found(place: Path) -> tuple[Path, Path]:
    """(the file with the handlers, the function's directory)."""
    if not place.exists():
        raise InvalidInput(f"there is no file or directory {str(place)!r}")
    if place.is_file():
        return place, place.parent
    manifest = place / MANIFEST
    try:
        code = msgspec.toml.decode(manifest.read_bytes(), type=_Manifest).code
    except OSError:
        raise InvalidInput(
            f"the directory {str(place)!r} has no {MANIFEST}; name the function's file instead"
        ) from None
    except (msgspec.DecodeError, ValueError) as error:
        raise InvalidInput(f"{manifest} is no definition of a function: {error}") from None
    if not (place / code).is_file():
        raise InvalidInput(f"{manifest} names the code {code!r}, and there is no such file")
    return place / code, place


def _install(root: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise InvalidInput("npm is not on PATH: install Node.js, or install the packages in another way")
    how = "ci" if (root / "package-lock.json").exists() else "install"
    done = subprocess.run([npm, how, "--no-audit", "--no-fund"], cwd=root, check=False, stdout=sys.stderr)  # noqa: S603 -- asked for, in the owner's directory
    if done.returncode:
        raise InvalidInput(f"npm {how} failed in {root}, with exit status {done.returncode}")


def _package(name: str) -> str:
    """The npm package that a file is of."""
    parts = name.rpartition("node_modules/")[2].split("/")
    return "/".join(parts[:2]) if parts[0].startswith("@") else parts[0]
