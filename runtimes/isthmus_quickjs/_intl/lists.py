"""Lists in a sentence, "a, b and c": Intl.ListFormat."""

from __future__ import annotations

import ctypes
from functools import lru_cache
from typing import Annotated, Final, Literal

import msgspec

from isthmus_quickjs._asks import Ask

from . import icu, locales
from .locales import Tags
from .parts import SPAN, Span, encoded, parts, spans_of, text_of_value

__all__ = ["ListOptions", "format_list", "parts_of_list", "resolve_list"]

TYPES: Final = {"conjunction": 0, "disjunction": 1, "unit": 2}
WIDTHS: Final = {"long": 0, "short": 1, "narrow": 2}
MOST: Final = 5000


class ListOptions(msgspec.Struct, forbid_unknown_fields=True, frozen=True, rename="camel"):
    """What a ListFormat is made of; options as ECMA-402 (13.1) names them."""

    locales: Tags
    type: Literal["conjunction", "disjunction", "unit"] = "conjunction"
    style: Literal["long", "short", "narrow"] = "long"


class ListFormat:
    """A format of lists.

    Args:
        options: see there.
    """

    def __init__(self, options: ListOptions) -> None:
        self.locale = locales.resolve(options.locales, "general", {}, {})
        self._format = icu.open_handle(
            "ulistfmt_openForType",
            "ulistfmt_close",
            self.locale.id,
            TYPES[options.type],
            WIDTHS[options.style],
        )

    def format(self, items: list[str]) -> tuple[bytes, list[Span]]:
        """A list's text, as ICU encodes it, and its pieces."""
        result = icu.open_handle("ulistfmt_openResult", "ulistfmt_closeResult")
        texts = [icu.utf16(item) for item in items]
        pointers = (ctypes.c_char_p * len(texts))(*(text for text, _ in texts))
        lengths = (ctypes.c_int32 * len(texts))(*(length for _, length in texts))
        icu.call("ulistfmt_formatStringsToResult", self._format, pointers, lengths, len(texts), result)
        formatted = icu.call("ulistfmt_resultAsValue", result)
        return text_of_value(formatted), list(spans_of(formatted))


@lru_cache(maxsize=32)
def _format(options: bytes) -> ListFormat:
    return ListFormat(msgspec.json.decode(options, type=ListOptions))


Items = Annotated[list[str], msgspec.Meta(max_length=MOST)]


def resolve_list(_ask: Ask, options: bytes) -> bytes:
    """What the options come to: the locale."""
    return msgspec.json.encode({"locale": _format(options).locale.tag})


def format_list(_ask: Ask, options: bytes, items: bytes) -> bytes:
    """A list's text."""
    return icu.decoded(_format(options).format(msgspec.json.decode(items, type=Items))[0]).encode()


def parts_of_list(_ask: Ask, options: bytes, items: bytes) -> bytes:
    """A list's text in pieces, as JSON."""
    text, spans = _format(options).format(msgspec.json.decode(items, type=Items))
    elements = [Span(0, 1, span.start, span.end) for span in spans if span.category >= SPAN]
    return encoded(parts(text, elements, lambda _: "element"))
