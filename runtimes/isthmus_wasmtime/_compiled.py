"""Compiled modules, kept on disk from one start of the process to the next.

What is kept is machine code, so that whoever can write to the directory can run code as this user.  It is
therefore made for this user alone, and one that others may write to, or that is somebody else's, is not used.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import stat
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Final, Protocol, Self, TypeVar

import wasmtime

__all__ = ["CompiledCache"]

MOST_BYTES: Final = 1 << 30
"""Bytes kept; what was used longest ago goes first."""


class Serializable(Protocol):
    """What wasmtime can write down and read again: modules and components."""

    def __init__(self, engine: wasmtime.Engine, wasm: bytes, /) -> None: ...
    def serialize(self) -> bytearray: ...
    @classmethod
    def deserialize_file(cls, engine: wasmtime.Engine, path: str, /) -> Self: ...


Made = TypeVar("Made", bound=Serializable)


class CompiledCache:
    """Compiles, and keeps what was compiled under the hash of all it depends on.

    Used from any thread; several processes may share a directory.

    Args:
        engine: compiles.
        directory: where to keep it, None to keep nothing.
        flavour: what else the machine code depends on (``"fuel"``).
    """

    def __init__(self, engine: wasmtime.Engine, directory: Path | None, flavour: str = "") -> None:
        self._engine = engine
        self._directory = directory
        parts = [version("wasmtime"), flavour, platform.machine(), _processor()]
        self._plain_salt = "\0".join(parts).encode()
        self._salt = "\0".join([*parts, _making()]).encode()
        self.hits = 0
        self.misses = 0

    def get(self, kind: type[Made], key: bytes, make: Callable[[], bytes], *, refitted: bool = True) -> Made:
        """The compiled form of a binary.

        Args:
            kind: module or component.
            key: what the binary was made from; equal keys, equal binaries.
            make: makes it, where it has to be compiled.
            refitted: what is made depends on how guests are refitted here.

        Raises:
            wasmtime.WasmtimeError: it is not valid.
        """
        path = self._path(key, self._salt if refitted else self._plain_salt)
        if path is not None and path.exists():
            # A file that is cut off, or of another build, is as good as none.
            with contextlib.suppress(wasmtime.WasmtimeError, OSError):
                made = kind.deserialize_file(self._engine, str(path))
                self.hits += 1
                os.utime(path)
                return made
        self.misses += 1
        made = kind(self._engine, make())
        if path is not None:
            self._keep(path, made.serialize())
        return made

    def note(self, key: bytes) -> bytes | None:
        """What was noted of a binary, None for nothing."""
        path = self._path(b"note" + key, self._salt)
        with contextlib.suppress(OSError):
            return None if path is None else path.read_bytes()
        return None

    def keep_note(self, key: bytes, note: bytes) -> None:
        """Note something of a binary."""
        if (path := self._path(b"note" + key, self._salt)) is not None:
            self._keep(path, note)

    def _path(self, key: bytes, salt: bytes) -> Path | None:
        if self._directory is None or not _is_private(self._directory):
            return None
        return self._directory / hashlib.sha256(salt + hashlib.sha256(key).digest()).hexdigest()

    def _keep(self, path: Path, code: bytes | bytearray) -> None:
        # A full disk costs the next start some time, and nothing else.
        with contextlib.suppress(OSError):
            handle, part = tempfile.mkstemp(dir=path.parent, prefix=".")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(code)
                os.replace(part, path)
            except OSError:
                with contextlib.suppress(OSError):
                    os.unlink(part)
                raise
            self._make_room(path.parent)

    def _make_room(self, directory: Path) -> None:
        kept = []
        for path in directory.iterdir():
            with contextlib.suppress(OSError):
                found = path.stat()
                kept.append((found.st_mtime, found.st_size, path))
        over = sum(size for _, size, _ in kept) - MOST_BYTES
        for _, size, path in sorted(kept):
            if over <= 0:
                return
            with contextlib.suppress(OSError):
                path.unlink()
                over -= size


def _is_private(directory: Path) -> bool:
    """Make it if need be; whether it is ours, and nobody else may write to it."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = directory.lstat()
    except OSError:
        return False
    if not stat.S_ISDIR(found.st_mode):
        return False
    return not hasattr(os, "getuid") or (found.st_uid == os.getuid() and not found.st_mode & 0o077)


def _making() -> str:
    """What of this package the kept code depends on: how guests are refitted, with what they are put together."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.iterdir()):
        if path.suffix in {".py", ".wat"}:
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _processor() -> str:
    """What of the processor machine code may depend on."""
    try:
        for line in Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines():
            if line.startswith(("flags", "Features")):
                return hashlib.sha256(line.encode()).hexdigest()
    except OSError:
        pass
    return platform.processor()
