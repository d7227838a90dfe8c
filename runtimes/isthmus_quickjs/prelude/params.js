// URLSearchParams (WHATWG URL), also as the live view of a URL's query.
(native, shared) => {
  "use strict";
  const { expose, needArguments } = shared.use("idl");
  const { encode, parseForm } = shared.use("percent");
  const KEPT = /[^A-Za-z\d*\-._]/gu;
  const formEncode = (text) => encode(text, KEPT).replaceAll("%20", "+");
  const text = (value) => `${value}`.toWellFormed();

  function pairs(init) {
    if (init === undefined || init === null) return [];
    if (typeof init !== "object" && typeof init !== "function") return parseForm(text(init).replace(/^\?/, ""));
    if (typeof init[Symbol.iterator] !== "function") {
      const found = new Map(); // names that are one as text have the last value
      for (const key of Reflect.ownKeys(init)) {
        if (Object.getOwnPropertyDescriptor(init, key)?.enumerable) found.set(text(key), text(init[key]));
      }
      return [...found];
    }
    return Array.from(init, (pair) => {
      const isList = typeof pair === "object" && typeof pair?.[Symbol.iterator] === "function";
      const parts = isList ? [...pair] : [];
      if (parts.length !== 2) {
        const message = "Each query pair must be an iterable [name, value] tuple";
        throw shared.use("invalid").failure(TypeError, "ERR_INVALID_TUPLE", message);
      }
      return parts.map(text);
    });
  }

  class URLSearchParams {
    #list;
    #changed = null;

    constructor(init = undefined) {
      this.#list = pairs(init);
    }

    /** The view of a query; changed(query) is told of every change, and what is returned takes a new query. */
    static bind(params, changed) {
      params.#changed = changed;
      return (query) => {
        params.#list = parseForm(query);
      };
    }

    #tell() {
      this.#changed?.(this.toString());
    }

    get size() {
      return this.#list.length;
    }

    append(name, value) {
      needArguments(arguments, "name", "value");
      this.#list.push([text(name), text(value)]);
      this.#tell();
    }

    delete(name, value = undefined) {
      needArguments(arguments, "name");
      this.#list = this.#list.filter((pair) => pair[0] !== text(name) || (value !== undefined && pair[1] !== text(value)));
      this.#tell();
    }

    get(name) {
      needArguments(arguments, "name");
      return this.#list.find((pair) => pair[0] === text(name))?.[1] ?? null;
    }

    getAll(name) {
      needArguments(arguments, "name");
      return this.#list.filter((pair) => pair[0] === text(name)).map((pair) => pair[1]);
    }

    has(name, value = undefined) {
      needArguments(arguments, "name");
      return this.#list.some((pair) => pair[0] === text(name) && (value === undefined || pair[1] === text(value)));
    }

    set(name, value) {
      needArguments(arguments, "name", "value");
      const first = this.#list.find((pair) => pair[0] === text(name));
      if (first) {
        first[1] = text(value);
        this.#list = this.#list.filter((pair) => pair === first || pair[0] !== first[0]);
      } else {
        this.#list.push([text(name), text(value)]);
      }
      this.#tell();
    }

    sort() {
      this.#list.sort(([a], [b]) => (a < b ? -1 : Number(a > b)));
      this.#tell();
    }

    forEach(callback, self = undefined) {
      if (typeof callback !== "function") throw shared.use("invalid").wrongType("callback", "of type function", callback);
      for (const [name, value] of this) callback.call(self, value, name, this);
    }

    *entries() {
      for (let i = 0; i < this.#list.length; i++) yield [...this.#list[i]];
    }

    *keys() {
      for (const [name] of this.entries()) yield name;
    }

    *values() {
      for (const [, value] of this.entries()) yield value;
    }

    toString() {
      return this.#list.map(([name, value]) => `${formEncode(name)}=${formEncode(value)}`).join("&");
    }

    [Symbol.for("nodejs.util.inspect.custom")](depth, options, inspect) {
      const shown = this.#list.map(([name, value]) => `${inspect(name)} => ${inspect(value)}`);
      return shown.length ? `URLSearchParams { ${shown.join(", ")} }` : "URLSearchParams {}";
    }
  }
  const { bind } = URLSearchParams;
  delete URLSearchParams.bind;
  expose(URLSearchParams);
  Object.defineProperty(URLSearchParams.prototype, Symbol.iterator, {
    value: URLSearchParams.prototype.entries, writable: true, configurable: true,
  });

  return { URLSearchParams, bind };
}
