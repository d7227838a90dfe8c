// The order of texts in ASCII where a language has the usual one: most comparisons, without asking the host.
(native, shared) => {
  "use strict";
  const ORDER = "\t\n\v\f\r _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$0123456789abcdefghijklmnopqrstuvwxyz";
  const USUAL = { __proto__: null };
  for (const tag of ["en", "en-US", "en-GB", "de", "de-DE", "es", "es-ES", "fr", "fr-FR", "it", "it-IT", "nl", "pt", "pt-BR"]) {
    USUAL[tag] = true;
  }
  const ranks = { __proto__: null };
  for (let i = 0; i < ORDER.length; i++) ranks[ORDER[i]] = ranks[ORDER[i].toUpperCase()] = i;

  /** -1, 0 or 1, as letters and signs come one after the other and small letters before large; undefined beyond ASCII. */
  function compare(left, right) {
    const most = left.length < right.length ? right.length : left.length;
    let order = 0, cased = 0;
    for (let i = 0; i < most; i++) {
      const a = left[i], b = right[i], first = ranks[a], second = ranks[b];
      if ((first === undefined && a !== undefined) || (second === undefined && b !== undefined)) return undefined;
      if (order !== 0 || a === b) continue;
      if (first === undefined || second === undefined) order = first === undefined ? -1 : 1;
      else if (first !== second) order = first < second ? -1 : 1;
      else if (cased === 0) cased = a > b ? -1 : 1;
    }
    return order || cased;
  }

  /** Whether what is asked for is that order. */
  function isUsual(asked) {
    for (const name in asked) {
      if (name !== "locales" && name !== "usage" && asked[name] !== undefined) return false;
    }
    return asked.usage === "sort" && (asked.locales.length === 0 || USUAL[asked.locales[0]] === true);
  }

  return { compare, isUsual };
}
