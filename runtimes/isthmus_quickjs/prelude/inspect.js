// Shows values as Node's util.inspect does.  No getter, proxy trap or toString of the author's runs, but a method that asks.
(native, shared) => {
  "use strict";
  const { getOwnPropertyDescriptor, getOwnPropertyNames, getOwnPropertySymbols, getPrototypeOf, hasOwn, is } = Object;
  const { apply, ownKeys } = Reflect;
  const { isArray } = Array;
  const CUSTOM = Symbol.for("nodejs.util.inspect.custom");
  const WIDTH = 80, ITEMS = 100, CHARACTERS = 10000, BYTES = 50;
  const ESCAPED = /[\0-\x1f'\\\x7f-\x9f]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
  const SHORT = { __proto__: null, "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", "\\": "\\\\", "'": "\\'" };
  const plural = (count, noun) => `${count} ${noun}${count > 1 ? "s" : ""}`;
  const more = (count, noun) => `... ${count} more ${noun}${count > 1 ? "s" : ""}`;
  const sizeOf = (collection, prototype) => apply(getOwnPropertyDescriptor(prototype, "size").get, collection, []);

  /** The value of a data property, wherever on the prototype chain; undefined behind an accessor or a proxy. */
  function find(object, key) {
    for (let at = object; at !== null; at = getPrototypeOf(at)) {
      if (native.proxyTarget(at) !== undefined) return undefined;
      const found = getOwnPropertyDescriptor(at, key);
      if (found) return found.value;
    }
    return undefined;
  }

  function isBelow(object, prototype) {
    for (let at = object; at !== null && native.proxyTarget(at) === undefined;) {
      at = getPrototypeOf(at);
      if (at === prototype) return true;
    }
    return false;
  }

  /** The name of the constructor it has from the nearest prototype that tells one; null without any prototype. */
  function constructorOf(object) {
    if (getPrototypeOf(object) === null) return null;
    for (let at = object; at !== null && native.proxyTarget(at) === undefined; at = getPrototypeOf(at)) {
      const made = getOwnPropertyDescriptor(at, "constructor")?.value;
      if (typeof made !== "function" || native.proxyTarget(made) !== undefined) continue;
      const name = find(made, "name"), prototype = getOwnPropertyDescriptor(made, "prototype")?.value;
      if (typeof name === "string" && name && isBelow(object, prototype)) return name;
    }
    return `${native.classOf(object)} <Complex prototype>`;
  }

  function quoted(text) {
    let quote = "'";
    if (text.includes("'")) {
      if (!text.includes('"')) quote = '"';
      else if (!text.includes("`") && !text.includes("${")) quote = "`";
    }
    return quote + text.replace(ESCAPED, (c) => c === "'" && quote !== "'" ? c : escaped(c)) + quote;
  }

  function escaped(character) {
    const code = character.charCodeAt(0);
    if (SHORT[character]) return SHORT[character];
    return code < 160 ? `\\x${code.toString(16).toUpperCase().padStart(2, "0")}` : `\\u${code.toString(16)}`;
  }

  function number(value) {
    return is(value, -0) ? "-0" : `${value}`;
  }

  /** What shows one value and all below it. */
  class Walk {
    constructor(depth, hidden) {
      this.depth = depth;
      this.hidden = hidden;
      this.indent = 0;
      this.deepest = 0;
      this.above = [];
      this.circles = new Map();
    }

    show(value, level) {
      switch (typeof value) {
        case "string": return this.string(value);
        case "number": return number(value);
        case "bigint": return `${value}n`;
        case "symbol": return apply(Symbol.prototype.toString, value, []);
        case "object":
        case "function": return value === null ? "null" : this.object(value, level);
        default: return String(value);
      }
    }

    string(text) {
      let rest = "";
      if (text.length > CHARACTERS) {
        rest = more(text.length - CHARACTERS, "character");
        text = text.slice(0, CHARACTERS);
      }
      if (text.length <= 16 || text.length <= WIDTH - this.indent - 4) return quoted(text) + rest;
      return text.split(/(?<=\n)/).map(quoted).join(` +\n${" ".repeat(this.indent + 2)}`) + rest;
    }

    object(value, level) {
      for (let target; (target = native.proxyTarget(value)) !== undefined; value = target) {
        if (target === null) return "<Revoked Proxy>";
      }
      const custom = find(value, CUSTOM);
      if (typeof custom === "function" && getOwnPropertyDescriptor(value, "constructor") === undefined) {
        const shown = apply(custom, value, [this.depth - level, { depth: this.depth - level }, inspect]);
        if (typeof shown === "string") return shown.replaceAll("\n", `\n${" ".repeat(this.indent)}`);
        if (shown !== value) return this.show(shown, level);
      }
      if (this.above.includes(value)) {
        if (!this.circles.has(value)) this.circles.set(value, this.circles.size + 1);
        return `[Circular *${this.circles.get(value)}]`;
      }
      return this.raw(value, level);
    }

    raw(value, level) {
      const kind = native.classOf(value), constructor = constructorOf(value);
      let tag = find(value, Symbol.toStringTag);
      if (typeof tag !== "string" || getOwnPropertyDescriptor(value, Symbol.toStringTag)?.enumerable) tag = "";
      const prefix = (fallback, size = "") => {
        const named = constructor === null ? `[${fallback}${size}: null prototype] ` : `${constructor}${size} `;
        return tag && tag !== (constructor ?? fallback) ? `${named}[${tag}] ` : named;
      };
      const view = ArrayBuffer.isView(value) && kind !== "DataView", list = isArray(value) || view;
      const keys = this.keys(value, list);
      let open = "{", close = "}", base = "", items = () => [];
      if (isArray(value)) {
        const { length } = value;
        open = constructor === "Array" && !tag ? "[" : `${prefix("Array", `(${length})`)}[`;
        close = "]";
        if (!length && !keys.length) return `${open}]`;
        items = () => this.array(value, level + 1);
      } else if (view) {
        open = `${prefix(kind, `(${value.length})`)}[`;
        close = "]";
        if (!value.length && !keys.length) return `${open}]`;
        items = () => this.numbers(value);
      } else if (kind === "Set" || kind === "Map") {
        const prototype = kind === "Set" ? Set.prototype : Map.prototype, size = sizeOf(value, prototype);
        open = `${prefix(kind, `(${size})`)}{`;
        if (!size && !keys.length) return `${open}}`;
        items = () => this.entries(value, prototype, size, level + 1);
      } else if (typeof value === "function") {
        base = this.callable(value, kind, constructor, tag);
        if (!keys.length) return base;
      } else if (kind === "Arguments") {
        open = "[Arguments] {";
      } else if (kind === "RegExp") {
        const part = (name) => apply(getOwnPropertyDescriptor(RegExp.prototype, name).get, value, []);
        base = `/${part("source")}/${part("flags")}`;
      } else if (kind === "Date") {
        const time = apply(Date.prototype.getTime, value, []);
        base = Number.isNaN(time) ? "Invalid Date" : apply(Date.prototype.toISOString, value, []);
      } else if (kind === "Error" || kind === "DOMException") {
        base = this.error(value, kind, prefix, keys);
      } else if (kind === "ArrayBuffer" || kind === "SharedArrayBuffer") {
        open = `${prefix(kind)}{`;
        items = () => [`[Uint8Contents]: <${hex(new Uint8Array(value), ITEMS)}>`, `byteLength: ${value.byteLength}`];
      } else if (kind === "DataView") {
        open = `${prefix(kind)}{`;
        const names = ["byteLength", "byteOffset", "buffer"];
        items = () => names.map((name) => `${name}: ${this.inside(value[name], level + 1)}`);
      } else if (kind === "Promise") {
        open = `${prefix(kind)}{`;
        items = () => [this.promise(value, level + 1)];
      } else if (kind === "WeakSet" || kind === "WeakMap") {
        open = `${prefix(kind)}{`;
        items = () => ["<items unknown>"];
      } else if (/^(Number|String|Boolean|BigInt|Symbol)$/.test(kind)) {
        const boxed = apply(globalThis[kind].prototype.valueOf, value, []);
        if (kind === "String") keys.splice(0, boxed.length);
        const of = constructor === kind ? "" : ` (${constructor ?? "null prototype"})`;
        base = `[${kind}${of}: ${this.show(boxed, level)}]`;
      } else {
        open = constructor === "Object" && !tag ? "{" : `${prefix("Object")}{`;
        if (!keys.length) return `${open}}`;
      }
      if (base && !keys.length) return base;
      if (level > this.depth) {
        const named = list && constructor === "Array" && !tag ? "Array" : prefix(list ? "Array" : "Object").slice(0, -1);
        return constructor === null ? named : `[${named}]`;
      }
      this.above.push(value);
      this.deepest = level + 1;
      const shown = items();
      for (const key of keys) shown.push(this.property(value, key, level + 1));
      this.above.pop();
      if (this.circles.has(value)) base = `<ref *${this.circles.get(value)}>${base && ` ${base}`}`;
      return this.joined(shown, base, open, close, list ? value : null, level + 1);
    }

    keys(value, list) {
      const names = this.hidden ? getOwnPropertyNames(value) : Object.keys(value);
      const symbols = getOwnPropertySymbols(value);
      // Indices come first, in order; an array's own names begin after them.
      const kept = list ? names.slice(firstName(names)) : names;
      if (symbols.length) kept.push(...symbols.filter((key) => this.hidden || getOwnPropertyDescriptor(value, key)?.enumerable));
      return this.hidden && typeof value === "function" ? kept.filter((key) => key !== "caller" && key !== "arguments") : kept;
    }

    inside(value, level) {
      this.indent += 2;
      const shown = this.show(value, level);
      this.indent -= 2;
      return shown;
    }

    described(found, level) {
      if (found.get) return found.set ? "[Getter/Setter]" : "[Getter]";
      return found.set ? "[Setter]" : this.inside(found.value, level);
    }

    property(object, key, level) {
      const found = getOwnPropertyDescriptor(object, key), shown = this.described(found, level);
      let name = key;
      if (typeof key === "symbol") name = `[${apply(Symbol.prototype.toString, key, []).replace(ESCAPED, escaped)}]`;
      else if (key === "__proto__") name = "['__proto__']";
      else if (!found.enumerable) name = `[${key}]`;
      else if (!/^[a-zA-Z_]\w*$/.test(key)) name = quoted(key);
      return `${name}: ${shown}`;
    }

    array(list, level) {
      const shown = [], { length } = list;
      let index = 0;
      while (index < length && shown.length < ITEMS) {
        const found = getOwnPropertyDescriptor(list, index);
        if (found) {
          shown.push(this.described(found, level));
          index++;
        } else {
          const next = this.nextIndex(list, index, length);
          shown.push(`<${plural(next - index, "empty item")}>`);
          index = next;
        }
      }
      if (index < length) shown.push(more(length - index, "item"));
      return shown;
    }

    nextIndex(list, index, length) {
      const names = Object.keys(list);
      const next = names.slice(0, firstName(names)).find((name) => name > index);
      return next === undefined ? length : Number(next);
    }

    numbers(list) {
      const shown = [];
      for (let i = 0; i < list.length && i < ITEMS; i++) shown.push(this.show(list[i], 0));
      if (list.length > ITEMS) shown.push(more(list.length - ITEMS, "item"));
      return shown;
    }

    entries(collection, prototype, size, level) {
      const shown = [];
      this.indent += 2;
      apply(prototype.forEach, collection, [(value, key) => {
        if (shown.length >= ITEMS) return;
        const entry = this.show(key, level);
        shown.push(prototype === Set.prototype ? entry : `${entry} => ${this.show(value, level)}`);
      }]);
      this.indent -= 2;
      if (size > ITEMS) shown.push(more(size - ITEMS, "item"));
      return shown;
    }

    promise(value, level) {
      const [state, result] = native.promise(value);
      return state === 0 ? "<pending>" : `${state === 2 ? "<rejected> " : ""}${this.inside(result, level)}`;
    }

    callable(value, kind, constructor, tag) {
      const name = find(value, "name");
      const tail = tag && constructor !== tag ? ` [${tag}]` : "";
      if (kind === "Function" && apply(Function.prototype.toString, value, []).startsWith("class")) {
        const parent = getPrototypeOf(value), above = parent === null ? "[null prototype]" : find(parent, "name");
        return `[class ${name || "(anonymous)"}${tail}${above ? ` extends ${above}` : ""}]`;
      }
      const type = constructor === null ? `${kind} (null prototype)` : kind;
      const of = constructor === kind || constructor === null ? "" : ` ${constructor}`;
      return `[${type}${name ? `: ${name}` : " (anonymous)"}]${of}${tail}`;
    }

    error(value, kind, prefix, keys) {
      const told = (key, fallback) => {
        const found = find(value, key);
        return typeof found === "string" ? found : fallback;
      };
      const name = kind === "Error" ? told("name", "Error") : value.name;
      const message = kind === "Error" ? told("message", "") : value.message;
      let shown = getOwnPropertyDescriptor(value, "stack")?.value;
      if (typeof shown !== "string" || kind !== "Error") {
        const frames = shared.framesOf(value);
        const head = kind === "Error" ? name : `DOMException [${name}]`;
        shown = `${head}${message && `: ${message}`}${frames && `\n${frames}`}`;
      }
      const rest = shown.slice(name.length);
      if (kind === "Error" && name.endsWith("Error") && shown.startsWith(name) && /^(:|\n|$)/.test(rest)) {
        // A class that has not told its errors their name tells it itself.
        const named = prefix("Error").slice(0, -1);
        if (named !== name) shown = `${named}${named.includes(name) ? "" : ` [${name}]`}${rest}`;
      }
      for (const key of ["name", "message", "stack"]) {
        const at = keys.indexOf(key);
        if (at >= 0 && shown.includes(String(getOwnPropertyDescriptor(value, key).value))) keys.splice(at, 1);
      }
      for (const key of ["cause", "errors"]) if (hasOwn(value, key) && !keys.includes(key)) keys.push(key);
      if (!/\n {4}at /.test(shown)) shown = `[${shown}]`;
      return shown.replaceAll("\n", `\n${" ".repeat(this.indent)}`);
    }

    joined(shown, base, open, close, list, level) {
      const count = shown.length;
      if (list && count > 6) shown = this.grouped(shown, list);
      if (this.deepest - level < 3 && count === shown.length) {
        let length = 2 * count + this.indent + open.length + base.length + 10;
        for (const text of shown) length += text.length;
        const line = `${base && `${base} `}${open} ${shown.join(", ")} ${close}`;
        if (length <= WIDTH && !line.includes("\n")) return line;
      }
      const indentation = `\n${" ".repeat(this.indent)}`;
      return `${base && `${base} `}${open}${indentation}  ${shown.join(`,${indentation}  `)}${indentation}${close}`;
    }

    /** More than six items of an array stand in columns, where they are of much the same length. */
    grouped(shown, list) {
      const count = shown.length > ITEMS ? shown.length - 1 : shown.length;
      const lengths = shown.slice(0, count).map((text) => [...text].length);
      const longest = Math.max(...lengths), column = longest + 2;
      const total = lengths.reduce((sum, length) => sum + length + 2, 0);
      if (column * 3 + this.indent >= WIDTH || (total / column <= 5 && longest > 6)) return shown;
      const biased = Math.max(column - 3 - Math.sqrt(column - total / shown.length), 1);
      const columns = Math.min(
        Math.round(Math.sqrt(2.5 * biased * count) / biased), Math.floor((WIDTH - this.indent) / column), 12, 15,
      );
      if (columns <= 1) return shown;
      const widths = [];
      for (let i = 0; i < columns; i++) {
        let widest = 0;
        for (let j = i; j < count; j += columns) widest = Math.max(widest, lengths[j]);
        widths.push(widest + 2);
      }
      let numeric = true;
      for (let i = 0; i < shown.length && numeric; i++) {
        const type = typeof getOwnPropertyDescriptor(list, i)?.value;
        numeric = type === "number" || type === "bigint";
      }
      const rows = [];
      for (let i = 0; i < count; i += columns) {
        const last = Math.min(i + columns, count) - 1;
        let row = "";
        for (let j = i; j <= last; j++) {
          const text = j < last ? `${shown[j]}, ` : shown[j];
          const width = widths[j - i] + shown[j].length - lengths[j] - (j < last ? 0 : 2);
          row += numeric ? text.padStart(width) : j < last ? text.padEnd(width) : text;
        }
        rows.push(row);
      }
      if (count < shown.length) rows.push(shown[count]);
      return rows;
    }
  }

  /** How many of an array's property names are indices: they come first. */
  function firstName(names) {
    let low = 0, high = names.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (/^(0|[1-9]\d{0,9})$/.test(names[middle]) && names[middle] < 4294967295) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  function hex(bytes, most) {
    const shown = native.hexEncode(bytes.subarray(0, most)).replace(/..(?!$)/g, "$& ");
    return bytes.length > most ? `${shown} ${more(bytes.length - most, "byte")}` : shown;
  }

  function inspect(value, { depth = 2, showHidden = false } = {}) {
    return new Walk(depth ?? Infinity, showHidden).show(value, 0);
  }

  /** Something to show in place of an instance whose state is private: these properties, under the class's name. */
  function look(made, properties) {
    const shown = Object.create(made.prototype, { [CUSTOM]: { value: undefined } });
    for (const key of ownKeys(properties)) {
      Object.defineProperty(shown, key, { value: properties[key], enumerable: true, configurable: true });
    }
    return shown;
  }

  return { find, hex: (bytes) => hex(bytes, BYTES), inspect, look, number };
}
