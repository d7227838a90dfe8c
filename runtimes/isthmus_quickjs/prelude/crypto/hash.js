// Hashes and HMACs: the bytes are gathered here and digested by the host at once.
(native, shared) => {
  "use strict";
  const { own } = shared.use("buffer"), { failure, wrongType } = shared.use("invalid");
  const { bytesOf, shown } = shared.use("crypto/bytes");
  const { Error, TypeError, Uint8Array } = globalThis;
  const COMMON = { __proto__: null };
  for (const name of ["md5", "sha1", "sha256", "sha512", "sha224", "sha384"]) COMMON[name] = name;
  const STREAMING = ["write", "end", "read", "pipe", "unpipe", "on", "once", "off", "emit", "addListener", "removeListener", "setEncoding"];
  const WANTED = "of type string or an instance of Buffer, TypedArray, or DataView";

  function getHashes() {
    return shared.parse(native.utf8Decode(native.call("hashes", new Uint8Array(0))));
  }

  /** The host's name for an algorithm, null for one there is not. */
  function known(algorithm) {
    const found = COMMON[algorithm];
    if (found) return found;
    const name = `${algorithm}`.toLowerCase();
    return COMMON[name] ?? (getHashes().includes(name) ? name : null);
  }

  function joined(parts, length) {
    const bytes = new Uint8Array(length);
    let at = 0;
    for (let i = 0; i < parts.length; i++) {
      bytes.set(parts[i], at);
      at += parts[i].length;
    }
    return bytes;
  }

  /** What Hash and Hmac have in common: the bytes so far, and a stream over them where one is wanted. */
  class Digest {
    #parts = [];
    #length = 0;
    #done = false;
    #stream;

    update(data, encoding) {
      if (this.#done) throw failure(Error, "ERR_CRYPTO_HASH_FINALIZED", "Digest already called");
      const isText = typeof data === "string", bytes = bytesOf(data, encoding, "data", WANTED);
      this.#parts[this.#parts.length] = isText ? bytes : bytes.slice(); // the author may write over what was given
      this.#length += bytes.length;
      return this;
    }

    static finish(self, op) {
      const parts = self.#parts;
      self.#done = true;
      self.#parts = [];
      return native.call(op, parts.length === 1 ? parts[0] : joined(parts, self.#length));
    }

    static isDone(self) {
      return self.#done;
    }

    static copy(self, twin) {
      twin.#parts = [...self.#parts];
      twin.#length = self.#length;
      return twin;
    }

    static stream(self) {
      self.#stream ??= new (shared.use("builtins")("stream").Transform)({
        transform(chunk, encoding, done) {
          self.update(chunk);
          done();
        },
        flush(done) {
          this.push(self.digest());
          done();
        },
      });
      return self.#stream;
    }
  }
  const { finish, isDone, copy, stream } = Digest;
  for (const name of ["finish", "isDone", "copy", "stream"]) delete Digest[name];
  for (const name of STREAMING) {
    const method = { [name](...given) {
      const made = stream(this), value = made[name](...given);
      return value === made ? this : value;
    } }[name];
    Object.defineProperty(Digest.prototype, name, { value: method, writable: true, configurable: true });
  }

  class Hash extends Digest {
    #op;

    constructor(algorithm, options) {
      super();
      if (typeof algorithm !== "string") throw wrongType("algorithm", "of type string", algorithm);
      const name = known(algorithm);
      if (name === null) throw new Error("Digest method not supported");
      const { outputLength } = options ?? {};
      this.#op = outputLength === undefined ? `hash:${name}` : `hash:${name}:${outputLength}`;
    }

    digest(encoding) {
      if (isDone(this)) throw failure(Error, "ERR_CRYPTO_HASH_FINALIZED", "Digest already called");
      return shown(finish(this, this.#op), encoding);
    }

    copy() {
      if (isDone(this)) throw failure(Error, "ERR_CRYPTO_HASH_FINALIZED", "Digest already called");
      const twin = copy(this, new Hash("md5"));
      twin.#op = this.#op;
      return twin;
    }
  }

  class Hmac extends Digest {
    #op;

    constructor(algorithm, key) {
      super();
      if (typeof algorithm !== "string") throw wrongType("hmac", "of type string", algorithm);
      const secret = shared.made("crypto/keys")?.secretOf(key);
      const wanted = "of type string or an instance of ArrayBuffer, Buffer, TypedArray, DataView, KeyObject, or CryptoKey";
      const bytes = secret ?? bytesOf(key, "utf8", "key", wanted);
      const name = known(algorithm);
      if (name === null) throw failure(TypeError, "ERR_CRYPTO_INVALID_DIGEST", `Invalid digest: ${algorithm}`);
      this.#op = `hmac:${name}:${bytes.length}`;
      super.update(bytes); // the host takes the key before the data
    }

    digest(encoding) {
      if (isDone(this)) return encoding === undefined || encoding === "buffer" ? own(new Uint8Array(0)) : "";
      return shown(finish(this, this.#op), encoding);
    }
  }

  /** The digest of some data at once. */
  function hash(algorithm, input, encoding = "hex") {
    return new Hash(algorithm).update(input).digest(encoding);
  }

  return {
    createHash: (algorithm, options) => new Hash(algorithm, options),
    createHmac: (algorithm, key) => new Hmac(algorithm, key),
    getHashes, hash, Hash, Hmac,
  };
}
