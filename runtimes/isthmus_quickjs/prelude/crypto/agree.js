// Secrets two sides agree on: ECDH, diffieHellman() of two keys, and Diffie-Hellman over whole numbers.
(native, shared) => {
  "use strict";
  const { Buffer, own } = shared.use("buffer"), { failure, wrongType } = shared.use("invalid");
  const { ask } = shared.use("ask"), { bytesOf, shown } = shared.use("crypto/bytes");
  const { contentOf, readKey, KeyObject } = shared.use("crypto/keys"), { makePair } = shared.use("crypto/generate");
  const { BigInt, Error, RangeError, TypeError, Uint8Array } = globalThis;
  const NONE = new Uint8Array(0);
  const CURVES = [
    "brainpoolP256r1", "brainpoolP384r1", "brainpoolP512r1", "prime256v1", "secp224r1", "secp256k1", "secp384r1", "secp521r1",
  ];

  function rawOf(key, compressed = false) {
    return ask("crypto:writeKey", { kind: key.type, format: "raw", compressed }, contentOf(key), NONE);
  }

  class ECDH {
    #curve;
    #pair = null;

    constructor(curve) {
      if (typeof curve !== "string") throw wrongType("curve", "of type string", curve);
      this.#curve = { __proto__: null, "P-256": "prime256v1", "P-384": "secp384r1", "P-521": "secp521r1" }[curve] ?? curve;
      if (!CURVES.includes(this.#curve)) throw failure(TypeError, "ERR_CRYPTO_INVALID_CURVE", "Invalid EC curve name");
    }

    generateKeys(encoding, format) {
      this.#pair = makePair("ec", { namedCurve: this.#curve });
      return this.getPublicKey(encoding, format);
    }

    #own() {
      if (!this.#pair) throw failure(RangeError, "ERR_CRYPTO_INVALID_KEYPAIR", "Invalid key pair");
      return this.#pair;
    }

    computeSecret(other, inputEncoding, outputEncoding) {
      const { privateKey } = this.#own();
      let theirs;
      try {
        theirs = readKey("public", "raw", bytesOf(other, inputEncoding, "otherPublicKey"), { curve: this.#curve });
      } catch {
        throw failure(Error, "ERR_CRYPTO_ECDH_INVALID_PUBLIC_KEY", "Public key is not valid for specified curve");
      }
      return shown(ask("crypto:agree", {}, contentOf(privateKey), contentOf(theirs)), outputEncoding);
    }

    getPublicKey(encoding, format = "uncompressed") {
      return shown(rawOf(this.#own().publicKey, format === "compressed"), encoding);
    }

    getPrivateKey(encoding) {
      return shown(rawOf(this.#own().privateKey), encoding);
    }

    setPrivateKey(key, encoding) {
      let privateKey;
      try {
        privateKey = readKey("private", "raw", bytesOf(key, encoding, "key"), { curve: this.#curve });
      } catch {
        throw failure(Error, "ERR_CRYPTO_INVALID_KEYTYPE", "Private key is not valid for specified curve.");
      }
      this.#pair = { privateKey, publicKey: readKey("public", "der", contentOf(privateKey)) };
    }

    static convertKey(key, curve, inputEncoding, outputEncoding, format = "uncompressed") {
      const read = readKey("public", "raw", bytesOf(key, inputEncoding, "key"), { curve });
      return shown(rawOf(read, format === "compressed"), outputEncoding);
    }
  }

  /** Diffie-Hellman with a prime and a generator that the code brings. */
  class DiffieHellman {
    #prime;
    #generator;
    #private = null;
    #public = null;

    constructor(prime, ...given) {
      if (typeof prime === "number") {
        throw new Error("createDiffieHellman: primes are not generated here; give one as a Buffer or text");
      }
      const encoding = typeof given[0] === "string" && typeof prime === "string" ? given.shift() : undefined;
      const [generator = 2, generatorEncoding] = given;
      this.#prime = bytesOf(prime, encoding, "sizeOrKey").slice();
      this.#generator = typeof generator === "number"
        ? Uint8Array.of(generator)
        : bytesOf(generator, generatorEncoding, "generator").slice();
    }

    generateKeys(encoding) {
      if (!this.#private) {
        // One less than the prime is the order of most groups in use; what is drawn is as long and lies below it.
        const bytes = native.random(this.#prime.length), prime = BigInt(`0x${native.hexEncode(this.#prime)}`);
        const drawn = BigInt(`0x${native.hexEncode(bytes)}`) % (prime - 2n) + 1n;
        this.#private = native.hexDecode(drawn.toString(16).padStart(2 * bytes.length, "0"));
      }
      const power = ask("crypto:powmod", {}, this.#generator, this.#private, this.#prime);
      this.#public = power.slice(power.findIndex((byte) => byte !== 0)); // as OpenSSL writes a number; a secret is padded
      return this.getPublicKey(encoding);
    }

    computeSecret(other, inputEncoding, outputEncoding) {
      const theirs = bytesOf(other, inputEncoding, "otherPublicKey"), value = BigInt(`0x${native.hexEncode(theirs)}`);
      if (value <= 1n) throw failure(Error, "ERR_CRYPTO_INVALID_KEYLEN", "Supplied key is too small");
      if (value >= BigInt(`0x${native.hexEncode(this.#prime)}`) - 1n) {
        throw failure(Error, "ERR_CRYPTO_INVALID_KEYLEN", "Supplied key is too large");
      }
      return shown(ask("crypto:powmod", {}, theirs, this.#own("private"), this.#prime), outputEncoding);
    }

    #own(which) {
      const key = which === "private" ? this.#private : this.#public;
      if (!key) throw failure(Error, "ERR_CRYPTO_INVALID_STATE", `No ${which} key - did you forget to generate one?`);
      return key;
    }

    getPrime(encoding) {
      return shown(this.#prime.slice(), encoding);
    }

    getGenerator(encoding) {
      return shown(this.#generator.slice(), encoding);
    }

    getPublicKey(encoding) {
      return shown(this.#own("public").slice(), encoding);
    }

    getPrivateKey(encoding) {
      return shown(this.#own("private").slice(), encoding);
    }

    setPublicKey(key, encoding) {
      this.#public = bytesOf(key, encoding, "key").slice();
    }

    setPrivateKey(key, encoding) {
      this.#private = bytesOf(key, encoding, "key").slice();
    }
  }

  function diffieHellman({ privateKey, publicKey }) {
    for (const [name, key, type] of [["privateKey", privateKey, "private"], ["publicKey", publicKey, "public"]]) {
      if (!(key instanceof KeyObject)) throw wrongType(`options.${name}`, "an instance of KeyObject", key);
      if (key.type !== type && !(type === "public" && key.type === "private")) {
        throw failure(TypeError, "ERR_CRYPTO_INVALID_KEY_OBJECT_TYPE", `Invalid key object type ${key.type}, expected ${type}.`);
      }
    }
    const theirs = publicKey.type === "public" ? publicKey : readKey("public", "der", contentOf(publicKey));
    return own(ask("crypto:agree", {}, contentOf(privateKey), contentOf(theirs)));
  }

  return {
    createDiffieHellman: (...given) => new DiffieHellman(...given),
    createECDH: (curve) => new ECDH(curve),
    diffieHellman,
    getCurves: () => [...CURVES],
    rawOf,
    DiffieHellman, ECDH,
  };
}
