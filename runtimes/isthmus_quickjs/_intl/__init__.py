"""Locales for guests: what Intl and the locale methods ask, answered by ICU, which is what Node's own are made of.

An object of Intl is nothing here but its options, as the JSON text that comes along with every question; what ICU makes of
them is kept, the latest few, by that text.  Everything is a pure function of what is asked and of ICU's data.
"""

from __future__ import annotations

import contextlib
import threading
from typing import Any, Final

from isthmus_quickjs._asks import Ask, Handled, Refusal, answered, handles

from . import (
    casing,
    collation,
    dates,
    icu,
    info,
    lists,
    locales,
    names,
    numbers,
    plurals,
    relative,
    segments,
    tags,
)

__all__ = ["answer", "make_ready"]

_LOCK: Final = threading.Lock()
"""Formats are not made for two threads at once."""


def answer(name: str, payload: bytes) -> bytes:
    """Answer one operation; see :func:`isthmus_quickjs._asks.answered`."""
    with _LOCK:
        return answered(_OPERATIONS, name, payload)


def make_ready() -> bytes:
    """Load the library, if that can be; where it can't, it is said by what is asked of it."""
    with contextlib.suppress(Refusal):
        icu.load()
    return b""


_OPERATIONS: Final[dict[str, Handled[Any]]] = {
    "canonical": handles(tags.Canonical, 0, tags.canonical_tags),
    "supported": handles(locales.Supported, 0, locales.supported),
    "locale": handles(info.LocaleAsk, 0, info.locale),
    "calendars": handles(Ask, 0, info.calendar_list),
    "collations": handles(Ask, 0, info.collation_list),
    "currencies": handles(Ask, 0, info.currency_list),
    "numberingSystems": handles(Ask, 0, info.numbering_list),
    "zones": handles(Ask, 0, info.zone_list),
    "number.resolve": handles(Ask, 1, numbers.resolve_number),
    "number.format": handles(numbers.Number, 1, numbers.format_number),
    "number.parts": handles(numbers.Number, 1, numbers.parts_of_number),
    "number.range": handles(numbers.NumberRange, 1, numbers.format_range),
    "number.rangeParts": handles(numbers.NumberRange, 1, numbers.parts_of_range),
    "number.digits": handles(numbers.CurrencyDigits, 0, numbers.currency_digits),
    "date.resolve": handles(Ask, 1, dates.resolve_date),
    "date.format": handles(dates.Date, 1, dates.format_date),
    "date.parts": handles(dates.Date, 1, dates.parts_of_date),
    "date.range": handles(dates.DateRange, 1, dates.format_date_range),
    "date.rangeParts": handles(dates.DateRange, 1, dates.parts_of_date_range),
    "plural.resolve": handles(Ask, 1, plurals.resolve_plural),
    "plural.select": handles(numbers.Number, 1, plurals.select_plural),
    "plural.selectRange": handles(numbers.NumberRange, 1, plurals.select_plural_range),
    "relative.resolve": handles(Ask, 1, relative.resolve_relative),
    "relative.format": handles(relative.RelativeTime, 1, relative.format_relative),
    "relative.parts": handles(relative.RelativeTime, 1, relative.parts_of_relative),
    "list.resolve": handles(Ask, 1, lists.resolve_list),
    "list.format": handles(Ask, 2, lists.format_list),
    "list.parts": handles(Ask, 2, lists.parts_of_list),
    "collator.resolve": handles(Ask, 1, collation.resolve_collator),
    "collator.compare": handles(Ask, 3, collation.compare),
    "names.resolve": handles(Ask, 1, names.resolve_names),
    "names.of": handles(names.Name, 1, names.name_of),
    "segments.resolve": handles(segments.Segments, 0, segments.resolve_segmenter),
    "segments.find": handles(segments.Segments, 1, segments.segments),
    "case": handles(casing.Case, 1, casing.change_case),
}
