// crypto, which is Node's module with WebCrypto on it: its parts are made when the code names them or when first touched.
(native, shared) => {
  "use strict";
  const { defineProperty } = Object;
  const PARTS = {
    __proto__: null,
    "crypto/hash": ["createHash", "createHmac", "getHashes", "hash", "Hash", "Hmac"],
    "crypto/random": [
      "getRandomValues", "pseudoRandomBytes", "randomBytes", "randomFill", "randomFillSync", "randomInt", "randomUUID",
      "timingSafeEqual",
    ],
    "crypto/keys": ["createPrivateKey", "createPublicKey", "createSecretKey", "KeyObject"],
    "crypto/generate": ["generateKeyPair", "generateKeyPairSync", "generateKey", "generateKeySync"],
    "crypto/sign": ["createSign", "createVerify", "sign", "verify", "Sign", "Verify"],
    "crypto/rsa": ["publicEncrypt", "publicDecrypt", "privateEncrypt", "privateDecrypt"],
    "crypto/cipher": [
      "createCipheriv", "createDecipheriv", "getCiphers", "getCipherInfo", "Cipheriv", "Decipheriv",
    ],
    "crypto/derive": ["hkdf", "hkdfSync", "pbkdf2", "pbkdf2Sync", "scrypt", "scryptSync"],
    "crypto/agree": [
      "createDiffieHellman", "createECDH", "diffieHellman", "getCurves", "DiffieHellman", "ECDH",
    ],
    "crypto/subtle": ["subtle", "webcrypto"],
    "crypto/constants": ["constants"],
  };
  const COMMON = /^(hash|sign|verify|Hash|Sign|Verify|constants)$/; // words that mean something else in most code
  const crypto = {};

  function put(name, value) {
    defineProperty(crypto, name, { __proto__: null, value, writable: true, configurable: true, enumerable: true });
  }

  function install(part) {
    const made = shared.use(part);
    for (const name of PARTS[part]) if (Object.getOwnPropertyDescriptor(crypto, name)?.get) put(name, made[name]);
  }

  for (const part in PARTS) {
    for (const name of PARTS[part]) {
      defineProperty(crypto, name, {
        __proto__: null,
        get() {
          install(part);
          return crypto[name];
        },
        set: (value) => put(name, value),
        configurable: true,
        enumerable: true,
      });
    }
  }

  /** Makes the parts that the code names, so that they are in its image. */
  function prepare(code) {
    for (const part in PARTS) {
      if (PARTS[part].some((name) => code.includes(COMMON.test(name) ? `crypto.${name}` : name))) install(part);
    }
  }

  return { crypto, prepare };
}
