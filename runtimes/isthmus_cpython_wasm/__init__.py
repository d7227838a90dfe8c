"""Python functions within WebAssembly: CPython compiled to it, a fresh instance in a confined process for every call."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from isthmus.abc import Command, DeferredRuntime, Runtime
from isthmus.hookspecs import hookimpl
from isthmus_cpython._wish import wants_wasm

if TYPE_CHECKING:
    from ._runtime import CPythonWasmRuntime as CPythonWasmRuntime

__all__ = ["CPythonWasmRuntime", "isthmus_commands", "isthmus_runtimes"]


@hookimpl
def isthmus_runtimes() -> Iterable[Runtime]:
    """Offer the runtime for ``isolation="wasm"``, and for all Python functions where the operator wants it so."""
    for_all = DeferredRuntime(partial(_from_environment, default=True), language="python", suffixes=(".py",))
    for_those = DeferredRuntime(_from_environment, language="python", variant="wasm")
    return [for_all, for_those] if wants_wasm() else [for_those]


@hookimpl
def isthmus_commands() -> Iterable[Command]:
    """Offer ``isthmus python-wasm``."""
    from ._command import PythonWasmCommand

    return [PythonWasmCommand()]


def _from_environment(*, default: bool = False) -> Runtime:
    from ._runtime import CPythonWasmRuntime

    return CPythonWasmRuntime.from_environment(default=default)


def __getattr__(name: str) -> object:
    # Importing this costs nothing until a name is used: an engine may never run a Python function.
    if name == "CPythonWasmRuntime":
        from ._runtime import CPythonWasmRuntime

        return CPythonWasmRuntime
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
