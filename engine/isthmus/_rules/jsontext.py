"""JSON text that a function made, read as far as a decision needs it."""

from __future__ import annotations

import json
import re
from typing import Any, Final, Protocol, TypeVar

import msgspec

__all__ = ["Unreadable", "array_of", "decode", "fields_of", "kind_of", "well_formed"]

_T_co = TypeVar("_T_co", covariant=True)

# An escape, whole: the alternatives are tried in order, so a `u` of `\\ud800` (a backslash, then
# letters) is never taken for one.
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
_NAMES = {
    **dict.fromkeys(b"-0123456789", "a number"),
    **dict.fromkeys(b"tf", "a boolean"),
    b"{"[0]: "an object",
    b"["[0]: "an array",
    b'"'[0]: "a string",
    b"n"[0]: "null",
}


class Unreadable(Exception):
    """The text cannot be read.

    Attributes:
        malformed: it is not JSON, which its runtime had promised; else it is nested too deeply.
    """

    def __init__(self, *, malformed: bool) -> None:
        super().__init__("it is not JSON" if malformed else "it is nested too deeply")
        self.malformed = malformed


class _Decoder(Protocol[_T_co]):
    def decode(self, buf: bytes, /) -> _T_co: ...


def well_formed(text: bytes) -> bytes:
    r"""Replace each escape of half a surrogate pair by ``\ufffd``, as ``toWellFormed`` does.

    JavaScript makes them where a program cuts a string inside an emoji; they are legal JSON, yet
    msgspec takes no text with one, not even to skip it, nor do most databases.
    """
    return _ESCAPE.sub(lambda match: rb"\ufffd" if match[1] else match[0], text)


def decode(decoder: _Decoder[_T_co], text: bytes) -> _T_co:
    """Decode what a function made, lone surrogates replaced.

    Raises:
        msgspec.ValidationError: it is JSON, not of the decoder's type.
        Unreadable: it is not JSON, or nested too deeply.
    """
    try:
        try:
            return decoder.decode(text)
        except msgspec.ValidationError:
            raise
        except msgspec.DecodeError:
            return decoder.decode(well_formed(text))
    except RecursionError:
        raise Unreadable(malformed=False) from None
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        raise Unreadable(malformed=True) from None


_MOST_DIGITS: Final = 400
"""Of an integer; longer ones are beyond all doubles."""


def fields_of(text: bytes) -> Any:
    """Decode the JSON text of an event, for who looks into it.

    A number that no double holds is an infinity, as in JavaScript: whoever may send an event may write ``1e999``
    in it, and no event is lost to a filter that looks at something else.

    Raises:
        RecursionError: it is nested too deeply.
    """
    try:
        return msgspec.json.decode(text)
    except msgspec.ValidationError:
        return json.loads(text, parse_int=_number)


def _number(digits: str) -> int | float:
    return float(digits) if len(digits) > _MOST_DIGITS else int(digits)


_RAW_ARRAY: msgspec.json.Decoder[list[msgspec.Raw]] = msgspec.json.Decoder(list[msgspec.Raw])


def array_of(text: bytes) -> list[msgspec.Raw]:
    """Split the text of an array into its elements.

    Raises:
        msgspec.ValidationError: it is JSON, not an array.
        Unreadable: it is not JSON, or nested too deeply.
    """
    return decode(_RAW_ARRAY, text)


def kind_of(text: bytes | msgspec.Raw) -> str:
    """Name the kind of a JSON value by its first byte: "an object", "null", ...; "nothing" for none."""
    view = text if type(text) is bytes else memoryview(text)
    if not len(view):  # a view of nothing is true
        return "nothing"
    kind = _NAMES.get(view[0])
    if kind is not None:
        return kind
    rest = bytes(text).lstrip(b" \t\r\n")
    return _NAMES.get(rest[0], "something that is not JSON") if rest else "nothing"
