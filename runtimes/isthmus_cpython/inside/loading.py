"""A function's code: how it is compiled, which handlers it defines, what it imports."""

from __future__ import annotations

import base64
import builtins
import marshal
import re
import sys
import types
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from . import lines, traces

if TYPE_CHECKING:
    import ast

    Refusal = Callable[[ast.AST, str], None]

_COROUTINE = 0x80
"""The flag of a code object that ``async def`` makes."""

__all__ = ["HANDLERS", "define", "handlers_of", "load", "module_name"]

HANDLERS = {
    "onIdentify": "on_identify",
    "onTrack": "on_track",
    "onPage": "on_page",
    "onScreen": "on_screen",
    "onGroup": "on_group",
    "onAlias": "on_alias",
    "onDelete": "on_delete",
    "onBatch": "on_batch",
    "onRequest": "on_request",
}
"""Segment's name of each handler, and Python's; a function may use either."""


def load(order: dict[str, Any], refuse: Refusal | None = None) -> dict[str, Any]:
    """Compile code and run its body.

    Args:
        order: ``source`` and ``file``.
        refuse: raises an error of code that this interpreter cannot run.

    Returns:
        ``handlers``, ``imports``, the ``lines`` that can run and the compiled ``code``; or the ``error`` that was raised.
    """
    import ast  # of all processes this one alone has a use for it

    source, file = order["source"], order["file"]
    try:
        tree = ast.parse(source, file)
        if refuse is not None:
            refuse(tree, file)
        code = compile(tree, file, "exec", dont_inherit=True)
        found = handlers_of(define(code, file, module_name(file)))
    except BaseException as error:  # noqa: BLE001 -- SystemExit too; it is the author's, and told
        return {"error": traces.described(error, file, source)}
    return {
        "handlers": sorted(found),
        "asynchronous": any(_is_coroutine(handler) for handler in found.values()),
        "imports": sorted(_imported(ast.walk(tree)) | set(sys.modules)),
        "lines": sorted(lines.possible(code)),
        "code": base64.b64encode(marshal.dumps(code)).decode(),
    }


def module_name(file: str) -> str:
    """A name for the module of a file that no other module has."""
    name = re.sub(r"\W", "_", file.rsplit("/", 1)[-1].removesuffix(".py")) or "function"
    return f"function_{name}" if name in sys.stdlib_module_names or not name.isidentifier() else name


def define(code: types.CodeType, file: str, name: str) -> types.ModuleType:
    """Run a module's body; the module can be found by its name, as dataclasses and pickles expect."""
    module = types.ModuleType(name)
    module.__file__ = file
    module.__dict__["__builtins__"] = builtins
    sys.modules[name] = module
    exec(code, module.__dict__)  # noqa: S102 -- the author's code, in the process that is confined for it
    return module


def handlers_of(module: types.ModuleType) -> dict[str, Any]:
    """The handlers a module defines, by Segment's names.

    Raises:
        TypeError: one is defined by both its names, or is no function.
    """
    found = {}
    for name, pythonic in HANDLERS.items():
        values = [vars(module)[each] for each in (pythonic, name) if each in vars(module)]
        if len(values) == 2 and values[0] is not values[1]:
            raise TypeError(f"{pythonic} and {name} are the same handler; define one of them")
        if values:
            if not callable(values[0]):
                raise TypeError(f"{pythonic} should be a function, but is {type(values[0]).__name__}")
            found[name] = values[0]
    return found


def _is_coroutine(handler: Any) -> bool:
    flags = getattr(getattr(handler, "__code__", None), "co_flags", 0)
    return bool(flags & _COROUTINE)


def _imported(nodes: Iterable[ast.AST]) -> set[str]:
    """Modules that the code names in import statements, wherever they stand."""
    names: set[str] = set()
    for node in nodes:
        kind = type(node).__name__
        if kind == "Import":
            names.update(alias.name for alias in node.names)  # type: ignore[attr-defined]
        elif kind == "ImportFrom" and node.module and not node.level:  # type: ignore[attr-defined]
            module: str = node.module  # type: ignore[attr-defined]
            names.add(module)
            names.update(f"{module}.{alias.name}" for alias in node.names)  # type: ignore[attr-defined]
    return names
