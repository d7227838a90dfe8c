"""Takes sensitive setting values out of text that will be seen: logs, errors, traces.

A value is found as it is and as usual encoders write it: within JSON (escaped any number of times),
in URLs and forms, in XML, as hexadecimal, as Base64 (both alphabets, padded or not, on its own or
within that of a longer text), and as user name or password within the token of HTTP's basic
authentication.  A line of a longer value (of a key in PEM form) is found on its own.  This is for
accidents: no search can find what a function has set out to disguise.

Each *form* of a value is looked for by its *core*, a run of letters and digits that every spelling
leaves as it is: most text has none of the cores, and searching for a plain string costs less than a
tenth of a regular expression.  Only where a core is found, expressions are made, piece by piece, so
that a key of 16 KB costs no more to have than one of 100 characters.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple, final
from urllib.parse import unquote

from ._spellings import BASE64, PIECE, core_of, cut, pattern_of

__all__ = ["Redactor"]

# Below this many characters a value stands in too much other text, and its Base64 and its
# hexadecimal in even more: it is looked for as a word of its own only.
_SHORT = 4
# A core of fewer characters is in most text anyway.
_CORE = 3
# A line of a value counts as a secret of its own from this many characters; shorter ones
# (a closing brace, an empty PEM header) say nothing.
_LINE = 16
# Characters that tell Base64 of a value within that of a longer text from chance.
_WITHIN = 6

# What `head` reads beyond its limit: enough for a piece of astral characters as two escapes each, with
# their backslashes doubled and percent-encoded, and for the name in a token beside its password.
_REACH = 1024 + 64 * 2 * PIECE

# A new line, or the two characters that stand for one in a key that came by an environment variable.
_BREAK = re.compile(r"[\r\n]+|(?<!\\)(?:\\[rn])+")
_BASE64_CHARACTER = "[A-Za-z0-9+/_-]"
_BASIC = re.compile(r"(?:[Bb]asic|BASIC)(?:\s|%20)+((?:[A-Za-z0-9+/_=-]|%2[BbFf]|%3[Dd])+)")


class _Span(NamedTuple):
    """A place in a text that is not to be seen, and what is put there."""

    start: int
    end: int
    mark: str


@final
class _Form:
    """One way to write a value: expressions, each of which begins where the one before it ended.

    The first has to be there, and the others are taken as far as they are.

    Args:
        mark: what is put in its place.
        pieces: what is looked for, as :func:`cut` makes them.
        write: makes an expression of a piece of it.
        before: expression of what belongs to it and stands before it.
        after: of what stands after it.

    Attributes:
        core: what any text with the value holds; "" where it has nothing of the kind.
    """

    __slots__ = ("_after", "_before", "_compiled", "_write", "core", "mark", "pieces")

    def __init__(
        self,
        mark: str,
        pieces: Sequence[str],
        write: Callable[[str], str] = pattern_of,
        *,
        before: str = "",
        after: str = "",
    ) -> None:
        self.mark = mark
        self.pieces = pieces
        self._write = write
        self._before = before
        self._after = after
        core = core_of(pieces[0])
        self.core = core if len(core) >= _CORE else ""
        self._compiled: list[re.Pattern[str]] = []

    def spans(self, text: str) -> Iterator[_Span]:
        """Find the places of the value in a text that has its core."""
        for match in self._expression(0).finditer(text):
            end = match.end()
            for index in range(1, len(self.pieces)):
                following = self._expression(index).match(text, end)
                if following is None:
                    break
                end = following.end()
            yield _Span(match.start(), end, self.mark)

    def _expression(self, index: int) -> re.Pattern[str]:
        while index >= (place := len(self._compiled)):
            before = "" if place else self._before
            after = self._after if place == len(self.pieces) - 1 else ""
            self._compiled.append(re.compile(before + self._write(self.pieces[place]) + after))
        return self._compiled[index]


@final
class Redactor:
    """Replaces each sensitive value by ``[redacted:NAME]``.

    A value of one to three characters is replaced only where neither a letter nor a digit adjoins
    it; of one of more than 64, or of a line of it, the first 64 are enough to be hidden.  Without
    sensitive values a call gives back the very object it was given.

    Args:
        sensitive: by setting name, the texts to hide.
    """

    __slots__ = ("_forms", "_names")

    def __init__(self, sensitive: Mapping[str, tuple[str, ...]]) -> None:
        self._names = tuple(sensitive)
        self._forms = [
            form
            for name, values in sensitive.items()
            for value in filter(None, values)
            for form in _forms(value, _mark(name, sensitive))
        ]

    def __repr__(self) -> str:
        return f"<Redactor of {', '.join(self._names) or 'nothing'}>"

    def __call__(self, text: str, *, cut_off: bool = False) -> str:
        """Give the text without sensitive values.

        Args:
            text: to be seen.
            cut_off: it may end within a value, whose beginning is hidden as well.
        """
        spans = self._spans(text)
        if cut_off:
            spans = sorted([*spans, *self._begun(text)])
            spans += self._left(text, spans)
        return _replaced(text, spans, len(text)) if spans else text

    def head(self, body: bytes, limit: int) -> str:
        """Give the first ``limit`` bytes as text, without any part of a value that the cut goes through."""
        shown = body[:limit].decode("utf-8", "replace")
        if not self._forms:
            return shown
        text = body[: limit + _REACH].decode("utf-8", "replace")
        return _replaced(text, [span for span in self._spans(text) if span.start < len(shown)], len(shown))

    def _spans(self, text: str) -> list[_Span]:
        """List the places of values, in order, the longer of two that begin together first."""
        spans: list[_Span] = []
        for form in self._forms:
            if form.core in text:
                spans += form.spans(text)
        if self._forms and ("asic" in text or "ASIC" in text):
            spans += self._tokens(text)
        if len(spans) > 1:
            spans.sort(key=lambda span: (span.start, -span.end))
        return spans

    def _begun(self, text: str) -> Iterator[_Span]:
        """Find a value's beginning, as it is, at the end of a text: what is left of one that was cut off."""
        for form in self._forms:
            for piece in form.pieces:
                for size in range(min(len(piece) - 1, len(text)), _SHORT - 1, -1):
                    if text.endswith(piece[:size]):
                        yield _Span(len(text) - size, len(text), form.mark)
                        break

    def _left(self, text: str, spans: Sequence[_Span]) -> Iterator[_Span]:
        """Find what is too short to be a beginning, but stands behind what is hidden: the next line's first characters."""
        end = max((span.end for span in spans), default=len(text))
        left = text[end:]
        if 0 < len(left) < _SHORT:
            for form in self._forms:
                if any(piece.startswith(left) for piece in form.pieces):
                    yield _Span(end, len(text), form.mark)
                    return

    def _tokens(self, text: str) -> Iterator[_Span]:
        """Find the tokens of basic authentication, Base64 of "user:password", that hold a value."""
        for match in _BASIC.finditer(text):
            if within := self._spans(_decoded(match[1])):
                yield _Span(*match.span(1), within[0].mark)


def _replaced(text: str, spans: Sequence[_Span], end: int) -> str:
    """Put marks in the places of spans, one for several of the same that adjoin, and cut the rest at ``end``."""
    pieces: list[str] = []
    done, last = 0, None
    for span in spans:
        if span.end <= done:
            continue
        if span.start > done or span.mark != last:
            pieces += text[done : span.start], span.mark
        done, last = span.end, span.mark
    pieces.append(text[done:end])
    return "".join(pieces)


def _decoded(token: str) -> str:
    """Decode Base64 of either alphabet, as far as it is whole; "" where it is none."""
    text = unquote(token).replace("-", "+").replace("_", "/").rstrip("=")
    text = text[: len(text) - (len(text) % 4 == 1)]
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4)).decode("utf-8", "replace")
    except binascii.Error:
        return ""


def _mark(name: str, sensitive: Mapping[str, tuple[str, ...]]) -> str:
    """Choose what to put in a value's place: the first that holds no sensitive value itself."""
    hidden = [value for values in sensitive.values() for value in values if value]
    marks = (f"[redacted:{name}]", "[redacted]", "***")
    return next((mark for mark in marks if not any(value in mark for value in hidden)), "")


def _forms(value: str, mark: str) -> Iterator[_Form]:
    """List the ways in which a value is written."""
    if len(value) < _SHORT:
        yield _Form(mark, [value], re.escape, before="(?<![A-Za-z0-9])", after="(?![A-Za-z0-9])")
        return
    for pieces in _lines(value):
        yield _Form(mark, pieces)
    raw = value.encode("utf-8", "surrogatepass")
    for text in (raw.hex(), raw.hex().upper()):
        yield _Form(mark, cut(text))
    yield from _base64_forms(raw, mark)


def _lines(value: str) -> Iterator[list[str]]:
    """Give the pieces of a value from its beginning, and from each long line to the next."""
    breaks = [match.span() for match in _BREAK.finditer(value)]
    begins = [0, *(end for _, end in breaks)]
    ends = [*(start for start, _ in breaks), len(value)]
    long = [(begin, end) for begin, end in zip(begins, ends, strict=True) if end - begin >= _LINE]
    followers = [begin for begin, _ in long[1:]]
    for (begin, end), following in zip(long, [*followers, len(value)], strict=False):
        line = value[begin:end].rstrip("\\")  # a piece ends in no backslash, as `cut` says
        yield cut(line) + cut(value[begin + len(line) : following])
    if not long or long[0][0]:  # what is before the first long line is too little to be looked for by itself
        yield cut(value[: followers[0] if followers else None])


def _base64_forms(raw: bytes, mark: str) -> Iterator[_Form]:
    """Write bytes as Base64 does at each of the three places they may have within a longer text.

    The characters at either end that hold bits of a neighbour as well are taken as they come.
    """
    for shift in range(3):
        bits = 8 * (shift + len(raw))
        text = base64.b64encode(bytes(shift) + raw).decode()[-(-8 * shift // 6) : bits // 6]
        if len(text) < _WITHIN and shift:
            return
        yield _Form(
            mark,
            cut(text),
            _write_base64,
            before=f"{_BASE64_CHARACTER}?" if shift else "",
            after=f"{_BASE64_CHARACTER}?(?:=|%3[Dd])*" if bits % 6 else "",
        )


_write_base64: Final = partial(pattern_of, same=BASE64)
