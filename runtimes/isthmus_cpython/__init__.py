"""Python functions: CPython in confined processes, forked for every call from a warm zygote."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from isthmus.abc import Runtime
from isthmus.hookspecs import hookimpl

if TYPE_CHECKING:
    from ._levels import Isolation as Isolation, Level as Level
    from ._runtime import CPythonRuntime as CPythonRuntime

__all__ = ["CPythonRuntime", "Isolation", "Level", "isthmus_runtimes"]


@hookimpl
def isthmus_runtimes() -> Iterable[Runtime]:
    """Offer the runtime for ``language="python"``."""
    from ._runtime import CPythonRuntime

    return [CPythonRuntime.from_environment()]


def __getattr__(name: str) -> object:
    # Importing this costs nothing until a name is used: an engine may never run a Python function.
    if name == "CPythonRuntime":
        from ._runtime import CPythonRuntime

        return CPythonRuntime
    if name in {"Isolation", "Level"}:
        from . import _levels

        return getattr(_levels, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
