"""The words of a condition, one after the other."""

from __future__ import annotations

import re
from typing import Final, final

from isthmus.errors import EngineError

__all__ = ["CONDITION_LENGTH", "Tokens"]

CONDITION_LENGTH: Final = 4096
"""Characters of a condition."""

_PART: Final = r"(?:[^\W\d]|[$]|\\.)(?:[\w$-]|\\.)*"
_TOKEN: Final = re.compile(
    rf"""\s*(?:
        (?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
      | (?P<number>-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)
      | (?P<path>{_PART}(?:\.(?:[\w$-]|\\.)+)*)
      | (?P<sign>!=|<=|>=|[=<>!()\[\],])
      | (?P<end>\Z)
    )""",
    re.VERBOSE | re.DOTALL,
)
_WORDS: Final = frozenset({"and", "or", "in"})
_LITERALS: Final = {"true": True, "false": False, "null": None}
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_DOT: Final = re.compile(r"((?:[^.\\]|\\.)+)", re.DOTALL)


@final
class Tokens:
    """Reads a condition from its beginning to its end.

    Args:
        text: of the condition.

    Attributes:
        kind: of the token that is next: ``text``, ``number``, ``path``, ``sign``, ``word``, ``literal`` or ``end``.
        text: of that token.

    Raises:
        EngineError: of every method: the condition is none; the text says where and what was expected.
    """

    def __init__(self, text: str) -> None:
        if len(text) > CONDITION_LENGTH:
            raise EngineError(
                f"a condition has at most {CONDITION_LENGTH} characters, and this has {len(text)}"
            )
        self._whole = text
        self._at = 0
        self._end = 0
        self.kind = ""
        self.text = ""
        self.next()

    def next(self) -> None:
        """Go on to the token after this one."""
        found = _TOKEN.match(self._whole, self._end)
        if found is None:
            rest = self._whole[self._end :]
            self._at = self._end + len(rest) - len(rest.lstrip())
            raise self.wrong("a path, a value in quotes, a number or an operator")
        self.kind = found.lastgroup or "end"
        self.text = found[self.kind]
        self._at, self._end = found.start(self.kind), found.end()
        if self.kind == "path":
            if self.text in _WORDS:
                self.kind = "word"
            elif self.text in _LITERALS:
                self.kind = "literal"

    def take(self, kind: str, text: str) -> bool:
        """Go on where this token is next, and say whether it was."""
        if (self.kind, self.text) != (kind, text):
            return False
        self.next()
        return True

    def expect(self, sign: str) -> None:
        """Go on past a sign that has to be there."""
        if not self.take("sign", sign):
            raise self.wrong(repr(sign))

    def end(self) -> None:
        """See that nothing follows."""
        if self.kind != "end":
            raise self.wrong("and, or, a comparison or the end")

    def literal(self) -> object:
        """A value that is written out."""
        kind, text = self.kind, self.text
        if kind not in {"text", "number", "literal"}:
            raise self.wrong("a path or a value" if kind != "path" else "a value in quotes or a number")
        self.next()
        if kind == "text":
            return _ESCAPED.sub(r"\1", text[1:-1])
        if kind == "literal":
            return _LITERALS[text]
        return float(text) if any(mark in text for mark in ".eE") else int(text)

    def path(self) -> list[str]:
        """The names of a path, without the backslashes in them."""
        text = self.text
        self.next()
        return [_ESCAPED.sub(r"\1", part) for part in _DOT.findall(text)]

    def is_call(self) -> bool:
        """Whether a parenthesis opens after this path."""
        return self._whole[self._end :].lstrip().startswith("(")

    def call(self) -> str:
        """The name of a function, and on past its parenthesis."""
        name = self.text
        self.next()
        self.expect("(")
        return name

    def wrong(self, expected: str) -> EngineError:
        """What is wrong at this token."""
        found = repr(self._whole[self._at : self._at + 20]) if self._at < len(self._whole) else "its end"
        return EngineError(
            f"the condition is none: at character {self._at + 1} it has {found}, where {expected} belongs"
        )
