// Node's http and https for what asks: request and get, carried out by fetch.
(native, shared) => {
  "use strict";
  const { Buffer } = shared.use("buffer"), { failure, wrongType } = shared.use("invalid");
  const EventEmitter = shared.use("node/events");
  const { IncomingMessage } = shared.use("node/message");
  const { fetch, Headers } = { ...shared.use("fetch"), ...shared.use("headers") };
  const { AbortController } = shared.use("abort"), { URL } = shared.use("url");
  const { bytesOf } = shared.use("crypto/bytes");
  const { Error, TypeError, queueMicrotask } = globalThis;
  const METHODS = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];
  const BODILESS = ["GET", "HEAD"];
  const STATUS_CODES = {
    100: "Continue", 101: "Switching Protocols", 102: "Processing", 103: "Early Hints", 200: "OK", 201: "Created",
    202: "Accepted", 203: "Non-Authoritative Information", 204: "No Content", 205: "Reset Content", 206: "Partial Content",
    207: "Multi-Status", 208: "Already Reported", 226: "IM Used", 300: "Multiple Choices", 301: "Moved Permanently",
    302: "Found", 303: "See Other", 304: "Not Modified", 305: "Use Proxy", 307: "Temporary Redirect",
    308: "Permanent Redirect", 400: "Bad Request", 401: "Unauthorized", 402: "Payment Required", 403: "Forbidden",
    404: "Not Found", 405: "Method Not Allowed", 406: "Not Acceptable", 407: "Proxy Authentication Required",
    408: "Request Timeout", 409: "Conflict", 410: "Gone", 411: "Length Required", 412: "Precondition Failed",
    413: "Payload Too Large", 414: "URI Too Long", 415: "Unsupported Media Type", 416: "Range Not Satisfiable",
    417: "Expectation Failed", 418: "I'm a Teapot", 421: "Misdirected Request", 422: "Unprocessable Entity", 423: "Locked",
    424: "Failed Dependency", 425: "Too Early", 426: "Upgrade Required", 428: "Precondition Required",
    429: "Too Many Requests", 431: "Request Header Fields Too Large", 451: "Unavailable For Legal Reasons",
    500: "Internal Server Error", 501: "Not Implemented", 502: "Bad Gateway", 503: "Service Unavailable",
    504: "Gateway Timeout", 505: "HTTP Version Not Supported", 506: "Variant Also Negotiates", 507: "Insufficient Storage",
    508: "Loop Detected", 509: "Bandwidth Limit Exceeded", 510: "Not Extended", 511: "Network Authentication Required",
  };
  const CERTIFICATES = ["cert", "key", "pfx"];
  const REASON = /^request to .* failed, reason: /s;

  /** What a client waits for before it sends: connections are the host's, and there is always one. */
  class Socket extends EventEmitter {
    connecting = false;
    encrypted = true;
    destroyed = false;
    writable = true;

    destroy() {
      return this;
    }

    setKeepAlive() {
      return this;
    }

    setNoDelay() {
      return this;
    }

    setTimeout() {
      return this;
    }
  }

  /** Keeps its options and nothing else: connections are the host's. */
  class Agent extends EventEmitter {
    constructor(options) {
      super();
      this.options = { ...options };
      Object.assign(this, { keepAlive: Boolean(options?.keepAlive), maxSockets: options?.maxSockets ?? Infinity, sockets: {}, requests: {}, freeSockets: {} });
    }

    destroy() {}
  }

  function fromUrl(url) {
    const { hash, hostname, password, pathname, port, protocol, search, username } = url;
    const options = { protocol, hostname: hostname.replace(/^\[|\]$/g, ""), hash, path: pathname + search };
    if (port) options.port = Number(port);
    if (username || password) options.auth = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    return options;
  }

  /** [options, callback] of request's and get's arguments. */
  function taken(scheme, input, options, callback) {
    if (typeof options === "function") [options, callback] = [undefined, options];
    if (typeof input === "string") return [{ ...fromUrl(new URL(input)), ...options }, callback];
    if (typeof input?.href === "string" && typeof input.searchParams === "object") return [{ ...fromUrl(input), ...options }, callback];
    return [{ protocol: scheme, ...input, ...options }, callback];
  }

  function hostOf({ defaultPort, host, hostname, port, protocol }) {
    const name = `${hostname ?? host ?? "localhost"}`, usual = protocol === "https:" ? 443 : 80;
    const bracketed = name.includes(":") && !name.startsWith("[") ? `[${name}]` : name;
    const number = Number(port ?? defaultPort ?? usual);
    return number === usual ? bracketed : `${bracketed}:${number}`;
  }

  class ClientRequest extends EventEmitter {
    #headers = new Map(); // by lower-case name: [name, value]
    #parts = [];
    #sent = false;
    #done = false;
    #control = new AbortController();
    #timer = null;
    #base;
    #timeout;

    constructor(scheme, options, callback) {
      super();
      const { agent, auth, headers, method = "GET", path = "/", protocol = scheme, signal, timeout } = options;
      if (protocol !== "http:" && protocol !== "https:" || (scheme === "https:" && protocol !== scheme)) {
        throw failure(TypeError, "ERR_INVALID_PROTOCOL", `Protocol "${protocol}" not supported. Expected "${scheme}"`);
      }
      if (typeof method !== "string") throw wrongType("options.method", "of type string", method);
      if (/[\0-\x20]/.test(path)) throw failure(TypeError, "ERR_UNESCAPED_CHARACTERS", "Request path contains unescaped characters");
      for (const name of CERTIFICATES) {
        if (options[name] !== undefined || agent?.options?.[name] !== undefined) {
          throw failure(Error, "ERR_FEATURE_UNAVAILABLE_ON_PLATFORM", `options.${name}: client certificates are not supported here`);
        }
      }
      Object.assign(this, {
        agent, method: method.toUpperCase(), path, protocol, host: options.hostname ?? options.host ?? "localhost",
        aborted: false, destroyed: false, finished: false, reusedSocket: false, res: null, socket: null, writableEnded: false,
      });
      this.#base = `${protocol}//${hostOf({ ...options, protocol })}`;
      if (Array.isArray(headers)) for (let i = 0; i + 1 < headers.length; i += 2) this.setHeader(headers[i], headers[i + 1]);
      else for (const [name, value] of Object.entries(headers ?? {})) if (value !== undefined) this.setHeader(name, value);
      if (auth && !this.hasHeader("authorization")) this.setHeader("Authorization", `Basic ${Buffer.from(auth).toString("base64")}`);
      queueMicrotask(() => {
        if (!this.destroyed) this.emit("socket", (this.socket = this.connection = new Socket()));
      });
      // Nobody is asked whether the body may come: it goes out with the headers.
      if (/^100-continue$/i.test(this.getHeader("expect"))) queueMicrotask(() => this.destroyed || this.emit("continue"));
      if (callback) this.once("response", callback);
      if (timeout) this.setTimeout(timeout);
      signal?.addEventListener("abort", () => this.destroy(abortError(signal)), { once: true });
      if (signal?.aborted) this.destroy(abortError(signal));
    }

    setHeader(name, value) {
      if (this.#sent) throw failure(Error, "ERR_HTTP_HEADERS_SENT", "Cannot set headers after they are sent to the client");
      if (value === undefined) throw failure(TypeError, "ERR_HTTP_INVALID_HEADER_VALUE", `Invalid value "undefined" for header "${name}"`);
      this.#headers.set(`${name}`.toLowerCase(), [`${name}`, value]);
      return this;
    }

    getHeader(name) {
      return this.#headers.get(`${name}`.toLowerCase())?.[1];
    }

    getHeaders() {
      return Object.fromEntries([...this.#headers].map(([name, [, value]]) => [name, value]));
    }

    getHeaderNames() {
      return [...this.#headers.keys()];
    }

    hasHeader(name) {
      return this.#headers.has(`${name}`.toLowerCase());
    }

    removeHeader(name) {
      this.#headers.delete(`${name}`.toLowerCase());
    }

    write(chunk, encoding, callback) {
      if (typeof encoding === "function") [encoding, callback] = [undefined, encoding];
      if (this.writableEnded) throw failure(Error, "ERR_STREAM_WRITE_AFTER_END", "write after end");
      this.#parts.push(bytesOf(chunk, encoding, "chunk", "of type string or an instance of Buffer or Uint8Array").slice());
      if (callback) queueMicrotask(() => callback());
      return true;
    }

    end(chunk, encoding, callback) {
      if (typeof chunk === "function") [chunk, callback] = [undefined, chunk];
      else if (typeof encoding === "function") [encoding, callback] = [undefined, encoding];
      if (chunk !== undefined && chunk !== null) this.write(chunk, encoding);
      if (this.writableEnded) return this;
      this.writableEnded = this.finished = true;
      if (callback) this.once("finish", callback);
      if (!this.destroyed) this.#send();
      return this;
    }

    setTimeout(milliseconds, callback) {
      if (callback) this.once("timeout", callback);
      this.#timeout = Number(milliseconds) || 0;
      if (this.#sent) this.#watch();
      return this;
    }

    abort() {
      if (this.aborted) return;
      this.aborted = true;
      queueMicrotask(() => this.emit("abort"));
      this.destroy();
    }

    destroy(error) {
      if (this.destroyed) return this;
      this.destroyed = true;
      this.#control.abort();
      if (this.res) this.res.destroy(error);
      else this.#fail(error ?? failure(Error, "ECONNRESET", "socket hang up"));
      return this;
    }

    flushHeaders() {}

    setNoDelay() {}

    setSocketKeepAlive() {}

    #watch() {
      if (this.#timer !== null) shared.cancel(this.#timer);
      this.#timer = this.#timeout > 0 && !this.#done ? shared.sleep(this.#timeout, () => this.emit("timeout")) : null;
    }

    #finish() {
      this.#done = true;
      if (this.#timer !== null) shared.cancel(this.#timer);
    }

    #fail(error) {
      if (this.#done) return;
      this.#finish();
      this.destroyed = true;
      queueMicrotask(() => {
        try {
          this.emit("error", error);
        } catch (thrown) {
          shared.uncaught(thrown); // nobody listens: Node would end the process
        }
        this.emit("close");
      });
    }

    async #send() {
      this.#sent = true;
      this.#watch();
      try {
        const headers = new Headers();
        for (const [name, value] of this.#headers.values()) {
          if (/^(content-length|transfer-encoding|connection|expect|host)$/i.test(name) && name.toLowerCase() !== "host") continue;
          for (const each of Array.isArray(value) ? value : [value]) headers.append(name, each);
        }
        const body = this.#parts.length && !BODILESS.includes(this.method) ? Buffer.concat(this.#parts) : undefined;
        const answer = fetch(this.#base + this.path, { body, headers, method: this.method, redirect: "manual", signal: this.#control.signal });
        queueMicrotask(() => this.emit("finish"));
        const response = await answer, bytes = await response.buffer();
        if (this.destroyed) return;
        this.#finish();
        this.#receive(response, bytes);
      } catch (error) {
        this.#fail(systemError(error));
      }
    }

    #receive(response, body) {
      const { status, statusText, url } = response;
      this.res = new IncomingMessage({ body, headers: response.headers.raw(), status, statusText, url });
      this.res.req = this;
      this.res.once("close", () => this.emit("close"));
      try {
        if (!this.emit("response", this.res)) this.res.resume();
      } catch (thrown) {
        shared.uncaught(thrown);
      }
    }
  }

  function abortError({ reason }) {
    return Object.assign(new Error("The operation was aborted", { cause: reason }), { name: "AbortError", code: "ABORT_ERR" });
  }

  /** Node's error for what fetch rejects with: the reason alone, and the code. */
  function systemError({ code, message, type }) {
    const error = new Error(`${message}`.replace(REASON, ""));
    if (code ?? type) error.code = error.errno = code ?? type;
    return error;
  }

  function module(scheme) {
    const request = (...given) => new ClientRequest(scheme, ...taken(scheme, ...given));
    const refuse = (name) => () => {
      throw failure(Error, "ERR_FEATURE_UNAVAILABLE_ON_PLATFORM", `${scheme.slice(0, -1)}.${name} is not supported: a function serves nobody`);
    };
    return {
      request,
      get(...given) {
        const made = request(...given);
        made.end();
        return made;
      },
      Agent, ClientRequest, IncomingMessage,
      METHODS,
      STATUS_CODES,
      createServer: refuse("createServer"),
      globalAgent: new Agent(),
      Server: refuse("Server"),
    };
  }

  return { http: module("http:"), https: module("https:") };
}
