// The request that a source function's onRequest is handed.
(native, shared) => {
  "use strict";

  class ServerRequest {
    #raw;
    #json = undefined;
    #parsed = false;

    constructor(raw) {
      this.#raw = raw;
    }

    get method() {
      return this.#raw.method;
    }

    /** WHATWG Headers; their module, which most functions never need, is made when first asked for. */
    get headers() {
      return this.#own("headers", new (shared.use("headers").Headers)(this.#raw.headers));
    }

    get url() {
      return this.#own("url", new (shared.use("url").URL)(this.#raw.url));
    }

    /** The body as it came: text, or a Buffer where the bytes are no UTF-8. */
    get body() {
      const { base64 } = this.#raw;
      return base64 === undefined ? this.text() : this.#own("body", shared.use("buffer").Buffer.from(base64, "base64"));
    }

    text() {
      const { base64, text } = this.#raw;
      return base64 === undefined ? text ?? "" : native.utf8Decode(native.base64Decode(base64));
    }

    /** The body parsed, the same object each time; a form's fields, where it is a form. */
    json() {
      if (!this.#parsed) {
        const type = this.#raw.headers.find(([name]) => name.toLowerCase() === "content-type")?.[1] ?? "";
        this.#json = /^\s*application\/x-www-form-urlencoded\b/i.test(type) ? fields(this.text()) : shared.parse(this.text());
        this.#parsed = true;
      }
      return this.#json;
    }

    #own(name, value) {
      Object.defineProperty(this, name, { value, writable: true, configurable: true, enumerable: true });
      return value;
    }

    [Symbol.for("nodejs.util.inspect.custom")]() {
      const { headers, method, url } = this.#raw;
      const shown = { method, url, headers: Object.fromEntries(headers), body: this.text() };
      return shared.use("inspect").look(ServerRequest, shown);
    }
  }

  /** A form as a flat object: a field that comes more than once is an array. */
  function fields(text) {
    const found = {};
    for (const [name, value] of shared.use("percent").parseForm(text)) {
      const all = Object.hasOwn(found, name) ? [found[name], value].flat() : value;
      Object.defineProperty(found, name, { value: all, writable: true, configurable: true, enumerable: true });
    }
    return found;
  }

  /** The handler as the guest calls it, with the request as it came over the bridge. */
  function receiver(handler, code) {
    if (code.includes("headers")) shared.use("headers");
    if (code.includes("url")) shared.use("url");
    return async (raw, settings) => {
      const value = await handler(new ServerRequest(raw), settings);
      shared.made("segment")?.encode(); // what JSON can't hold fails the call, while there is a call to fail
      return value;
    };
  }

  return { receiver };
}
