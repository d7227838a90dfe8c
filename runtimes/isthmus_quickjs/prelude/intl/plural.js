// Intl.PluralRules.
(native, shared) => {
  "use strict";
  const { create } = Object;
  const { brand, bytesOf, canonical, choice, coerced, exposed, known, matcher, needNew, slotsOf, told } = shared.use("intl/requests");
  const numeral = shared.use("intl/numerals"), readDigits = shared.use("intl/digits");
  const SERVICE = "Intl.PluralRules";
  const SHOWN = [
    "minimumIntegerDigits", "minimumFractionDigits", "maximumFractionDigits", "minimumSignificantDigits",
    "maximumSignificantDigits",
  ];
  const slots = brand();

  function read(locales, options) {
    const number = create(null);
    number.locales = canonical(locales);
    options = coerced(options, SERVICE);
    matcher(options, SERVICE);
    const type = choice(options, "type", ["cardinal", "ordinal"], "cardinal", SERVICE);
    readDigits(number, options, 0, 3, "standard", SERVICE);
    return { __proto__: null, type, number };
  }

  /** A number as Number() has it: PluralRules know no others. */
  function single(value) {
    return numeral(Number(value));
  }

  function PluralRules() {
    needNew(new.target, SERVICE);
    const options = read(arguments[0], arguments[1]), asked = bytesOf(options);
    new slots(this, { options, asked, resolved: known("plural.resolve", {}, asked) });
  }

  return {
    PluralRules: exposed(PluralRules, {
      resolvedOptions() {
        const { options: { type, number }, resolved } = slotsOf(slots, this, "Intl.PluralRules.prototype.resolvedOptions");
        const found = { locale: resolved.locale, type };
        for (const name of SHOWN) if (number[name] !== undefined) found[name] = number[name];
        found.pluralCategories = [...resolved.pluralCategories];
        return found;
      },
      select(value) {
        const { asked } = slotsOf(slots, this, "Intl.PluralRules.prototype.select");
        return told("plural.select", { __proto__: null, number: single(value) }, asked);
      },
      selectRange(start, end) {
        const { asked } = slotsOf(slots, this, "Intl.PluralRules.prototype.selectRange");
        if (start === undefined) throw new TypeError("Invalid startRange : undefined");
        if (end === undefined) throw new TypeError("Invalid endRange : undefined");
        const fields = { __proto__: null, start: single(start), end: single(end) };
        for (const name of ["start", "end"]) {
          if (fields[name] === "NaN") throw new RangeError(`Invalid ${name} : NaN`);
        }
        return told("plural.selectRange", fields, asked);
      },
    }, "plural"),
  };
}
