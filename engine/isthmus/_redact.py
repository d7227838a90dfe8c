"""Takes sensitive setting values out of text that will be seen: logs, errors, traces.

A value is found as it is and as usual encoders write it: within JSON (escaped any number of times),
in URLs and forms, in XML, as Base64 (both alphabets, padded or not), as hexadecimal, and as user
name or password within the token of HTTP's basic authentication.  A line of a longer value (of a
key in PEM form) is found on its own.  This is for accidents: no search can find what a function
has set out to disguise.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from typing import final
from urllib.parse import unquote

__all__ = ["Redactor"]

# Below this many characters a value stands in too much other text, and its Base64 and its
# hexadecimal in even more: it is looked for as a word of its own only.
_SHORT = 4
# A line of a value counts as a secret of its own from this many characters; shorter ones
# (a closing brace, an empty PEM header) say nothing.
_LINE = 16

# JSON within JSON within JSON doubles the backslashes each time.  The bound keeps a search linear
# in a text that is nothing but backslashes.
_ESCAPES = 8

# What `head` reads beyond its limit: enough for an astral character as two escapes, with their
# backslashes doubled and percent-encoded, and for the name in a token beside its password.
_REACH_PER_CHARACTER = 64
_REACH = 1024

_PERCENT = "%(?:25){0,2}"
_BACKSLASH = (r"\\", _PERCENT + "5[Cc]")  # JSON in a form has both escapes, one over the other
_PARTS = re.compile(r"[A-Za-z0-9]+|\\+|.", re.DOTALL)
_XML = {
    "&": ("&amp;", "&#38;"),
    "<": ("&lt;", "&#60;"),
    ">": ("&gt;", "&#62;"),
    '"': ("&quot;", "&#34;"),
    "'": ("&apos;", "&#39;", "&#x27;"),
}
_NAMED_ESCAPES = {"\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f", "\v": "v"}
_BASIC = "|".join(
    first + r"[Aa][Ss][Ii][Cc](?:\s|%20)+((?:[A-Za-z0-9+/_=-]|%2[BbFf]|%3[Dd])+)" for first in "Bb"
)


@final
class Redactor:
    """Replaces each sensitive value by ``[redacted:NAME]``.

    A value of one to three characters is replaced only where neither a letter nor a digit adjoins
    it.  Without sensitive values a call gives back the very object it was given.

    Args:
        sensitive: by setting name, the texts to hide.
    """

    __slots__ = ("_all", "_marks", "_names", "_reach")

    def __init__(self, sensitive: Mapping[str, tuple[str, ...]]) -> None:
        forms: dict[str, tuple[int, str]] = {}
        longest = 0
        for name, values in sensitive.items():
            mark = _mark(name, sensitive)
            for value in filter(None, values):
                longest = max(longest, len(value))
                for pattern, length in _forms(value):
                    forms.setdefault(pattern, (length, mark))
        # The longest first, so that a value within another does not leave the other's rest.
        in_order = sorted(forms.items(), key=lambda form: -form[1][0])
        self._names = tuple(sensitive)
        self._marks = tuple(mark for _, (_, mark) in in_order)
        self._reach = _REACH + longest * _REACH_PER_CHARACTER
        # The empty group after each alternative tells by its number which one matched.  Each starts
        # with a literal character, and from those `re` makes a set of characters to skip to.
        alternatives = [*(f"{pattern}()" for pattern, _ in in_order), _BASIC]
        self._all = re.compile("|".join(alternatives)) if forms else None

    def __repr__(self) -> str:
        return f"<Redactor of {', '.join(self._names) or 'nothing'}>"

    def __call__(self, text: str) -> str:
        """Give the text without sensitive values."""
        if self._all is None:
            return text
        return self._all.sub(self._replacement, text)

    def redact_bytes(self, body: bytes) -> bytes:
        """Give the bytes without sensitive values; whatever else they are stays as it is."""
        if self._all is None:
            return body
        text = body.decode("utf-8", "surrogateescape")
        redacted = self._all.sub(self._replacement, text)
        return body if redacted == text else redacted.encode("utf-8", "surrogateescape")

    def head(self, body: bytes, limit: int) -> str:
        """Give the first ``limit`` bytes as text, without any part of a value that the cut goes through."""
        shown = body[:limit].decode("utf-8", "replace")
        if self._all is None:
            return shown
        text = body[: limit + self._reach].decode("utf-8", "replace")
        pieces: list[str] = []
        done = 0
        for match in self._all.finditer(text):
            if match.start() >= len(shown):
                break
            pieces += text[done : match.start()], self._replacement(match)
            done = match.end()
        pieces.append(text[done : len(shown)])
        return "".join(pieces)

    def _replacement(self, match: re.Match[str]) -> str:
        group = match.lastindex or 0
        if group <= len(self._marks):
            return self._marks[group - 1]
        # A token of basic authentication: base64 of "user:password".  Where no value is in what it
        # encodes, the token itself may still be one; it cannot hold another token.
        token = match[group]
        before = match[0][: -len(token)]
        mark = self._mark_in(_decoded(token))
        return before + (self(token) if mark is None else mark)

    def _mark_in(self, text: str) -> str | None:
        """Give the mark of the first value in a text, None for none."""
        for match in self._all.finditer(text) if self._all else ():
            group = match.lastindex or 0
            mark = (
                self._marks[group - 1] if group <= len(self._marks) else self._mark_in(_decoded(match[group]))
            )
            if mark is not None:
                return mark
        return None


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


def _forms(value: str) -> Iterator[tuple[str, int]]:
    """List the patterns under which a value is found, each with about its length."""
    if len(value) < _SHORT:
        plain = re.escape(value)
        yield f"{plain}(?<![A-Za-z0-9]{plain})(?![A-Za-z0-9])", len(value)
        return
    raw = value.encode("utf-8", "surrogatepass")
    yield from ((pattern, len(value)) for pattern in _spellings(value))
    for text in (raw.hex(), raw.hex().upper()):
        yield text, len(text)
    for encoded in (base64.b64encode(raw), base64.urlsafe_b64encode(raw)):
        text = encoded.decode().rstrip("=")
        yield from ((pattern + "(?:=|%3[Dd])*", len(text)) for pattern in _spellings(text))
    lines = value.splitlines()
    if len(lines) > 1:
        for line in lines:
            if len(line) >= _LINE:
                yield from _forms(line)


def _spellings(text: str) -> list[str]:
    """Make patterns, each starting with a literal, of a text under any mix of usual escapes."""
    parts = _PARTS.findall(text)
    rest = "".join(_either(_part_forms(part)) for part in parts[1:])
    return [form + rest for form in _part_forms(parts[0])]


def _either(forms: list[str]) -> str:
    return forms[0] if len(forms) == 1 else f"(?:{'|'.join(forms)})"


def _part_forms(part: str) -> list[str]:
    """List the ways in which encoders write letters and digits, a run of backslashes, or any other character."""
    if part.isascii() and part.isalnum():
        return [part]
    if part[0] == "\\":
        return [_backslashes(spelling, len(part), _ESCAPES * len(part)) for spelling in _BACKSLASH]
    escapes = [_backslashes(spelling, 1, _ESCAPES) for spelling in _BACKSLASH]
    raw = part.encode("utf-8", "surrogatepass")
    wide = part.encode("utf-16-be", "surrogatepass").hex()
    units = [_hex(wide[at : at + 4]) for at in range(0, len(wide), 4)]
    percent = "".join(_PERCENT + _hex(f"{byte:02x}") for byte in raw)
    forms = [re.escape(part), percent, *_XML.get(part, ())]
    for escape in escapes:
        forms.append("".join(f"{escape}u{unit}" for unit in units))
        if part in "\"'`/":
            forms.append(f"{escape}(?:{part}|{percent})")
        if part in _NAMED_ESCAPES:
            forms.append(escape + _NAMED_ESCAPES[part])
        if len(raw) == 1 and not part.isprintable():
            forms.append(f"{escape}x{_hex(raw.hex())}")
    if part == " ":
        forms.append(r"\+")
    return forms


def _backslashes(spelling: str, least: int, most: int) -> str:
    """Make a pattern of a run of backslashes that starts with a literal."""
    return f"{spelling}(?:{spelling}){{{least - 1},{most - 1}}}"


def _hex(digits: str) -> str:
    """Make a pattern of hexadecimal digits in either case."""
    return "".join(f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in digits)
