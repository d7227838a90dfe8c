"""JavaScript functions: QuickJS-NG compiled to WebAssembly, a fresh world for every call."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from isthmus.abc import Command, Runtime
from isthmus.hookspecs import hookimpl
from isthmus.templates import Template, templates_in

__all__ = ["isthmus_commands", "isthmus_runtimes", "isthmus_templates"]


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


@hookimpl
def isthmus_templates() -> Iterable[Template]:
    """Offer templates in JavaScript, and in TypeScript with types of events and globals."""
    here = Path(__file__).parent / "templates"
    types = {
        "isthmus.d.ts": "types of handlers, events and globals, for your editor and tsc",
        "tsconfig.json": "what tsc is to make of them: npx tsc",
    }
    return [
        *templates_in(here / "javascript", language="javascript"),
        *templates_in(
            here / "typescript", language="typescript", beside=(here / "typescript" / "beside",), notes=types
        ),
    ]
