"""What languages, regions, scripts, currencies, calendars and fields of dates are called: Intl.DisplayNames."""

from __future__ import annotations

import ctypes
from functools import lru_cache
from typing import Annotated, Final, Literal

import msgspec

from isthmus_quickjs._asks import Ask

from . import icu, locales
from .locales import Tags
from .tags import LONGEST_TAG, locale_id

__all__ = ["Name", "NameOptions", "name_of", "resolve_names"]

STANDARD, DIALECT = 0, 1
NO_CAPITALS: Final = 256
LENGTHS: Final = {"long": 512, "short": 513, "narrow": 513}
NO_SUBSTITUTE: Final = 769
FIELDS: Final = (
    "era", "year", "quarter", "month", "weekOfYear", "", "weekday", "", "", "day", "dayPeriod", "hour", "minute", "second",
    "", "timeZoneName",
)  # fmt: skip
WIDTHS: Final = {"long": 0, "short": 1, "narrow": 2}
LONG_NAME: Final = 1
"""As Node has it, a currency's name is always the long one."""
MISSING: Final = b"\0"
"""The answer where there is no name; a name stands behind a 1."""


class NameOptions(msgspec.Struct, forbid_unknown_fields=True, frozen=True, rename="camel"):
    """What DisplayNames are made of; options as ECMA-402 (12.1) names them."""

    locales: Tags
    type: Literal["language", "region", "script", "currency", "calendar", "dateTimeField"]
    style: Literal["long", "short", "narrow"] = "long"
    language_display: Literal["dialect", "standard"] = "dialect"


class DisplayNames:
    """The names of a kind of things in a language.

    Args:
        options: see there.
    """

    def __init__(self, options: NameOptions) -> None:
        self._options = options
        self.locale = locales.resolve(options.locales, "general", {}, {})
        dialect = DIALECT if options.language_display == "dialect" else STANDARD
        contexts = (ctypes.c_int32 * 4)(dialect, NO_CAPITALS, LENGTHS[options.style], NO_SUBSTITUTE)
        self._names = icu.open_handle("uldn_openForContext", "uldn_close", self.locale.id, contexts, 4)

    def of(self, code: str) -> str | None:
        """The name of what has that code, None where it has none."""
        kind = self._options.type
        if kind == "currency":
            return self._currency(code)
        if kind == "dateTimeField":
            generator = icu.open_handle("udatpg_open", "udatpg_close", self.locale.id)
            return icu.text_of(
                "udatpg_getFieldDisplayName", generator, FIELDS.index(code), WIDTHS[self._options.style]
            )
        if kind == "language":
            return self._found("uldn_localeDisplayName", locale_id(code))
        if kind == "region":
            return self._found("uldn_regionDisplayName", code.encode())
        if kind == "script":
            return self._found("uldn_scriptDisplayName", code.encode())
        legacy = icu.call("uloc_toLegacyType", b"ca", code.encode()) or code.encode()
        return self._found("uldn_keyValueDisplayName", b"calendar", legacy)

    def _found(self, function: str, *code: bytes) -> str | None:
        try:
            return icu.text_of(function, self._names, *code) or None
        except icu.Fault:
            return None

    def _currency(self, code: str) -> str | None:
        text, _length = icu.utf16(f"{code}\0")
        length = ctypes.c_int32(0)
        at = icu.call("ucurr_getName", text, self.locale.id, LONG_NAME, None, ctypes.byref(length))
        found = icu.decoded(ctypes.string_at(at, 2 * length.value))
        return found if found != code else None


@lru_cache(maxsize=32)
def _names(options: bytes) -> DisplayNames:
    return DisplayNames(msgspec.json.decode(options, type=NameOptions))


class Name(Ask):
    """A code in canonical form; then the options."""

    code: Annotated[str, msgspec.Meta(max_length=LONGEST_TAG)]


def resolve_names(_ask: Ask, options: bytes) -> bytes:
    """What the options come to: the locale."""
    return msgspec.json.encode({"locale": _names(options).locale.tag})


def name_of(ask: Name, options: bytes) -> bytes:
    """1 and a name, or 0."""
    found = _names(options).of(ask.code)
    return MISSING if found is None else b"\1" + found.encode()
