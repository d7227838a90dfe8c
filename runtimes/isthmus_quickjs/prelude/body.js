// Bodies of requests and responses: text or bytes that are there whole, or a stream that the author gave.
(native, shared) => {
  "use strict";
  const { use } = shared;
  const TEXT = "text/plain;charset=UTF-8";

  const isA = (value, module, name) => shared.made(module) && value instanceof shared.made(module)[name];
  const isStream = (value) => shared.made("streams/readable")?.isStream(value);

  /** What a body is as text, bytes or a stream, and the content type it goes under unless one is given. */
  function contentOf(body) {
    if (body === undefined || body === null) return { content: null };
    if (typeof body !== "object") return { content: `${body}`, type: TEXT };
    if (ArrayBuffer.isView(body)) return { content: new Uint8Array(body.buffer, body.byteOffset, body.byteLength).slice() };
    if (native.classOf(body) === "ArrayBuffer") return { content: new Uint8Array(body).slice() };
    if (isA(body, "params", "URLSearchParams")) {
      return { content: `${body}`, type: "application/x-www-form-urlencoded;charset=UTF-8" };
    }
    if (isA(body, "blob", "Blob")) return { content: use("blob").bytesOf(body), type: body.type || undefined };
    if (typeof body.getBoundary === "function" && typeof body.getBuffer === "function") { // a form, of whatever package
      return { content: body.getBuffer(), type: `multipart/form-data;boundary=${body.getBoundary()}` };
    }
    if (isStream(body)) return { content: use("bodies/streams").given(body) };
    if (typeof body[Symbol.asyncIterator] === "function") return { content: use("bodies/streams").from(body) };
    return { content: `${body}`, type: TEXT };
  }

  const bytesOf = (content) => (typeof content === "string" ? native.utf8Encode(content) : content);
  let contentTo, wholeOf;

  class Body {
    #content; // null, text, bytes, or a stream
    #stream = null; // what body is, once there is one
    #used = false;
    #size;

    constructor(content, size = 0) {
      this.#content = content;
      this.#size = size;
      if (isStream(content)) this.#stream = content;
    }

    get bodyUsed() {
      return this.#used || (this.#stream !== null && use("bodies/streams").isDisturbed(this.#stream));
    }

    /** null, or a stream of bytes, whose pieces are Buffers to those who iterate over it or listen as to one of Node's. */
    get body() {
      if (this.#content === null) return null;
      this.#stream ??= use("bodies/streams").bodyOf(bytesOf(this.#content), this.#used);
      return this.#stream;
    }

    /** The whole body, or a promise of it. */
    #take() {
      if (this.bodyUsed || this.#stream?.locked) throw new TypeError(`body used already for: ${this.url}`);
      this.#used = true;
      if (this.#stream) return use("bodies/streams").readWhole(this.#stream).then((bytes) => this.#checked(bytes));
      return this.#checked(this.#content ?? "");
    }

    #checked(content) {
      if (this.#size && bytesOf(content).length > this.#size) {
        throw new (use("fetch").FetchError)(`content size at ${this.url} over limit: ${this.#size}`, "max-size");
      }
      return content;
    }

    static {
      /** The content for another body like one's own; a stream is shared between the two. */
      contentTo = (body) => {
        if (body.bodyUsed || body.#stream?.locked) throw new Error("cannot clone body after it is used");
        if (!body.#stream) return body.#content;
        const [mine, other] = body.#stream.tee();
        body.#content = body.#stream = mine;
        return other;
      };
      /** What is sent: null, text or bytes, or a promise of bytes. */
      wholeOf = (body) => {
        if (!body.#stream) return body.#content;
        if (body.bodyUsed || body.#stream.locked) throw new TypeError(`body used already for: ${body.url}`);
        return use("bodies/streams").readWhole(body.#stream);
      };
    }

    async text() {
      const content = await this.#take();
      return typeof content === "string" ? content : native.utf8Decode(content);
    }

    async json() {
      const text = await this.text();
      try {
        return shared.parse(text);
      } catch (error) {
        const message = `invalid json response body at ${this.url} reason: ${error.message}`;
        throw new (use("fetch").FetchError)(message, "invalid-json");
      }
    }

    async buffer() {
      return use("buffer").Buffer.from(bytesOf(await this.#take()));
    }

    async arrayBuffer() {
      return bytesOf(await this.#take()).slice().buffer;
    }

    async bytes() {
      return bytesOf(await this.#take()).slice();
    }

    async blob() {
      const type = this.headers.get("content-type") ?? "";
      return new (use("blob").Blob)([bytesOf(await this.#take())], { type });
    }

    async formData() {
      const type = this.headers.get("content-type") ?? "";
      return use("bodies/forms").parse(bytesOf(await this.#take()), type);
    }

    async textConverted() {
      throw new Error("textConverted() is not there, as without the package encoding; use a TextDecoder over arrayBuffer()");
    }
  }

  return { Body, contentOf, contentTo, wholeOf };
}
