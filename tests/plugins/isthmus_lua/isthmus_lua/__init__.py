"""The runtime of Lua, as a plugin."""

from __future__ import annotations

from collections.abc import Iterable

from isthmus.abc import DeferredRuntime, Runtime
from isthmus.hookspecs import hookimpl

__all__ = ["isthmus_runtimes"]


def _make() -> Runtime:
    from .runtime import LuaRuntime  # lupa is imported with the first function in Lua

    return LuaRuntime()


@hookimpl
def isthmus_runtimes() -> Iterable[Runtime]:
    """Offer the runtime for ``language="lua"``."""
    return [DeferredRuntime(_make, language="lua", suffixes=(".lua",))]
