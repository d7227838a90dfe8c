"""Text for a person: styled where the stream is a terminal, plain elsewhere, and always harmless."""

from __future__ import annotations

import os
import re
import shutil
import sys
import unicodedata
from collections.abc import Callable, Sequence
from typing import Final, TextIO, final

__all__ = ["Cell", "Screen", "named", "visible", "width_of"]

Cell = str | tuple[str, str]
"""Text of a table's cell, or the text and its style."""

_STYLES: Final = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "magenta": "35",
    "cyan": "36",
}

# What a function printed, threw or sent is shown on somebody's terminal: nothing of it may move the
# cursor, set the title, or reorder the text (C0 and C1 controls, and the bidirectional overrides).
_UNSAFE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def visible(text: str) -> str:
    """Replace what would act on a terminal, new lines and tabs excepted, by its escape."""
    return _UNSAFE.sub(
        lambda match: f"\\x{ord(match[0]):02x}" if match[0] < "\u0100" else _wide(match[0]), text
    )


def named(path: str) -> str:
    """What a file is called: its path, or that it is none."""
    return "standard input" if path == "-" else visible(path)


def _wide(character: str) -> str:
    return f"\\u{ord(character):04x}"


def width_of(text: str) -> int:
    """Columns that text takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


@final
class Screen:
    """Where text for a person goes.

    Args:
        stream: standard output or error, as a rule.
        colour: None decides by the stream and by ``NO_COLOR``, ``FORCE_COLOR`` and ``TERM``.

    Attributes:
        terminal: whether a person looks at it right now.
        above: takes a line in the stream's place while something live stands at its foot.
    """

    def __init__(self, stream: TextIO, *, colour: bool | None = None) -> None:
        self._stream = stream
        self.terminal = stream.isatty()
        self._colour = _wants_colour(self.terminal) if colour is None else colour
        self.above: Callable[[str], None] | None = None

    @property
    def stream(self) -> TextIO:
        """What is written to."""
        return self._stream

    @property
    def width(self) -> int:
        """Columns there are."""
        return shutil.get_terminal_size((100, 24)).columns if self.terminal else 100

    def paint(self, text: str, style: str = "") -> str:
        """Style text: ``"bold red"``.  Painted text is for :meth:`print`, its width is not its length."""
        if not (self._colour and style and text):
            return text
        codes = ";".join(_STYLES[word] for word in style.split())
        return f"\x1b[{codes}m{text}\x1b[0m"

    def print(self, text: str = "") -> None:
        """Write one line or several; a stream that nobody reads any more takes them in silence."""
        if self.above is not None:
            self.above(text)
            return
        try:
            self._stream.write(text + "\n")
            self._stream.flush()
        except BrokenPipeError:
            _silence(self._stream)

    def rewind(self, lines: int) -> None:
        """Have what comes next stand over the last lines, where a terminal shows them still; else nothing happens."""
        can = self.terminal and os.environ.get("TERM") != "dumb"
        if can and 0 < lines < shutil.get_terminal_size((100, 24)).lines:
            self._stream.write(f"\x1b[{lines}A\x1b[J")

    def table(
        self, rows: Sequence[Sequence[Cell]], *, right: frozenset[int] = frozenset(), indent: int = 0
    ) -> None:
        """Print rows in columns.

        Args:
            rows: of equal length; where the first is a heading, style its cells so.
            right: indices of the columns that are set flush right.
            indent: blanks before the first column.
        """
        split = [[cell if isinstance(cell, tuple) else (cell, "") for cell in row] for row in rows]
        widths = [max(width_of(text) for text, _ in column) for column in zip(*split, strict=True)]
        for row in split:
            parts = []
            for index, ((text, style), width) in enumerate(zip(row, widths, strict=True)):
                space = " " * (width - width_of(text))
                painted = self.paint(text, style)
                parts.append(space + painted if index in right else painted + space)
            self.print((" " * indent + "  ".join(parts)).rstrip())


def _wants_colour(terminal: bool) -> bool:
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return terminal and os.environ.get("TERM") != "dumb"


def _silence(stream: TextIO) -> None:
    """Give a stream whose reader has gone a place to write to, or closing it at exit fails as well."""
    if stream in {sys.stdout, sys.stderr}:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
