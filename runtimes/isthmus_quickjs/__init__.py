"""JavaScript functions: QuickJS-NG compiled to WebAssembly, a fresh world for every call."""

from __future__ import annotations

from collections.abc import Iterable

from isthmus.abc import Command, Runtime
from isthmus.hookspecs import hookimpl

__all__ = ["isthmus_commands", "isthmus_runtimes"]


@hookimpl
def isthmus_runtimes() -> Iterable[Runtime]:
    """Offer the runtime for ``language="javascript"``."""
    from ._runtime import QuickJSRuntime

    return [QuickJSRuntime()]


@hookimpl
def isthmus_commands() -> Iterable[Command]:
    """Offer ``isthmus bundle`` and ``isthmus libraries``."""
    from ._command import BundleCommand
    from .libraries.command import LibrariesCommand

    return [BundleCommand(), LibrariesCommand()]
