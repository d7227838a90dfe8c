// crypto, which is Node's module: hashes and HMACs made by the host, randomness from the call's own seed.
(native, shared) => {
  "use strict";
  const { Buffer, own } = shared.use("buffer"), { failure, outOfRange, wrongType } = shared.use("invalid");
  const COMMON = ["md5", "sha1", "sha256", "sha512", "sha224", "sha384"];

  function bytesOf(data, encoding, name = "data") {
    if (typeof data === "string") return Buffer.from(data, Buffer.isEncoding(encoding) ? encoding : "utf8");
    if (ArrayBuffer.isView(data)) return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    if (native.classOf(data) === "ArrayBuffer") return Buffer.from(data);
    throw wrongType(name, "of type string or an instance of Buffer, TypedArray, or DataView", data);
  }

  /** A plain Uint8Array, as native.call takes it. */
  const plain = (bytes) => new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);

  function getHashes() {
    return shared.parse(native.utf8Decode(native.call("hashes", new Uint8Array(0))));
  }

  function known(algorithm) {
    const name = `${algorithm}`.toLowerCase();
    return COMMON.includes(name) || getHashes().includes(name) ? name : null;
  }

  /** What Hash and Hmac have in common: bytes are gathered here and digested by the host at once. */
  class Digest {
    #parts = [];
    #done = false;

    static parts(digest) {
      return digest.#parts;
    }

    update(data, encoding) {
      if (this.#done) throw failure(Error, "ERR_CRYPTO_HASH_FINALIZED", "Digest already called");
      this.#parts.push(Buffer.from(bytesOf(data, encoding))); // a copy: the author may write over what was given
      return this;
    }

    finish(op, encoding, before = []) {
      this.#done = true;
      const digest = own(native.call(op, plain(Buffer.concat([...before, ...this.#parts]))));
      this.#parts = [];
      return encoding === undefined || encoding === "buffer" ? digest : digest.toString(encoding);
    }

    get isDone() {
      return this.#done;
    }
  }
  const partsOf = Digest.parts;
  delete Digest.parts;

  class Hash extends Digest {
    #op;

    constructor(algorithm, options) {
      super();
      const name = known(algorithm);
      if (!name) throw new Error("Digest method not supported");
      this.#op = options?.outputLength === undefined ? `hash:${name}` : `hash:${name}:${options.outputLength}`;
    }

    digest(encoding) {
      if (this.isDone) throw failure(Error, "ERR_CRYPTO_HASH_FINALIZED", "Digest already called");
      return this.finish(this.#op, encoding);
    }

    copy() {
      if (this.isDone) throw failure(Error, "ERR_CRYPTO_HASH_FINALIZED", "Digest already called");
      const twin = new Hash("md5");
      twin.#op = this.#op;
      partsOf(twin).push(...partsOf(this));
      return twin;
    }
  }

  class Hmac extends Digest {
    #name;
    #key;

    constructor(algorithm, key) {
      super();
      if (typeof algorithm !== "string") throw wrongType("hmac", "of type string", algorithm);
      this.#key = Buffer.from(bytesOf(key, "utf8", "key"));
      this.#name = known(algorithm);
      if (!this.#name) throw failure(Error, "ERR_CRYPTO_INVALID_DIGEST", `Invalid digest: ${algorithm}`);
    }

    digest(encoding) {
      if (this.isDone) return encoding === undefined || encoding === "buffer" ? Buffer.alloc(0) : "";
      return this.finish(`hmac:${this.#name}:${this.#key.length}`, encoding, [this.#key]);
    }
  }

  // ---- randomness

  function randomBytes(size, callback) {
    if (typeof size !== "number") throw wrongType("size", "of type number", size);
    if (!(size >= 0 && size <= 2 ** 31 - 1)) throw outOfRange("size", `>= 0 && <= ${2 ** 31 - 1}`, size);
    return answered(own(native.random(size)), callback);
  }

  function answered(value, callback) {
    if (callback === undefined) return value;
    queueMicrotask(() => callback(null, value));
    return undefined;
  }

  function randomFillSync(buffer, offset = 0, size = buffer.byteLength - offset) {
    new Uint8Array(buffer.buffer ?? buffer, (buffer.byteOffset ?? 0) + offset, size).set(native.random(size));
    return buffer;
  }

  function getRandomValues(list) {
    if (!ArrayBuffer.isView(list) || /^(Float|DataView)/.test(native.classOf(list))) {
      throw new DOMException("The data argument must be an integer-type TypedArray", "TypeMismatchError");
    }
    if (list.byteLength > 65536) {
      throw new DOMException("The requested length exceeds 65,536 bytes", "QuotaExceededError");
    }
    return randomFillSync(list);
  }

  function randomUUID() {
    const bytes = native.random(16);
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    return native.hexEncode(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  }

  /** A whole number in [low, high), every one as likely: what would favour some is drawn again. */
  function randomInt(low, high, callback) {
    if (high === undefined || typeof high === "function") [low, high, callback] = [0, low, high];
    for (const [name, value] of [["min", low], ["max", high]]) {
      if (!Number.isSafeInteger(value)) throw wrongType(name, "a safe integer", value);
    }
    const range = high - low;
    if (!(range > 0)) throw outOfRange("max", `greater than the value of "min" (${low})`, high);
    if (range > 2 ** 48 - 1) throw outOfRange("max - min", `<= ${2 ** 48 - 1}`, range);
    const fair = 2 ** 48 - (2 ** 48 % range);
    let drawn;
    do drawn = own(native.random(6)).readUIntLE(0, 6);
    while (drawn >= fair);
    return answered(low + (drawn % range), callback);
  }

  function timingSafeEqual(one, other) {
    const [a, b] = [["buf1", one], ["buf2", other]].map(([name, value]) => {
      if (typeof value === "string") throw wrongType(name, "an instance of ArrayBuffer, Buffer, TypedArray, or DataView", value);
      return bytesOf(value, undefined, name);
    });
    if (a.length !== b.length) {
      throw failure(RangeError, "ERR_CRYPTO_TIMING_SAFE_EQUAL_LENGTH", "Input buffers must have the same byte length");
    }
    let difference = 0;
    for (let i = 0; i < a.length; i++) difference |= a[i] ^ b[i];
    return difference === 0;
  }

  const crypto = {
    createHash: (algorithm, options) => new Hash(algorithm, options),
    createHmac: (algorithm, key) => new Hmac(algorithm, key),
    getHashes,
    getRandomValues,
    pseudoRandomBytes: randomBytes,
    randomBytes,
    randomFill(buffer, ...rest) {
      const callback = rest.pop();
      answered(randomFillSync(buffer, ...rest), callback);
    },
    randomFillSync,
    randomInt,
    randomUUID,
    timingSafeEqual,
    Hash,
    Hmac,
  };
  return { crypto };
}
