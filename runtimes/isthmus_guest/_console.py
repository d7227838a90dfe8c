"""log: lines of console output, with a level."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Log", "log"]

Write = Callable[[str, str], None]


def _print(level: str, text: str) -> None:
    print(f"{level}: {text}")  # noqa: T201 -- there is no host here


class Log:
    """Writes lines: ``log("text")``, ``log.warn("text")``; what is given is joined as ``print`` does."""

    def __init__(self) -> None:
        self._write: Write = _print

    def __call__(self, *values: object) -> None:
        """Write a line."""
        self._line("log", values)

    def debug(self, *values: object) -> None:
        """Write a line of level debug."""
        self._line("debug", values)

    def info(self, *values: object) -> None:
        """Write a line of level info."""
        self._line("info", values)

    def warn(self, *values: object) -> None:
        """Write a line of level warn."""
        self._line("warn", values)

    warning = warn

    def error(self, *values: object) -> None:
        """Write a line of level error."""
        self._line("error", values)

    def _line(self, level: str, values: tuple[object, ...]) -> None:
        self._write(level, " ".join(map(str, values)))


log = Log()
