// Numbers, their plural forms, and times told from now.
const LOCALES = [
  "en-US", "en-IN", "de", "de-AT", "de-CH", "fr", "es", "it", "pt-BR", "nl", "sv", "pl", "ru", "ja", "zh-CN", "ko", "ar-EG", "he", "hi",
  "en-u-nu-thai",
];
const VALUES = [
  0, -0, 1, 1234.5, -1234567.891, 0.000123, 1e21, 1.5, 2.5, 0.255, 1.005, NaN, Infinity, -Infinity, 12345678901234567890n,
  "123456789.123456789012345", "0x1f", "abc", " 12 ", "-.5e3", 999999, null, undefined, true, "", 5e-324,
];
const OPTIONS = [
  undefined, { style: "percent" }, { style: "percent", minimumFractionDigits: 1 }, { style: "currency", currency: "USD" },
  { style: "currency", currency: "EUR", currencyDisplay: "code" }, { style: "currency", currency: "JPY", currencyDisplay: "name" },
  { style: "currency", currency: "CHF", currencyDisplay: "narrowSymbol" },
  { style: "currency", currency: "USD", currencySign: "accounting" },
  { style: "currency", currency: "KWD", currencySign: "accounting", signDisplay: "always" },
  { style: "currency", currency: "eur", maximumFractionDigits: 0 }, { style: "currency", currency: "XYZ" },
  { style: "unit", unit: "kilometer-per-hour" }, { style: "unit", unit: "liter", unitDisplay: "long" },
  { style: "unit", unit: "celsius", unitDisplay: "narrow" }, { style: "unit", unit: "percent" },
  { style: "unit", unit: "megabyte-per-second" }, { style: "unit", unit: "day", unitDisplay: "long" },
  { style: "unit", unit: "mile-per-gallon" }, { style: "unit", unit: "foot-per-minute" },
  { notation: "compact" }, { notation: "compact", compactDisplay: "long" }, { notation: "compact", style: "currency", currency: "USD" },
  { notation: "compact", maximumFractionDigits: 2 }, { notation: "compact", maximumSignificantDigits: 3 },
  { notation: "compact", useGrouping: true }, { notation: "scientific" }, { notation: "engineering", maximumFractionDigits: 1 },
  { minimumFractionDigits: 2 }, { maximumFractionDigits: 0 }, { maximumSignificantDigits: 3 }, { minimumSignificantDigits: 5 },
  { minimumIntegerDigits: 4 }, { useGrouping: false }, { useGrouping: "min2" }, { useGrouping: "always" },
  { signDisplay: "exceptZero" }, { signDisplay: "never" }, { signDisplay: "negative" }, { signDisplay: "always" },
  { roundingMode: "floor", maximumFractionDigits: 1 }, { roundingMode: "ceil", maximumFractionDigits: 1 },
  { roundingMode: "halfEven", maximumFractionDigits: 0 }, { roundingMode: "trunc", maximumFractionDigits: 2 },
  { roundingMode: "halfTrunc", maximumFractionDigits: 0 }, { roundingMode: "expand", maximumFractionDigits: 0 },
  { roundingIncrement: 5, maximumFractionDigits: 2, minimumFractionDigits: 2 },
  { roundingIncrement: 25, maximumFractionDigits: 1, minimumFractionDigits: 1 }, { roundingIncrement: 50, maximumFractionDigits: 0 },
  { roundingPriority: "morePrecision", maximumFractionDigits: 1, maximumSignificantDigits: 3 },
  { roundingPriority: "lessPrecision", maximumFractionDigits: 1, maximumSignificantDigits: 3 },
  { roundingPriority: "morePrecision" }, { notation: "compact", roundingPriority: "lessPrecision" },
  { trailingZeroDisplay: "stripIfInteger", minimumFractionDigits: 2 },
  { trailingZeroDisplay: "stripIfInteger", style: "currency", currency: "USD" }, { maximumFractionDigits: 20 },
  { minimumSignificantDigits: 3, maximumFractionDigits: 1 }, { numberingSystem: "arab" }, { minimumFractionDigits: 21 },
];
let turn = 0;
for (const locale of LOCALES) {
  for (const options of OPTIONS) {
    const value = VALUES[++turn % VALUES.length], end = [1, 5, 1e6, value][turn % 4];
    const name = `${locale} ${JSON.stringify(options)} ${typeof value} ${Object.is(value, -0) ? "-0" : value}`;
    put(name, () => new Intl.NumberFormat(locale, options).format(value));
    if (turn % 2) put(`${name} parts`, () => new Intl.NumberFormat(locale, options).formatToParts(value));
    else put(`${name} to ${end}`, () => new Intl.NumberFormat(locale, options).formatRange(value, end));
    if (turn % 3 === 0) put(`${name} to ${end} parts`, () => new Intl.NumberFormat(locale, options).formatRangeToParts(value, end));
    if (turn % 5 === 0) put(`${name} resolved`, () => new Intl.NumberFormat(locale, options).resolvedOptions());
    if (typeof value === "number" || typeof value === "bigint") put(`${name} method`, () => value.toLocaleString(locale, options));
  }
}
for (const value of VALUES) put(`en ${typeof value} ${value}`, () => OPTIONS.map((options) => {
  try {
    return new Intl.NumberFormat("en", options).format(value);
  } catch (error) {
    return error.name;
  }
}));

const COUNTED = [0, 1, 2, 3, 4, 5, 11, 21, 22, 100, 101, 1.5, -1, NaN, Infinity, 1e6, 1e7];
for (const locale of ["en", "de", "fr", "es", "pt-BR", "pl", "ru", "ar", "ja", "cy", "lv"]) {
  for (const type of ["cardinal", "ordinal"]) {
    const rules = new Intl.PluralRules(locale, { type });
    put(`${locale} ${type}`, () => [rules.resolvedOptions(), COUNTED.map((number) => rules.select(number))]);
    put(`${locale} ${type} ranges`, () => [[0, 1], [1, 2], [2, 5], [1, 101]].map(([start, end]) => rules.selectRange(start, end)));
  }
  put(`${locale} plural of 1.00`, () => new Intl.PluralRules(locale, { minimumFractionDigits: 2 }).select(1));
  for (const style of ["long", "short", "narrow"]) {
    for (const numeric of ["auto", "always"]) {
      const format = new Intl.RelativeTimeFormat(locale, { style, numeric });
      for (const unit of ["year", "quarter", "month", "week", "day", "hour", "minute", "seconds"]) {
        const texts = [-1, 0, -0, 1, 2, -5, 1.5, 1234].map((value) => format.format(value, unit));
        put(`${locale} ${style} ${numeric} ${unit}`, () => [texts, format.formatToParts(1234, unit), format.formatToParts(-1, unit)]);
      }
      put(`${locale} ${style} ${numeric} resolved`, () => format.resolvedOptions());
    }
  }
}
