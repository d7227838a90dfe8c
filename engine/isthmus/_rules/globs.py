"""Patterns with ``*`` and ``?``, matched in time that no pattern and no text can blow up.

A pattern is cut at its stars.  What is between two of them has a fixed length, so that the leftmost place where it fits
is as good as any other, and nothing is ever tried twice.
"""

from __future__ import annotations

import re
from typing import Final, final

__all__ = ["PATTERN_LENGTH", "Glob"]

PATTERN_LENGTH: Final = 512
"""Characters of a pattern."""

_TOKEN: Final = re.compile(
    r"\\(?P<escaped>.)|(?P<star>\*)|(?P<any>\?)|\[(?P<negated>\^?)(?P<set>[^\]]+)\]|(?P<plain>.)", re.DOTALL
)


@final
class Glob:
    r"""A pattern: ``*`` is any text, ``?`` one character, ``[abc0-9]`` one of those, ``[^...]`` none of them, ``\`` takes any as it is.

    Args:
        pattern: its text.

    Raises:
        ValueError: it is too long, or a range in it runs backwards.
    """

    __slots__ = ("_first", "_last", "_middle", "_open")

    def __init__(self, pattern: str) -> None:
        if len(pattern) > PATTERN_LENGTH:
            raise ValueError(
                f"a pattern has at most {PATTERN_LENGTH} characters, and this has {len(pattern)}"
            )
        parts = [""]
        lengths = [0]
        for token in _TOKEN.finditer(pattern):
            if token["star"]:
                parts.append("")
                lengths.append(0)
                continue
            lengths[-1] += 1
            if token["any"]:
                parts[-1] += "."
            elif token["set"]:
                parts[-1] += f"[{token['negated']}{_set(token['set'])}]"
            else:
                parts[-1] += re.escape(token["escaped"] or token["plain"])
        try:
            compiled = [re.compile(part, re.DOTALL) for part in parts]
        except re.error as exc:
            raise ValueError(f"the pattern {pattern!r} is none: {exc.msg}") from None
        self._open = len(parts) > 1
        self._first = compiled[0]
        self._middle = compiled[1:-1]
        self._last = (compiled[-1], lengths[-1])

    def matches(self, text: str) -> bool:
        """Say whether all of a text is as the pattern says."""
        if not self._open:
            return self._first.fullmatch(text) is not None
        found = self._first.match(text)
        if found is None:
            return False
        at = found.end()
        for part in self._middle:
            found = part.search(text, at)
            if found is None:
                return False
            at = found.end()
        last, length = self._last
        return len(text) - length >= at and last.fullmatch(text, len(text) - length) is not None


def _set(characters: str) -> str:
    """What stands between brackets, so that nothing of it but a range means anything to ``re``."""
    return "".join("-" if each == "-" else re.escape(each) for each in characters)
