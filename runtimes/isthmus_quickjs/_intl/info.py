"""What is usual in a locale, and what there is to choose from: Intl.Locale and Intl.supportedValuesOf."""

from __future__ import annotations

import re
from typing import Any, Final, Literal

import msgspec

from isthmus_quickjs._asks import Ask

from . import icu, locales, zones
from .patterns import cycle_of
from .tags import Tag, keywords_of, likely, locale_id

__all__ = [
    "LocaleAsk",
    "calendar_list",
    "collation_list",
    "currency_list",
    "locale",
    "numbering_list",
    "zone_list",
]

COMMON_CURRENCIES: Final = 1 | 8
NOT_ORDERS: Final = ("search", "standard", "private")
REGION: Final = re.compile(r"-([A-Z]{2}|\d{3})(?![a-z\d])")
FIRST_DAY, MINIMAL_DAYS = 1, 2
WEEKDAY, WEEKEND = 0, 1


class LocaleAsk(Ask):
    """A canonical tag, and what is asked of it."""

    tag: Tag
    what: Literal[
        "maximize", "minimize", "calendars", "collations", "hourCycles", "numberingSystems", "textInfo", "timeZones",
        "weekInfo",
    ]  # fmt: skip


def locale(ask: LocaleAsk) -> bytes:
    """The answer, as JSON."""
    return msgspec.json.encode(_ANSWERS[ask.what](ask.tag))


def _minimized(tag: str) -> str:
    shortest = icu.ascii_of("uloc_minimizeSubtags", locale_id(tag))
    return icu.ascii_of("uloc_toLanguageTag", shortest.encode(), after=(0,))


def _calendars(tag: str) -> list[str]:
    chosen = keywords_of(tag)[1].get("ca")
    if chosen:
        return [chosen]
    opened = icu.open_handle("ucal_getKeywordValuesForLocale", "uenum_close", b"calendar", locale_id(tag), 1)
    return [locales.calendar_of(name) for name in locales.names_of(opened)]


def _collations(tag: str) -> list[str]:
    base, keywords = keywords_of(tag)
    return [keywords["co"]] if keywords.get("co") else sorted(locales.collations(base))


def _hour_cycles(tag: str) -> list[str]:
    chosen = keywords_of(tag)[1].get("hc")
    generator = icu.open_handle("udatpg_open", "udatpg_close", locale_id(tag))
    pattern = icu.text_of("udatpg_getBestPatternWithOptions", generator, *icu.utf16("jjmm"), 0)
    return [chosen or cycle_of(pattern) or "h23"]


def _numbering_systems(tag: str) -> list[str]:
    return [keywords_of(tag)[1].get("nu") or locales.numbering_of(locale_id(tag))]


def _text(tag: str) -> dict[str, str]:
    return {"direction": "rtl" if icu.call("uloc_isRightToLeft", locale_id(tag)) else "ltr"}


def _zones(tag: str) -> list[str] | None:
    region = REGION.search(keywords_of(tag)[0])
    if not region:
        return None
    opened = icu.open_handle("ucal_openTimeZoneIDEnumeration", "uenum_close", 1, region[1].encode(), None)
    return sorted(zones.zone_named(name) for name in locales.names_of(opened))


def _week(tag: str) -> dict[str, Any]:
    calendar = icu.open_handle("ucal_open", "ucal_close", *icu.utf16("UTC"), locale_id(tag), 0)
    days = [
        _monday_first(day)
        for day in range(1, 8)
        if icu.call("ucal_getDayOfWeekType", calendar, day) == WEEKEND
    ]
    first = icu.call("ucal_getAttribute", calendar, FIRST_DAY)
    least = icu.call("ucal_getAttribute", calendar, MINIMAL_DAYS)
    return {"firstDay": _monday_first(first), "weekend": sorted(days), "minimalDays": least}


def _monday_first(day: int) -> int:
    """A day of ICU's, 1 for Sunday, as ECMA-402 counts: 1 for Monday."""
    return (day + 5) % 7 + 1


_ANSWERS: Final = {
    "maximize": likely,
    "minimize": _minimized,
    "calendars": _calendars,
    "collations": _collations,
    "hourCycles": _hour_cycles,
    "numberingSystems": _numbering_systems,
    "textInfo": _text,
    "timeZones": _zones,
    "weekInfo": _week,
}


def calendar_list(_ask: Ask) -> bytes:
    """All calendars, as JSON."""
    return msgspec.json.encode(sorted(locales.calendars()))


def collation_list(_ask: Ask) -> bytes:
    """All orders that some locale has beside the usual one, as JSON."""
    opened = icu.open_handle("ucol_getKeywordValues", "uenum_close", b"collation")
    names = {locales.collation_of(name) for name in locales.names_of(opened)}
    return msgspec.json.encode(
        sorted(name for name in names if not name.startswith(NOT_ORDERS) or name == "searchjl")
    )


def currency_list(_ask: Ask) -> bytes:
    """The currencies in use, as JSON."""
    opened = icu.open_handle("ucurr_openISOCurrencies", "uenum_close", COMMON_CURRENCIES)
    return msgspec.json.encode(sorted(set(locales.names_of(opened))))


def numbering_list(_ask: Ask) -> bytes:
    """The systems that write numbers digit by digit, as JSON."""
    return msgspec.json.encode(sorted(locales.numbering_systems()))


def zone_list(_ask: Ask) -> bytes:
    """The time zones, as JSON."""
    return msgspec.json.encode(zones.known_zones())
