"""``isthmus python-wasm``: the component built ahead."""

from __future__ import annotations

import argparse
import time

from isthmus.abc import Command

__all__ = ["PythonWasmCommand"]


class PythonWasmCommand(Command):
    """``isthmus python-wasm``."""

    name = "python-wasm"
    summary = 'build Python as WebAssembly, for functions with isolation = "wasm"'

    def parser(self) -> argparse.ArgumentParser:
        """The command's arguments: none."""
        return argparse.ArgumentParser(
            prog="isthmus python-wasm",
            description=(
                "Builds CPython as a WebAssembly component with what runs functions in it, by componentize-py (pip "
                "install 'isthmus[python-wasm]'), compiles it, and keeps it in the user's cache. The first loading "
                "of such a function does the same; this is for doing it ahead."
            ),
        )

    def execute(self, arguments: argparse.Namespace) -> int:
        """Build it where it is not there, and say where it is."""
        del arguments
        from ._component import compiled_component, kept_component

        known = kept_component()
        began = time.monotonic()
        made = compiled_component()
        how = "there already" if known else f"built in {time.monotonic() - began:.0f} s"
        print(f"{made}: {how}, {made.stat().st_size / 1e6:.0f} MB")  # noqa: T201 -- a command prints
        return 0
