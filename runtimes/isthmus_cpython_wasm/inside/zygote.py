"""The zygote of functions in WebAssembly: what it forks holds an instance that has been made and warmed."""

from __future__ import annotations

from typing import Any, NoReturn

from isthmus_cpython.inside.zygote import serve

from .interpreter import Interpreter

__all__ = ["main"]


def main(control_file: int, config: dict[str, Any]) -> NoReturn:
    """Make the interpreter, and serve the host."""
    serve(control_file, config, Interpreter(config["code"], config["memory_of_code"]))
