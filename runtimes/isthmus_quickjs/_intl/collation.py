"""The order of texts in a language: Intl.Collator."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, Literal

import msgspec

from isthmus_quickjs._asks import Ask, Refusal

from . import icu, locales
from .locales import Keyword, Tags
from .tags import locale_id

__all__ = ["CollatorOptions", "compare", "resolve_collator"]

LONGEST: Final = 1024 * 1024
"""Bytes of a text: nothing stops a comparison half way."""

CASE_FIRST, CASE_LEVEL, STRENGTH, NUMERIC, ALTERNATE = 2, 3, 5, 7, 1
OFF, ON, SHIFTED, LOWER, UPPER = 16, 17, 20, 24, 25
STRENGTHS: Final = {"base": (0, OFF), "accent": (1, OFF), "case": (0, ON), "variant": (2, OFF)}
"""Strength and case level of each sensitivity."""
CASES: Final = {"upper": UPPER, "lower": LOWER, "false": OFF}


class CollatorOptions(msgspec.Struct, forbid_unknown_fields=True, frozen=True, rename="camel"):
    """What a Collator is made of; options as ECMA-402 (10.1) names them."""

    locales: Tags
    usage: Literal["sort", "search"] = "sort"
    collation: Keyword | None = None
    numeric: Literal["true", "false"] | None = None
    case_first: Literal["upper", "lower", "false"] | None = None
    sensitivity: Literal["base", "accent", "case", "variant"] | None = None
    ignore_punctuation: bool | None = None


class Collator:
    """An order of texts.

    Args:
        options: see there.
    """

    def __init__(self, options: CollatorOptions) -> None:
        self._options = options
        self.locale = locales.resolve(
            options.locales,
            "collation",
            {"co": options.collation, "kn": options.numeric, "kf": options.case_first},
            {
                "co": lambda base, value: options.usage == "sort" and value in locales.collations(base),
                "kn": lambda _base, value: value in {"true", "false"},
                "kf": lambda _base, value: value in CASES,
            },
        )
        order = self.locale.values["co"]
        if options.usage == "search":
            order = "search"
        name = f"{self.locale.base}-u-co-{order}" if order else self.locale.base
        self._order = icu.open_handle("ucol_open", "ucol_close", locale_id(name))
        self._set(NUMERIC, {"true": ON, "false": OFF}.get(self.locale.values["kn"] or ""))
        self._set(CASE_FIRST, CASES.get(self.locale.values["kf"] or ""))
        # ICU's own default of most orders, but not of all, is what JavaScript calls "variant".
        sensitivity = options.sensitivity or ("variant" if options.usage == "sort" else None)
        if sensitivity is not None:
            strength, level = STRENGTHS[sensitivity]
            self._set(STRENGTH, strength)
            self._set(CASE_LEVEL, level)
        if options.ignore_punctuation is not None:
            self._set(ALTERNATE, SHIFTED if options.ignore_punctuation else 21)

    def compare(self, left: bytes, right: bytes) -> int:
        """-1, 0 or 1."""
        first, second = (icu.utf16(text.decode(errors="replace")) for text in (left, right))
        result: int = icu.call("ucol_strcoll", self._order, *first, *second)
        return result

    def resolved(self) -> dict[str, object]:
        """What the options come to."""
        strength, level = self._get(STRENGTH), self._get(CASE_LEVEL)
        sensitivity = {0: "case" if level == ON else "base", 1: "accent"}.get(strength, "variant")
        case = self._get(CASE_FIRST)
        return {
            "locale": self.locale.tag,
            "usage": self._options.usage,
            "sensitivity": sensitivity,
            "ignorePunctuation": self._get(ALTERNATE) == SHIFTED,
            "collation": self.locale.values["co"] or "default",
            "numeric": self._get(NUMERIC) == ON,
            "caseFirst": next(name for name, value in CASES.items() if value == case),
        }

    def _set(self, attribute: int, value: int | None) -> None:
        if value is not None:
            icu.call("ucol_setAttribute", self._order, attribute, value)

    def _get(self, attribute: int) -> int:
        value: int = icu.call("ucol_getAttribute", self._order, attribute)
        return value


@lru_cache(maxsize=32)
def _collator(options: bytes) -> Collator:
    return Collator(msgspec.json.decode(options, type=CollatorOptions))


def resolve_collator(_ask: Ask, options: bytes) -> bytes:
    """What the options come to, as JSON."""
    return msgspec.json.encode(_collator(options).resolved())


def compare(_ask: Ask, options: bytes, left: bytes, right: bytes) -> bytes:
    """One byte: 0, 1 or 2 where a text comes before, with or after another."""
    if max(len(left), len(right)) > LONGEST:
        raise Refusal(
            f"Texts of more than {LONGEST} bytes can't be compared by a locale's order", name="RangeError"
        )
    return bytes([_collator(options).compare(left, right) + 1])
