"""Times told from now, "in 3 days": Intl.RelativeTimeFormat."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Final, Literal

import msgspec

from isthmus_quickjs._asks import Ask

from . import icu, locales
from .locales import Keyword, Tags
from .numbers import FIELDS
from .parts import SPAN, Part, Span, encoded, parts, spans_of, text_of_value

__all__ = ["RelativeOptions", "RelativeTime", "format_relative", "parts_of_relative", "resolve_relative"]

UNITS: Final = ("year", "quarter", "month", "week", "day", "hour", "minute", "second")
STYLES: Final = {"long": 0, "short": 1, "narrow": 2}
NO_CAPITALS: Final = 256
DECIMAL: Final = 1
LEAST_GROUPED, AS_USUAL = 22, -2
"""The attribute that says of how many digits a number has groups, and its value for what the locale has."""
NUMBERS: Final = 2
"""The category of a number's pieces."""

Unit = Literal["year", "quarter", "month", "week", "day", "hour", "minute", "second"]


class RelativeOptions(msgspec.Struct, forbid_unknown_fields=True, frozen=True, rename="camel"):
    """What a RelativeTimeFormat is made of; options as ECMA-402 (17.1) names them."""

    locales: Tags
    numbering_system: Keyword | None = None
    style: Literal["long", "short", "narrow"] = "long"
    numeric: Literal["always", "auto"] = "always"


class RelativeTimeFormat:
    """A format of times told from now.

    Args:
        options: see there.
    """

    def __init__(self, options: RelativeOptions) -> None:
        known = locales.numbering_systems()
        self.locale = locales.resolve(
            options.locales,
            "general",
            {"nu": options.numbering_system},
            {"nu": lambda _base, value: value in known},
        )
        self._function = f"ureldatefmt_format{'Numeric' if options.numeric == 'always' else ''}ToResult"
        numbers = icu.call("unum_open", DECIMAL, None, 0, self.locale.id, None)
        icu.call("unum_setAttribute", numbers, LEAST_GROUPED, AS_USUAL)
        self._format = icu.open_handle(  # which takes the format of numbers over
            "ureldatefmt_open",
            "ureldatefmt_close",
            self.locale.id,
            numbers,
            STYLES[options.style],
            NO_CAPITALS,
        )

    def format(self, value: float, unit: Unit) -> tuple[bytes, list[Span]]:
        """The text of a time so many units from now, as ICU encodes it, and its pieces."""
        result = icu.open_handle("ureldatefmt_openResult", "ureldatefmt_closeResult")
        icu.call(self._function, self._format, value, UNITS.index(unit), result)
        formatted = icu.call("ureldatefmt_resultAsValue", result)
        return text_of_value(formatted), list(spans_of(formatted))


@lru_cache(maxsize=32)
def _format(options: bytes) -> RelativeTimeFormat:
    return RelativeTimeFormat(msgspec.json.decode(options, type=RelativeOptions))


class RelativeTime(Ask):
    """A time told from now; then the options.

    Attributes:
        negative: it is past, though it may be no time away.
    """

    value: Annotated[float, msgspec.Meta(ge=0)]
    negative: bool
    unit: Unit

    @property
    def signed(self) -> float:
        return -self.value if self.negative else self.value


def resolve_relative(_ask: Ask, options: bytes) -> bytes:
    """What the options come to: the locale and its numbering system."""
    made = _format(options)
    return msgspec.json.encode(
        {"locale": made.locale.tag, "numberingSystem": locales.numbering_of(made.locale.id)}
    )


def format_relative(ask: RelativeTime, options: bytes) -> bytes:
    """The text."""
    return icu.decoded(_format(options).format(ask.signed, ask.unit)[0]).encode()


def parts_of_relative(ask: RelativeTime, options: bytes) -> bytes:
    """The text in pieces, as JSON."""
    text, spans = _format(options).format(ask.signed, ask.unit)
    found = parts(
        text, [span for span in spans if span.category in {NUMBERS, SPAN}], lambda span: FIELDS[span.field]
    )
    return encoded(
        [Part(part.type, part.value, unit="" if part.type == "literal" else ask.unit) for part in found]
    )
