// fetch as node-fetch 2 has it: fetch, Headers, Request, Response, FetchError and AbortError.
(native, shared) => {
  "use strict";
  const { hasOwn } = Object;
  const { Body, contentOf, contentTo, wholeOf } = shared.use("body");
  const { expose } = shared.use("idl");
  const { Headers, encodeHeaders } = shared.use("headers");
  const PLAIN_URL = /^https?:\/\/[a-z\d][a-z\d.-]*(:\d+)?([/?][\x21\x23-\x3b\x3d\x3f-\x5b\x5d\x5f\x61-\x7a~]*)?$/;
  /** What a request has to say for browsers; here it changes nothing. */
  const UNUSED = {
    cache: "default", credentials: "same-origin", destination: "", duplex: "half", integrity: "", keepalive: false, mode: "cors",
    referrer: "about:client", referrerPolicy: "",
  };

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
      return this.status ? "default" : "error";
    }

    clone() {
      return new Response(contentTo(this), this);
    }

    static error() {
      return new Response(null, { status: 0 });
    }

    static json(value, init) {
      const headers = new Headers(init?.headers);
      if (!headers.has("content-type")) headers.set("content-type", "application/json");
      return new Response(shared.stringify(value), { ...init, headers });
    }

    static redirect(url, status = 302) {
      if (!fetch.isRedirect(status)) throw new RangeError(`Failed to create a redirect: ${status} is no status of one`);
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
      const { content, type } = hasBody || !from ? contentOf(init.body) : { content: contentTo(from) };
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
      for (const name in UNUSED) {
        const value = init[name] ?? from?.[name];
        if (value !== undefined) Object.defineProperty(this, name, { value });
      }
    }

    clone() {
      return new Request(this);
    }

    [Symbol.for("nodejs.util.inspect.custom")]() {
      const { headers, method, redirect, url } = this;
      return shared.use("inspect").look(Request, { method, url, headers, redirect });
    }
  }

  for (const name in UNUSED) Object.defineProperty(Request.prototype, name, { value: UNUSED[name] });

  /** The operation's fields after id and op, as JSON text. */
  function encoded({ headers, method, redirect, url }, content) {
    if (!headers.has("accept")) headers.set("accept", "*/*");
    let base64 = "";
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
      if (!/^https?:/.test(url)) throw new TypeError("Only HTTP(S) protocols are supported");
      const abort = () => end(reject, new AbortError("The user aborted a request."));
      let id = null, timer = null, ended = false;

      function end(how, what) {
        ended = true;
        signal?.removeEventListener("abort", abort);
        if (id !== null) shared.cancel(id);
        if (timer !== null) shared.cancel(timer);
        how(what);
      }

      function send(content) {
        if (ended) return;
        id = shared.ask("fetch", encoded(request, content), (value, error) => {
          if (error) end(reject, new FetchError(error.message, error.type || "system", error));
          else end(resolve, respond(value, request));
        }, 1);
      }

      if (signal?.aborted) {
        reject(new AbortError("The user aborted a request."));
        return;
      }
      const content = wholeOf(request);
      if (content !== null && typeof content.then === "function") content.then(send, (error) => end(reject, error));
      else send(content);
      signal?.addEventListener("abort", abort);
      if (timeout > 0) {
        timer = shared.sleep(timeout, () => end(reject, new FetchError(`network timeout at: ${url}`, "request-timeout")));
      }
    });
  }
  fetch.isRedirect = (status) => [301, 302, 303, 307, 308].includes(status);

  expose(Request, Response);

  /** Makes the streams that the code will read bodies by, so that they are in its image. */
  function prepare(code) {
    if (/\.body\b[^=]*\b(getReader|pipeTo|pipeThrough|tee)\b|\bfor\s+await\b/.test(code)) shared.use("bodies/streams");
    if (code.includes(".formData(")) shared.use("bodies/forms");
  }

  return { fetch, Request, Response, FetchError, AbortError, prepare };
}
