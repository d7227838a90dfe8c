"""The guest's machine code: compiled once per machine, kept on disk, loaded into an engine of wasmtime."""

from __future__ import annotations

import hashlib
import platform
import threading
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

import wasmtime

from isthmus.cachedir import cache_directory

from ._hostcalls import Libraries, define_host_calls
from ._kept import is_ours, write_kept
from ._wasm import new_engine

__all__ = ["GuestCode", "cache_directory", "compiled"]


class GuestCode:
    """The guest without its data, in an engine of its own.

    Args:
        binary: the guest's code.
        scripts: bytecode of the prelude's modules, which guests ask for by name.
        libraries: what else they may ask for.
        stack: bytes of native stack that guests may use.

    Attributes:
        engine: whose epoch is the clock by which guests are stopped.
        module: the compiled code.
    """

    def __init__(self, binary: bytes, scripts: Mapping[str, bytes], libraries: Libraries, stack: int) -> None:
        self.engine = new_engine(stack)
        self.module = compiled(self.engine, binary)
        self._scripts = scripts
        self._libraries = libraries
        self._linkers = threading.local()

    def linker(self) -> wasmtime.Linker:
        """This thread's linker: what every guest imports but its memory."""
        linker: wasmtime.Linker | None = getattr(self._linkers, "linker", None)
        if linker is None:
            linker = self._linkers.linker = wasmtime.Linker(self.engine)
            linker.allow_shadowing = True
            define_host_calls(linker, self._scripts, self._libraries)
        return linker


def compiled(engine: wasmtime.Engine, binary: bytes) -> wasmtime.Module:
    """A binary's module, from the cache on disk where this machine has compiled it before."""
    key = hashlib.sha256(binary)
    key.update(f"{version('wasmtime')} {platform.machine()} {platform.processor()} {_cpu_flags()}".encode())
    path = cache_directory() / "code" / f"{key.hexdigest()[:32]}.cwasm"
    if is_ours(path):
        with suppress(OSError, wasmtime.WasmtimeError):
            return wasmtime.Module.deserialize_file(engine, str(path))
    module = wasmtime.Module(engine, binary)
    write_kept(path, bytes(module.serialize()))
    return module


def _cpu_flags() -> str:
    """What compiled code may depend on; a cache in a home that several machines share must not mix them up."""
    try:
        with Path("/proc/cpuinfo").open() as info:
            return next((line for line in info if line.startswith(("flags", "Features"))), "")
    except OSError:
        return ""
