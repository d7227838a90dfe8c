// Intl (ECMA-402): its parts are made when the code names them or when first touched; ICU, with the host, does the work.
(native, shared) => {
  "use strict";
  const { defineProperty } = Object;
  const { use } = shared;
  const PARTS = {
    __proto__: null,
    DateTimeFormat: "intl/date", NumberFormat: "intl/number", Collator: "intl/collator", PluralRules: "intl/plural",
    RelativeTimeFormat: "intl/relative", ListFormat: "intl/list", Locale: "intl/locale", DisplayNames: "intl/names",
    Segmenter: "intl/segmenter",
  };
  const Intl = {};

  function put(name, value) {
    defineProperty(Intl, name, { __proto__: null, value, writable: true, configurable: true, enumerable: false });
  }

  function offer(name, make) {
    defineProperty(Intl, name, {
      __proto__: null,
      get() {
        put(name, make());
        return Intl[name];
      },
      set: (value) => put(name, value),
      configurable: true,
      enumerable: false,
    });
  }

  const functions = {
    getCanonicalLocales(locales) {
      return use("intl/requests").canonical(locales);
    },

    supportedValuesOf(key) {
      return use("intl/values").supportedValuesOf(`${key}`);
    },
  };
  for (const name in functions) put(name, functions[name]);
  for (const name in PARTS) offer(name, () => use(PARTS[name])[name]);
  defineProperty(Intl, Symbol.toStringTag, { value: "Intl", configurable: true });

  /** Makes what the code names, so that it is in its image. */
  function prepare(code) {
    for (const name in PARTS) if (code.includes(name)) use(PARTS[name]);
  }

  return { Intl, prepare };
}
