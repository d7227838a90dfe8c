// Blob, File and FormData; a FormData is the form-data package's too: append with a file name, getHeaders, getBuffer.
(native, shared) => {
  "use strict";
  const { KEY, dictionary, expose, needArguments } = shared.use("idl");
  const TYPES = {
    __proto__: null, csv: "text/csv", gif: "image/gif", gz: "application/gzip", html: "text/html", jpeg: "image/jpeg",
    jpg: "image/jpeg", json: "application/json", pdf: "application/pdf", png: "image/png", svg: "image/svg+xml",
    txt: "text/plain", xml: "application/xml", zip: "application/zip",
  };

  function joined(parts) {
    const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }

  /** A part as bytes, or as text that is not yet encoded. */
  function partFrom(part) {
    if (isBlob(part)) return bytesOf(part);
    if (ArrayBuffer.isView(part)) return new Uint8Array(part.buffer, part.byteOffset, part.byteLength);
    if (native.classOf(part) === "ArrayBuffer") return new Uint8Array(part);
    return `${part}`;
  }

  function encoded(part, lines = false) {
    if (typeof part !== "string") return part;
    return native.utf8Encode(lines ? part.replace(/\r\n?/g, "\n") : part);
  }

  function partsFrom(parts) {
    if (parts === undefined) return [];
    const isObject = (typeof parts === "object" && parts !== null) || typeof parts === "function";
    if (isObject && typeof parts[Symbol.iterator] === "function") return Array.from(parts, partFrom);
    throw shared.use("invalid").wrongType("sources", "a sequence", parts);
  }

  const typeFrom = (type) => (/[^\x20-\x7e]/.test(type) ? "" : `${type}`.toLowerCase());
  let bytesOf, isBlob, copy;

  class Blob {
    #bytes;
    #type;

    constructor(parts = undefined, options = undefined) {
      if (parts === KEY) {
        this.#bytes = options.bytes;
        this.#type = options.type;
        return;
      }
      const list = partsFrom(parts), { endings = "transparent", type = "" } = dictionary(options, "options");
      if (!["native", "transparent"].includes(`${endings}`)) {
        throw shared.use("invalid").wrongType("options.endings", "one of 'transparent' or 'native'", endings);
      }
      this.#type = typeFrom(`${type}`);
      this.#bytes = joined(list.map((part) => encoded(part, `${endings}` === "native")));
    }

    static {
      isBlob = (value) => typeof value === "object" && value !== null && #bytes in value;
      bytesOf = (blob) => blob.#bytes;
      /** Another Blob, or File, of the same bytes; undefined for what is none. */
      copy = (value) => {
        if (!isBlob(value)) return undefined;
        const made = { bytes: value.#bytes, type: value.#type };
        return isFile(value) ? new File(KEY, value.name, { ...made, lastModified: value.lastModified }) : new Blob(KEY, made);
      };
    }

    get size() {
      return this.#bytes.length;
    }

    get type() {
      return this.#type;
    }

    async text() {
      return native.utf8Decode(this.#bytes);
    }

    async arrayBuffer() {
      return this.#bytes.slice().buffer;
    }

    async bytes() {
      return this.#bytes.slice();
    }

    stream() {
      return shared.use("bodies/streams").streamOf(this.#bytes, false);
    }

    slice(start = undefined, end = undefined, type = undefined) {
      const bytes = this.#bytes.slice(Number(start), end === undefined ? undefined : Number(end));
      return new Blob(KEY, { bytes, type: type === undefined ? "" : typeFrom(`${type}`) });
    }

    [Symbol.for("nodejs.util.inspect.custom")]() {
      return shared.use("inspect").look(this.constructor, { size: this.size, type: this.#type });
    }
  }

  let isFile;

  class File extends Blob {
    #name;
    #lastModified;

    constructor(parts, name, options = undefined) {
      needArguments(arguments, "fileBits", "fileName");
      super(parts, options);
      const { lastModified } = dictionary(options, "options");
      this.#name = `${name}`.toWellFormed();
      this.#lastModified = lastModified === undefined ? Date.now() : Math.trunc(Number(lastModified)) || 0;
    }

    static {
      isFile = (value) => #name in value;
    }

    get name() {
      return this.#name;
    }

    get lastModified() {
      return this.#lastModified;
    }
  }

  function typeOf(filename) {
    return TYPES[`${filename}`.split(".").pop().toLowerCase()] ?? "application/octet-stream";
  }

  const quoted = (text) => `"${`${text}`.replace(/\n/g, "%0A").replace(/\r/g, "%0D").replace(/"/g, "%22")}"`;

  class FormData {
    #entries = [];
    #boundary = null;

    #entry(name, value, options) {
      if (Array.isArray(value)) throw new Error("Arrays are not supported.");
      const { contentType, filename: given, filepath } = typeof options === "string" ? { filename: options } : options ?? {};
      const isBytes = ArrayBuffer.isView(value) || native.classOf(value) === "ArrayBuffer", holdsBytes = isBytes || isBlob(value);
      const filename = given ?? filepath ?? (isBlob(value) ? value.name ?? "blob" : undefined);
      if (!holdsBytes) value = `${value}`;
      else if (isBytes || !isFile(value) || given !== undefined) {
        const { lastModified, type } = isBytes ? { type: "" } : value;
        value = new File([value], filename ?? "", { type, lastModified });
      }
      let type = contentType ?? "";
      if (holdsBytes || filename !== undefined) type ||= value.type || typeOf(filename);
      return { name: `${name}`, value, filename, type };
    }

    append(name, value, options) {
      this.#entries.push(this.#entry(name, value, options));
    }

    set(name, value, options) {
      const at = this.#entries.findIndex((entry) => entry.name === `${name}`);
      const entry = this.#entry(name, value, options);
      if (at < 0) this.#entries.push(entry);
      else this.#entries = this.#entries.flatMap((each, i) => (i === at ? [entry] : each.name === entry.name ? [] : [each]));
    }

    get(name) {
      return this.#entries.find((entry) => entry.name === `${name}`)?.value ?? null;
    }

    getAll(name) {
      return this.#entries.filter((entry) => entry.name === `${name}`).map((entry) => entry.value);
    }

    has(name) {
      return this.#entries.some((entry) => entry.name === `${name}`);
    }

    delete(name) {
      this.#entries = this.#entries.filter((entry) => entry.name !== `${name}`);
    }

    forEach(callback, self) {
      for (const [name, value] of this) callback.call(self, value, name, this);
    }

    *entries() {
      for (const { name, value } of this.#entries) yield [name, value];
    }

    *keys() {
      for (const { name } of this.#entries) yield name;
    }

    *values() {
      for (const { value } of this.#entries) yield value;
    }

    [Symbol.iterator]() {
      return this.entries();
    }

    getBoundary() {
      this.#boundary ??= `--------------------------${native.hexEncode(native.random(12))}`;
      return this.#boundary;
    }

    getHeaders(others) {
      const headers = { "content-type": `multipart/form-data; boundary=${this.getBoundary()}` };
      for (const name of Object.keys(others ?? {})) headers[name.toLowerCase()] = others[name];
      return headers;
    }

    getBuffer() {
      const parts = [], line = (text) => parts.push(native.utf8Encode(`${text}\r\n`));
      for (const { name, value, filename, type } of this.#entries) {
        line(`--${this.getBoundary()}`);
        const file = filename === undefined ? "" : `; filename=${quoted(filename)}`;
        line(`Content-Disposition: form-data; name=${quoted(name)}${file}`);
        if (type) line(`Content-Type: ${type}`);
        line("");
        parts.push(encoded(partFrom(value)));
        line("");
      }
      line(`--${this.getBoundary()}--`);
      return shared.use("buffer").own(joined(parts));
    }

    getLengthSync() {
      return this.getBuffer().length;
    }

    getLength(callback) {
      const length = this.getLengthSync();
      queueMicrotask(() => callback(null, length));
    }

    hasKnownLength() {
      return true;
    }

    /** Writes the form to a stream of Node's, a request of https for one. */
    pipe(writable) {
      writable.end(this.getBuffer());
      return writable;
    }

    /** Sends the form by Node's http or https, to a URL or to what their request takes; callback(error, response). */
    submit(where, callback) {
      const { http, https } = shared.use("node/http");
      const to = typeof where === "string" ? urlParts(where) : { ...where };
      const headers = { ...this.getHeaders(to.headers), "content-length": this.getLengthSync() };
      const request = (to.protocol === "https:" ? https : http).request({ method: "POST", ...to, headers });
      if (callback) request.on("error", callback).on("response", (response) => callback(null, response));
      return this.pipe(request);
    }

    [Symbol.for("nodejs.util.inspect.custom")]() {
      return shared.use("inspect").look(FormData, Object.fromEntries(this));
    }
  }

  function urlParts(text) {
    const { protocol, hostname, port, pathname, search } = new URL(text);
    return { protocol, hostname, port: port || undefined, path: pathname + search };
  }

  expose(Blob, File, FormData);
  return { Blob, File, FormData, bytesOf, copy };
}
