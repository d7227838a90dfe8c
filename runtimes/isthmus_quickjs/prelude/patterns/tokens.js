// A pattern's text in tokens (URL Pattern): what stands for itself, and what does not.
() => {
  "use strict";
  const ALONE = { __proto__: null, "*": "asterisk", "+": "modifier", "?": "modifier", "{": "open", "}": "close" };
  const NAME = /[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*/uy;

  function refuse(text, at, why) {
    throw new TypeError(`Invalid pattern "${text}" at ${at}: ${why}`);
  }

  /** Where a group that begins with a parenthesis ends; -1 where it is none, its reason told to refused(). */
  function groupEnd(text, at, refused) {
    let depth = 1, i = at + 1;
    if (text[i] === "?") return refused("a group begins with ?");
    for (; i < text.length; i++) {
      const c = text[i];
      if (c > "\x7f") return refused("a regular expression is ASCII");
      if (c === "\\") {
        if (++i >= text.length || text[i] > "\x7f") return refused("a backslash without a character");
      } else if (c === ")") {
        if (!--depth) return i === at + 1 ? refused("an empty group") : i + 1;
      } else if (c === "(") {
        depth++;
        if (text[i + 1] !== "?") return refused("a group within a group that captures");
      }
    }
    return refused("a group without an end");
  }

  /** Tokens, {type, at, value}, the last of type "end"; a lenient tokenizer has "invalid" ones where a strict one throws. */
  function tokenize(text, isLenient = false) {
    const tokens = [];
    for (let at = 0; at < text.length;) {
      let type = "char", value = String.fromCodePoint(text.codePointAt(at)), end = at + value.length;
      const refused = (why) => (isLenient ? -1 : refuse(text, at, why));
      if (value in ALONE) type = ALONE[value];
      else if (value === "\\") {
        if (end < text.length) {
          type = "escaped";
          value = String.fromCodePoint(text.codePointAt(end));
          end += value.length;
        } else {
          refused("a backslash without a character");
          type = "invalid";
        }
      } else if (value === ":") {
        NAME.lastIndex = end;
        const [name] = NAME.exec(text) ?? [];
        if (name) [type, value, end] = ["name", name, end + name.length];
        else {
          refused("a colon without a name");
          type = "invalid";
        }
      } else if (value === "(") {
        const closed = groupEnd(text, at, refused);
        if (closed > 0) [type, value, end] = ["regexp", text.slice(at + 1, closed - 1), closed];
        else type = "invalid";
      }
      tokens.push({ type, at, value });
      at = end;
    }
    tokens.push({ type: "end", at: text.length, value: "" });
    return tokens;
  }

  return { refuse, tokenize };
}
