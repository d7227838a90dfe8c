"""Secrets taken out of a tape: placeholders of the same shape in their place, also where they are encoded as usual.

A placeholder has its value's length, and letters, digits and signs where the value has them, so that a function
that looks at a setting's form finds it.  It is made of the setting's name and place alone, and tells nothing
of the value.  Whatever else a redactor finds of a value becomes a mark.  Replayed with placeholders, a request is
what it was but for them; what a function computes of a secret (a signature) is another, and the replay says where.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import string
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Final, final
from urllib.parse import quote

import msgspec

from isthmus._redact import Redactor
from isthmus.functions import Function
from isthmus.messages import FetchRequest, FetchResponse
from isthmus.settings import sensitive_values
from isthmus.tapes import (
    Answered,
    CacheDelete,
    CacheFail,
    CacheLoad,
    CacheStore,
    Capability,
    Drawn,
    Effect,
    Failed,
    Fetch,
    Found,
    Responded,
)

__all__ = ["Concealer", "placeholder"]

SHORT: Final = 4
"""A value of fewer characters stands in too much other text: only where it is a word, it gives way to a mark."""
SCHEME: Final = re.compile(r"https?://")
BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{6,}={0,2}")
DIGITS: Final = "123456789"  # no zero: the first of a number can be none


def placeholder(name: str, place: int, value: str) -> str:
    """A text of a value's shape that tells nothing of it; a URL keeps its scheme.

    Args:
        name: of the setting.
        place: of the value, where the setting has several.
        value: the secret.
    """
    kept = match[0] if (match := SCHEME.match(value)) else ""
    drawn = hashlib.shake_256(f"{name}\0{place}\0{len(value)}".encode()).digest(len(value))
    rest = value[len(kept) :]
    signs = sum(map(str.isalnum, rest)) >= SHORT  # of few letters and digits the signs are the secret
    return kept + "".join(
        _shaped(character if signs else "x", drawn[index]) for index, character in enumerate(rest)
    )


def _spelled(text: str, made: str) -> Iterator[tuple[str, str]]:
    """A value and its placeholder, as usual encoders write them."""
    yield text, made
    for write in (_in_json, partial(quote, safe="", errors="replace"), _hexadecimal):
        yield write(text), write(made)
    yield _hexadecimal(text).upper(), _hexadecimal(made).upper()


def _in_json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _hexadecimal(text: str) -> str:
    return text.encode("utf-8", "surrogatepass").hex()


def _shaped(character: str, draw: int) -> str:
    if character.isdigit():
        return DIGITS[draw % len(DIGITS)]
    if character.isalpha():
        letters = string.ascii_uppercase if character.isupper() else string.ascii_lowercase
        return letters[draw % len(letters)]
    return character if character.isascii() else "x"


@final
class Concealer:
    """Takes one instance's secrets out of what is put on a tape.

    Args:
        function: whose settings say which are sensitive.
        settings: JSON text of their values.

    Attributes:
        names: of the settings that have something to hide.
        settings: JSON text of the values, with placeholders.
    """

    def __init__(self, function: Function, settings: bytes) -> None:
        values: dict[str, Any] = msgspec.json.decode(settings)
        hidden = {
            name: found
            for name, texts in sensitive_values(function, values).items()
            if (found := tuple(filter(None, texts)))
        }
        self.names = tuple(hidden)
        self._redactor = Redactor(hidden)
        self._exact = {
            text: placeholder(name, place, text)
            for name, texts in hidden.items()
            for place, text in enumerate(texts)
        }
        pairs = {
            pair for text, made in self._exact.items() if len(text) >= SHORT for pair in _spelled(text, made)
        }
        self._plain = sorted(pairs, key=lambda pair: (-len(pair[0]), pair))
        self._raw = [
            (text.encode("utf-8", "surrogatepass"), made.encode())
            for text, made in sorted(self._exact.items(), key=lambda pair: -len(pair[0]))
            if len(text) >= SHORT
        ]
        given = {name: self._setting(value) if name in hidden else value for name, value in values.items()}
        self.settings = self.data(msgspec.json.encode(given)) if hidden else settings

    def _setting(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._exact.get(value, value)
        if isinstance(value, list):
            return [self._setting(item) for item in value]
        if isinstance(value, Mapping):
            return {key: self._setting(item) for key, item in value.items()}
        return value

    def text(self, text: str) -> str:
        """A text without secrets."""
        for value, instead in self._plain:
            text = text.replace(value, instead)
        return self._redactor(BASE64.sub(self._token, text) if self._raw else text)

    def _token(self, match: re.Match[str]) -> str:
        """Base64 again, of what it is of without secrets."""
        token = match[0]
        standard = token.replace("-", "+").replace("_", "/")
        try:
            data = base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
        except binascii.Error:
            return token
        shown = data
        for value, instead in self._raw:
            shown = shown.replace(value, instead)
        if shown == data:
            return token
        made = base64.b64encode(shown).decode()
        if standard != token:
            made = made.replace("+", "-").replace("/", "_")
        return made if token.endswith("=") else made.rstrip("=")

    def data(self, data: bytes) -> bytes:
        """Bytes without secrets; what is no UTF-8 in them stays as it is."""
        if not self.names or not data:
            return data
        text = data.decode("utf-8", "surrogateescape")
        shown = self.text(text)
        return data if shown == text else shown.encode("utf-8", "surrogateescape")

    def effect(self, effect: Effect) -> Effect:
        """An effect without secrets."""
        if not self.names:
            return effect
        match effect:
            case Fetch(number, request):
                return Fetch(number, self._request(request))
            case CacheLoad(number, key):
                return CacheLoad(number, self.text(key))
            case Capability(number, name, argument):
                return Capability(number, name, self.data(argument))
            case CacheStore(key, value, ttl):
                return CacheStore(self.text(key), self.data(value), ttl)
            case CacheFail(key):
                return CacheFail(self.text(key))
            case CacheDelete(key):
                return CacheDelete(self.text(key))
            case Answered(number, Responded(response), at):
                return Answered(number, Responded(self._response(response)), at)
            case Answered(number, Found(value), at) if value is not None:
                return Answered(number, Found(self.data(value)), at)
            case Answered(number, Failed(message, code, kind), at):
                return Answered(number, Failed(self.text(message), code, kind), at)
            case _:
                return effect

    def drawn(self, drawn: Drawn) -> Drawn:
        """What was drawn, without secrets; the question is a digest, of a key perhaps, and goes where there are any."""
        return Drawn(drawn.what, b"", self.data(drawn.answer)) if self.names else drawn

    def _request(self, request: FetchRequest) -> FetchRequest:
        return FetchRequest(
            url=self.text(request.url),
            method=request.method,
            headers=self._headers(request.headers),
            body=None if request.body is None else self.data(request.body),
            redirect=request.redirect,
        )

    def _response(self, response: FetchResponse) -> FetchResponse:
        return FetchResponse(
            status=response.status,
            reason=self.text(response.reason),
            headers=self._headers(response.headers),
            body=self.data(response.body),
            url=self.text(response.url),
            redirected=response.redirected,
        )

    def _headers(self, headers: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        return tuple((self.text(name), self.text(value)) for name, value in headers)
