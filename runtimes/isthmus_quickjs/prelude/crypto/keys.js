// KeyObject, and the ways keys come in: PEM, DER, JWK, raw bytes.  A key is kept as DER here, and read by the host.
(native, shared) => {
  "use strict";
  const { own } = shared.use("buffer"), { failure, wrongType } = shared.use("invalid");
  const { ask } = shared.use("ask"), { bytesOf } = shared.use("crypto/bytes");
  const { BigInt, Error, TypeError, Uint8Array } = globalThis;
  const NONE = new Uint8Array(0), MADE_HERE = Symbol("made here");
  native.call("crypto:", NONE); // the library is there before a call needs it
  const JWK_NAMES = ["kty", "crv", "x", "y", "n", "e", "d", "p", "q", "dp", "dq", "qi"];

  class KeyObject {
    #type;
    #bytes; // a secret, or DER: PKCS #8 of a private key, SubjectPublicKeyInfo of a public one

    constructor(key, type, bytes) {
      if (key !== MADE_HERE) throw failure(TypeError, "ERR_ILLEGAL_CONSTRUCTOR", "Illegal constructor");
      this.#type = type;
      this.#bytes = bytes;
    }

    get type() {
      return this.#type;
    }

    equals(other) {
      if (!(other instanceof KeyObject)) throw wrongType("otherKeyObject", "an instance of KeyObject", other);
      return this.#type === other.#type && native.hexEncode(this.#bytes) === native.hexEncode(other.#bytes);
    }

    toCryptoKey(...given) {
      return shared.use("crypto/subtle").fromKeyObject(this, ...given);
    }

    static from(key) {
      if (isCryptoKey(key)) return toObject(key);
      throw wrongType("key", "an instance of CryptoKey", key);
    }

    static bytes(key) {
      return key.#bytes;
    }

    get [Symbol.toStringTag]() {
      return "KeyObject";
    }
  }
  const contentOf = KeyObject.bytes;
  delete KeyObject.bytes;

  class SecretKeyObject extends KeyObject {
    get symmetricKeySize() {
      return contentOf(this).length;
    }

    export({ format = "buffer" } = {}) {
      const bytes = contentOf(this).slice();
      if (format === "jwk") return { kty: "oct", k: native.base64Encode(bytes, true) };
      if (format !== "buffer") throw wrongOption("format", format);
      return own(bytes);
    }
  }

  class AsymmetricKeyObject extends KeyObject {
    #read;

    constructor(key, read) {
      super(key, read.kind, native.base64Decode(read.der));
      this.#read = read;
    }

    get asymmetricKeyType() {
      return this.#read.type;
    }

    get asymmetricKeyDetails() {
      const { publicExponent, ...details } = this.#read.details;
      return publicExponent === undefined ? details : { ...details, publicExponent: BigInt(publicExponent) };
    }
  }

  function wrongOption(name, value) {
    const shown = shared.use("inspect").inspect(value);
    return failure(TypeError, "ERR_INVALID_ARG_VALUE", `The property 'options.${name}' is invalid. Received ${shown}`);
  }

  function written(key, { format, type, cipher, passphrase }) {
    if (format === "jwk") return shared.parse(native.utf8Decode(ask("crypto:writeKey", { kind: key.type, format }, contentOf(key), NONE)));
    if (format !== "pem" && format !== "der") throw wrongOption("format", format);
    const types = key.type === "public" ? ["pkcs1", "spki"] : ["pkcs1", "pkcs8", "sec1"];
    if (!types.includes(type)) throw wrongOption("type", type);
    for (const [only, wanted] of [["pkcs1", "rsa"], ["sec1", "ec"]]) {
      if (type === only && key.asymmetricKeyType !== wanted) {
        const message = `The selected key encoding ${type} can only be used for ${wanted.toUpperCase()} keys.`;
        throw failure(Error, "ERR_CRYPTO_INCOMPATIBLE_KEY_OPTIONS", message);
      }
    }
    const isProtected = passphrase !== undefined && passphrase !== null;
    if (isProtected !== (cipher !== undefined)) throw wrongOption(isProtected ? "cipher" : "passphrase", undefined);
    const secret = isProtected ? bytesOf(passphrase, "utf8", "options.passphrase") : NONE;
    const bytes = ask("crypto:writeKey", { kind: key.type, format, type, protected: isProtected }, contentOf(key), secret);
    return format === "pem" ? native.latin1Decode(bytes) : own(bytes);
  }

  class PrivateKeyObject extends AsymmetricKeyObject {
    export(options) {
      if (typeof options !== "object" || options === null) throw wrongType("options", "of type object", options);
      return written(this, options);
    }
  }

  class PublicKeyObject extends AsymmetricKeyObject {
    export(options) {
      if (typeof options !== "object" || options === null) throw wrongType("options", "of type object", options);
      return written(this, options);
    }
  }

  // ---- in

  function keyObject(read) {
    return new (read.kind === "private" ? PrivateKeyObject : PublicKeyObject)(MADE_HERE, read);
  }

  function wrongKind(key, expected) {
    const message = `Invalid key object type ${key.type}, expected ${expected}.`;
    return failure(TypeError, "ERR_CRYPTO_INVALID_KEY_OBJECT_TYPE", message);
  }

  /** A key from bytes in one of the host's formats. */
  function readKey(want, format, bytes, { curve = "", passphrase } = {}) {
    const isProtected = passphrase !== undefined && passphrase !== null;
    const secret = isProtected ? bytesOf(passphrase, "utf8", "key.passphrase") : NONE;
    const answer = ask("crypto:readKey", { want, format, curve, protected: isProtected }, bytes, secret);
    return keyObject(shared.parse(native.utf8Decode(answer)));
  }

  function readJwk(want, jwk) {
    if (typeof jwk !== "object" || jwk === null) throw wrongType("key.key", "of type object", jwk);
    const given = {};
    for (const name of JWK_NAMES) if (jwk[name] !== undefined) given[name] = jwk[name];
    return readKey(want, "jwk", native.utf8Encode(shared.stringify(given)));
  }

  const KEY = "of type string or an instance of ArrayBuffer, Buffer, TypedArray", BYTES = `${KEY}, or DataView`;

  /** What createPrivateKey and createPublicKey take, and everything else that takes a key. */
  function asymmetric(want, key, wanted = `${KEY}, DataView, KeyObject, or CryptoKey`) {
    const isBytes = (value) => typeof value === "string" || ArrayBuffer.isView(value) || native.classOf(value) === "ArrayBuffer";
    if (isBytes(key)) return readKey(want, "pem", bytesOf(key));
    if (key instanceof KeyObject || isCryptoKey(key)) return asymmetricObject(want, toObject(key));
    if (typeof key !== "object" || key === null) throw wrongType("key", wanted, key);
    const { key: data, format = "pem", passphrase, encoding } = key;
    if (data instanceof KeyObject || isCryptoKey(data)) return asymmetricObject(want, toObject(data));
    if (format === "jwk") return readJwk(want, data);
    if (!isBytes(data)) throw wrongType("key.key", wanted, data);
    if (format !== "pem" && format !== "der") throw wrongOption("format", format);
    return readKey(want, format, bytesOf(data, encoding), { passphrase });
  }

  const isCryptoKey = (value) => Boolean(shared.made("crypto/subtle")?.isCryptoKey(value));
  const toObject = (key) => key instanceof KeyObject ? key : shared.made("crypto/subtle").toKeyObject(key);

  function asymmetricObject(want, key) {
    if (key.type === want) return key;
    if (key.type === "private" && want === "public") return readKey("public", "der", contentOf(key));
    throw wrongKind(key, want === "public" ? "private or public" : want);
  }

  function createSecretKey(key, encoding) {
    return new SecretKeyObject(MADE_HERE, "secret", bytesOf(key, encoding, "key").slice());
  }

  function createPublicKey(key) {
    if (key instanceof KeyObject && key.type !== "private") throw wrongKind(key, "private");
    return asymmetric("public", key);
  }

  function createPrivateKey(key) {
    if (key instanceof KeyObject) throw wrongType("key", BYTES, key);
    return asymmetric("private", key, BYTES);
  }

  /** The bytes of a secret key, undefined for what is none. */
  function secretOf(key) {
    if (isCryptoKey(key)) key = toObject(key);
    if (!(key instanceof KeyObject)) return undefined;
    if (key.type === "secret") return contentOf(key);
    throw wrongKind(key, "secret");
  }

  return {
    asymmetric, contentOf, createPrivateKey, createPublicKey, createSecretKey, keyObject, readJwk, readKey, secretOf, KeyObject,
  };
}
