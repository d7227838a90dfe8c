// RegExp.$1 and the like, which the engine does not have: what the last match found, for code that names them.
(native, shared) => {
  "use strict";
  const { defineProperty } = Object;
  const { apply } = Reflect;
  const { exec } = RegExp.prototype;
  const NAMES = { lastMatch: "$&", lastParen: "$+", leftContext: "$`", rightContext: "$'" };
  let last = { __proto__: null, lastMatch: "", lastParen: "", leftContext: "", rightContext: "", groups: [] }, input = "";

  function remember(found) {
    const [match, ...groups] = found, { index, input: text } = found;
    input = text;
    last = {
      __proto__: null, groups, lastMatch: match, lastParen: groups.at(-1) ?? "", leftContext: text.slice(0, index),
      rightContext: text.slice(index + match.length),
    };
  }

  function define(names, get, set = () => {}) {
    for (const name of names) defineProperty(RegExp, name, { __proto__: null, get, set, configurable: true });
  }

  const watched = {
    exec(text) {
      const found = apply(exec, this, [text]);
      if (found) remember(found);
      return found;
    },
  };
  defineProperty(RegExp.prototype, "exec", { value: watched.exec, writable: true, configurable: true });
  for (let i = 1; i < 10; i++) define([`$${i}`], () => last.groups[i - 1] ?? "");
  for (const name in NAMES) define([name, NAMES[name]], () => last[name]);
  define(["input", "$_"], () => input, (value) => void (input = `${value}`));

  // A line of output between a match and what reads it: the prelude's own matches are none of the author's.
  const { console } = shared.use("console");
  for (const name of Object.keys(console)) {
    const method = console[name];
    console[name] = (...values) => {
      const kept = [last, input];
      try {
        method(...values);
      } finally {
        [last, input] = kept;
      }
    };
  }
  return {};
}
