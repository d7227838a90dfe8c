// What there is: units, and what supportedValuesOf lists.
(native, shared) => {
  "use strict";
  const { known } = shared.use("intl/requests");
  const UNITS = [
    "acre", "bit", "byte", "celsius", "centimeter", "day", "degree", "fahrenheit", "fluid-ounce", "foot", "gallon", "gigabit",
    "gigabyte", "gram", "hectare", "hour", "inch", "kilobit", "kilobyte", "kilogram", "kilometer", "liter", "megabit",
    "megabyte", "meter", "microsecond", "mile", "mile-scandinavian", "milliliter", "millimeter", "millisecond", "minute",
    "month", "nanosecond", "ounce", "percent", "petabyte", "pound", "second", "stone", "terabit", "terabyte", "week", "yard",
    "year",
  ];
  const ASKED = { __proto__: null, calendar: "calendars", collation: "collations", currency: "currencies", numberingSystem: "numberingSystems", timeZone: "zones" };

  /** Whether ECMA-402 has a unit, or one per another. */
  function isUnit(text) {
    if (UNITS.includes(text)) return true;
    const at = text.indexOf("-per-");
    return at > 0 && UNITS.includes(text.slice(0, at)) && UNITS.includes(text.slice(at + 5));
  }

  function supportedValuesOf(key) {
    if (key === "unit") return [...UNITS];
    if (!ASKED[key]) throw new RangeError(`Invalid key : ${key}`);
    return known(ASKED[key], {});
  }

  return { isUnit, supportedValuesOf };
}
