"""Which plural form a number takes: Intl.PluralRules."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import msgspec

from isthmus_quickjs._asks import Ask

from . import icu, locales
from .numbers import Number, NumberFormat, NumberOptions, NumberRange, decimal

__all__ = ["PluralOptions", "PluralRules", "resolve_plural", "select_plural", "select_plural_range"]

ORDER = ("few", "many", "one", "two", "zero", "other")
"""The order in which V8 lists plural forms."""


class PluralOptions(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What PluralRules are made of: how numbers are counted, and how they are written."""

    type: Literal["cardinal", "ordinal"]
    number: NumberOptions


class PluralRules:
    """The rules of a locale.

    Args:
        options: see there.
    """

    def __init__(self, options: PluralOptions) -> None:
        self.numbers = NumberFormat(options.number)
        self.locale = locales.resolve(options.number.locales, "plural", {}, {})
        kind = 1 if options.type == "ordinal" else 0
        self._rules = icu.open_handle("uplrules_openForType", "uplrules_close", self.locale.id, kind)

    def select(self, number: str) -> str:
        """The form that a number takes."""
        self.numbers.write(number)
        return icu.text_of("uplrules_selectFormatted", self._rules, self.numbers.result)

    def select_range(self, start: str, end: str) -> str:
        """The form that a range of numbers takes."""
        result = self.numbers.write_range(start, end)
        return icu.text_of("uplrules_selectForRange", self._rules, result)

    def forms(self) -> list[str]:
        """Those that the locale has."""
        found = set(locales.names_of(icu.open_handle("uplrules_getKeywords", "uenum_close", self._rules)))
        return [name for name in ORDER if name in found]


@lru_cache(maxsize=32)
def _rules(options: bytes) -> PluralRules:
    return PluralRules(msgspec.json.decode(options, type=PluralOptions))


def resolve_plural(_ask: Ask, options: bytes) -> bytes:
    """What the options come to: the locale and its forms."""
    made = _rules(options)
    return msgspec.json.encode({"locale": made.locale.tag, "pluralCategories": made.forms()})


def select_plural(ask: Number, options: bytes) -> bytes:
    """The form that a number takes."""
    decimal(ask.number)
    return _rules(options).select(ask.number).encode()


def select_plural_range(ask: NumberRange, options: bytes) -> bytes:
    """The form that a range takes."""
    return _rules(options).select_range(ask.start, ask.end).encode()
