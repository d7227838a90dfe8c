"""A function's source text on its way to the compiler, and the way back: from a stack to the author's files."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from typing import Final, Literal

import msgspec

from isthmus.errors import LoadError

from ._sourcemaps import InvalidSourceMap, Place, SourceMap, take_inline_map

__all__ = ["TYPESCRIPT", "Source", "Strip", "read_source"]

logger = logging.getLogger("isthmus")

TYPESCRIPT: Final = (".ts", ".mts", ".cts")
"""Suffixes whose code has types to strip."""
MADE: Final = "#made"
"""What the name of generated code ends in, so that its places are told from those of the author's files."""
EXCERPT: Final = 160
"""Characters of a line that a LoadError shows."""
LONGEST: Final = 64 * 1024
"""Characters of a stack that are looked at; QuickJS's own have a few frames."""
_HEAD: Final = "    at "
_PLACE: Final = re.compile(r":(\d{1,9}):(\d{1,9})\)?$")

Strip = Callable[[str, str], tuple[str, bytes | None]]
"""(code, file) -> code without types, and the JSON of a source map where that moved anything."""


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Source text as it is compiled.

    Attributes:
        code: the text.
        file: the name it is compiled under.
        goal: whether it is a script or a module; ``auto`` tries the one, then the other.
        texts: the author's files, by name.
        map: from the code to those files, None where the code is the author's own file.
    """

    code: str
    file: str
    goal: Literal["auto", "script", "module"] = "auto"
    texts: Mapping[str, str] = {}
    map: SourceMap | None = None

    @property
    def name(self) -> str:
        """The name that the function's code goes by."""
        return self.file.removesuffix(MADE)

    def frames(self, stack: str) -> str:
        """The lines of a stack at their places in the author's files; what comes from none is left out."""
        lines = (self._frame(line) for line in stack[:LONGEST].split("\n"))
        return "\n".join(line for line in lines if line is not None)

    def _frame(self, line: str) -> str | None:
        found = _place_of(line)
        if self.map is None or not found or found.file != self.file:
            return line
        place = self.map.find(found.line, found.column)
        if place is None:
            return None
        before, after = line.split(f"{found.file}:", 1)[0], ")" if line.endswith(")") else ""
        return f"{before}{place.file}:{place.line}:{place.column}{after}"

    def place(self, stack: str) -> Place | None:
        """The first place of a stack that is in one of the author's files."""
        for line in stack.split("\n"):
            found = _place_of(line)
            if found and found.file in self.texts:
                return found
        return None

    def column_within(self, file: str, line: int | None, column: int | None) -> int | None:
        """The column, if that line of that file has it."""
        lines = self.texts.get(file, "").splitlines()
        if line is None or column is None or not 1 <= line <= len(lines):
            return None
        return column if 1 <= column <= len(lines[line - 1]) + 1 else None

    def excerpt(self, file: str, line: int, column: int | None) -> str:
        """The line at fault with its neighbours and a caret, or ""."""
        lines = self.texts.get(file, "").splitlines()
        if not 1 <= line <= len(lines):
            return ""
        numbers = range(max(1, line - 1), min(len(lines), line + 1) + 1)
        start = max(0, (column or 1) - EXCERPT // 2)  # of a line of megabytes, as bundlers make them
        rows = [
            f"{'>' if number == line else ' '} {number:4} | {lines[number - 1][start : start + EXCERPT]}"
            for number in numbers
        ]
        if column is not None:
            rows.insert(numbers.index(line) + 1, f"       | {' ' * (column - 1 - start)}^")
        return "\n".join(rows)


def _place_of(line: str) -> Place | None:
    """What a line of a stack points at: ``    at name (file:line:column)``, or the same without a name.

    A line may be any text that the author's code makes up, so it is looked through once.
    """
    if not line.startswith(_HEAD) or not (found := _PLACE.search(line)):
        return None
    file = line[len(_HEAD) : found.start()]
    _, named, within = file.partition(" (")
    return Place(within if named else file, int(found[1]), int(found[2]))


def read_source(code: str | bytes, file: str, strip: Strip) -> Source:
    """Make source text of a function's code: types stripped, an inline source map taken to heart.

    Raises:
        LoadError: it is no text, or no TypeScript where its file says that it is.
    """
    text = _text(code, file)
    own: dict[str, str] = {}
    map_text: bytes | None = None
    try:
        text, map_text = take_inline_map(text)
    except InvalidSourceMap as error:
        logger.warning("%s: %s; stacks show the code as it is", file, error)
    if map_text is None:
        own[file] = text
        if file.endswith(TYPESCRIPT):
            text, map_text = strip(text, file)
    goal: Literal["auto", "script", "module"] = "auto"
    if file.endswith((".mjs", ".mts")):
        goal = "module"
    elif file.endswith((".cjs", ".cts")):
        goal = "script"
    if map_text is not None:
        try:
            made = SourceMap(map_text)
            return Source(code=text, file=file + MADE, goal=goal, texts={**made.texts, **own}, map=made)
        except InvalidSourceMap as error:
            logger.warning("%s: %s; stacks show the code as it is", file, error)
    return Source(code=text, file=file, goal=goal, texts=own or {file: text})


def _text(code: str | bytes, file: str) -> str:
    try:
        if isinstance(code, bytes):
            return code.decode()
        code.encode()
    except UnicodeDecodeError as error:
        raise LoadError(f"the code is not UTF-8: {error.reason} at byte {error.start}", file=file) from error
    except UnicodeEncodeError as error:
        raise LoadError(
            f"the code is no text: a lone surrogate at character {error.start}", file=file
        ) from error
    return code
