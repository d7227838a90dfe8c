// Intl.ListFormat.
(native, shared) => {
  "use strict";
  const { create } = Object;
  const { brand, bytesOf, canonical, choice, exposed, known, matcher, needed, needNew, slotsOf, told } = shared.use("intl/requests");
  const SERVICE = "Intl.ListFormat";
  const MOST = 5000; // items; nothing stops the host half way
  const slots = brand();

  function read(locales, options) {
    const into = create(null);
    into.locales = canonical(locales);
    options = needed(options, SERVICE);
    matcher(options, SERVICE);
    into.type = choice(options, "type", ["conjunction", "disjunction", "unit"], "conjunction", SERVICE);
    into.style = choice(options, "style", ["long", "short", "narrow"], "long", SERVICE);
    return into;
  }

  function itemsOf(list) {
    const items = [];
    if (list !== undefined) {
      for (const item of list) {
        if (typeof item !== "string") throw new TypeError(`Iterable yielded ${String(item)} which is not a string`);
        items[items.length] = item.toWellFormed();
      }
    }
    if (items.length > MOST) throw new RangeError(`A list of ${items.length} items, more than ${MOST}, can't be formatted`);
    return bytesOf(items);
  }

  function ListFormat() {
    needNew(new.target, SERVICE);
    const options = read(arguments[0], arguments[1]), asked = bytesOf(options);
    new slots(this, { options, asked, resolved: known("list.resolve", {}, asked) });
  }

  return {
    ListFormat: exposed(ListFormat, {
      resolvedOptions() {
        const { options, resolved } = slotsOf(slots, this, "Intl.ListFormat.prototype.resolvedOptions");
        return { locale: resolved.locale, type: options.type, style: options.style };
      },
      format(list) {
        const { asked } = slotsOf(slots, this, "Intl.ListFormat.prototype.format");
        return told("list.format", {}, asked, itemsOf(list));
      },
      formatToParts(list) {
        const { asked } = slotsOf(slots, this, "Intl.ListFormat.prototype.formatToParts");
        return known("list.parts", {}, asked, itemsOf(list));
      },
    }),
  };
}
