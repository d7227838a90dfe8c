"""Dates and times as a locale writes them: Intl.DateTimeFormat over ICU's date formats."""

from __future__ import annotations

import ctypes
from functools import lru_cache
from typing import Annotated, Any, Final, Literal

import msgspec

from isthmus_quickjs._asks import Ask

from . import icu, locales
from .locales import Keyword, Tags
from .parts import SPAN, Span, encoded, parts, spans_of, text_of_value
from .patterns import CYCLES, cycle_of, fields_of, skeleton_of, with_cycle
from .zones import offset_id, zone_named

__all__ = [
    "Date", "DateOptions", "DateRange", "DateTimeFormat", "date_format", "format_date", "format_date_range",
    "parts_of_date", "parts_of_date_range", "resolve_date",
]  # fmt: skip

FARTHEST: Final = 8.64e15
"""Milliseconds from 1970 to the first and to the last moment that JavaScript has."""
PATTERN: Final = -2
STYLES: Final = {"full": 0, "long": 1, "medium": 2, "short": 3, None: -1}
MATCH_HOUR_LENGTH: Final = 1 << 11
DEFAULT_TYPE: Final = 0
CATEGORY: Final = 1
NAMES: Final = {
    **dict.fromkeys((1, 20), "year"), **dict.fromkeys((2, 26), "month"), 3: "day", **dict.fromkeys((4, 5, 15, 16), "hour"),
    6: "minute", 7: "second", 8: "fractionalSecond", **dict.fromkeys((9, 19, 25), "weekday"), 0: "era",
    **dict.fromkeys((14, 35, 36), "dayPeriod"), **dict.fromkeys((17, 23, 24, 29, 31, 32, 33), "timeZoneName"),
    30: "yearName", 34: "relatedYear",
}  # fmt: skip
"""Types of parts by UDateFormatField."""
NARROW_SPACE: Final = "\u202f"

Cycle = Literal["h11", "h12", "h23", "h24"]
Style = Literal["full", "long", "medium", "short"]
Width = Literal["narrow", "short", "long"]
Number = Literal["2-digit", "numeric"]
Moment = Annotated[float, msgspec.Meta(ge=-FARTHEST, le=FARTHEST)]


class DateOptions(msgspec.Struct, forbid_unknown_fields=True, frozen=True, rename="camel"):
    """What a DateTimeFormat is made of; options as ECMA-402 (11.1) names them.

    Attributes:
        locales: canonical tags, the best first.
        time_zone: as the author writes it.
        fields: choice of fields; empty where there is a style.
    """

    locales: Tags
    calendar: Keyword | None = None
    numbering_system: Keyword | None = None
    hour_cycle: Cycle | None = None
    hour12: bool | None = None
    time_zone: Annotated[str, msgspec.Meta(max_length=4096)] = "UTC"
    date_style: Style | None = None
    time_style: Style | None = None
    weekday: Width | None = None
    era: Width | None = None
    year: Number | None = None
    month: Literal["2-digit", "numeric", "narrow", "short", "long"] | None = None
    day: Number | None = None
    day_period: Width | None = None
    hour: Number | None = None
    minute: Number | None = None
    second: Number | None = None
    fractional_second_digits: Literal["1", "2", "3"] | None = None
    time_zone_name: (
        Literal["long", "short", "longOffset", "shortOffset", "longGeneric", "shortGeneric"] | None
    ) = None


class DateTimeFormat:
    """A format of dates and times.

    Args:
        options: see there.
    """

    def __init__(self, options: DateOptions) -> None:
        self.options = options
        self.zone = zone_named(options.time_zone)
        numbering, calendars = locales.numbering_systems(), locales.calendars()
        self.locale = locales.resolve(
            options.locales,
            "general",
            {
                "nu": options.numbering_system,
                "ca": options.calendar,
                "hc": None if options.hour12 is not None else options.hour_cycle,
            },
            {
                "nu": lambda _base, value: value in numbering,
                "ca": lambda _base, value: value in calendars,
                "hc": lambda _base, value: value in CYCLES and options.hour12 is None,
            },
        )
        generator = _generator(self.locale.id)
        cycle = self._cycle(generator)
        if options.date_style or options.time_style:
            pattern = self._styled(cycle, generator)
        else:
            pattern = self._fitting(skeleton_of(msgspec.to_builtins(options), cycle), cycle, generator)
        self.pattern = pattern
        self.cycle = cycle_of(pattern)
        self._format = self._opened(PATTERN, PATTERN, pattern)
        self._calendar = self._proleptic()
        self.calendar = locales.calendar_of(icu.call("ucal_getType", self._calendar).decode("ascii"))
        self._interval: icu.Handle | None = None

    def format(self, moment: float) -> str:
        """A moment's text."""
        return icu.text_of("udat_format", self._format, moment, after=(None,))

    def pieces(self, moment: float) -> tuple[bytes, list[Span]]:
        """A moment's text, as ICU encodes it, and its pieces."""
        iterator = icu.open_handle("ufieldpositer_open", "ufieldpositer_close")
        text = icu.text_of("udat_formatForFields", self._format, moment, after=(iterator,))
        start, end = ctypes.c_int32(0), ctypes.c_int32(0)
        spans = []
        while (
            field := icu.call("ufieldpositer_next", iterator, ctypes.byref(start), ctypes.byref(end))
        ) >= 0:
            spans.append(Span(CATEGORY, field, start.value, end.value))
        return icu.utf16(text)[0], spans

    def range(self, start: float, end: float) -> tuple[bytes, list[Span]]:
        """The text of what lies between two moments, and its pieces."""
        if self._interval is None:
            skeleton = icu.utf16(icu.text_of("udatpg_getSkeleton", None, *icu.utf16(self.pattern)))
            zone = icu.utf16(offset_id(self.zone))
            self._interval = icu.open_handle(
                "udtitvfmt_open", "udtitvfmt_close", self.locale.id_with({"hc": self.cycle}), *skeleton, *zone
            )
        result = icu.open_handle("udtitvfmt_openResult", "udtitvfmt_closeResult")
        ends = [self._at(moment) for moment in (start, end)]
        icu.call("udtitvfmt_formatCalendarToResult", self._interval, *ends, result)
        value = icu.call("udtitvfmt_resultAsValue", result)
        return text_of_value(value), list(spans_of(value))

    def resolved(self) -> dict[str, Any]:
        """What the options come to."""
        styled = self.options.date_style is not None or self.options.time_style is not None
        return {
            "locale": self.locale.tag,
            "calendar": self.calendar,
            "numberingSystem": locales.numbering_of(self.locale.id),
            "timeZone": self.zone,
            "hourCycle": self.cycle,
            "fields": {} if styled else fields_of(self.pattern),
        }

    def _cycle(self, generator: icu.Handle) -> str:
        """The hour cycle that is wanted."""
        usual = cycle_of(_best("jjmm", generator)) or "h23"
        if self.options.hour12 is None:
            return self.locale.values["hc"] or usual
        # As V8 has it, hours from 0 stay hours from 0: an en-US clock of 24 hours shows 24 at midnight.
        from_zero = usual in {"h11", "h23"}
        if self.options.hour12:
            return "h11" if from_zero else "h12"
        return "h23" if from_zero else "h24"

    def _styled(self, cycle: str, generator: icu.Handle) -> str:
        pattern = icu.text_of(
            "udat_toPattern",
            self._opened(STYLES[self.options.time_style], STYLES[self.options.date_style], ""),
            0,
        )
        if self.options.time_style is None or cycle_of(pattern) == cycle:
            return pattern
        skeleton = icu.text_of("udatpg_getSkeleton", None, *icu.utf16(pattern))
        letters = skeleton.translate(str.maketrans(dict.fromkeys("abB")))
        return self._fitting(with_cycle(letters, cycle), cycle, generator)

    def _fitting(self, skeleton: str, cycle: str, generator: icu.Handle) -> str:
        return with_cycle(_best(skeleton, generator), cycle)

    def _opened(self, time: int, date: int, pattern: str) -> icu.Handle:
        zone = icu.utf16(offset_id(self.zone))
        written = icu.utf16(pattern) if pattern else (None, 0)
        return icu.open_handle("udat_open", "udat_close", time, date, self.locale.id, *zone, *written)

    def _proleptic(self) -> icu.Handle:
        """The format's calendar, Gregorian before there was one: JavaScript's dates are."""
        calendar = icu.open_handle("ucal_clone", "ucal_close", icu.call("udat_getCalendar", self._format))
        if icu.call("ucal_getType", calendar) == b"gregorian":
            icu.call("ucal_setGregorianChange", calendar, -FARTHEST)
            icu.call("udat_setCalendar", self._format, calendar)
        return calendar

    def _at(self, moment: float) -> icu.Handle:
        calendar = icu.open_handle("ucal_clone", "ucal_close", self._calendar)
        icu.call("ucal_setMillis", calendar, moment)
        return calendar


@lru_cache(maxsize=16)
def _generator(locale: bytes) -> icu.Handle:
    return icu.open_handle("udatpg_open", "udatpg_close", locale)


def _best(skeleton: str, generator: icu.Handle) -> str:
    return icu.text_of("udatpg_getBestPatternWithOptions", generator, *icu.utf16(skeleton), MATCH_HOUR_LENGTH)


def _named(span: Span) -> str:
    return NAMES.get(span.field, "unknown")


@lru_cache(maxsize=64)
def date_format(options: bytes) -> DateTimeFormat:
    """The format of these options, given as JSON."""
    return DateTimeFormat(msgspec.json.decode(options, type=DateOptions))


def _spaced(text: str) -> bytes:
    """A text with spaces for narrow ones: code that takes dates apart has always found those, so V8 keeps to them."""
    return text.replace(NARROW_SPACE, " ").encode()


class Date(Ask):
    """A moment, in milliseconds; then the options."""

    date: Moment


class DateRange(Ask):
    """Two moments, in milliseconds; then the options."""

    start: Moment
    end: Moment


def resolve_date(_ask: Ask, options: bytes) -> bytes:
    """What the options come to, as JSON."""
    return msgspec.json.encode(date_format(options).resolved())


def format_date(ask: Date, options: bytes) -> bytes:
    """A moment's text."""
    return _spaced(date_format(options).format(ask.date))


def parts_of_date(ask: Date, options: bytes) -> bytes:
    """A moment's text in pieces, as JSON."""
    return encoded(parts(*date_format(options).pieces(ask.date), _named))


def format_date_range(ask: DateRange, options: bytes) -> bytes:
    """The text of what lies between two moments, which is that of one where nothing shown differs."""
    made = date_format(options)
    text, spans = made.range(ask.start, ask.end)
    if not any(span.category >= SPAN for span in spans):
        return _spaced(made.format(ask.start))
    return icu.decoded(text).encode()


def parts_of_date_range(ask: DateRange, options: bytes) -> bytes:
    """The same in pieces, as JSON."""
    made = date_format(options)
    text, spans = made.range(ask.start, ask.end)
    if not any(span.category >= SPAN for span in spans):
        text, spans = made.pieces(ask.start)
    return encoded(parts(text, spans, _named, sourced=True))
