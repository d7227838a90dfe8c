// What the locale methods of dates, numbers, texts and arrays do; prelude/locales.js puts them in their places.
(native, shared) => {
  "use strict";
  const { use } = shared;
  const { apply } = Reflect;
  const { toLowerCase, toUpperCase } = String.prototype;
  const SPECIAL = /^(az|el|lt|tr)(?:-|$)/; // languages whose upper and lower case are not everybody's
  const made = { __proto__: null };
  const within = []; // the arrays that are being written: one within itself is nothing

  /** A request that is made once where it is a plain one: most are. */
  function plain(kind, locales, options, make) {
    const simple = options === undefined && (locales === undefined || typeof locales === "string");
    if (!simple) return make();
    const key = `${kind} ${locales ?? ""}`;
    return (made[key] ??= make());
  }

  function date(moment, required, defaults, locales, options) {
    if (Number.isNaN(moment)) return "Invalid Date";
    const { format, request } = use("intl/date");
    return format(plain(required + defaults, locales, options, () => request(locales, options, required, defaults)), moment);
  }

  function number(value, locales, options) {
    const { format, request } = use("intl/number");
    return format(plain("number", locales, options, () => request(locales, options)), value);
  }

  function compare(left, right, locales, options) {
    const { compare, request } = use("intl/collator");
    return compare(plain("collator", locales, options, () => request(locales, options)), left, right);
  }

  function changeCase(text, to, locales) {
    const tag = locales === undefined ? undefined : use("intl/requests").canonical(locales)[0];
    const language = SPECIAL.exec(tag ?? "")?.[1];
    if (!language) return apply(to === "Upper" ? toUpperCase : toLowerCase, text, []);
    return use("intl/requests").told("case", { __proto__: null, language, to }, native.utf8Encode(text));
  }

  /** The elements, each as the locale has it, with commas between. */
  function list(array, length, locales, options) {
    for (let i = 0; i < within.length; i++) if (within[i] === array) return "";
    within[within.length] = array;
    try {
      let text = "";
      for (let i = 0; i < length; i++) {
        const element = array[i];
        if (i) text += ",";
        if (element !== undefined && element !== null) text += element.toLocaleString(locales, options);
      }
      return text;
    } finally {
      within.length--;
    }
  }

  return { changeCase, compare, date, list, number };
}
