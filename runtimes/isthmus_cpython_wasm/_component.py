"""The component, CPython with what runs calls in it: built once, compiled once for a processor, kept in the cache."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import logging
import os
import platform
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from isthmus.cachedir import cache_directory
from isthmus.errors import EngineError

__all__ = ["COMPONENTIZE", "compiled_component", "kept_component"]

logger = logging.getLogger("isthmus.cpython_wasm")

COMPONENTIZE: Final = "0.25.1"
"""The version of componentize-py that builds it: CPython 3.14, WASI 0.2.9."""
TZDATA: Final = "2026.6"
"""The version of tzdata whose time zones are in it."""
HERE: Final = Path(__file__).resolve().parent
WORLD: Final = "confined"
INSIDE: Final = ("__init__", "calls", "console", "lines", "loading", "loops", "serving", "traces", "values")
"""Modules that are the same in WebAssembly and without."""
KEPT: Final = 3
"""Builds that are kept, of some 50 MB each: several versions may take turns."""
BUILDING: Final = 1200.0
"""Seconds that building may take, on a machine that has other things to do."""
_APP: Final = "from isthmus_cpython_wasm.guest.app import WitWorld as WitWorld\n"
_lock = threading.Lock()


def compiled_component() -> Path:
    """The file with the compiled component, built where the cache has none; that takes a minute or so.

    Blocking.  Machine code is run as it is found, so it is kept where nobody else can write.

    Raises:
        EngineError: it cannot be built, or be kept.
    """
    with _lock:
        path = _place()
        if not path.exists():
            _make(path)
        return path


def kept_component() -> Path | None:
    """The file, where there is one already."""
    path = _place()
    return path if path.exists() else None


def _place() -> Path:
    directory = cache_directory() / "cpython_wasm"
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = directory.lstat()
    except OSError as error:
        raise EngineError(f"{directory} cannot be made: {error.strerror}") from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise EngineError(
            f"machine code is not kept in {directory}: it is somebody else's, or others may write to it"
        )
    return directory / f"{_key()}.cwasm"


@functools.cache
def _key() -> str:
    """A digest of all that the compiled component depends on."""
    digest = hashlib.sha256(
        "\0".join((COMPONENTIZE, TZDATA, version("wasmtime"), platform.machine(), _processor())).encode()
    )
    for name, file in _parts():
        digest.update(name.encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    digest.update((HERE / "inside" / "interpreter.py").read_bytes())  # how it is compiled
    return digest.hexdigest()[:32]


def _processor() -> str:
    """What of the processor machine code may depend on."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines():
            if line.startswith(("flags", "Features")):
                return line
    return platform.processor()


def _parts() -> Iterator[tuple[str, Path]]:
    """What the component is built of: a path below the build's directory, and the file to be there."""
    runtimes = HERE.parent
    for file in sorted((runtimes / "isthmus_guest").glob("*.py")):
        yield f"app/isthmus_guest/{file.name}", file
    for name in INSIDE:
        yield f"app/isthmus_cpython/inside/{name}.py", runtimes / "isthmus_cpython" / "inside" / f"{name}.py"
    yield "app/isthmus_cpython/_modules.py", runtimes / "isthmus_cpython" / "_modules.py"
    for file in sorted((HERE / "guest").glob("*.py")):
        inside = "isthmus_cpython/inside" if file.name == "clock.py" else "isthmus_cpython_wasm/guest"
        yield f"app/{inside}/{file.name}", file
    yield "wit/world.wit", HERE / "guest" / "world.wit"


def _zones() -> Iterator[tuple[str, Path]]:
    """Time zones, as :func:`_parts`."""
    spec = find_spec("tzdata")
    assert spec is not None  # noqa: S101 -- its version was looked at
    root = Path(spec.origin or "").parent / "zoneinfo"
    for file in root.rglob("*"):
        # Beside the zones there are modules and tables, whose names have a suffix.
        if file.is_file() and not file.suffix and file.name not in {"leapseconds", "tzdata"}:
            yield f"app/isthmus_cpython_wasm/guest/zones/{file.relative_to(root)}", file


def _make(path: Path) -> None:
    logger.info("building Python as WebAssembly; this takes a minute, and happens once")
    with tempfile.TemporaryDirectory(prefix="isthmus-") as made:
        component = Path(made, "python.wasm")
        _build(Path(made), component)
        handle, part = tempfile.mkstemp(dir=path.parent, prefix=".")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(_compiled(component))
            os.replace(part, path)
            _make_room(path.parent)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(part)
            raise


def _make_room(directory: Path) -> None:
    """Of all that was ever built the newest few are kept."""
    built = sorted(directory.glob("*.cwasm"), key=lambda file: file.stat().st_mtime, reverse=True)
    for file in built[KEPT:]:
        with contextlib.suppress(OSError):
            file.unlink()


def _build(directory: Path, component: Path) -> None:
    command = _builder()
    for name, file in (*_parts(), *_zones()):
        target = directory / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
    app = directory / "app"
    for package in ("isthmus_cpython", "isthmus_cpython_wasm"):
        (app / package / "__init__.py").touch()
    (app / "isthmus_app.py").write_text(_APP, encoding="utf-8")
    command += ["-q", "-d", str(directory / "wit"), "-w", WORLD, "componentize"]
    command += ["-p", str(app), "isthmus_app", "-o", str(component)]
    # The site-packages of a virtual environment would become part of the component.
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(directory),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(  # noqa: S603 -- a tool this package names, over files of its own
        command, env=environment, cwd=directory, capture_output=True, text=True, timeout=BUILDING, check=False
    )
    if done.returncode or not component.exists():
        said = (done.stderr or done.stdout).strip()[-2000:]
        raise EngineError(
            f"componentize-py could not build Python as WebAssembly: {said or 'it said nothing'}"
        )


def _builder() -> list[str]:
    for name, wanted in (("componentize-py", COMPONENTIZE), ("tzdata", TZDATA)):
        try:
            found = version(name)
        except PackageNotFoundError:
            found = "none"
        if found != wanted:
            raise EngineError(
                f"Python as WebAssembly is built with {name} {wanted}, and there is {found}: "
                "pip install 'isthmus[python-wasm]'"
            )
    return [sys.executable, "-c", "import sys, componentize_py; sys.exit(componentize_py.script())"]


def _compiled(component: Path) -> bytes:
    from wasmtime.component import Component

    from .inside.interpreter import engine

    return bytes(Component(engine(), component.read_bytes()).serialize())
