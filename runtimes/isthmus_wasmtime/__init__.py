"""WebAssembly functions: WASI commands, Extism plug-ins and components, a fresh world for every call."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from isthmus.abc import DeferredRuntime, Runtime
from isthmus.hookspecs import hookimpl
from isthmus.templates import Template

if TYPE_CHECKING:
    from ._ways import with_handlers as with_handlers

__all__ = ["isthmus_runtimes", "isthmus_templates", "wit", "with_handlers"]


def wit() -> Path:
    """The directory of WIT that has the world ``isthmus:function/function``, for tools that build components."""
    return Path(__file__).parent / "wit"


@hookimpl
def isthmus_runtimes() -> Iterable[Runtime]:
    """Offer the runtime for ``language="wasm"``."""
    return [DeferredRuntime(_make, language="wasm", suffixes=(".wasm", ".wat"))]


@hookimpl
def isthmus_templates() -> Iterable[Template]:
    """Offer templates in languages that compile to WebAssembly."""
    from ._templates import templates

    return templates()


def _make() -> Runtime:
    from ._runtime import WasmtimeRuntime

    return WasmtimeRuntime()


def __getattr__(name: str) -> object:
    # Importing this costs nothing until a name is used: an engine may never run WebAssembly.
    if name == "with_handlers":
        from ._ways import with_handlers

        return with_handlers
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
