// As much of the package request as jsforce asks of it: one request, whose whole body is sent and received, and streams of both.
const { Duplex } = require("stream");

/** The body as fetch takes it. */
function bodyOf({ body, form }) {
  return form ? new URLSearchParams(form).toString() : body;
}

class Request extends Duplex {
  #params;
  #callback;
  #parts = [];
  #begun = false;

  constructor(params, callback) {
    super();
    this.#params = params;
    this.#callback = callback;
    this.on("finish", () => this.#begin());
    if (bodyOf(params) !== undefined || !/^(put|post|patch)$/i.test(params.method)) queueMicrotask(() => this.#begin());
  }

  _read() {}

  _write(chunk, encoding, callback) {
    this.#parts.push(Buffer.from(chunk, encoding));
    callback();
  }

  async #begin() {
    if (this.#begun) return;
    this.#begun = true;
    const { form, headers, method, timeout, url } = this.#params, control = new AbortController();
    const timer = timeout && setTimeout(() => control.abort(), timeout);
    try {
      const body = this.#parts.length ? Buffer.concat(this.#parts) : bodyOf(this.#params);
      const answer = await fetch(url, {
        method, signal: control.signal, body: /^(get|head)$/i.test(method) ? undefined : body,
        headers: { ...(form && { "content-type": "application/x-www-form-urlencoded" }), ...headers },
      });
      const bytes = await answer.buffer();
      const response = Object.assign(this, {
        statusCode: answer.status, statusMessage: answer.statusText, headers: Object.fromEntries(answer.headers),
        body: bytes.toString(),
      });
      this.emit("response", response);
      this.push(bytes);
      this.push(null);
      this.#callback?.(null, response, response.body);
      this.emit("complete", response, response.body);
    } catch (error) {
      const failure = error.type === "aborted" ? Object.assign(new Error("ETIMEDOUT"), { code: "ETIMEDOUT" }) : error;
      if (this.#callback) this.#callback(failure);
      else this.emit("error", failure);
    } finally {
      clearTimeout(timer);
    }
  }
}

module.exports = (params, callback) => new Request({ method: "GET", ...params }, callback);
