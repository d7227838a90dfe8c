// Intl.DisplayNames.
(native, shared) => {
  "use strict";
  const { create } = Object;
  const { ask } = shared.use("ask");
  const { brand, bytesOf, canonical, choice, exposed, known, matcher, needed, needNew, slotsOf } = shared.use("intl/requests");
  const SERVICE = "Intl.DisplayNames";
  const TYPES = ["language", "region", "script", "currency", "calendar", "dateTimeField"];
  const FIELDS = [
    "era", "year", "quarter", "month", "weekOfYear", "weekday", "day", "dayPeriod", "hour", "minute", "second", "timeZoneName",
  ];
  const FORMS = {
    __proto__: null, region: /^(?:[a-z]{2}|\d{3})$/i, script: /^[a-z]{4}$/i, currency: /^[a-z]{3}$/i,
    calendar: /^[a-z\d]{3,8}(?:-[a-z\d]{3,8})*$/i, language: /^[a-z]{2,8}(?:-[a-z\d]{2,8})*$/i,
  };
  const slots = brand();

  function read(locales, options) {
    const into = create(null);
    into.locales = canonical(locales);
    if (options === undefined) throw new TypeError("The options of Intl.DisplayNames must have a type");
    options = needed(options, SERVICE);
    matcher(options, SERVICE);
    into.style = choice(options, "style", ["narrow", "short", "long"], "long", SERVICE);
    into.type = choice(options, "type", TYPES, undefined, SERVICE);
    if (into.type === undefined) throw new TypeError("The options of Intl.DisplayNames must have a type");
    const fallback = choice(options, "fallback", ["code", "none"], "code", SERVICE);
    into.languageDisplay = choice(options, "languageDisplay", ["dialect", "standard"], "dialect", SERVICE);
    return [into, fallback];
  }

  function canonicalCode(type, code) {
    if (type === "dateTimeField" ? !FIELDS.includes(code) : code.length > 150 || !FORMS[type].test(code)) {
      throw new RangeError(`Invalid ${type} code : ${code.slice(0, 150)}`);
    }
    if (type === "region" || type === "currency") return code.toUpperCase();
    if (type === "script") return code[0].toUpperCase() + code.slice(1).toLowerCase();
    if (type === "calendar") return code.toLowerCase();
    return type === "language" ? canonical(code)[0] : code;
  }

  function DisplayNames(locales, options) {
    needNew(new.target, SERVICE);
    const [asked, fallback] = read(locales, options), bytes = bytesOf(asked);
    new slots(this, { options: asked, fallback, asked: bytes, resolved: known("names.resolve", {}, bytes) });
  }

  return {
    DisplayNames: exposed(DisplayNames, {
      resolvedOptions() {
        const { options, fallback, resolved } = slotsOf(slots, this, "Intl.DisplayNames.prototype.resolvedOptions");
        const found = { locale: resolved.locale, style: options.style, type: options.type, fallback };
        if (options.type === "language") found.languageDisplay = options.languageDisplay;
        return found;
      },
      of(code) {
        const { options, fallback, asked } = slotsOf(slots, this, "Intl.DisplayNames.prototype.of");
        const wanted = canonicalCode(options.type, `${code}`);
        const answer = ask("intl:names.of", { __proto__: null, code: wanted }, asked);
        if (answer[0]) return native.utf8Decode(answer.slice(1));
        return fallback === "code" ? wanted : undefined;
      },
    }),
  };
}
