// New keys: the call's chance makes them, but for RSA's, which the host's library makes of its own.
(native, shared) => {
  "use strict";
  const { own } = shared.use("buffer"), { failure, outOfRange, wrongType } = shared.use("invalid");
  const { ask } = shared.use("ask"), { answered } = shared.use("crypto/bytes");
  const { createSecretKey, keyObject } = shared.use("crypto/keys");
  const { TypeError } = globalThis;
  const SEED = 96; // bytes the host makes a key of
  const TYPES = ["rsa", "rsa-pss", "ec", "ed25519", "ed448", "x25519", "x448"];
  const JOSE = { __proto__: null, "P-256": "prime256v1", "P-384": "secp384r1", "P-521": "secp521r1" };

  /** Both halves as KeyObjects. */
  function makePair(type, { modulusLength, publicExponent = 65537, namedCurve } = {}) {
    const fields = { type };
    if (type === "rsa") {
      if (typeof modulusLength !== "number") throw wrongType("options.modulusLength", "of type number", modulusLength);
      Object.assign(fields, { bits: modulusLength, exponent: publicExponent });
    } else if (type === "ec") {
      if (typeof namedCurve !== "string") throw wrongType("options.namedCurve", "of type string", namedCurve);
      fields.curve = JOSE[namedCurve] ?? namedCurve;
    }
    const made = shared.parse(native.utf8Decode(ask("crypto:makeKey", fields, native.random(SEED))));
    return { publicKey: keyObject(made.public), privateKey: keyObject(made.private) };
  }

  function pair(type, options = {}) {
    if (typeof type !== "string") throw wrongType("type", "of type string", type);
    if (!TYPES.includes(type)) {
      throw failure(TypeError, "ERR_INVALID_ARG_VALUE", `The argument 'type' must be a supported key type. Received '${type}'`);
    }
    const { privateKey, publicKey } = makePair(type === "rsa-pss" ? "rsa" : type, options);
    const { privateKeyEncoding, publicKeyEncoding } = options;
    return {
      publicKey: publicKeyEncoding ? publicKey.export(publicKeyEncoding) : publicKey,
      privateKey: privateKeyEncoding ? privateKey.export(privateKeyEncoding) : privateKey,
    };
  }

  function generateKeyPair(type, options, callback) {
    if (typeof options === "function") [options, callback] = [undefined, options];
    if (typeof callback !== "function") throw wrongType("callback", "of type function", callback);
    answered(() => pair(type, options), (error, made) => error ? callback(error) : callback(null, made.publicKey, made.privateKey));
  }
  // What util.promisify makes of it yields both.
  Object.defineProperty(generateKeyPair, Symbol.for("nodejs.util.promisify.custom"), {
    value: async (type, options) => pair(type, options),
  });

  function generateKeySync(type, options) {
    const { length } = options ?? {};
    if (type !== "hmac" && type !== "aes") {
      throw failure(TypeError, "ERR_INVALID_ARG_VALUE", `The argument 'type' must be a supported key type. Received '${type}'`);
    }
    if (typeof length !== "number") throw wrongType("options.length", "of type number", length);
    if (type === "aes" ? ![128, 192, 256].includes(length) : !(length >= 8 && length <= 2 ** 31 - 1)) {
      throw outOfRange("options.length", type === "aes" ? "128, 192 or 256" : ">= 8 && <= 2147483647", length);
    }
    return createSecretKey(own(native.random(length >>> 3)));
  }

  return {
    generateKey: (type, options, callback) => answered(() => generateKeySync(type, options), callback),
    generateKeyPair,
    generateKeyPairSync: pair,
    generateKeySync,
    makePair,
  };
}
