"""Numbers as a locale writes them: Intl.NumberFormat over ICU's number skeletons."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Annotated, Any, Final, Literal

import msgspec

from isthmus_quickjs._asks import Ask, Refusal

from . import icu, locales
from .locales import Keyword, Tags
from .parts import SPAN, Part, Span, encoded, parts, spans_of, text_of_value

__all__ = [
    "CurrencyDigits", "NumberFormat", "NumberOptions", "currency_digits", "decimal", "format_number",
    "format_range", "number_format", "parts_of_number", "parts_of_range", "resolve_number", "skeleton",
]  # fmt: skip

LONGEST: Final = 5000
"""Digits of a number."""
FARTHEST: Final = 400
"""The exponent of a number, at the most."""
NUMERAL: Final = re.compile(r"-?(?:\d+\.?\d*|\.\d+)(?:[eE]([+-]?\d{1,9}))?|-?Infinity|-?NaN", re.ASCII)
ENDLESS: Final = ("Infinity", "NaN")
LAST: Final = 1
"""The field of the span that is the end of a range."""

NOTATIONS: Final = {"standard": "", "scientific": "scientific", "engineering": "engineering"}
SIGNS: Final = {
    "auto": "auto", "always": "always", "never": "never", "exceptZero": "except-zero", "negative": "negative",
}  # fmt: skip
GROUPINGS: Final = {
    "auto": "group-auto",
    "always": "group-on-aligned",
    "min2": "group-min2",
    "false": "group-off",
}
ROUNDINGS: Final = {
    "ceil": "ceiling", "floor": "floor", "expand": "up", "trunc": "down", "halfCeil": "half-ceiling",
    "halfFloor": "half-floor", "halfExpand": "half-up", "halfTrunc": "half-down", "halfEven": "half-even",
}  # fmt: skip
WIDTHS: Final = {
    "code": "iso-code", "symbol": "short", "narrowSymbol": "narrow", "name": "full-name",
    "short": "short", "narrow": "narrow", "long": "full-name",
}  # fmt: skip
FIELDS: Final = (
    "integer", "fraction", "decimal", "exponentSeparator", "exponentMinusSign", "exponentInteger", "group", "currency",
    "percentSign", "perMille", "sign", "unit", "compact", "approximatelySign",
)  # fmt: skip
SIGN, INTEGER, PERCENT = FIELDS.index("sign"), 0, FIELDS.index("percentSign")

Digits = Annotated[int, msgspec.Meta(ge=0, le=100)]
Significant = Annotated[int, msgspec.Meta(ge=1, le=21)]


class NumberOptions(msgspec.Struct, forbid_unknown_fields=True, frozen=True, rename="camel"):
    """What a NumberFormat is made of; options as ECMA-402 (15.1) names them, those that depend on others settled.

    Attributes:
        locales: canonical tags, the best first.
        rounding: which digits count: those of the fraction, significant ones, the more or the less exact of the
            two, or what is usual in compact notation.
    """

    locales: Tags
    numbering_system: Keyword | None = None
    style: Literal["decimal", "percent", "currency", "unit"] = "decimal"
    currency: Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$")] = "XXX"
    currency_display: Literal["code", "symbol", "narrowSymbol", "name"] = "symbol"
    currency_sign: Literal["standard", "accounting"] = "standard"
    unit: Annotated[str, msgspec.Meta(pattern="^[a-z]+(-[a-z]+)*$", max_length=64)] = "meter"
    unit_display: Literal["short", "narrow", "long"] = "short"
    notation: Literal["standard", "scientific", "engineering", "compact"] = "standard"
    compact_display: Literal["short", "long"] = "short"
    sign_display: Literal["auto", "always", "never", "exceptZero", "negative"] = "auto"
    use_grouping: Literal["auto", "always", "min2", "false"] = "auto"
    minimum_integer_digits: Annotated[int, msgspec.Meta(ge=1, le=21)] = 1
    minimum_fraction_digits: Digits = 0
    maximum_fraction_digits: Digits = 3
    minimum_significant_digits: Significant = 1
    maximum_significant_digits: Significant = 21
    rounding: Literal["fractionDigits", "significantDigits", "morePrecision", "lessPrecision", "compact"] = (
        "fractionDigits"
    )
    rounding_increment: Annotated[int, msgspec.Meta(ge=1, le=5000)] = 1
    rounding_mode: Literal[
        "ceil", "floor", "expand", "trunc", "halfCeil", "halfFloor", "halfExpand", "halfTrunc", "halfEven"
    ] = "halfExpand"
    trailing_zero_display: Literal["auto", "stripIfInteger"] = "auto"


def skeleton(options: NumberOptions) -> str:
    """What ICU calls these options, but for the locale."""
    stems = [
        f"rounding-mode-{ROUNDINGS[options.rounding_mode]}",
        GROUPINGS[options.use_grouping],
        _precision(options),
    ]
    if options.notation == "compact":
        stems.append(f"compact-{options.compact_display}")
    else:
        stems.append(NOTATIONS[options.notation])
    if options.minimum_integer_digits > 1:
        stems.append("integer-width/+" + "0" * options.minimum_integer_digits)
    sign = SIGNS[options.sign_display]
    if options.style == "percent":
        stems.append("percent scale/100")
    elif options.style == "currency":
        stems += [f"currency/{options.currency}", f"unit-width-{WIDTHS[options.currency_display]}"]
        if options.currency_sign == "accounting":
            sign = {"auto": "accounting", "never": "never"}.get(sign, f"accounting-{sign}")
    elif options.style == "unit":
        stems += [f"unit/{options.unit}", f"unit-width-{WIDTHS[options.unit_display]}"]
    stems.append(f"sign-{sign}")
    return " ".join(filter(None, stems))


def _precision(options: NumberOptions) -> str:
    fewest, most = options.minimum_fraction_digits, options.maximum_fraction_digits
    tail = "/w" if options.trailing_zero_display == "stripIfInteger" else ""
    if options.rounding == "compact":
        return ""
    significant = _digits("@", options.minimum_significant_digits, options.maximum_significant_digits)
    if options.rounding == "significantDigits":
        return significant + tail
    if options.rounding_increment > 1:
        digits = str(options.rounding_increment).rjust(most + 1, "0")
        whole = digits[: len(digits) - most] + (f".{digits[len(digits) - most :]}" if most else "")
        return f"precision-increment/{whole}{tail}"
    fraction = "." + _digits("0", fewest, most) if most else "precision-integer"
    if options.rounding == "fractionDigits":
        return fraction + tail
    return f"{fraction if most else '.'}/{significant}{'r' if options.rounding == 'morePrecision' else 's'}{tail}"


def _digits(digit: str, fewest: int, most: int) -> str:
    return digit * fewest + "#" * (most - fewest)


def decimal(numeral: str) -> bytes:
    """A number as ICU reads it.

    Raises:
        ValueError: it is none; no function can make the prelude say so.
        Refusal: it is too long or too large to be written out.
    """
    found = NUMERAL.fullmatch(numeral) if len(numeral) <= LONGEST else None
    if found is None and len(numeral) <= LONGEST:
        raise ValueError("no number")
    if found is None or abs(int(found[1] or 0)) > FARTHEST:
        raise Refusal(
            f"A number of more than {LONGEST} digits, or beyond 1e{FARTHEST}, can't be formatted",
            name="RangeError",
        )
    return numeral.encode("ascii")


class NumberFormat:
    """A format of numbers.

    Args:
        options: see there.
    """

    def __init__(self, options: NumberOptions) -> None:
        known = locales.numbering_systems()
        self.options = options
        self.locale = locales.resolve(
            options.locales,
            "general",
            {"nu": options.numbering_system},
            {"nu": lambda _base, value: value in known},
        )
        stems = icu.utf16(skeleton(options))
        self.handle = icu.open_handle("unumf_openForSkeletonAndLocale", "unumf_close", *stems, self.locale.id)
        self.result = icu.open_handle("unumf_openResult", "unumf_closeResult")
        self._range: icu.Handle | None = None

    def format(self, number: str) -> str:
        """A number's text."""
        self.write(number)
        return icu.text_of("unumf_resultToString", self.result)

    def write(self, number: str) -> None:
        """Leave a number's text in ``result``."""
        numeral = decimal(number)
        icu.call("unumf_formatDecimal", self.handle, numeral, len(numeral), self.result)

    def parts(self, number: str) -> list[Part]:
        """A number's text in pieces."""
        self.write(number)
        value = icu.call("unumf_resultAsValue", self.result)
        text = text_of_value(value)
        return parts(text, list(spans_of(value)), lambda span: self._named(span, text, number))

    def range(self, start: str, end: str) -> tuple[bytes, list[Span]]:
        """The text of a range, as ICU encodes it, and its pieces."""
        result = self.write_range(start, end)
        value = icu.call("unumrf_resultAsValue", result)
        return text_of_value(value), list(spans_of(value))

    def write_range(self, start: str, end: str) -> icu.Handle:
        """A range's text, as a UFormattedNumberRange."""
        if self._range is None:
            opener = "unumrf_openForSkeletonWithCollapseAndIdentityFallback"
            stems = icu.utf16(skeleton(self.options))
            self._range = icu.open_handle(opener, "unumrf_close", *stems, 0, 2, self.locale.id, None)
        result = icu.open_handle("unumrf_openResult", "unumrf_closeResult")
        first, last = decimal(start), decimal(end)
        icu.call("unumrf_formatDecimalRange", self._range, first, len(first), last, len(last), result)
        return result

    def parts_of_range(self, start: str, end: str) -> list[Part]:
        """A range's text in pieces."""
        text, spans = self.range(start, end)
        last = [span for span in spans if span.category >= SPAN and span.field == LAST]

        def named(span: Span) -> str:
            ending = any(whole.start <= span.start and span.end <= whole.end for whole in last)
            return self._named(span, text, end if ending else start)

        return parts(text, spans, named, sourced=True)

    def _named(self, span: Span, text: bytes, number: str) -> str:
        if span.field == SIGN:
            return "plusSign" if "+" in icu.decoded(text[2 * span.start : 2 * span.end]) else "minusSign"
        if span.field == INTEGER and number.endswith(ENDLESS):
            return "nan" if number.endswith("NaN") else "infinity"
        if span.field == PERCENT and self.options.style == "unit":
            return "unit"
        return FIELDS[span.field]


@lru_cache(maxsize=64)
def number_format(options: bytes) -> NumberFormat:
    """The format of these options, given as JSON."""
    return NumberFormat(msgspec.json.decode(options, type=NumberOptions))


class Number(Ask):
    """A number, as a numeral; then the options."""

    number: str


class NumberRange(Ask):
    """Two numbers; then the options."""

    start: str
    end: str


def resolve_number(_ask: Ask, options: bytes) -> bytes:
    """What the options come to: the locale and its numbering system."""
    made = number_format(options)
    return msgspec.json.encode(
        {"locale": made.locale.tag, "numberingSystem": locales.numbering_of(made.locale.id)}
    )


def format_number(ask: Number, options: bytes) -> bytes:
    """A number's text."""
    return number_format(options).format(ask.number).encode()


def parts_of_number(ask: Number, options: bytes) -> bytes:
    """A number's text in pieces, as JSON."""
    return encoded(number_format(options).parts(ask.number))


def format_range(ask: NumberRange, options: bytes) -> bytes:
    """A range's text."""
    return icu.decoded(number_format(options).range(ask.start, ask.end)[0]).encode()


def parts_of_range(ask: NumberRange, options: bytes) -> bytes:
    """A range's text in pieces, as JSON."""
    return encoded(number_format(options).parts_of_range(ask.start, ask.end))


class CurrencyDigits(Ask):
    """A currency's code."""

    currency: Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$")]


def currency_digits(ask: CurrencyDigits) -> bytes:
    """How many digits of a currency's minor unit are usual, as JSON."""
    code, _length = icu.utf16(ask.currency + "\0")
    digits: Any = icu.call("ucurr_getDefaultFractionDigits", code)
    return msgspec.json.encode(digits)
