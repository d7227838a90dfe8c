// Intl.Collator, and the comparison that localeCompare makes.
(native, shared) => {
  "use strict";
  const { create } = Object;
  const { ask } = shared.use("ask");
  const { brand, bytesOf, canonical, choice, coerced, exposed, flag, keyword, known, matcher, slotsOf } = shared.use("intl/requests");
  const ascii = shared.use("intl/ascii");
  const SERVICE = "Intl.Collator";
  const slots = brand();

  function read(locales, options) {
    const into = create(null);
    into.locales = canonical(locales);
    options = coerced(options, SERVICE);
    into.usage = choice(options, "usage", ["sort", "search"], "sort", SERVICE);
    matcher(options, SERVICE);
    into.collation = keyword(options, "collation");
    const numeric = flag(options, "numeric");
    into.numeric = numeric === undefined ? undefined : `${numeric}`;
    into.caseFirst = choice(options, "caseFirst", ["upper", "lower", "false"], undefined, SERVICE);
    into.sensitivity = choice(options, "sensitivity", ["base", "accent", "case", "variant"], undefined, SERVICE);
    into.ignorePunctuation = flag(options, "ignorePunctuation");
    return into;
  }

  /** What is asked for, as it goes to the host, and whether that may be left alone with ASCII. */
  function request(locales, options) {
    const asked = read(locales, options);
    return { __proto__: null, bytes: bytesOf(asked), usual: ascii.isUsual(asked) };
  }

  function compare({ bytes, usual }, left, right) {
    const order = usual ? ascii.compare(left, right) : undefined;
    if (order !== undefined) return order;
    return ask("intl:collator.compare", {}, bytes, native.utf8Encode(left), native.utf8Encode(right))[0] - 1;
  }

  function Collator() {
    const self = new.target ? this : create(Collator.prototype), asked = request(arguments[0], arguments[1]);
    new slots(self, { asked, resolved: known("collator.resolve", {}, asked.bytes), bound: undefined });
    return self;
  }

  exposed(Collator, {
    resolvedOptions() {
      return { ...slotsOf(slots, this, "Intl.Collator.prototype.resolvedOptions").resolved };
    },
    get compare() {
      const own = slotsOf(slots, this, "get Intl.Collator.prototype.compare");
      const bound = (left, right) => compare(own.asked, `${left}`, `${right}`);
      return (own.bound ??= Object.defineProperty(bound, "name", { value: "" }));
    },
  }, "collation");
  return { Collator, compare, request };
}
