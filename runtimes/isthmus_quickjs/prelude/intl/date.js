// Intl.DateTimeFormat.
(native, shared) => {
  "use strict";
  const { create } = Object;
  const { now } = Date;
  const {
    brand, bytesOf, canonical, choice, coerced, exposed, flag, keyword, known, matcher, slotsOf, told, whole,
  } = shared.use("intl/requests");
  const { send } = shared.use("ask");
  const SERVICE = "Intl.DateTimeFormat";
  const FARTHEST = 8.64e15;
  const NUMBER = ["2-digit", "numeric"], WIDTH = ["narrow", "short", "long"], STYLE = ["full", "long", "medium", "short"];
  const FIELDS = {
    __proto__: null, weekday: WIDTH, era: WIDTH, year: NUMBER, month: ["2-digit", "numeric", "narrow", "short", "long"],
    day: NUMBER, dayPeriod: WIDTH, hour: NUMBER, minute: NUMBER, second: NUMBER, fractionalSecondDigits: null,
    timeZoneName: ["long", "short", "longOffset", "shortOffset", "longGeneric", "shortGeneric"],
  };
  const OF_DATE = ["weekday", "year", "month", "day"];
  const OF_TIME = ["dayPeriod", "hour", "minute", "second", "fractionalSecondDigits"];
  const USUAL = { __proto__: null, date: ["year", "month", "day"], time: ["hour", "minute", "second"] };
  USUAL.all = [...USUAL.date, ...USUAL.time];
  const slots = brand();

  function readFields(into, options) {
    let first;
    for (const name in FIELDS) {
      if (FIELDS[name]) into[name] = choice(options, name, FIELDS[name], undefined, SERVICE);
      else {
        const digits = whole(options[name], name, 1, 3);
        into[name] = digits === undefined ? undefined : `${digits}`;
      }
      if (into[name] !== undefined) first ??= name;
    }
    return first;
  }

  function readStyles(into, options, first, required) {
    for (const name of ["dateStyle", "timeStyle"]) into[name] = choice(options, name, STYLE, undefined, SERVICE);
    const style = into.dateStyle !== undefined ? "dateStyle" : into.timeStyle !== undefined ? "timeStyle" : undefined;
    if (style && first) throw new TypeError(`Can't set option ${first} when ${style} is used`);
    if (required === "date" && into.timeStyle !== undefined) throw new TypeError("Invalid option : timeStyle");
    if (required === "time" && into.dateStyle !== undefined) throw new TypeError("Invalid option : dateStyle");
    return style !== undefined;
  }

  /** What is asked for, in the host's terms; required and defaults say what is shown where the options do not. */
  function read(locales, options, required, defaults) {
    const into = create(null);
    into.locales = canonical(locales);
    options = coerced(options, SERVICE);
    matcher(options, SERVICE);
    into.calendar = keyword(options, "calendar");
    into.numberingSystem = keyword(options, "numberingSystem");
    into.hour12 = flag(options, "hour12");
    into.hourCycle = choice(options, "hourCycle", ["h11", "h12", "h23", "h24"], undefined, SERVICE);
    const zone = options.timeZone;
    if (zone !== undefined) into.timeZone = `${zone}`.slice(0, 4096);
    const first = readFields(into, options);
    choice(options, "formatMatcher", ["basic", "best fit"], "best fit", SERVICE);
    const styled = readStyles(into, options, first, required);
    const given = (name) => into[name] !== undefined;
    const enough = styled || (required !== "time" && OF_DATE.some(given)) || (required !== "date" && OF_TIME.some(given));
    if (!enough) for (const name of USUAL[defaults]) into[name] = "numeric";
    return into;
  }

  /** The same as it goes to the host. */
  function request(locales, options, required, defaults) {
    return bytesOf(read(locales, options, required, defaults));
  }

  function clipped(value) {
    const moment = value === undefined ? now() : Number(value);
    if (!(Math.abs(moment) <= FARTHEST)) throw new RangeError("Invalid time value");
    return Math.trunc(moment) + 0;
  }

  function format(asked, value) {
    return native.utf8Decode(send("intl:date.format", `{"date":${clipped(value)},"sizes":[${asked.length}]}`, asked));
  }

  function range(operation, asked, start, end) {
    if (start === undefined || end === undefined) throw new TypeError("Invalid time value");
    return [`date.${operation}`, { __proto__: null, start: clipped(Number(start)), end: clipped(Number(end)) }, asked];
  }

  function DateTimeFormat() {
    const self = new.target ? this : create(DateTimeFormat.prototype);
    const options = read(arguments[0], arguments[1], "any", "date"), asked = bytesOf(options);
    new slots(self, { options, asked, resolved: known("date.resolve", {}, asked), bound: undefined });
    return self;
  }

  exposed(DateTimeFormat, {
    resolvedOptions() {
      const { options, resolved } = slotsOf(slots, this, "Intl.DateTimeFormat.prototype.resolvedOptions");
      const { locale, calendar, numberingSystem, timeZone, hourCycle, fields } = resolved;
      const found = { locale, calendar, numberingSystem, timeZone };
      if (hourCycle !== null) {
        found.hourCycle = hourCycle;
        found.hour12 = hourCycle === "h11" || hourCycle === "h12";
      }
      for (const name in FIELDS) {
        if (fields[name] !== undefined) found[name] = FIELDS[name] ? fields[name] : Number(fields[name]);
      }
      for (const name of ["dateStyle", "timeStyle"]) if (options[name] !== undefined) found[name] = options[name];
      return found;
    },
    formatToParts(date) {
      const { asked } = slotsOf(slots, this, "Intl.DateTimeFormat.prototype.formatToParts");
      return known("date.parts", { __proto__: null, date: clipped(date) }, asked);
    },
    get format() {
      const own = slotsOf(slots, this, "get Intl.DateTimeFormat.prototype.format");
      return (own.bound ??= Object.defineProperty((date) => format(own.asked, date), "name", { value: "" }));
    },
    formatRange(start, end) {
      const { asked } = slotsOf(slots, this, "Intl.DateTimeFormat.prototype.formatRange");
      return told(...range("range", asked, start, end));
    },
    formatRangeToParts(start, end) {
      const { asked } = slotsOf(slots, this, "Intl.DateTimeFormat.prototype.formatRangeToParts");
      return known(...range("rangeParts", asked, start, end));
    },
  });
  return { DateTimeFormat, format, request };
}
