"""WebAssembly functions: WASI commands and Extism plug-ins, a fresh world for every call."""

from __future__ import annotations

from collections.abc import Iterable

from isthmus.abc import Runtime
from isthmus.hookspecs import hookimpl

from ._ways import with_handlers as with_handlers

__all__ = ["isthmus_runtimes", "with_handlers"]


@hookimpl
def isthmus_runtimes() -> Iterable[Runtime]:
    """Offer the runtime for ``language="wasm"``."""
    from ._runtime import WasmtimeRuntime

    return [WasmtimeRuntime()]
