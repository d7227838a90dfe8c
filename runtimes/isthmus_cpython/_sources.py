"""An author's source text, and errors in it as the author reads them."""

from __future__ import annotations

from typing import Final

from isthmus.errors import LoadError

from ._messages import Raised

__all__ = ["load_error", "text_of"]

EXCERPT: Final = 200
"""Characters of a line that an excerpt shows."""


def text_of(code: str | bytes, file: str) -> str:
    """The code as text.

    Raises:
        LoadError: it is none.
    """
    try:
        if isinstance(code, bytes):
            return code.decode("utf-8-sig")
        code.encode()
    except UnicodeDecodeError as error:
        raise LoadError(f"the code is not UTF-8: {error.reason} at byte {error.start}", file=file) from error
    except UnicodeEncodeError as error:
        text = f"the code is no text: a lone surrogate at character {error.start}"
        raise LoadError(text, file=file) from error
    return code.removeprefix("\ufeff")


def load_error(raised: Raised, source: str, file: str) -> LoadError:
    """What was raised while the code was loaded, with the lines round it."""
    lines = source.splitlines()
    line, column, excerpt = raised.line, raised.column, ""
    if line is not None and 1 <= line <= len(lines):
        if column is not None and not 1 <= column <= len(lines[line - 1]) + 1:
            column = None
        start = max(0, (column or 1) - EXCERPT // 2)  # of a line of megabytes some is enough
        rows = [
            f"{'>' if number == line else ' '} {number:4} | {lines[number - 1][start : start + EXCERPT]}"
            for number in range(max(1, line - 1), min(len(lines), line + 1) + 1)
        ]
        if column is not None:
            at = line - max(1, line - 1) + 1
            rows.insert(at, " " * (9 + column - 1 - start) + "^")
        excerpt = "\n".join(rows)
    return LoadError(f"{raised.name}: {raised.message}", file=file, line=line, column=column, excerpt=excerpt)
