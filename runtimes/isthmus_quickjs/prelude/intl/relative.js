// Intl.RelativeTimeFormat.
(native, shared) => {
  "use strict";
  const { create } = Object;
  const {
    brand, bytesOf, canonical, choice, coerced, exposed, keyword, known, matcher, needNew, slotsOf, told,
  } = shared.use("intl/requests");
  const SERVICE = "Intl.RelativeTimeFormat";
  const UNIT = /^(second|minute|hour|day|week|month|quarter|year)s?$/;
  const slots = brand();

  function read(locales, options) {
    const into = create(null);
    into.locales = canonical(locales);
    options = coerced(options, SERVICE);
    matcher(options, SERVICE);
    into.numberingSystem = keyword(options, "numberingSystem");
    into.style = choice(options, "style", ["long", "short", "narrow"], "long", SERVICE);
    into.numeric = choice(options, "numeric", ["always", "auto"], "always", SERVICE);
    return into;
  }

  function fieldsOf(value, unit, method) {
    const number = Number(value), name = UNIT.exec(`${unit}`)?.[1];
    if (name === undefined) throw new RangeError(`Invalid unit argument for ${method}() '${unit}'`);
    if (!Number.isFinite(number)) throw new RangeError(`Value need to be finite number for ${method}()`);
    return { __proto__: null, value: Math.abs(number), negative: number < 0 || Object.is(number, -0), unit: name };
  }

  function RelativeTimeFormat() {
    needNew(new.target, SERVICE);
    const options = read(arguments[0], arguments[1]), asked = bytesOf(options);
    new slots(this, { options, asked, resolved: known("relative.resolve", {}, asked) });
  }

  return {
    RelativeTimeFormat: exposed(RelativeTimeFormat, {
      resolvedOptions() {
        const { options, resolved } = slotsOf(slots, this, "Intl.RelativeTimeFormat.prototype.resolvedOptions");
        const { style, numeric } = options, { locale, numberingSystem } = resolved;
        return { locale, style, numeric, numberingSystem };
      },
      format(value, unit) {
        const method = "Intl.RelativeTimeFormat.prototype.format", { asked } = slotsOf(slots, this, method);
        return told("relative.format", fieldsOf(value, unit, method), asked);
      },
      formatToParts(value, unit) {
        const method = "Intl.RelativeTimeFormat.prototype.formatToParts", { asked } = slotsOf(slots, this, method);
        return known("relative.parts", fieldsOf(value, unit, method), asked);
      },
    }),
  };
}
