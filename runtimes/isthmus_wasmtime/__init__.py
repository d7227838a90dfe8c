"""WebAssembly functions: WASI commands, Extism plug-ins and components, a fresh world for every call."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from isthmus.abc import Runtime
from isthmus.hookspecs import hookimpl
from isthmus.templates import Template

from ._ways import with_handlers as with_handlers

__all__ = ["isthmus_runtimes", "isthmus_templates", "wit", "with_handlers"]


def wit() -> Path:
    """The directory of WIT that has the world ``isthmus:function/function``, for tools that build components."""
    return Path(__file__).parent / "wit"


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
