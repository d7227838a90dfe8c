"""Python functions: CPython in confined processes, forked for every call from a warm zygote."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from isthmus.abc import DeferredRuntime, Runtime
from isthmus.hookspecs import hookimpl
from isthmus.templates import Template, templates_in

from ._wish import wants_wasm

if TYPE_CHECKING:
    from ._levels import Isolation as Isolation, Level as Level
    from ._packages import Policy as Policy
    from ._requirements import with_requirements as with_requirements
    from ._runtime import CPythonRuntime as CPythonRuntime

__all__ = [
    "CPythonRuntime",
    "Isolation",
    "Level",
    "Policy",
    "isthmus_runtimes",
    "isthmus_templates",
    "with_requirements",
]

_PLACES = {
    "CPythonRuntime": "_runtime",
    "Isolation": "_levels",
    "Level": "_levels",
    "Policy": "_packages",
    "with_requirements": "_requirements",
}


@hookimpl
def isthmus_runtimes() -> Iterable[Runtime]:
    """Offer the runtime for ``language="python"``, but where the operator wants all of it within WebAssembly."""
    return [] if wants_wasm() else [DeferredRuntime(_from_environment, language="python", suffixes=(".py",))]


@hookimpl
def isthmus_templates() -> Iterable[Template]:
    """Offer templates in Python."""
    return templates_in(Path(__file__).parent / "templates", language="python")


def _from_environment() -> Runtime:
    from ._runtime import CPythonRuntime

    return CPythonRuntime.from_environment()


def __getattr__(name: str) -> object:
    # Importing this costs nothing until a name is used: an engine may never run a Python function.
    if name in _PLACES:
        return getattr(importlib.import_module(f".{_PLACES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
