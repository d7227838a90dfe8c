"""The part of HCL that an export of a workspace is in: blocks, attributes, literals, heredocs, ``jsonencode``.

What is computed in Terraform (interpolations, references, other functions) has no value here and is refused where it is met,
as a guess would end up in somebody's code.  The grammar is that of HCL's native syntax specification.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, Final, final

import msgspec

__all__ = ["Block", "HclError", "Traversal", "parse"]

DEPTH: Final = 32
"""Of lists, objects and blocks within each other; an export has four."""

_SPACE: Final = re.compile(r"(?:[ \t\r\n]+|#[^\n]*|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_NAME: Final = re.compile(r"[^\W\d][\w-]*")
_NUMBER: Final = re.compile(r"-?\d{1,300}(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)
_HEREDOC: Final = re.compile(r"<<(-?)([^\W\d][\w-]*)[ \t]*\r?\n")
_TEMPLATE: Final = re.compile(r"([$%])\1\{|[$%]\{")
_PLAIN: Final = re.compile(r'[^"\\$%\n]+')
_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}
_WORDS: Final[dict[str, Any]] = {"true": True, "false": False, "null": None}


@final
class HclError(Exception):
    """It is not HCL, or not of the part that is understood; the text has the line."""


@final
class Block(msgspec.Struct, frozen=True, kw_only=True):
    """A block.

    Attributes:
        labels: its type, then its labels: ``("resource", "segment_function", "mine")``.
        attributes: values by name.
        blocks: within it, in order.
        line: that it begins in, from 1.
    """

    labels: tuple[str, ...]
    attributes: dict[str, Any]
    blocks: tuple[Block, ...]
    line: int


@final
class Traversal(msgspec.Struct, frozen=True):
    """A reference to something that is defined elsewhere, ``segment_source.web.id`` for one; it has no value here."""

    text: str


def parse(text: str) -> tuple[Block, ...]:
    """The blocks of a file.

    Raises:
        HclError: it is no file of that kind.
    """
    reader = _Reader(text)
    _, blocks = reader.body("", DEPTH)
    return blocks


@final
class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text.removeprefix("\ufeff")
        self._at = 0

    def body(self, closing: str, depth: int) -> tuple[dict[str, Any], tuple[Block, ...]]:
        """Attributes and blocks up to a brace, or to the end of the file."""
        self._check(depth)
        attributes: dict[str, Any] = {}
        blocks: list[Block] = []
        while not self._ends(closing):
            line = self._line()
            name = self._match(_NAME, "the name of an attribute or a block")
            if self._take("="):
                if name in attributes:
                    raise self._error(f"{name} is given twice")
                attributes[name] = self._value(depth - 1)
                continue
            labels = [name]
            while not self._take("{"):
                labels.append(
                    self._string() if self._peek() == '"' else self._match(_NAME, "a label, = or {")
                )
            inner, below = self.body("}", depth - 1)
            blocks.append(Block(labels=tuple(labels), attributes=inner, blocks=below, line=line))
        return attributes, tuple(blocks)

    def _ends(self, closing: str) -> bool:
        self._skip()
        if closing:
            if self._at >= len(self._text):
                raise self._error(f"{closing} is missing at the end")
            return self._take(closing)
        return self._at >= len(self._text)

    # ------------------------------------------------------------ values

    def _value(self, depth: int) -> Any:
        self._check(depth)
        first = self._peek()
        if first == '"':
            return self._string()
        if first == "[":
            return self._list(depth)
        if first == "{":
            return self._object(depth)
        if heredoc := _HEREDOC.match(self._text, self._at):
            return self._heredoc(heredoc)
        if number := _NUMBER.match(self._text, self._at):
            self._at = number.end()
            return self._number(number[0])
        name = self._match(_NAME, "a value")
        if name in _WORDS:
            return _WORDS[name]
        if name == "jsonencode" and self._take("("):
            value = self._value(depth - 1)
            if not self._take(")"):
                raise self._error(") is missing after the value of jsonencode")
            return json.dumps(value, ensure_ascii=False, default=self._no_json)
        if self._text.startswith(".", self._at):
            while self._text.startswith(".", self._at):
                self._at += 1
                name = f"{name}.{self._match(_NAME, 'a name', blank=False)}"
            return Traversal(name)
        raise self._error(f"expected a value, and {name[:40]} has none that is known without Terraform")

    def _number(self, text: str) -> int | float:
        number = int(text) if text.lstrip("-").isdigit() else float(text)
        if math.isinf(number):
            raise self._error("a number that is larger than any")
        return number

    def _no_json(self, value: object) -> Any:
        del value
        raise self._error("jsonencode has a reference in it, whose value is known to Terraform alone")

    def _list(self, depth: int) -> list[Any]:
        self._take("[")
        values: list[Any] = []
        while not self._take("]"):
            values.append(self._value(depth - 1))
            if not self._take(",") and self._peek() != "]":
                raise self._error("expected , or ] in a list")
        return values

    def _object(self, depth: int) -> dict[str, Any]:
        self._take("{")
        values: dict[str, Any] = {}
        while not self._take("}"):
            name = self._string() if self._peek() == '"' else self._match(_NAME, "a key or }")
            if not (self._take("=") or self._take(":")):
                raise self._error("expected = after a key")
            if name in values:
                raise self._error("a key is given twice")
            values[name] = self._value(depth - 1)
            self._take(",")
        return values

    def _string(self) -> str:
        self._at += 1
        parts: list[str] = []
        while True:
            if plain := _PLAIN.match(self._text, self._at):
                parts.append(plain[0])
                self._at = plain.end()
            here = self._text[self._at : self._at + 1]
            if here == '"':
                self._at += 1
                return "".join(parts)
            if here in {"", "\n"}:
                raise self._error('" is missing at the end of a text')
            parts.append(self._escape() if here == "\\" else self._template())

    def _escape(self) -> str:
        kind = self._text[self._at + 1 : self._at + 2]
        if kind in _ESCAPES:
            self._at += 2
            return _ESCAPES[kind]
        length = {"u": 4, "U": 8}.get(kind, 0)
        digits = self._text[self._at + 2 : self._at + 2 + length]
        if not length or not re.fullmatch(rf"[0-9A-Fa-f]{{{length}}}", digits):
            raise self._error("a backslash escapes nothing that is known")
        code = int(digits, 16)
        if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
            raise self._error("an escape is of no character")
        self._at += 2 + length
        return chr(code)

    def _template(self) -> str:
        """A dollar or percent sign, doubled where a brace follows that is to be one."""
        if found := _TEMPLATE.match(self._text, self._at):
            text = self._literal(found)
            self._at = found.end()
            return text
        self._at += 1
        return self._text[self._at - 1]

    def _literal(self, found: re.Match[str]) -> str:
        if found[1] is None:
            sign = found[0][0]
            raise self._error(
                f"{sign}{{ is computed by Terraform; a text that has it is written {sign}{sign}{{"
            )
        return f"{found[1]}{{"

    def _heredoc(self, opening: re.Match[str]) -> str:
        self._at = opening.end()
        closing = re.compile(rf"^[ \t]*{re.escape(opening[2])}[ \t]*\r?$", re.MULTILINE)
        end = closing.search(self._text, self._at)
        if end is None:
            raise self._error(f"the end {opening[2][:40]} of a heredoc is missing")
        raw = self._text[self._at : end.start()]
        text = _TEMPLATE.sub(self._literal, _unindented(raw) if opening[1] else raw)
        self._at = end.end()
        return text

    # ------------------------------------------------------------ characters

    def _skip(self) -> None:
        self._at = _SPACE.match(self._text, self._at).end()  # type: ignore[union-attr] # it matches anything

    def _peek(self) -> str:
        self._skip()
        return self._text[self._at : self._at + 1]

    def _take(self, text: str) -> bool:
        self._skip()
        if self._text.startswith(text, self._at):
            self._at += len(text)
            return True
        return False

    def _match(self, pattern: re.Pattern[str], what: str, *, blank: bool = True) -> str:
        if blank:
            self._skip()
        found = pattern.match(self._text, self._at)
        if found is None:
            raise self._error(f"expected {what}")
        self._at = found.end()
        return found[0]

    def _check(self, depth: int) -> None:
        if depth <= 0:
            raise self._error(f"more than {DEPTH} values within each other")

    def _line(self) -> int:
        return self._text.count("\n", 0, self._at) + 1

    def _error(self, said: str) -> HclError:
        return HclError(f"line {self._line()}: {said}")


def _unindented(text: str) -> str:
    """Lines without the blanks that all of them begin with; those of blanks alone do not count."""
    lines = re.findall(r"[^\n]*\n", text)
    indent = min((len(line) - len(line.lstrip(" \t")) for line in lines if line.strip()), default=0)
    return "".join(line[min(indent, len(line) - len(line.lstrip(" \t"))) :] for line in lines)
