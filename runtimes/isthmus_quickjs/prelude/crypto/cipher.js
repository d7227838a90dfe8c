// Cipheriv and Decipheriv: what lies between two runs of a cipher is kept here, and so is padding.
(native, shared) => {
  "use strict";
  const { own } = shared.use("buffer"), { failure, wrongType } = shared.use("invalid");
  const { ask } = shared.use("ask"), { bytesOf, shown } = shared.use("crypto/bytes");
  const { secretOf } = shared.use("crypto/keys");
  const { Error, RangeError, TypeError, Uint8Array } = globalThis;
  const NONE = new Uint8Array(0);
  const STREAMS = ["ctr", "cfb", "cfb8", "ofb"], SEALED = ["gcm", "ccm", "ocb", "chacha20-poly1305"];
  const KEY = "of type string or an instance of ArrayBuffer, Buffer, TypedArray, DataView, KeyObject, or CryptoKey";

  const CIPHERS = { __proto__: null };
  for (const bits of [128, 192, 256]) {
    for (const mode of ["cbc", "ccm", "cfb", "cfb8", "ctr", "ecb", "gcm", "ocb", "ofb"]) {
      const iv = mode === "ecb" ? 0 : SEALED.includes(mode) ? 12 : 16;
      CIPHERS[`aes-${bits}-${mode}`] = { algorithm: "aes", mode, key: bits / 8, iv, block: 16 };
    }
  }
  for (const [name, mode, iv] of [["cbc", "cbc", 8], ["ecb", "ecb", 0], ["cfb", "cfb", 8], ["cfb8", "cfb8", 8], ["ofb", "ofb", 8]]) {
    CIPHERS[`des-ede3-${name}`] = { algorithm: "des3", mode, key: 24, iv, block: 8 };
  }
  CIPHERS["chacha20-poly1305"] = { algorithm: "chacha20-poly1305", mode: "chacha20-poly1305", key: 32, iv: 12, block: 1 };
  const ALIASES = {
    __proto__: null, aes128: "aes-128-cbc", aes192: "aes-192-cbc", aes256: "aes-256-cbc", des3: "des-ede3-cbc",
    "des-ede3": "des-ede3-ecb", "id-aes128-gcm": "aes-128-gcm", "id-aes192-gcm": "aes-192-gcm", "id-aes256-gcm": "aes-256-gcm",
    "id-aes128-ccm": "aes-128-ccm", "id-aes192-ccm": "aes-192-ccm", "id-aes256-ccm": "aes-256-ccm",
  };

  function cipherNamed(name) {
    const lower = name.toLowerCase();
    return CIPHERS[ALIASES[lower] ?? lower];
  }

  function joined(one, other) {
    if (!one.length) return other;
    const bytes = new Uint8Array(one.length + other.length);
    bytes.set(one);
    bytes.set(other, one.length);
    return bytes;
  }

  /** A counter block so many blocks later. */
  function advanced(counter, blocks) {
    const next = counter.slice();
    for (let i = next.length - 1, carry = blocks; i >= 0 && carry; i--) {
      const sum = next[i] + (carry % 256);
      next[i] = sum;
      carry = Math.floor(carry / 256) + (sum > 255 ? 1 : 0);
    }
    return next;
  }

  function wrongLength() {
    return failure(Error, "ERR_OSSL_WRONG_FINAL_BLOCK_LENGTH", "error:1C80006B:Provider routines::wrong final block length");
  }

  // ---- without authentication: whole blocks go to the host, the vector moves on with them

  class Blocks {
    #kind;
    #key;
    #iv;
    #encrypts;
    #rest = NONE; // input since the last boundary of blocks
    #told = 0; // how much of it has been given out already, by a stream
    pads = true;

    constructor(kind, key, iv, encrypts) {
      this.#kind = kind;
      this.#key = key;
      this.#iv = iv;
      this.#encrypts = encrypts;
    }

    #run(data) {
      const { algorithm, mode } = this.#kind;
      return data.length ? ask("crypto:cipher", { algorithm, mode, encrypt: this.#encrypts }, this.#key, this.#iv, data) : NONE;
    }

    #move(input, output) {
      const { block, mode } = this.#kind;
      if (!input.length) return;
      if (mode === "ctr") this.#iv = advanced(this.#iv, input.length / block);
      else if (mode === "ofb") this.#iv = input.slice(-block).map((byte, i) => byte ^ output.at(i - block));
      else if (mode !== "ecb") this.#iv = (this.#encrypts ? output : input).slice(-block);
    }

    update(bytes) {
      const { block, mode } = this.#kind, all = joined(this.#rest, bytes);
      if (STREAMS.includes(mode)) {
        const output = this.#run(all), whole = mode === "cfb8" && all.length >= block ? all.length : all.length - (all.length % block);
        const fresh = output.slice(this.#told);
        this.#move(all.subarray(0, whole), output.subarray(0, whole));
        this.#rest = all.slice(whole);
        this.#told = this.#rest.length;
        return fresh;
      }
      // What is decrypted keeps its last block back: it may turn out to be padding.
      const held = !this.#encrypts && this.pads && all.length && all.length % block === 0 ? block : all.length % block;
      const input = all.subarray(0, all.length - held), output = this.#run(input);
      this.#move(input, output);
      this.#rest = all.slice(all.length - held);
      return output;
    }

    final() {
      const { block, mode } = this.#kind, rest = this.#rest;
      if (STREAMS.includes(mode)) return NONE;
      if (!this.pads) {
        if (!rest.length) return NONE;
        throw wrongLength();
      }
      if (this.#encrypts) {
        const missing = block - rest.length, padded = new Uint8Array(block).fill(missing);
        padded.set(rest);
        return this.#run(padded);
      }
      if (rest.length !== block) throw wrongLength();
      const last = this.#run(rest), count = last[block - 1];
      if (!(count >= 1 && count <= block) || last.subarray(block - count).some((byte) => byte !== count)) {
        throw failure(Error, "ERR_OSSL_BAD_DECRYPT", "error:1C800064:Provider routines::bad decrypt");
      }
      return last.slice(0, block - count);
    }
  }

  // ---- with authentication: the host goes over all there is so far, and what is new of its answer is given out

  class Sealed {
    #kind;
    #key;
    #iv;
    #encrypts;
    #data = NONE;
    #told = 0;
    aad = NONE;
    tag = null; // to be checked, or made
    tagLength;

    constructor(kind, key, iv, encrypts, tagLength) {
      this.#kind = kind;
      this.#key = key;
      this.#iv = iv;
      this.#encrypts = encrypts;
      this.tagLength = tagLength;
    }

    #sealed() {
      const { mode } = this.#kind, tag = this.tagLength ?? 16;
      const all = ask("crypto:seal", { mode, tag }, this.#key, this.#iv, this.aad, this.#data);
      this.tag = all.slice(all.length - tag);
      return all.subarray(0, all.length - tag);
    }

    #opened(trusting) {
      const { mode } = this.#kind, tag = this.tag ?? NONE;
      return ask("crypto:open", { mode, tag: tag.length || 16, trusting }, this.#key, this.#iv, this.aad, this.#data, tag);
    }

    get #waits() { // for all of the data
      const { mode } = this.#kind;
      return mode === "ocb" || (mode === "ccm" && !this.#encrypts);
    }

    update(bytes) {
      this.#data = joined(this.#data, bytes);
      return this.#waits ? NONE : this.#fresh(this.#encrypts ? this.#sealed() : this.#opened(true));
    }

    #fresh(all) {
      const fresh = all.slice(this.#told);
      this.#told = all.length;
      return fresh;
    }

    final() {
      if (this.#encrypts) return this.#fresh(this.#sealed());
      if (this.tag === null) throw new Error("Unsupported state or unable to authenticate data");
      try {
        return this.#fresh(this.#opened(false));
      } catch (error) {
        throw new Error(error.name === "OperationError" ? "Unsupported state or unable to authenticate data" : error.message);
      }
    }
  }

  // ---- Node's face of both

  class CipherBase {
    #kind;
    #work;
    #encrypts;
    #done = false;
    #stream;
    #decoder = null;

    constructor(encrypts, name, key, iv, options) {
      if (typeof name !== "string") throw wrongType("cipher", "of type string", name);
      const kind = this.#kind = cipherNamed(name);
      const secret = (secretOf(key) ?? bytesOf(key, "utf8", "key", KEY)).slice();
      const vector = iv === null ? NONE : bytesOf(iv, "utf8", "iv").slice();
      if (!kind) throw failure(Error, "ERR_CRYPTO_UNKNOWN_CIPHER", "Unknown cipher");
      if (secret.length !== kind.key) throw failure(RangeError, "ERR_CRYPTO_INVALID_KEYLEN", "Invalid key length");
      const isSealed = SEALED.includes(kind.mode);
      if (isSealed ? !vector.length : vector.length !== kind.iv) {
        throw failure(TypeError, "ERR_CRYPTO_INVALID_IV", "Invalid initialization vector");
      }
      const { authTagLength } = options ?? {};
      if (kind.mode === "ccm" || kind.mode === "ocb") {
        if (authTagLength === undefined) {
          throw failure(TypeError, "ERR_CRYPTO_INVALID_AUTH_TAG", `authTagLength required for ${name}`);
        }
      }
      this.#encrypts = encrypts;
      this.#work = isSealed ? new Sealed(kind, secret, vector, encrypts, authTagLength) : new Blocks(kind, secret, vector, encrypts);
    }

    update(data, inputEncoding, outputEncoding) {
      if (this.#done) throw new Error("Trying to add data in unsupported state");
      const bytes = bytesOf(data, inputEncoding, "data", "of type string or an instance of Buffer, TypedArray, or DataView");
      return this.#shown(this.#work.update(bytes), outputEncoding);
    }

    final(outputEncoding) {
      if (this.#done) throw failure(Error, "ERR_CRYPTO_INVALID_STATE", "Invalid state");
      this.#done = true;
      const last = this.#work.final(), text = this.#shown(last, outputEncoding);
      return this.#decoder && typeof text === "string" ? text + this.#decoder.end() : text;
    }

    /** As a Buffer, or as text; what an update cuts in two, the next one gives out. */
    #shown(bytes, encoding) {
      if (encoding === undefined || encoding === null || encoding === "buffer" || encoding === "hex") return shown(bytes, encoding);
      this.#decoder ??= new (shared.use("node/string_decoder").StringDecoder)(encoding);
      return this.#decoder.write(bytes);
    }

    setAutoPadding(pads = true) {
      if (this.#done) throw failure(Error, "ERR_CRYPTO_INVALID_STATE", "Invalid state for operation setAutoPadding");
      this.#work.pads = Boolean(pads);
      return this;
    }

    #sealed(operation) {
      if (!(this.#work instanceof Sealed)) throw failure(Error, "ERR_CRYPTO_INVALID_STATE", `Invalid state for operation ${operation}`);
      return this.#work;
    }

    setAAD(bytes, options) {
      const work = this.#sealed("setAAD");
      work.aad = joined(work.aad, bytesOf(bytes, options?.encoding, "buffer").slice());
      return this;
    }

    static tagOf(self) {
      if (!self.#done || !self.#encrypts) throw failure(Error, "ERR_CRYPTO_INVALID_STATE", "Invalid state for operation getAuthTag");
      return own(self.#sealed("getAuthTag").tag.slice());
    }

    static setTag(self, tag, encoding) {
      const work = self.#sealed("setAuthTag"), bytes = bytesOf(tag, encoding, "tag").slice(), { length } = bytes;
      if (self.#done) throw failure(Error, "ERR_CRYPTO_INVALID_STATE", "Invalid state for operation setAuthTag");
      const fits = work.tagLength === undefined ? (length >= 12 && length <= 16) || length === 4 || length === 8 : length === work.tagLength;
      if (!fits) throw failure(TypeError, "ERR_CRYPTO_INVALID_AUTH_TAG", `Invalid authentication tag length: ${length}`);
      work.tag = bytes;
      return self;
    }

    static stream(self) {
      self.#stream ??= new (shared.use("builtins")("stream").Transform)({
        transform(chunk, encoding, done) {
          done(null, self.update(chunk));
        },
        flush(done) {
          try {
            done(null, self.final());
          } catch (error) {
            done(error);
          }
        },
      });
      return self.#stream;
    }
  }
  const { tagOf, setTag, stream } = CipherBase;
  for (const name of ["tagOf", "setTag", "stream"]) delete CipherBase[name];
  for (const name of ["write", "end", "read", "pipe", "on", "once", "off", "emit", "removeListener", "setEncoding"]) {
    const method = { [name](...given) {
      const made = stream(this), value = made[name](...given);
      return value === made ? this : value;
    } }[name];
    Object.defineProperty(CipherBase.prototype, name, { value: method, writable: true, configurable: true });
  }

  class Cipheriv extends CipherBase {
    constructor(...given) {
      super(true, ...given);
    }

    getAuthTag() {
      return tagOf(this);
    }
  }

  class Decipheriv extends CipherBase {
    constructor(...given) {
      super(false, ...given);
    }

    setAuthTag(tag, encoding) {
      return setTag(this, tag, encoding);
    }
  }

  function getCipherInfo(name, { keyLength, ivLength } = {}) {
    const kind = typeof name === "string" ? cipherNamed(name) : undefined;
    if (!kind || (keyLength !== undefined && keyLength !== kind.key)) return undefined;
    if (ivLength !== undefined && ivLength !== kind.iv && !SEALED.includes(kind.mode)) return undefined;
    const lower = name.toLowerCase(), mode = kind.mode === "chacha20-poly1305" ? "stream" : kind.mode;
    const blockSize = STREAMS.includes(mode) || SEALED.includes(kind.mode) ? 1 : kind.block;
    const info = { mode, name: ALIASES[lower] ?? lower, blockSize };
    if (kind.iv) info.ivLength = ivLength ?? kind.iv;
    info.keyLength = kind.key;
    return info;
  }

  return {
    createCipheriv: (...given) => new Cipheriv(...given),
    createDecipheriv: (...given) => new Decipheriv(...given),
    getCipherInfo,
    getCiphers: () => [...Object.keys(CIPHERS), ...Object.keys(ALIASES)].sort(),
    Blocks, Cipheriv, Decipheriv,
  };
}
