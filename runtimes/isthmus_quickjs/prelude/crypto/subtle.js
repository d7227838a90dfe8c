// crypto.subtle (WebCrypto): what may be asked of which key is checked here, the algorithms are beside it.
(native, shared) => {
  "use strict";
  const { contentOf, createSecretKey, KeyObject } = shared.use("crypto/keys");
  const { bytesOf, fail, guarded, hashOf, hostHash, isCryptoKey, look, CryptoKey } = shared.use("crypto/web/key");
  const { getRandomValues, randomUUID } = shared.use("crypto/random");
  const { TypeError } = globalThis;
  const ALGORITHMS = { __proto__: null, ...shared.use("crypto/web/secret").algorithms, ...shared.use("crypto/web/pair").algorithms };
  const BY_LOWER = { __proto__: null };
  for (const name in ALGORITHMS) BY_LOWER[name.toLowerCase()] = name;

  /** [canonical name, parameters, algorithm] of what a method is given, if the algorithm can do that. */
  function normalized(given, operation) {
    const parameters = typeof given === "object" && given !== null ? given : { name: given };
    const name = BY_LOWER[`${parameters.name}`.toLowerCase()], algorithm = name && ALGORITHMS[name];
    if (!algorithm?.[operation]) throw fail("NotSupportedError", "Unrecognized algorithm name");
    return [name, parameters, algorithm];
  }

  function count(method, given, least) {
    if (given.length >= least) return;
    const message = `Failed to execute '${method}' on 'SubtleCrypto': ${least} arguments required, but only ${given.length} present.`;
    throw Object.assign(new TypeError(message), { code: "ERR_MISSING_ARGS" });
  }

  function permitted(key, name, usage) {
    if (!isCryptoKey(key)) throw shared.use("invalid").wrongType("key", "an instance of CryptoKey", key);
    const { algorithm, usages } = look(key);
    if (algorithm.name !== name) throw fail("InvalidAccessError", "Key algorithm mismatch");
    if (!usages.includes(usage)) throw fail("InvalidAccessError", `Unable to use this key to ${usage}`);
  }

  function using(operation, usage, given, key, ...data) {
    const [name, parameters, algorithm] = normalized(given, operation);
    permitted(key, name, usage);
    return guarded("OperationError", () => algorithm[operation](parameters, key, ...data));
  }

  const FORMATS = ["raw", "pkcs8", "spki", "jwk"];
  function checkFormat(format) {
    if (!FORMATS.includes(format)) {
      const message = `'${format}' is not a valid enum value of type KeyFormat.`;
      throw Object.assign(new TypeError(message), { code: "ERR_INVALID_ARG_VALUE" });
    }
  }

  function importKey(format, data, given, extractable, usages) {
    checkFormat(format);
    const [, parameters, algorithm] = normalized(given, "import");
    return algorithm.import(format, data, parameters, extractable, Array.from(usages));
  }

  function exportKey(format, key) {
    checkFormat(format);
    if (!isCryptoKey(key)) throw shared.use("invalid").wrongType("key", "an instance of CryptoKey", key);
    const { algorithm, extractable } = look(key), { export: write } = ALGORITHMS[algorithm.name];
    if (!extractable) throw fail("InvalidAccessError", "key is not extractable");
    if (!write) throw fail("NotSupportedError", `Unable to export a ${algorithm.name} key`);
    return write(format, key);
  }

  function deriveBits(given, key, length, usage) {
    return using("deriveBits", usage, given, key, length);
  }

  /** wrapKey's operation, and unwrapKey's: one of their own, or encryption. */
  function wrapping(given, own, other, usage, key, data) {
    const name = BY_LOWER[`${given?.name ?? given}`.toLowerCase()];
    return using(name && ALGORITHMS[name][own] ? own : other, usage, given, key, data);
  }

  class SubtleCrypto {
    constructor() {
      throw Object.assign(new TypeError("Illegal constructor"), { code: "ERR_ILLEGAL_CONSTRUCTOR" });
    }

    async digest(algorithm, data) {
      count("digest", arguments, 2);
      return native.call(`hash:${hostHash(hashOf(algorithm))}`, bytesOf(data, "data")).buffer;
    }

    async generateKey(algorithm, extractable, usages) {
      count("generateKey", arguments, 3);
      const [, parameters, found] = normalized(algorithm, "generate");
      return found.generate(parameters, extractable, Array.from(usages));
    }

    async importKey(...given) {
      count("importKey", given, 4);
      return importKey(...given);
    }

    async exportKey(...given) {
      count("exportKey", given, 2);
      return exportKey(...given);
    }

    async sign(algorithm, key, data) {
      count("sign", arguments, 3);
      return using("sign", "sign", algorithm, key, bytesOf(data, "data")).buffer;
    }

    async verify(algorithm, key, signature, data) {
      count("verify", arguments, 4);
      return using("verify", "verify", algorithm, key, bytesOf(signature, "signature"), bytesOf(data, "data"));
    }

    async encrypt(algorithm, key, data) {
      count("encrypt", arguments, 3);
      return using("encrypt", "encrypt", algorithm, key, bytesOf(data, "data")).buffer;
    }

    async decrypt(algorithm, key, data) {
      count("decrypt", arguments, 3);
      return using("decrypt", "decrypt", algorithm, key, bytesOf(data, "data")).buffer;
    }

    async deriveBits(algorithm, key, length = null) {
      count("deriveBits", arguments, 2);
      return deriveBits(algorithm, key, length, "deriveBits").buffer;
    }

    async deriveKey(algorithm, key, derived, extractable, usages) {
      count("deriveKey", arguments, 5);
      const [, parameters, { keyLength }] = normalized(derived, "keyLength");
      const bytes = deriveBits(algorithm, key, keyLength(parameters), "deriveKey");
      return importKey("raw", bytes, derived, extractable, usages);
    }

    async wrapKey(format, key, wrappingKey, algorithm) {
      count("wrapKey", arguments, 4);
      const exported = exportKey(format, key);
      const bytes = format === "jwk" ? native.utf8Encode(shared.stringify(exported)) : bytesOf(exported, "key");
      return wrapping(algorithm, "wrap", "encrypt", "wrapKey", wrappingKey, bytes).buffer;
    }

    async unwrapKey(format, wrapped, unwrappingKey, algorithm, keyAlgorithm, extractable, usages) {
      count("unwrapKey", arguments, 7);
      checkFormat(format);
      const bytes = wrapping(algorithm, "unwrap", "decrypt", "unwrapKey", unwrappingKey, bytesOf(wrapped, "wrappedKey"));
      const data = format === "jwk" ? guarded("DataError", () => shared.parse(native.utf8Decode(bytes))) : bytes;
      return importKey(format, data, keyAlgorithm, extractable, usages);
    }
  }

  class Crypto {
    constructor() {
      throw Object.assign(new TypeError("Illegal constructor"), { code: "ERR_ILLEGAL_CONSTRUCTOR" });
    }

    get subtle() {
      return subtle;
    }

    getRandomValues(list) {
      return getRandomValues(list);
    }

    randomUUID() {
      return randomUUID();
    }
  }

  for (const made of [Crypto, SubtleCrypto]) {
    Object.defineProperty(made.prototype, Symbol.toStringTag, { value: made.name, configurable: true });
  }
  const subtle = Object.create(SubtleCrypto.prototype), webcrypto = Object.create(Crypto.prototype);

  /** A KeyObject of what is in a CryptoKey. */
  function toKeyObject(key) {
    const { content, type } = look(key);
    return type === "secret" ? createSecretKey(content) : content;
  }

  /** A CryptoKey of what is in a KeyObject. */
  function fromKeyObject(object, algorithm, extractable, usages) {
    const format = { secret: "raw", public: "spki", private: "pkcs8" }[object.type];
    return importKey(format, contentOf(object), algorithm, extractable, usages);
  }

  return { fromKeyObject, isCryptoKey, subtle, toKeyObject, webcrypto, Crypto, CryptoKey, SubtleCrypto };
}
