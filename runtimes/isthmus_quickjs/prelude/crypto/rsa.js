// Encryption with the halves of an RSA key.
(native, shared) => {
  "use strict";
  const { own } = shared.use("buffer"), { failure } = shared.use("invalid");
  const { ask } = shared.use("ask"), { bytesOf } = shared.use("crypto/bytes");
  const { asymmetric, contentOf } = shared.use("crypto/keys"), { constants } = shared.use("crypto/constants");
  const { Error, TypeError, Uint8Array } = globalThis;
  const PADDINGS = {
    __proto__: null,
    [constants.RSA_PKCS1_PADDING]: "pkcs1", [constants.RSA_NO_PADDING]: "none", [constants.RSA_PKCS1_OAEP_PADDING]: "oaep",
  };

  function method(operation, half, fallback) {
    return (key, data) => {
      const options = typeof key === "object" && key !== null && !ArrayBuffer.isView(key) ? key : {};
      const { padding = fallback, oaepHash = "sha1", oaepLabel, encoding } = options;
      if (!PADDINGS[padding]) {
        throw failure(TypeError, "ERR_INVALID_ARG_VALUE", `The property 'options.padding' is invalid. Received ${padding}`);
      }
      const fields = { key: half, padding: PADDINGS[padding], hash: oaepHash };
      const label = oaepLabel === undefined ? new Uint8Array(0) : bytesOf(oaepLabel, encoding, "key.oaepLabel");
      const read = asymmetric(half, key), bytes = bytesOf(data, encoding, "buffer");
      try {
        return own(ask(`crypto:${operation}`, fields, contentOf(read), bytes, label));
      } catch (error) {
        if (error.code !== "ERR_CRYPTO_INVALID_DIGEST") throw error;
        throw failure(Error, "ERR_OSSL_EVP_INVALID_DIGEST", "Invalid digest used");
      }
    };
  }

  const { RSA_PKCS1_OAEP_PADDING: OAEP, RSA_PKCS1_PADDING: PKCS1 } = constants;
  return {
    publicEncrypt: method("encrypt", "public", OAEP),
    privateDecrypt: method("decrypt", "private", OAEP),
    privateEncrypt: method("encrypt", "private", PKCS1),
    publicDecrypt: method("decrypt", "public", PKCS1),
  };
}
