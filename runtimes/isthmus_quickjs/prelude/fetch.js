// fetch as node-fetch 2 has it: fetch, Headers, Request, Response, FetchError and AbortError.
(native, shared) => {
  "use strict";
  const { hasOwn } = Object;
  const { Headers, encodeHeaders } = shared.use("headers");
  const PLAIN_URL = /^https?:\/\/[a-z\d][a-z\d.-]*(:\d+)?([/?][\x21\x23-\x3b\x3d\x3f-\x5b\x5d\x5f\x61-\x7a~]*)?$/;
  const TEXT = "text/plain;charset=UTF-8";

  class FetchError extends Error {
    constructor(message, type, system) {
      super(message);
      this.type = type;
      if (system?.code) this.code = this.errno = system.code;
    }
  }

  class AbortError extends Error {
    constructor(message) {
      super(message);
      this.type = "aborted";
    }
  }
  for (const made of [FetchError, AbortError]) {
    Object.defineProperty(made.prototype, "name", { value: made.name, writable: true, configurable: true });
  }

  const isA = (value, module, name) => shared.made(module) && value instanceof shared.made(module)[name];

  /** What a body is as text or bytes, and the content type it goes under unless one is given. */
  function contentOf(body) {
    if (body === undefined || body === null) return { content: null };
    if (typeof body !== "object") return { content: `${body}`, type: TEXT };
    if (ArrayBuffer.isView(body)) return { content: new Uint8Array(body.buffer, body.byteOffset, body.byteLength).slice() };
    if (native.classOf(body) === "ArrayBuffer") return { content: new Uint8Array(body).slice() };
    if (isA(body, "params", "URLSearchParams")) {
      return { content: `${body}`, type: "application/x-www-form-urlencoded;charset=UTF-8" };
    }
    if (isA(body, "blob", "Blob")) return { content: shared.use("blob").bytesOf(body), type: body.type || undefined };
    if (isA(body, "blob", "FormData")) {
      return { content: body.getBuffer(), type: `multipart/form-data;boundary=${body.getBoundary()}` };
    }
    return { content: `${body}`, type: TEXT };
  }

  class Body {
    #content; // null, text, or bytes
    #used = false;
    #size;

    constructor(content, size = 0) {
      this.#content = content;
      this.#size = size;
    }

    get bodyUsed() {
      return this.#used;
    }

    /** null, or what yields the whole body in one piece. */
    get body() {
      if (this.#content === null) return null;
      const owner = this;
      return {
        async *[Symbol.asyncIterator]() {
          yield owner.buffer();
        },
      };
    }

    #take() {
      if (this.#used) throw new TypeError(`body used already for: ${this.url}`);
      this.#used = true;
      const content = this.#content ?? "";
      if (this.#size && this.#bytes(content).length > this.#size) {
        throw new FetchError(`content size at ${this.url} over limit: ${this.#size}`, "max-size");
      }
      return content;
    }

    #bytes(content) {
      return typeof content === "string" ? native.utf8Encode(content) : content;
    }

    async text() {
      const content = this.#take();
      return typeof content === "string" ? content : native.utf8Decode(content);
    }

    async json() {
      const text = await this.text();
      try {
        return shared.parse(text);
      } catch (error) {
        throw new FetchError(`invalid json response body at ${this.url} reason: ${error.message}`, "invalid-json");
      }
    }

    async buffer() {
      return shared.use("buffer").Buffer.from(this.#bytes(this.#take()));
    }

    async arrayBuffer() {
      return this.#bytes(this.#take()).slice().buffer;
    }

    async bytes() {
      return this.#bytes(this.#take()).slice();
    }

    async blob() {
      return new (shared.use("blob").Blob)([this.#bytes(this.#take())], { type: this.headers.get("content-type") ?? "" });
    }

    async textConverted() {
      throw new Error("textConverted() is not there, as without the package encoding; use a TextDecoder over arrayBuffer()");
    }

    static content(body) {
      if (body.#used) throw new Error("cannot clone body after it is used");
      return body.#content;
    }
  }
  const kept = Body.content;
  delete Body.content;

  class Response extends Body {
    constructor(body, { status = 200, statusText = "", headers, url = "", redirected = false, size = 0 } = {}) {
      const { content, type } = contentOf(body);
      super(content, size);
      const list = new Headers(headers);
      if (type && !list.has("content-type")) list.set("content-type", type);
      const fields = { headers: list, redirected, status, statusText, url };
      for (const name in fields) Object.defineProperty(this, name, { value: fields[name], enumerable: true });
    }

    get ok() {
      return this.status >= 200 && this.status < 300;
    }

    get type() {
      return "default";
    }

    clone() {
      return new Response(kept(this), this);
    }

    static json(value, init) {
      const headers = new Headers(init?.headers);
      if (!headers.has("content-type")) headers.set("content-type", "application/json");
      return new Response(shared.stringify(value), { ...init, headers });
    }

    static redirect(url, status = 302) {
      return new Response(null, { status, headers: { location: `${url}` } });
    }

    [Symbol.for("nodejs.util.inspect.custom")]() {
      const { headers, ok, redirected, status, statusText, url } = this;
      return shared.use("inspect").look(Response, { status, statusText, headers, ok, url, redirected });
    }
  }

  /** The URL as it goes out: WHATWG's form, without a fragment, its user and password aside. */
  function absolute(input) {
    const given = `${input?.href ?? input}`.trim();
    if (PLAIN_URL.test(given)) return [given, null];
    if (!/^[a-z][a-z\d+.-]*:/i.test(given)) throw new TypeError("Only absolute URLs are supported");
    if (!/^https?:/i.test(given)) throw new TypeError("Only HTTP(S) protocols are supported");
    const url = new (shared.use("url").URL)(given), { username, password } = url;
    url.hash = url.username = url.password = "";
    return [url.href, username || password ? `${decodeURIComponent(username)}:${decodeURIComponent(password)}` : null];
  }

  class Request extends Body {
    constructor(input, init = {}) {
      const from = input instanceof Request ? input : null;
      const [url, credentials] = from ? [from.url, null] : absolute(input);
      const method = `${init.method ?? from?.method ?? "GET"}`.toUpperCase();
      const hasBody = init.body !== undefined && init.body !== null;
      const { content, type } = hasBody || !from ? contentOf(init.body) : { content: kept(from) };
      if (content !== null && (method === "GET" || method === "HEAD")) {
        throw new TypeError("Request with GET/HEAD method cannot have body");
      }
      super(content, init.size ?? 0);
      const headers = new Headers(init.headers ?? from?.headers);
      if (type && !headers.has("content-type")) headers.set("content-type", type);
      if (credentials !== null && !headers.has("authorization")) {
        headers.set("authorization", `Basic ${native.base64Encode(native.utf8Encode(credentials), false)}`);
      }
      const signal = hasOwn(init, "signal") ? init.signal ?? null : from?.signal ?? null;
      if (signal !== null && typeof signal?.addEventListener !== "function") {
        throw new TypeError("Expected signal to be an instanceof AbortSignal");
      }
      const fields = {
        url, method, headers, signal, redirect: `${init.redirect ?? from?.redirect ?? "follow"}`,
        timeout: Number(init.timeout ?? from?.timeout ?? 0) || 0, size: Number(init.size ?? from?.size ?? 0) || 0,
      };
      for (const name in fields) Object.defineProperty(this, name, { value: fields[name], enumerable: true });
    }

    clone() {
      return new Request(this);
    }

    [Symbol.for("nodejs.util.inspect.custom")]() {
      const { headers, method, redirect, url } = this;
      return shared.use("inspect").look(Request, { method, url, headers, redirect });
    }
  }

  /** The operation's fields after id and op, as JSON text. */
  function encoded(request) {
    const { headers, method, redirect, url } = request;
    if (!headers.has("accept")) headers.set("accept", "*/*");
    let content = kept(request), base64 = "";
    if (content !== null && typeof content !== "string") {
      if (native.utf8Valid(content)) content = native.utf8Decode(content);
      else {
        content = native.base64Encode(content, false);
        base64 = ',"base64":true';
      }
    }
    const body = content === null ? "null" : shared.text(content);
    return `"url":${shared.text(url)},"method":${shared.text(method)},"headers":${encodeHeaders(headers)},` +
      `"body":${body}${base64},"redirect":${shared.text(redirect)}`;
  }

  function respond({ base64, body, headers, reason, redirected, status, url }, { size }) {
    const content = base64 ? native.base64Decode(body) : body;
    return new Response(content === "" && (status === 204 || status === 304) ? null : content, {
      headers, redirected, size, status, statusText: reason, url,
    });
  }

  function fetch(input, init) {
    shared.refuseWhileLoading("fetch");
    return new Promise((resolve, reject) => {
      const request = new Request(input, init), { signal, timeout, url } = request;
      if (!["follow", "manual", "error"].includes(request.redirect)) {
        throw new TypeError(`redirect is "follow", "manual" or "error", not "${request.redirect}"`);
      }
      const abort = () => end(reject, new AbortError("The user aborted a request."));
      let timer = null;

      function end(how, what) {
        signal?.removeEventListener("abort", abort);
        shared.cancel(id);
        if (timer !== null) shared.cancel(timer);
        how(what);
      }

      if (signal?.aborted) {
        reject(new AbortError("The user aborted a request."));
        return;
      }
      const id = shared.ask("fetch", encoded(request), (value, error) => {
        if (error) end(reject, new FetchError(error.message, error.type || "system", error));
        else end(resolve, respond(value, request));
      }, 1);
      signal?.addEventListener("abort", abort);
      if (timeout > 0) {
        timer = shared.sleep(timeout, () => end(reject, new FetchError(`network timeout at: ${url}`, "request-timeout")));
      }
    });
  }
  fetch.isRedirect = (status) => [301, 302, 303, 307, 308].includes(status);

  for (const made of [Request, Response]) {
    Object.defineProperty(made.prototype, Symbol.toStringTag, { value: made.name, configurable: true });
  }
  return { fetch, Request, Response, FetchError, AbortError };
}
