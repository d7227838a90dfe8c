// Signatures, made and checked: Sign and Verify, and both at once.
(native, shared) => {
  "use strict";
  const { failure, wrongType } = shared.use("invalid");
  const { ask } = shared.use("ask"), { answered, bytesOf, shown } = shared.use("crypto/bytes");
  const { asymmetric, contentOf } = shared.use("crypto/keys"), { constants } = shared.use("crypto/constants");
  const { Error, TypeError, Uint8Array } = globalThis;
  const GIVEN = "of type string or an instance of Buffer, TypedArray, or DataView";
  const NO_HASH = ["ed25519", "ed448"];

  /** The host's parameters for a key, and options given with it. */
  function parameters(key, hash, { padding, saltLength, dsaEncoding = "der" }) {
    if (dsaEncoding !== "der" && dsaEncoding !== "ieee-p1363") {
      const message = `The property 'options.dsaEncoding' is invalid. Received '${dsaEncoding}'`;
      throw failure(TypeError, "ERR_INVALID_ARG_VALUE", message);
    }
    const isPss = padding === constants.RSA_PKCS1_PSS_PADDING;
    if (padding !== undefined && padding !== constants.RSA_PKCS1_PADDING && !isPss) {
      throw failure(TypeError, "ERR_INVALID_ARG_VALUE", `The property 'options.padding' is invalid. Received ${padding}`);
    }
    hash ??= NO_HASH.includes(key.asymmetricKeyType) ? "" : "sha256";
    return { hash, form: dsaEncoding, padding: isPss ? "pss" : "pkcs1", salt: saltLength ?? -2 };
  }

  function optionsOf(key) {
    return typeof key === "object" && key !== null && !ArrayBuffer.isView(key) ? key : {};
  }

  function make(hash, data, given) {
    const key = asymmetric("private", given);
    return ask("crypto:sign", parameters(key, hash, optionsOf(given)), contentOf(key), data);
  }

  function check(hash, data, given, signature) {
    const key = asymmetric("public", given);
    return ask("crypto:verify", parameters(key, hash, optionsOf(given)), contentOf(key), data, signature)[0] === 1;
  }

  /** What is to be signed, bit by bit. */
  class Gathering {
    #parts = [];
    #algorithm;

    constructor(algorithm) {
      if (typeof algorithm !== "string") throw wrongType("algorithm", "of type string", algorithm);
      const plain = algorithm.toLowerCase().replace(/^rsa-|withrsaencryption$/g, "");
      if (!/^(md5|sha1|sha(224|256|384|512)|sha512[-/](224|256)|sha3-(224|256|384|512))$/.test(plain)) {
        throw failure(TypeError, "ERR_CRYPTO_INVALID_DIGEST", "Invalid digest");
      }
      this.#algorithm = algorithm;
    }

    update(data, encoding) {
      this.#parts.push(bytesOf(data, encoding, "data", GIVEN).slice());
      return this;
    }

    write(data, encoding) {
      this.update(data, encoding);
      return true;
    }

    end(data, encoding) {
      if (data !== undefined) this.update(data, encoding);
      return this;
    }

    static all(self) {
      const bytes = new Uint8Array(self.#parts.reduce((sum, part) => sum + part.length, 0));
      let at = 0;
      for (const part of self.#parts) {
        bytes.set(part, at);
        at += part.length;
      }
      return [self.#algorithm, bytes];
    }
  }
  const { all } = Gathering;
  delete Gathering.all;

  class Sign extends Gathering {
    sign(key, encoding) {
      if (!key) throw failure(Error, "ERR_CRYPTO_SIGN_KEY_REQUIRED", "No key provided to sign");
      return shown(make(...all(this), key), encoding);
    }
  }

  class Verify extends Gathering {
    verify(key, signature, encoding) {
      return check(...all(this), key, bytesOf(signature, encoding, "signature"));
    }
  }

  function algorithmOf(algorithm) {
    if (algorithm === null || algorithm === undefined) return undefined;
    if (typeof algorithm !== "string") throw wrongType("algorithm", "of type string", algorithm);
    return algorithm;
  }

  return {
    createSign: (algorithm) => new Sign(algorithm),
    createVerify: (algorithm) => new Verify(algorithm),
    sign(algorithm, data, key, callback) {
      const hash = algorithmOf(algorithm), bytes = bytesOf(data);
      if (!key) throw failure(Error, "ERR_CRYPTO_SIGN_KEY_REQUIRED", "No key provided to sign");
      return answered(() => shown(make(hash, bytes, key)), callback);
    },
    verify(algorithm, data, key, signature, callback) {
      const hash = algorithmOf(algorithm), bytes = bytesOf(data);
      return answered(() => check(hash, bytes, key, bytesOf(signature, undefined, "signature")), callback);
    },
    Sign, Verify,
  };
}
