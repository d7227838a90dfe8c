// Headers as node-fetch 2 has them: WHATWG's, and raw().
(native, shared) => {
  "use strict";
  const { expose } = shared.use("idl");
  const TOKEN = /^[\^`\-\w!#$%&'*+.|~]+$/, VALUE = /[^\t\x20-\x7e\x80-\xff]/;

  function headerName(name) {
    name = `${name}`;
    if (!TOKEN.test(name)) throw new TypeError(`${name} is not a legal HTTP header name`);
    return name.toLowerCase();
  }

  function headerValue(value) {
    value = `${value}`.trim();
    if (VALUE.test(value)) throw new TypeError(`${value} is not a legal HTTP header value`);
    return value;
  }

  class Headers {
    #lists = new Map(); // lower-case name -> values

    constructor(init) {
      if (init === undefined || init === null) return;
      if (typeof init !== "object") throw new TypeError("Provided initializer must be an object");
      if (init instanceof Headers) {
        for (const [name, values] of init.#lists) this.#lists.set(name, [...values]);
      } else if (typeof init[Symbol.iterator] === "function") {
        for (const pair of init) {
          const [name, value, ...rest] = pair;
          if (rest.length || value === undefined) throw new TypeError("Each header pair must be a name/value tuple");
          this.append(name, value);
        }
      } else {
        for (const name of Object.keys(init)) this.set(name, init[name]);
      }
    }

    get(name) {
      return this.#lists.get(headerName(name))?.join(", ") ?? null;
    }

    has(name) {
      return this.#lists.has(headerName(name));
    }

    set(name, value) {
      this.#lists.set(headerName(name), [headerValue(value)]);
    }

    append(name, value) {
      const key = headerName(name), values = this.#lists.get(key);
      if (values) values.push(headerValue(value));
      else this.#lists.set(key, [headerValue(value)]);
    }

    delete(name) {
      this.#lists.delete(headerName(name));
    }

    forEach(callback, self) {
      for (const [name, value] of this) callback.call(self, value, name, this);
    }

    getSetCookie() {
      return [...(this.#lists.get("set-cookie") ?? [])];
    }

    raw() {
      return Object.fromEntries([...this.#lists].map(([name, values]) => [name, [...values]]));
    }

    *entries() {
      for (const name of [...this.#lists.keys()].sort()) yield [name, this.get(name)];
    }

    *keys() {
      for (const [name] of this.entries()) yield name;
    }

    *values() {
      for (const [, value] of this.entries()) yield value;
    }

    [Symbol.iterator]() {
      return this.entries();
    }

    /** JSON text of [[name, value], ...], each value on a line of its own, as it goes to the host. */
    static encode(headers) {
      let text = "";
      for (const [name, values] of headers.#lists) {
        for (const value of values) text += `${text && ","}[${shared.text(name)},${shared.text(value)}]`;
      }
      return `[${text}]`;
    }

    [Symbol.for("nodejs.util.inspect.custom")]() {
      return shared.use("inspect").look(Headers, Object.fromEntries(this));
    }
  }
  const encodeHeaders = Headers.encode;
  delete Headers.encode;
  expose(Headers);

  return { Headers, encodeHeaders };
}
