"""The runtime: the Python runtime's processes, in which CPython as WebAssembly runs what its authors wrote."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
import trio

from isthmus.errors import EngineError, LoadError
from isthmus_cpython import CPythonRuntime, Level
from isthmus_cpython._requirements import requirements_of
from isthmus_cpython._sources import text_of
from isthmus_cpython._wish import AIM, REQUIRE

from ._component import COMPONENTIZE, compiled_component, kept_component

if TYPE_CHECKING:
    from isthmus.functions import Function
    from isthmus.limits import Limits
    from isthmus_cpython._cgroups import Group
    from isthmus_cpython._program import CPythonProgram
    from isthmus_cpython._spawning import Recipe

__all__ = ["CPythonWasmRuntime"]

HERE: Final = Path(__file__).resolve().parent
LEAST_MEMORY: Final = 48 * 1024 * 1024
"""Bytes of memory in which CPython, its library and a small function have room."""
VARIANT: Final = "wasm"


class CPythonWasmRuntime(CPythonRuntime):
    """Runs Python within WebAssembly, in the confined processes of :class:`isthmus_cpython.CPythonRuntime`.

    Args:
        default: it is the runtime of all Python functions, not of those with ``isolation="wasm"`` alone.
        isolation, require_isolation: of the processes; what confines a function in the first place is WebAssembly.
        processes, ready: see :class:`isthmus_cpython.CPythonRuntime`.

    Raises:
        EngineError: a level has no such name.
    """

    _reused = True  # a world is an instance, not a process

    def __init__(
        self,
        *,
        default: bool = False,
        isolation: str = Level.KERNEL_NS,
        require_isolation: str = Level.SECCOMP,
        processes: int = 64,
        ready: int = 8,
    ) -> None:
        super().__init__(
            isolation=isolation, require_isolation=require_isolation, processes=processes, ready=ready
        )
        self.variant = "" if default else VARIANT
        self.suffixes = (".py",) if default else ()

    @property
    def version(self) -> str:
        """Of what the component is built with; see :class:`isthmus.abc.Runtime`."""
        return f"componentize-py {COMPONENTIZE}"

    @classmethod
    def from_environment(
        cls, environment: Mapping[str, str] = os.environ, *, default: bool = False
    ) -> CPythonWasmRuntime:
        """One as the operator wants it: by ``ISTHMUS_PYTHON_ISOLATION`` and ``ISTHMUS_PYTHON_REQUIRE_ISOLATION``."""
        levels = {name: environment.get(name, "") for name in (AIM, REQUIRE)}
        processes = {name: "" if level == VARIANT else level for name, level in levels.items()}
        return cls(
            default=default,
            isolation=processes[AIM] or Level.KERNEL_NS,
            require_isolation=processes[REQUIRE] or Level.SECCOMP,
        )

    @property
    def isolation(self) -> str:  # type: ignore[override] # found out when it is first asked for
        """What separates a function from the host, on this machine."""
        try:
            built = kept_component() is not None
        except EngineError as error:
            return str(error)
        if not built:
            return "CPython as WebAssembly; not built yet: isthmus python-wasm does it, and so does the first loading"
        processes = super().isolation.removeprefix("a confined process for every call, ")
        return (
            "a fresh instance of CPython as WebAssembly for every call: no files, no sockets, no threads, no system "
            f"calls; its process is confined as well, {processes}"
        )

    async def load(self, function: Function, limits: Limits) -> CPythonProgram:
        """Make a program of a function's source text; see :class:`isthmus.abc.Runtime`.

        The first loading on a machine builds the component, which takes a minute.

        Raises:
            LoadError: the code does not load, names what WebAssembly has not, or asks for packages.
            EngineError: the component cannot be built, the machine does not reach the isolation that is
                required for processes, or the memory limit is too low for an interpreter.
        """
        if limits.memory < LEAST_MEMORY:
            text = f"a Python function within WebAssembly needs Limits.memory of {LEAST_MEMORY} bytes or more"
            raise EngineError(f"{text}, not {limits.memory}")
        required = requirements_of(text_of(function.code, function.file), function.file)
        if required.lines:
            text = "packages are not supported within WebAssembly, which has the standard library alone"
            raise LoadError(f"{text}; the code asks for {required.lines[0]!r}", file=function.file)
        await trio.to_thread.run_sync(compiled_component, abandon_on_cancel=True)
        return await super().load(function, limits)

    def _recipe(self, packages: tuple[str, ...], limits: Limits | None, group: Group | None) -> Recipe:
        native = super()._recipe(packages, limits, group)
        given: dict[str, Any] = {
            "code": str(compiled_component()),
            "memory_of_code": limits.memory if limits else LEAST_MEMORY,
            "scratch": False,
        }
        return msgspec.structs.replace(
            native,
            memory=0,  # what wasmtime reserves is many times what it uses; the instance has a limit of its own
            zygote="isthmus_cpython_wasm.inside.zygote",
            inside={**native.inside, "isthmus_cpython_wasm.inside": str(HERE / "inside")},
            beside=(*native.beside, _place_of_wasmtime()),
            given=given,
        )


def _place_of_wasmtime() -> str:
    spec = find_spec("wasmtime")
    assert spec is not None  # noqa: S101 -- the distribution depends on it
    assert spec.origin is not None  # noqa: S101
    return str(Path(spec.origin).resolve().parents[1])
