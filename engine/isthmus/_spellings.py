"""How encoders write a text: regular expressions for JSON, URLs, forms and XML, in any mix of them."""

from __future__ import annotations

import re

__all__ = ["BASE64", "core_of", "cut", "pattern_of"]

PIECE = 64
"""Characters of one piece: an expression takes about 20 µs a character to compile."""

# JSON within JSON within JSON doubles the backslashes each time.  The bound keeps a search linear
# in a text that is nothing but backslashes.
_ESCAPES = 8

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

BASE64 = {"+": "-", "/": "_"}
"""Characters of one alphabet of Base64, and their places in the other."""


def cut(text: str) -> list[str]:
    """Cut a text into pieces of about `PIECE` characters, each found where the one before it ends.

    Only after a letter or a digit: the expression of a run of backslashes could take in escapes
    that belong to the next piece.
    """
    pieces = []
    begun = end = 0
    for part in _PARTS.findall(text):
        end += len(part)
        if _is_plain(part):
            while end - begun >= PIECE:
                pieces.append(text[begun : begun + PIECE])
                begun += PIECE
    return [*pieces, text[begun:]] if begun < len(text) else pieces


def core_of(piece: str) -> str:
    """The longest run of letters and digits, which every spelling leaves as it is."""
    return max(filter(_is_plain, _PARTS.findall(piece)), key=len, default="")


def pattern_of(piece: str, same: dict[str, str] | None = None) -> str:
    """Make an expression of a text under any mix of the usual escapes.

    Args:
        piece: the text.
        same: characters each of which another may stand in for.
    """
    forms = []
    for part in _PARTS.findall(piece):
        other = (same or {}).get(part)
        forms.append(_either(_part_forms(part) + (_part_forms(other) if other else [])))
    return "".join(forms)


def _is_plain(part: str) -> bool:
    return part.isascii() and part.isalnum()


def _either(forms: list[str]) -> str:
    return forms[0] if len(forms) == 1 else f"(?:{'|'.join(forms)})"


def _part_forms(part: str) -> list[str]:
    """List the ways in which encoders write letters and digits, a run of backslashes, or any other character."""
    if _is_plain(part):
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
