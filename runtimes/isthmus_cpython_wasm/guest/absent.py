"""What Python in WebAssembly lacks, said where it is asked for: modules in C of others, threads, processes."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from typing import Any

__all__ = ["NotInWebAssembly", "install", "refuse_threads"]

THREADS = {
    "_thread": ("start_new_thread",),
    "threading": ("Thread", "Timer"),
    "concurrent.futures": ("ThreadPoolExecutor", "ProcessPoolExecutor"),
}


class _Finder:
    """The last that is asked for a module: it has none."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        del path, target
        lacking = name.partition(".")[0] in sys.stdlib_module_names
        text = f"No module named {name!r}" + (": Python within WebAssembly lacks it" if lacking else "")
        raise ModuleNotFoundError(text, name=name)


def install() -> None:
    """Say of every module that is not there why it is not."""
    sys.meta_path[:] = [_Finder]  # what is there has been imported


class NotInWebAssembly(SyntaxError):
    """Code that names what Python in WebAssembly has not."""


def refuse_threads(tree: ast.AST, file: str) -> None:
    """Look for what makes threads, which would fail when it is called.

    Raises:
        NotInWebAssembly: it is named.
    """
    for line, name in sorted(_named(tree)):
        module, _, attribute = name.rpartition(".")
        if attribute in THREADS.get(module, ()):
            raise NotInWebAssembly(
                f"{name}: there are no threads within WebAssembly", (file, line, None, None)
            )


def _named(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Attribute):
            yield node.lineno, _dotted(node)


def _dotted(node: Any) -> str:
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""
