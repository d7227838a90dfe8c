"""Compiles the QuickJS guest: QuickJS-NG's sources from their source distribution, our C, ziglang's compiler.

Used as hatchling's build hook, and by hand: ``python runtimes/isthmus_quickjs/guest/build.py``.
The result is kept in the user's cache directory under the hash of everything it was made of, so that a
second installation copies a file.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from runpy import run_path
from typing import Any

QUICKJS = "quickjs-ng==0.17.0.2"
ZIG = "ziglang==0.17.1"
HERE = Path(__file__).resolve().parent
# Where this is run the package itself may not be importable: it is being built.
cache_directory: Callable[[], Path] = run_path(str(HERE.parents[2] / "engine/isthmus/cachedir.py"))[
    "cache_directory"
]
_wording = run_path(str(HERE / "wording.py"))
worded: Callable[[str], str] = _wording["worded"]
WORDING = repr([_wording["ONCE"], _wording["HERE_AND_THERE"]])
SHORTCUTS: tuple[tuple[str, str], ...] = run_path(str(HERE / "shortcuts.py"))["SHORTCUTS"]
OURS = ("guest.c", "heap.c", "chance.c", "log.c", "module.c", "native.c")
THEIRS = ("quickjs.c", "libregexp.c", "libunicode.c", "dtoa.c")
TARGET = ("--target=wasm32-wasi", "-mexec-model=reactor")
# Without bulk memory instructions: wasmtime runs those in code of its own, where a write to a page that the
# host has made read-only (see _cold.py) would end the process.
COMPILE = (
    "-O3",
    "-DNDEBUG",
    "-D_GNU_SOURCE",
    "-mcpu=generic+simd128-bulk_memory-bulk_memory_opt-reference_types-call_indirect_overlong",
)
LINK = (
    "-Wl,--import-memory",
    "-Wl,--export-memory",
    "-Wl,-z,stack-size=4194304",
    "-Wl,--export=__stack_pointer",  # the host resets it where a call was stopped and its world goes on
    "-Wl,--strip-all",
)
# QuickJS's own stack check also notes how deep the stack has been, so that a world is restored that far.
STACK_CHECK = "    sp = js_get_stack_pointer() - alloca_size;\n"
STACK_NOTE = (
    STACK_CHECK
    + "    { extern unsigned int isthmus_stack_low; if (sp < isthmus_stack_low) isthmus_stack_low = (unsigned int)sp; }\n"
)
PATCHES = ((STACK_CHECK, STACK_NOTE), *SHORTCUTS)


def hash_of(*parts: str | bytes) -> str:
    """A name for what is made of these parts."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update((part.encode() if isinstance(part, str) else part) + b"\0")
    return digest.hexdigest()[:32]


def run(*command: str | Path, env: dict[str, str] | None = None) -> None:
    """Run a command; what it prints is shown only when it fails."""
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, env=env
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}\n{done.stdout}\nexit status {done.returncode}")


class Compiler:
    """ziglang, put into a folder of its own: 90 MB that only a build without cache has to unpack."""

    def __init__(self, folder: Path) -> None:
        run(sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", folder, ZIG)
        self._env = {**os.environ, "PYTHONPATH": str(folder)}

    def __call__(self, *arguments: str | Path) -> None:
        run(sys.executable, "-m", "ziglang", "cc", *TARGET, *COMPILE, *arguments, env=self._env)

    def objects(
        self, to: Path, source: Path, includes: Path, names: tuple[str, ...], warnings: tuple[str, ...]
    ) -> None:
        """Compile C files of one folder into another."""
        to.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name in names:
            made = to / f"{Path(name).stem}.o"
            self(*warnings, f"-I{includes}", f"-I{HERE}", "-c", source / name, "-o", made)


def unpack_quickjs(directory: Path) -> Path:
    """Download QuickJS-NG's source distribution; make its stack check talk, its JSON quick and its errors speak as V8's."""
    run(sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", "quickjs-ng",
        "-d", directory, QUICKJS)  # fmt: skip
    with tarfile.open(next(directory.glob("quickjs*ng-*.tar.gz"))) as archive:
        archive.extractall(directory, filter="data")
    source = next(directory.glob("quickjs*ng-*/upstream-quickjs"))
    text = (source / "quickjs.c").read_text()
    for given, ours in PATCHES:
        if text.count(given) != 1:
            raise SystemExit(f"{QUICKJS}: quickjs.c has not once what the guest builds on: {given}")
        text = text.replace(given, ours)
    (source / "quickjs.c").write_text(worded(text))
    return source


def quickjs_objects(compiler: Compiler, scratch: Path) -> Path:
    """QuickJS-NG compiled, with its headers beside the objects; from the cache where it is there already."""
    kept = cache_directory() / "quickjs" / hash_of(QUICKJS, ZIG, repr(PATCHES), WORDING, *TARGET, *COMPILE)
    if not kept.exists():
        source = unpack_quickjs(scratch)
        part = kept.with_suffix(f".{os.getpid()}")
        compiler.objects(part, source, source, THEIRS, ("-Wno-everything",))
        for header in source.glob("*.h"):
            shutil.copyfile(header, part / header.name)
        keep(part, kept)
    return kept


def keep(part: Path, kept: Path) -> None:
    """Move what was made to its name in the cache, unless somebody was faster."""
    try:
        part.replace(kept)
    except OSError:
        if not kept.exists():
            raise
        shutil.rmtree(part)


def type_stripper() -> None:
    """Put the type stripper in its place, by a script of its own."""
    subprocess.run([sys.executable, HERE.parent / "typescript" / "build.py"], check=True)


def libraries() -> None:
    """Put Segment's libraries in their place, by a script of its own; without node and npm it leaves them out."""
    subprocess.run([sys.executable, HERE.parent / "libraries" / "assembly.py"], check=True)


def console() -> None:
    """Put the scripts of the service's console in their place, likewise."""
    subprocess.run(
        [sys.executable, HERE.parents[2] / "plugins/isthmus_server/console/bundling.py"], check=True
    )


def build() -> Path:
    """Put ``quickjs.wasm`` beside this file, from the cache where it is there already."""
    ours = [(HERE / name).read_bytes() for name in (*OURS, "world.h")]
    kept = (
        cache_directory()
        / "guest"
        / f"{hash_of(QUICKJS, ZIG, repr(PATCHES), WORDING, *TARGET, *COMPILE, *LINK, *ours)}.wasm"
    )
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = kept.with_suffix(f".{os.getpid()}")
        with tempfile.TemporaryDirectory() as name:
            scratch = Path(name)
            compiler = Compiler(scratch / "zig")
            theirs = quickjs_objects(compiler, scratch)
            mine = scratch / "ours"
            compiler.objects(mine, HERE, theirs, OURS, ("-Wall", "-Wextra", "-Werror"))
            compiler(*sorted(mine.glob("*.o")), *sorted(theirs.glob("*.o")), *LINK, "-o", part)
            keep(part, kept)
    here = HERE / "quickjs.wasm"
    shutil.copyfile(kept, here)
    return here


try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # run by hand, outside a build
    pass
else:

    class GuestBuildHook(BuildHookInterface):  # type: ignore[type-arg]
        """Builds the guest before hatchling gathers files."""

        def initialize(self, version: str, build_data: dict[str, Any]) -> None:
            build()
            type_stripper()
            libraries()
            console()


if __name__ == "__main__":
    path = build()
    print(f"{path} {path.stat().st_size} bytes")
