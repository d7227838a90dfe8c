// CryptoKey, and what is true of keys of every algorithm: who may use them, for what, and the errors that say so.
(native, shared) => {
  "use strict";
  const { plain } = shared.use("ask");
  const { DOMException, Error, TypeError } = globalThis;
  const MADE_HERE = Symbol("made here");
  const HASHES = { __proto__: null, "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512" };

  class CryptoKey {
    #type;
    #extractable;
    #algorithm;
    #usages;
    #content; // bytes of a secret, a KeyObject of what is asymmetric

    constructor(key, type, algorithm, extractable, usages, content) {
      if (key !== MADE_HERE) throw Object.assign(new TypeError("Illegal constructor"), { code: "ERR_ILLEGAL_CONSTRUCTOR" });
      this.#type = type;
      this.#algorithm = algorithm;
      this.#extractable = Boolean(extractable);
      this.#usages = usages;
      this.#content = content;
    }

    get type() {
      return this.#type;
    }

    get extractable() {
      return this.#extractable;
    }

    get algorithm() {
      return this.#algorithm;
    }

    get usages() {
      return this.#usages;
    }

    static look(key) {
      return {
        type: key.#type, algorithm: key.#algorithm, extractable: key.#extractable, usages: key.#usages, content: key.#content,
      };
    }

    static is(value) {
      return #content in value;
    }

    get [Symbol.toStringTag]() {
      return "CryptoKey";
    }

    [Symbol.for("nodejs.util.inspect.custom")]() {
      const { type, extractable, algorithm, usages } = this;
      return shared.use("inspect").look(CryptoKey, { type, extractable, algorithm, usages });
    }
  }
  /** What a key really is, whatever its getters have become. */
  const { look, is } = CryptoKey;
  delete CryptoKey.look;
  delete CryptoKey.is;
  const isCryptoKey = (value) => typeof value === "object" && value !== null && is(value);

  /** A key whose usages are those asked for, each once. */
  function keyOf(type, algorithm, extractable, usages, content) {
    return new CryptoKey(MADE_HERE, type, algorithm, extractable, [...new Set(usages)], content);
  }

  const fail = (name, message) => new DOMException(message, name);

  /** Throws unless every usage is one of those that make sense. */
  function allow(usages, allowed, what) {
    if (usages.some((each) => !allowed.includes(each))) throw fail("SyntaxError", `Unsupported key usage for ${what}`);
  }

  function hashOf(hash) {
    const name = `${typeof hash === "object" && hash !== null ? hash.name : hash}`.toUpperCase();
    if (!HASHES[name]) throw fail("NotSupportedError", "Unrecognized algorithm name");
    return { name };
  }

  /** The host's name of an algorithm's hash. */
  const hostHash = ({ name }) => HASHES[name];

  function bytesOf(data, name) {
    if (ArrayBuffer.isView(data) || /^(Shared)?ArrayBuffer$/.test(native.classOf(data))) return plain(data).slice();
    throw shared.use("invalid").wrongType(name, "an instance of ArrayBuffer, Buffer, TypedArray, or DataView", data);
  }

  /** What run() does; what it throws that is no error of the specification's becomes one. */
  function guarded(name, run) {
    try {
      return run();
    } catch (error) {
      if (native.classOf(error) === "DOMException" || (error instanceof TypeError && !error.code?.startsWith("ERR_CRYPTO"))) throw error;
      throw fail(name, error instanceof Error ? error.message : "The operation failed");
    }
  }

  /** A JSON Web Key, checked as every algorithm wants it. */
  function checkedJwk(jwk, { kty, alg, use, extractable, usages }) {
    if (typeof jwk !== "object" || jwk === null) throw fail("DataError", "Invalid keyData");
    if (jwk.kty !== kty) throw fail("DataError", 'Invalid JWK "kty" Parameter');
    if (usages.length && jwk.use !== undefined && jwk.use !== use) throw fail("DataError", 'Invalid JWK "use" Parameter');
    if (jwk.key_ops !== undefined && usages.some((each) => !jwk.key_ops.includes(each))) {
      throw fail("DataError", "Key operations and usage mismatch");
    }
    if (jwk.ext === false && extractable) throw fail("DataError", 'JWK "ext" Parameter and extractable mismatch');
    if (jwk.alg !== undefined && alg !== undefined && jwk.alg !== alg) {
      throw fail("DataError", 'JWK "alg" does not match the requested algorithm');
    }
    return jwk;
  }

  return { allow, bytesOf, checkedJwk, fail, guarded, hashOf, hostHash, isCryptoKey, keyOf, look, CryptoKey };
}
