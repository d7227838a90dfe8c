// One component of a pattern: its parts, the regular expression they make, and its text in normal form (URL Pattern).
(native, shared) => {
  "use strict";
  const { refuse, tokenize } = shared.use("patterns/tokens");
  const NAMED = /^[\p{ID_Continue}$\u200c\u200d]/u;
  const escapeRegExp = (text) => text.replace(/[\0-/:-@[-`{-\x7f]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`);
  const escapePattern = (text) => text.replace(/[+*?:{}()\\]/g, "\\$&");
  const isNumbered = (name) => typeof name === "number";

  /** Reads parts: {type, value, modifier, name, prefix, suffix}; type "text", "regexp", "segment" or "all". */
  class Reader {
    #text;
    #tokens;
    #at = 0;
    #encode;
    #options;
    #pending = "";
    #numbered = 0;
    parts = [];

    constructor(text, encode, options) {
      this.#text = text;
      this.#tokens = tokenize(text);
      this.#encode = encode;
      this.#options = options;
    }

    #take(type) {
      return this.#tokens[this.#at].type === type ? this.#tokens[this.#at++] : null;
    }

    #need(type) {
      const token = this.#tokens[this.#at];
      if (!this.#take(type)) refuse(this.#text, token.at, `${type} expected, not ${token.type}`);
    }

    #takeGroup(name) {
      return this.#take("regexp") ?? (name ? null : this.#take("asterisk"));
    }

    #takeModifier() {
      return (this.#take("modifier") ?? this.#take("asterisk"))?.value ?? "";
    }

    #takeText() {
      let text = "";
      for (let token; (token = this.#take("char") ?? this.#take("escaped"));) text += token.value;
      return text;
    }

    #flush() {
      if (!this.#pending) return;
      const value = this.#encode(this.#pending);
      this.#pending = "";
      this.parts.push({ type: "text", value, modifier: "", name: "", prefix: "", suffix: "" });
    }

    read() {
      while (this.#tokens[this.#at].type !== "end") {
        const char = this.#take("char"), name = this.#take("name"), group = this.#takeGroup(name);
        if (name || group) {
          let prefix = char?.value ?? "";
          if (prefix && prefix !== this.#options.prefix) {
            this.#pending += prefix;
            prefix = "";
          }
          this.#flush();
          this.#add(prefix, name, group, "", this.#takeModifier());
          continue;
        }
        const plain = char ?? this.#take("escaped");
        if (plain) this.#pending += plain.value;
        else if (this.#take("open")) this.#braced();
        else this.#need("end");
      }
      this.#flush();
      return this.parts;
    }

    #braced() {
      const prefix = this.#takeText(), name = this.#take("name"), group = this.#takeGroup(name), suffix = this.#takeText();
      this.#need("close");
      this.#add(prefix, name, group, suffix, this.#takeModifier());
    }

    #add(prefix, name, group, suffix, modifier) {
      if (!name && !group && !modifier) {
        this.#pending += prefix;
        return;
      }
      this.#flush();
      if (!name && !group) {
        if (prefix) {
          this.parts.push({ type: "text", value: this.#encode(prefix), modifier, name: "", prefix: "", suffix: "" });
        }
        return;
      }
      const { segment } = this.#options;
      let value = !group ? segment : group.type === "asterisk" ? ".*" : group.value;
      const type = value === segment ? "segment" : value === ".*" ? "all" : "regexp";
      if (type !== "regexp") value = "";
      const called = name ? name.value : this.#numbered++;
      if (this.parts.some((part) => part.type !== "text" && `${part.name}` === `${called}`)) {
        refuse(this.#text, name?.at ?? 0, `the name ${called} is there twice`);
      }
      this.parts.push({ type, value, modifier, name: called, prefix: this.#encode(prefix), suffix: this.#encode(suffix) });
    }
  }

  function expressionOf(part, { segment }) {
    const { modifier, prefix, suffix, type } = part;
    if (type === "text") return modifier ? `(?:${escapeRegExp(part.value)})${modifier}` : escapeRegExp(part.value);
    const value = type === "segment" ? segment : type === "all" ? ".*" : part.value;
    const isOnce = modifier === "" || modifier === "?", [before, after] = [escapeRegExp(prefix), escapeRegExp(suffix)];
    if (!prefix && !suffix) return isOnce ? `(${value})${modifier}` : `((?:${value})${modifier})`;
    if (isOnce) return `(?:${before}(${value})${after})${modifier}`;
    return `(?:${before}((?:${value})(?:${after}${before}(?:${value}))*)${after})${modifier === "*" ? "?" : ""}`;
  }

  /** Whether a part is to be in braces for its text to be read as it is. */
  function needsBraces(part, previous, next, { prefix: usual }) {
    const { modifier, name, prefix, suffix, type } = part;
    if (suffix || (prefix && prefix !== usual)) return true;
    if (!isNumbered(name) && type === "segment" && !modifier && next && !next.prefix && !next.suffix) {
      if (next.type === "text" ? NAMED.test(next.value) : isNumbered(next.name)) return true;
    }
    return Boolean(!prefix && usual && previous?.type === "text" && previous.value.endsWith(usual));
  }

  function textOf(parts, options) {
    let text = "";
    parts.forEach((part, i) => {
      const { modifier, name, prefix, suffix, type, value } = part, previous = parts[i - 1];
      if (type === "text") {
        text += modifier ? `{${escapePattern(value)}}${modifier}` : escapePattern(value);
        return;
      }
      const braces = needsBraces(part, previous, parts[i + 1], options), isNamed = !isNumbered(name);
      text += `${braces ? "{" : ""}${escapePattern(prefix)}${isNamed ? `:${name}` : ""}`;
      if (type === "regexp") text += `(${value})`;
      else if (type === "segment" && !isNamed) text += `(${options.segment})`;
      else if (type === "all") {
        const isPlain = !isNamed && (!previous || previous.type === "text" || previous.modifier || braces || prefix);
        text += isPlain ? "*" : "(.*)";
      }
      if (type === "segment" && isNamed && NAMED.test(suffix)) text += "\\";
      text += `${escapePattern(suffix)}${braces ? "}" : ""}${modifier}`;
    });
    return text;
  }

  /** What matches a component, and its text. */
  function compile(text, encode, { delimiter = "", prefix = "", ignoreCase = false } = {}) {
    const options = { prefix, segment: delimiter ? `[^\\${delimiter}]+?` : "[^]+?" };
    const parts = new Reader(text, encode, options).read();
    const groups = parts.filter((part) => part.type !== "text");
    let expression;
    try {
      expression = new RegExp(`^${parts.map((part) => expressionOf(part, options)).join("")}$`, ignoreCase ? "vi" : "v");
    } catch (error) {
      throw new TypeError(`Invalid pattern "${text}": ${error.message}`);
    }
    return {
      hasRegExpGroups: groups.some((part) => part.type === "regexp"),
      text: textOf(parts, options),
      match(input) {
        const found = expression.exec(input);
        if (!found) return null;
        return { input, groups: Object.fromEntries(groups.map((part, i) => [`${part.name}`, found[i + 1]])) };
      },
      matches: (input) => expression.test(input),
    };
  }

  return { compile, escapePattern };
}
