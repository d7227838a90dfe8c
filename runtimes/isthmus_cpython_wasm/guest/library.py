"""The standard library, imported while the component is built: there is no file to import it from later."""

from __future__ import annotations

import importlib
import pkgutil
import sys
import types
import warnings

from isthmus_cpython._modules import TRUSTED

__all__ = ["import_all"]

OF_NO_USE = frozenset(
    """
    __main__ _pyrepl antigravity bdb code codeop compileall cProfile curses doctest ensurepip idlelib lib2to3 pdb pip
    profile pstats pty py_compile pydoc pydoc_data readline rlcompleter runpy site sitecustomize tabnanny test this tkinter
    trace turtle turtledemo unittest usercustomize venv webbrowser wsgiref zipapp
    """.split()  # noqa: SIM905 -- reads better than a list of forty
)
PACKAGES = "collections concurrent email encodings html http importlib json logging os re string sys urllib xml xmlrpc zoneinfo"
"""Packages of the library whose modules are imported all."""


def import_all() -> None:
    """Import what there is and can be imported here."""
    names = {name for name in sys.stdlib_module_names if name not in OF_NO_USE}
    for package in filter(None, map(_imported, PACKAGES.split())):
        for found in pkgutil.walk_packages(getattr(package, "__path__", ()), f"{package.__name__}."):
            names.add(found.name)
    for name in sorted(names | TRUSTED):
        _imported(name)


def _imported(name: str) -> types.ModuleType | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of modules that are to go; the author's are shown
        try:
            return importlib.import_module(name)
        except Exception:  # noqa: BLE001 -- it needs what WebAssembly has not; whoever imports it is told
            return None
