// IncomingMessage: a response as Node's http hands it out, its whole body there, given out when somebody listens.
(native, shared) => {
  "use strict";
  const EventEmitter = shared.use("node/events");
  const { StringDecoder } = shared.use("node/string_decoder");
  const { Promise, queueMicrotask } = globalThis;
  // Headers of which Node keeps the first where others are joined.
  const ONCE = [
    "age", "authorization", "content-length", "content-type", "etag", "expires", "from", "host", "if-modified-since",
    "if-unmodified-since", "last-modified", "location", "max-forwards", "proxy-authorization", "referer", "retry-after",
    "server", "user-agent",
  ];

  class IncomingMessage extends EventEmitter {
    #body;
    #begun = false;
    #paused = false;
    #decoder = null;

    constructor({ body, headers, status, statusText, url }) {
      super();
      this.#body = body;
      this.httpVersion = "1.1";
      this.httpVersionMajor = this.httpVersionMinor = 1;
      this.statusCode = status;
      this.statusMessage = statusText;
      this.url = "";
      this.responseUrl = url;
      this.complete = this.aborted = this.destroyed = this.readableEnded = false;
      this.readable = true;
      this.headers = {};
      this.rawHeaders = [];
      this.trailers = {};
      this.rawTrailers = [];
      for (const [name, values] of Object.entries(headers)) {
        for (const value of values) this.rawHeaders.push(name, value);
        this.headers[name] = name === "set-cookie" ? values : ONCE.includes(name) ? values[0] : values.join(", ");
      }
      this.socket = this.connection = { encrypted: true, remoteAddress: undefined, destroy: () => this.destroy() };
    }

    on(event, listener) {
      super.on(event, listener);
      if (event === "data") this.resume();
      else if (event === "readable" && !this.#begun) queueMicrotask(() => this.emit("readable"));
      return this;
    }

    addListener(event, listener) {
      return this.on(event, listener);
    }

    setEncoding(encoding) {
      this.#decoder = new StringDecoder(encoding);
      return this;
    }

    setTimeout() {
      return this;
    }

    pause() {
      this.#paused = true;
      return this;
    }

    isPaused() {
      return this.#paused;
    }

    /** The body is given out, in a job of its own. */
    resume() {
      this.#paused = false;
      if (!this.#begun) queueMicrotask(() => this.#flow());
      return this;
    }

    #flow() {
      if (this.#begun || this.#paused || this.destroyed) return;
      const chunk = this.read();
      if (chunk !== null) this.emit("data", chunk);
      this.#end();
    }

    #end() {
      if (this.readableEnded || this.destroyed) return;
      this.complete = this.readableEnded = true;
      this.readable = false;
      this.emit("end");
      this.emit("close");
    }

    read() {
      if (this.#begun) return null;
      this.#begun = true;
      const bytes = this.#body;
      if (this.listenerCount("data") === 0) queueMicrotask(() => this.#end());
      if (!bytes.length) return null;
      return this.#decoder ? this.#decoder.end(bytes) : bytes;
    }

    pipe(destination, options) {
      this.on("data", (chunk) => destination.write(chunk));
      if (options?.end !== false) this.on("end", () => destination.end());
      destination.emit?.("pipe", this);
      return destination;
    }

    unpipe() {
      return this;
    }

    destroy(error) {
      if (this.destroyed) return this;
      this.destroyed = this.aborted = true;
      this.#begun = true;
      queueMicrotask(() => {
        if (error) this.emit("error", error);
        this.emit("close");
      });
      return this;
    }

    async *[Symbol.asyncIterator]() {
      const chunk = this.read();
      if (chunk !== null) yield chunk;
      await new Promise((resolve) => (this.readableEnded ? resolve() : this.once("end", resolve)));
    }
  }

  return { IncomingMessage };
}
