// Intl.NumberFormat.
(native, shared) => {
  "use strict";
  const { create } = Object;
  const {
    brand, bytesOf, canonical, choice, coerced, exposed, keyword, known, matcher, slotsOf, told, wrong,
  } = shared.use("intl/requests");
  const { send } = shared.use("ask");
  const numeral = shared.use("intl/numerals"), readDigits = shared.use("intl/digits");
  const { isUnit } = shared.use("intl/values");
  const SERVICE = "Intl.NumberFormat";
  const SHOWN = [
    "style", "currency", "currencyDisplay", "currencySign", "unit", "unitDisplay", "minimumIntegerDigits",
    "minimumFractionDigits", "maximumFractionDigits", "minimumSignificantDigits", "maximumSignificantDigits",
  ];
  const slots = brand();

  function readCurrency(into, options) {
    const given = options.currency, code = given === undefined ? undefined : `${given}`;
    if (code !== undefined && !/^[a-z]{3}$/i.test(code)) throw new RangeError(`Invalid currency code : ${code}`);
    if (code === undefined && into.style === "currency") {
      throw new TypeError("Currency code is required with currency style.");
    }
    const display = choice(options, "currencyDisplay", ["code", "symbol", "narrowSymbol", "name"], "symbol", SERVICE);
    const sign = choice(options, "currencySign", ["standard", "accounting"], "standard", SERVICE);
    if (into.style === "currency") {
      into.currency = code.toUpperCase();
      into.currencyDisplay = display;
      into.currencySign = sign;
    }
  }

  function readUnit(into, options) {
    const given = options.unit, unit = given === undefined ? undefined : `${given}`;
    const invalid = `Invalid unit argument for Intl.NumberFormat() '${unit ?? ""}'`;
    if (unit !== undefined && !isUnit(unit)) throw new RangeError(invalid);
    if (unit === undefined && into.style === "unit") throw new TypeError(invalid);
    const display = choice(options, "unitDisplay", ["short", "narrow", "long"], "short", SERVICE);
    if (into.style === "unit") {
      into.unit = unit;
      into.unitDisplay = display;
    }
  }

  function usualDigits({ style, currency, notation }) {
    if (style === "currency") {
      const digits = known("number.digits", { __proto__: null, currency });
      return [digits, digits];
    }
    return [0, style === "percent" ? 0 : 3];
  }

  function grouping(options, usual) {
    const value = options.useGrouping;
    if (value === undefined) return usual;
    if (value === true) return "always";
    if (!value) return "false";
    const text = `${value}`;
    if (text === "true" || text === "false") return usual;
    if (!["min2", "auto", "always"].includes(text)) throw wrong(text, SERVICE, "useGrouping");
    return text;
  }

  /** What is asked for, in the host's terms. */
  function read(locales, options) {
    const into = create(null);
    into.locales = canonical(locales);
    options = coerced(options, SERVICE);
    matcher(options, SERVICE);
    into.numberingSystem = keyword(options, "numberingSystem");
    into.style = choice(options, "style", ["decimal", "percent", "currency", "unit"], "decimal", SERVICE);
    readCurrency(into, options);
    readUnit(into, options);
    into.notation = choice(options, "notation", ["standard", "scientific", "engineering", "compact"], "standard", SERVICE);
    const [least, most] = usualDigits(into);
    readDigits(into, options, least, most, into.notation, SERVICE);
    const compact = choice(options, "compactDisplay", ["short", "long"], "short", SERVICE);
    if (into.notation === "compact") into.compactDisplay = compact;
    into.useGrouping = grouping(options, into.notation === "compact" ? "min2" : "auto");
    into.signDisplay = choice(options, "signDisplay", ["auto", "never", "always", "exceptZero", "negative"], "auto", SERVICE);
    return into;
  }

  /** The same as it goes to the host. */
  function request(locales, options) {
    return bytesOf(read(locales, options));
  }

  function format(asked, value) {
    const head = `{"number":"${numeral(value)}","sizes":[${asked.length}]}`;
    return native.utf8Decode(send("intl:number.format", head, asked));
  }

  function limit(value, name) {
    const found = numeral(value);
    if (found === "NaN") throw new RangeError(`Invalid ${name} : ${value}`);
    return found;
  }

  function range(operation, asked, start, end) {
    if (start === undefined || end === undefined) {
      throw new TypeError(`Invalid ${start === undefined ? "start" : "end"} : undefined`);
    }
    return [`number.${operation}`, { __proto__: null, start: limit(start, "start"), end: limit(end, "end") }, asked];
  }

  function NumberFormat() {
    const self = new.target ? this : create(NumberFormat.prototype), options = read(arguments[0], arguments[1]);
    const asked = bytesOf(options);
    new slots(self, { options, asked, resolved: known("number.resolve", {}, asked), bound: undefined });
    return self;
  }

  exposed(NumberFormat, {
    resolvedOptions() {
      const { options, resolved } = slotsOf(slots, this, "Intl.NumberFormat.prototype.resolvedOptions");
      const found = { locale: resolved.locale, numberingSystem: resolved.numberingSystem };
      for (const name of SHOWN) if (options[name] !== undefined) found[name] = options[name];
      if (options.rounding === "compact") {
        Object.assign(found, { minimumFractionDigits: 0, maximumFractionDigits: 0 });
        Object.assign(found, { minimumSignificantDigits: 1, maximumSignificantDigits: 2 });
      }
      found.useGrouping = options.useGrouping === "false" ? false : options.useGrouping;
      found.notation = options.notation;
      if (options.compactDisplay) found.compactDisplay = options.compactDisplay;
      for (const name of ["signDisplay", "roundingMode", "roundingIncrement", "trailingZeroDisplay"]) found[name] = options[name];
      found.roundingPriority = options.rounding === "compact" ? "morePrecision"
        : options.rounding.endsWith("Precision") ? options.rounding : "auto";
      return found;
    },
    formatToParts(value) {
      const { asked } = slotsOf(slots, this, "Intl.NumberFormat.prototype.formatToParts");
      return known("number.parts", { __proto__: null, number: numeral(value) }, asked);
    },
    get format() {
      const own = slotsOf(slots, this, "get Intl.NumberFormat.prototype.format");
      return (own.bound ??= Object.defineProperty((value) => format(own.asked, value), "name", { value: "" }));
    },
    formatRange(start, end) {
      const { asked } = slotsOf(slots, this, "Intl.NumberFormat.prototype.formatRange");
      return told(...range("range", asked, start, end));
    },
    formatRangeToParts(start, end) {
      const { asked } = slotsOf(slots, this, "Intl.NumberFormat.prototype.formatRangeToParts");
      return known(...range("rangeParts", asked, start, end));
    },
  });
  return { NumberFormat, format, request };
}
