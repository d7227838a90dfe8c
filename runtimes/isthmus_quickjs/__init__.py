"""JavaScript functions: QuickJS-NG compiled to WebAssembly, a fresh world for every call."""

from __future__ import annotations

from collections.abc import Iterable

from isthmus.abc import Runtime
from isthmus.hookspecs import hookimpl

__all__ = ["isthmus_runtimes"]


@hookimpl
def isthmus_runtimes() -> Iterable[Runtime]:
    """Offer the runtime for ``language="javascript"``."""
    from ._runtime import QuickJSRuntime

    return [QuickJSRuntime()]
