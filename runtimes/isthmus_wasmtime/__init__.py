"""WebAssembly functions: WASI commands and Extism plug-ins, a fresh world for every call."""

from __future__ import annotations

from collections.abc import Iterable

from isthmus.abc import Runtime
from isthmus.hookspecs import hookimpl
from isthmus.templates import Template

from ._ways import with_handlers as with_handlers

__all__ = ["isthmus_runtimes", "isthmus_templates", "with_handlers"]


@hookimpl
def isthmus_runtimes() -> Iterable[Runtime]:
    """Offer the runtime for ``language="wasm"``."""
    from ._runtime import WasmtimeRuntime

    return [WasmtimeRuntime()]


@hookimpl
def isthmus_templates() -> Iterable[Template]:
    """Offer templates in languages that compile to WebAssembly."""
    from ._templates import templates

    return templates()
