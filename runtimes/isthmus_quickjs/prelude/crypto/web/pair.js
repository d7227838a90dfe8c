// WebCrypto's algorithms over key pairs: RSA (PKCS #1 v1.5, PSS, OAEP), ECDSA, ECDH, Ed25519, X25519.
(native, shared) => {
  "use strict";
  const { ask } = shared.use("ask");
  const { contentOf, readJwk, readKey } = shared.use("crypto/keys");
  const { makePair } = shared.use("crypto/generate"), { rawOf } = shared.use("crypto/agree");
  const { allow, bytesOf, checkedJwk, fail, guarded, hashOf, hostHash, isCryptoKey, keyOf, look } = shared.use("crypto/web/key");
  const { BigInt, Uint8Array } = globalThis;
  const NONE = new Uint8Array(0);
  const CURVES = { __proto__: null, "P-256": "prime256v1", "P-384": "secp384r1", "P-521": "secp521r1" };
  const SIGN = { public: ["verify"], private: ["sign"] };
  const AGREE = { public: [], private: ["deriveKey", "deriveBits"] };
  const ENCRYPT = { public: ["encrypt", "wrapKey"], private: ["decrypt", "unwrapKey"] };

  const read = (want, format, bytes, options) => guarded("DataError", () => readKey(want, format, bytes, options));

  /** The KeyObject of what importKey is given. */
  function imported(format, data, { kty, alg, use, allowed, extractable, usages, rawCurve }) {
    if (format === "spki") return read("public", "der", bytesOf(data, "keyData"));
    if (format === "pkcs8") return read("private", "der", bytesOf(data, "keyData"));
    if (format === "raw" && rawCurve) return read("public", "raw", bytesOf(data, "keyData"), { curve: rawCurve });
    if (format !== "jwk") throw fail("NotSupportedError", `Unable to import this kind of key using format ${format}`);
    checkedJwk(data, { kty, alg, use, extractable, usages });
    const want = data.d === undefined ? "public" : "private";
    allow(usages, allowed[want], `a ${want} key`);
    return guarded("DataError", () => readJwk(want, data));
  }

  /** An algorithm over pairs: what its keys are of, and what they may do. */
  function pairs(name, { type, kty, allowed, algorithmOf, alg = () => undefined, curveOf, use = "sig", generation, ...operations }) {
    const what = `a ${name} key`;
    function key(object, algorithm, extractable, usages) {
      allow(usages, allowed[object.type], what);
      if (object.type === "private" && !usages.length) {
        throw fail("SyntaxError", "Usages cannot be empty when importing a private key.");
      }
      return keyOf(object.type, algorithm, extractable, usages, object);
    }
    return {
      generate(given, extractable, usages) {
        allow(usages, [...allowed.public, ...allowed.private], what);
        const mine = (half) => usages.filter((each) => allowed[half].includes(each));
        if (!mine("private").length) throw fail("SyntaxError", "Usages cannot be empty when creating a key.");
        algorithmOf(given);
        const { publicKey, privateKey } = guarded("OperationError", () => makePair(type, generation(given)));
        const algorithm = algorithmOf(given, publicKey);
        return {
          publicKey: keyOf("public", algorithm, true, mine("public"), publicKey),
          privateKey: keyOf("private", algorithm, extractable, mine("private"), privateKey),
        };
      },
      import(format, data, given, extractable, usages) {
        algorithmOf(given);
        const rawCurve = curveOf?.(given);
        const wanted = { kty, alg: alg(given), use, allowed, extractable, usages, rawCurve };
        if (format === "jwk" && rawCurve && data?.crv !== undefined && data.crv !== (given.namedCurve ?? name)) {
          throw fail("DataError", 'JWK "crv" does not match the requested algorithm');
        }
        const object = imported(format, data, wanted);
        const { namedCurve } = object.asymmetricKeyDetails;
        if (object.asymmetricKeyType !== type) throw fail("DataError", "Invalid key type");
        if (namedCurve !== undefined && namedCurve !== rawCurve) throw fail("DataError", "Named curve mismatch");
        return key(object, algorithmOf(given, object), extractable, usages);
      },
      export(format, key) {
        const { algorithm, content, extractable, type: half, usages } = look(key);
        if (format === "raw" && half === "public" && curveOf) return rawOf(content).buffer;
        if (format === (half === "public" ? "spki" : "pkcs8")) return contentOf(content).slice().buffer;
        if (format !== "jwk") throw fail("NotSupportedError", `Unable to export a ${half} ${name} key using ${format} format`);
        const jwk = { key_ops: [...usages], ext: extractable, ...content.export({ format: "jwk" }) };
        if (alg(algorithm) !== undefined) jwk.alg = alg(algorithm);
        return jwk;
      },
      ...operations,
    };
  }

  function half(key, wanted) {
    const { algorithm, content, type } = look(key);
    if (type !== wanted) throw fail("InvalidAccessError", `The requested operation is not valid for the provided key`);
    return [contentOf(content), algorithm];
  }

  const signing = (parameters) => ({
    sign(given, key, data) {
      const [der, algorithm] = half(key, "private");
      return ask("crypto:sign", parameters(given, algorithm), der, data);
    },
    verify(given, key, signature, data) {
      const [der, algorithm] = half(key, "public");
      return ask("crypto:verify", parameters(given, algorithm), der, data, signature)[0] === 1;
    },
  });

  // ---- RSA

  function rsaAlgorithm(name) {
    return ({ hash }, object) => {
      const algorithm = { name, hash: hashOf(hash) };
      if (!object) return algorithm;
      const { modulusLength, publicExponent } = object.asymmetricKeyDetails;
      const digits = publicExponent.toString(16), even = digits.length % 2 ? `0${digits}` : digits;
      return { name, modulusLength, publicExponent: native.hexDecode(even), hash: algorithm.hash };
    };
  }

  function rsaGeneration({ modulusLength, publicExponent }) {
    const bytes = bytesOf(publicExponent, "algorithm.publicExponent");
    return { modulusLength, publicExponent: Number(BigInt(`0x${native.hexEncode(bytes)}`)) };
  }

  const digits = ({ hash }) => hashOf(hash).name.slice(4);
  const rsa = (name, alg, allowed, operations) =>
    pairs(name, {
      type: "rsa", kty: "RSA", allowed, alg, algorithmOf: rsaAlgorithm(name), generation: rsaGeneration,
      use: allowed === ENCRYPT ? "enc" : "sig", ...operations,
    });

  const oaep = (operation, which) => ({ label }, key, data) => {
    const [der, { hash }] = half(key, which);
    const bytes = label === undefined ? NONE : bytesOf(label, "algorithm.label");
    return ask(`crypto:${operation}`, { key: which, padding: "oaep", hash: hostHash(hash) }, der, data, bytes);
  };

  // ---- curves

  const curveOf = ({ namedCurve }) => CURVES[namedCurve];
  function curveAlgorithm(name) {
    return ({ namedCurve }) => {
      if (!CURVES[namedCurve]) throw fail("NotSupportedError", "Unrecognized namedCurve");
      return { name, namedCurve };
    };
  }

  function agreed({ public: other }, key, bits) {
    if (!isCryptoKey(other)) throw shared.use("invalid").wrongType("algorithm.public", "an instance of CryptoKey", other);
    const [theirs, algorithm] = half(other, "public"), [mine, own] = half(key, "private");
    if (algorithm.name !== own.name || algorithm.namedCurve !== own.namedCurve) {
      throw fail("InvalidAccessError", "algorithm.public must be a key of the same algorithm and curve");
    }
    const secret = ask("crypto:agree", {}, mine, theirs), length = bits ?? secret.length * 8;
    if (length > secret.length * 8) throw fail("OperationError", "derived bit length is too small");
    const cut = secret.slice(0, Math.ceil(length / 8));
    if (length % 8) cut[cut.length - 1] &= 0xff << (8 - (length % 8));
    return cut;
  }

  const okp = (name, allowed, operations) =>
    pairs(name, {
      type: name.toLowerCase(), kty: "OKP", allowed, algorithmOf: () => ({ name }), curveOf: () => name.toLowerCase(),
      generation: () => ({}), alg: () => allowed === SIGN ? name : undefined, use: allowed === SIGN ? "sig" : "enc", ...operations,
    });
  const curve = (name, allowed, operations) =>
    pairs(name, {
      type: "ec", kty: "EC", allowed, algorithmOf: curveAlgorithm(name), curveOf, use: allowed === SIGN ? "sig" : "enc",
      generation: ({ namedCurve }) => ({ namedCurve: CURVES[namedCurve] }), ...operations,
    });

  return {
    algorithms: {
      __proto__: null,
      "RSASSA-PKCS1-v1_5": rsa("RSASSA-PKCS1-v1_5", (given) => `RS${digits(given)}`, SIGN, signing((_, { hash }) => ({ hash: hostHash(hash) }))),
      "RSA-PSS": rsa("RSA-PSS", (given) => `PS${digits(given)}`, SIGN, signing(({ saltLength }, { hash }) => ({
        hash: hostHash(hash), padding: "pss", salt: saltLength,
      }))),
      "RSA-OAEP": rsa("RSA-OAEP", (given) => digits(given) === "1" ? "RSA-OAEP" : `RSA-OAEP-${digits(given)}`, ENCRYPT, {
        encrypt: oaep("encrypt", "public"), decrypt: oaep("decrypt", "private"),
      }),
      ECDSA: curve("ECDSA", SIGN, signing(({ hash }) => ({ hash: hostHash(hashOf(hash)), form: "ieee-p1363" }))),
      ECDH: curve("ECDH", AGREE, { deriveBits: agreed }),
      Ed25519: okp("Ed25519", SIGN, signing(() => ({ hash: "" }))),
      X25519: okp("X25519", AGREE, { deriveBits: agreed }),
    },
  };
}
