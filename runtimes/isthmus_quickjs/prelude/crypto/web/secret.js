// WebCrypto's algorithms over secrets: HMAC, AES (GCM, CBC, CTR, KW), HKDF and PBKDF2.
(native, shared) => {
  "use strict";
  const { ask } = shared.use("ask");
  const { Blocks } = shared.use("crypto/cipher");
  const { allow, bytesOf, checkedJwk, fail, hashOf, hostHash, keyOf, look } = shared.use("crypto/web/key");
  const { BigInt, Uint8Array } = globalThis;
  const NONE = new Uint8Array(0);
  const BLOCK = { __proto__: null, "SHA-1": 512, "SHA-256": 512, "SHA-384": 1024, "SHA-512": 1024 };
  const CIPHER = ["encrypt", "decrypt", "wrapKey", "unwrapKey"], DERIVE = ["deriveKey", "deriveBits"];

  function secretFrom(format, data, wanted) {
    if (format === "raw") return bytesOf(data, "keyData");
    if (format !== "jwk") throw fail("NotSupportedError", `Unable to import a secret key using format ${format}`);
    const { k } = checkedJwk(data, { kty: "oct", ...wanted });
    if (typeof k !== "string") throw fail("DataError", "Invalid JWK keyData");
    return native.base64Decode(k);
  }

  function secretTo(format, key, alg) {
    const { content, extractable, usages } = look(key);
    if (format === "raw") return content.slice().buffer;
    if (format !== "jwk") throw fail("NotSupportedError", `Unable to export a secret key using format ${format}`);
    return { key_ops: [...usages], ext: extractable, kty: "oct", k: native.base64Encode(content, true), alg };
  }

  // ---- HMAC

  const macName = ({ hash }) => `HS${hash.name.slice(4)}`;

  function useful(usages, allowed, what, doing) {
    allow(usages, allowed, what);
    if (!usages.length) throw fail("SyntaxError", `Usages cannot be empty when ${doing}.`);
  }

  const CREATING = "creating a key", IMPORTING = "importing a secret key";

  function macKey(hash, length, extractable, usages, bytes, doing) {
    useful(usages, ["sign", "verify"], "an HMAC key", doing);
    return keyOf("secret", { name: "HMAC", hash, length }, extractable, usages, bytes);
  }

  function mac(key, data) {
    const { algorithm, content } = look(key), bytes = new Uint8Array(content.length + data.length);
    bytes.set(content);
    bytes.set(data, content.length);
    return native.call(`hmac:${hostHash(algorithm.hash)}:${content.length}`, bytes);
  }

  const HMAC = {
    keyLength: ({ hash, length }) => length ?? BLOCK[hashOf(hash).name],
    generate({ hash, length }, extractable, usages) {
      const chosen = hashOf(hash), bits = length ?? BLOCK[chosen.name];
      if (!(bits > 0)) throw fail("OperationError", "Zero-length key is not supported");
      return macKey(chosen, bits, extractable, usages, native.random(Math.ceil(bits / 8)), CREATING);
    },
    import(format, data, { hash, length }, extractable, usages) {
      const chosen = hashOf(hash), alg = macName({ hash: chosen });
      const bytes = secretFrom(format, data, { alg, use: "sig", extractable, usages });
      if (!bytes.length) throw fail("DataError", "Zero-length key is not supported");
      if (length !== undefined && Math.ceil(length / 8) !== bytes.length) throw fail("DataError", "Invalid key length");
      return macKey(chosen, length ?? bytes.length * 8, extractable, usages, bytes, IMPORTING);
    },
    export: (format, key) => secretTo(format, key, macName(look(key).algorithm)),
    sign: (_, key, data) => mac(key, data),
    verify(_, key, signature, data) {
      const made = mac(key, data);
      let difference = made.length ^ signature.length;
      for (let i = 0; i < made.length; i++) difference |= made[i] ^ signature[i];
      return difference === 0;
    },
  };

  // ---- AES

  function aesKey(name, bytes, extractable, usages, doing) {
    useful(usages, name === "AES-KW" ? ["wrapKey", "unwrapKey"] : CIPHER, "an AES key", doing);
    return keyOf("secret", { name, length: bytes.length * 8 }, extractable, usages, bytes);
  }

  function aes(name, encrypt, decrypt) {
    const alg = (bytes) => `A${bytes.length * 8}${name.slice(4)}`;
    function keyLength({ length }) {
      if (![128, 192, 256].includes(length)) throw fail("OperationError", "Invalid key length");
      return length;
    }
    return {
      keyLength,
      generate(given, extractable, usages) {
        return aesKey(name, native.random(keyLength(given) / 8), extractable, usages, CREATING);
      },
      import(format, data, _, extractable, usages) {
        const bytes = secretFrom(format, data, { use: "enc", extractable, usages });
        if (![16, 24, 32].includes(bytes.length)) throw fail("DataError", "Invalid key length");
        if (format === "jwk" && data.alg !== undefined && data.alg !== alg(bytes)) {
          throw fail("DataError", 'JWK "alg" does not match the requested algorithm');
        }
        return aesKey(name, bytes, extractable, usages, IMPORTING);
      },
      export: (format, key) => secretTo(format, key, alg(look(key).content)),
      ...(name === "AES-KW" ? { wrap: encrypt, unwrap: decrypt } : { encrypt, decrypt }),
    };
  }

  function vector({ iv }, length) {
    const bytes = bytesOf(iv, "algorithm.iv");
    if (length !== undefined && bytes.length !== length) {
      throw fail("OperationError", `algorithm.iv must contain exactly ${length} bytes`);
    }
    return bytes;
  }

  function gcm(algorithm) {
    const { additionalData, tagLength = 128 } = algorithm;
    if (![32, 64, 96, 104, 112, 120, 128].includes(tagLength)) {
      throw fail("OperationError", `${tagLength} is not a valid AES-GCM tag length`);
    }
    const extra = additionalData === undefined ? NONE : bytesOf(additionalData, "algorithm.additionalData");
    return [vector(algorithm), extra, tagLength / 8];
  }

  const sealed = (algorithm, key, data) => {
    const [iv, extra, tag] = gcm(algorithm);
    return ask("crypto:seal", { mode: "gcm", tag }, look(key).content, iv, extra, data);
  };
  const opened = (algorithm, key, data) => {
    const [iv, extra, tag] = gcm(algorithm), end = data.length - tag;
    if (end < 0) throw fail("OperationError", "The provided data is too small.");
    return ask("crypto:open", { mode: "gcm", tag }, look(key).content, iv, extra, data.subarray(0, end), data.subarray(end));
  };

  const cbc = (encrypts) => (algorithm, key, data) => {
    const work = new Blocks({ algorithm: "aes", mode: "cbc", block: 16 }, look(key).content, vector(algorithm, 16), encrypts);
    const head = work.update(data), tail = work.final(), bytes = new Uint8Array(head.length + tail.length);
    bytes.set(head);
    bytes.set(tail, head.length);
    return bytes;
  };

  /** The counter's last bits alone count on; the host's cipher counts in all of them. */
  function ctr({ counter, length }, key, data) {
    const block = bytesOf(counter, "algorithm.counter");
    if (block.length !== 16) throw fail("OperationError", "algorithm.counter must contain exactly 16 bytes");
    if (!(length >= 1 && length <= 128)) throw fail("OperationError", "AES-CTR algorithm.length must be between 1 and 128");
    const run = (start, bytes) => ask("crypto:cipher", { algorithm: "aes", mode: "ctr", encrypt: true }, look(key).content, start, bytes);
    const all = BigInt(`0x${native.hexEncode(block)}`), size = 1n << BigInt(length), at = all % size;
    const blocks = BigInt(Math.ceil(data.length / 16)), left = size - at;
    if (blocks > size) throw fail("OperationError", "AES-CTR input data must be less than the counter's range of blocks");
    if (blocks <= left) return run(block, data);
    const cut = Number(left) * 16, zero = native.hexDecode((all - at).toString(16).padStart(32, "0"));
    const bytes = new Uint8Array(data.length);
    bytes.set(run(block, data.subarray(0, cut)));
    bytes.set(run(zero, data.subarray(cut)), cut);
    return bytes;
  }

  const wrapped = (operation) => (_, key, data) => ask(`crypto:${operation}`, {}, look(key).content, data);

  // ---- what keys are derived from

  function derivation(name, derive) {
    return {
      import(format, data, _, extractable, usages) {
        if (format !== "raw") throw fail("NotSupportedError", `Unable to import ${name} key using format ${format}`);
        if (extractable) throw fail("SyntaxError", `${name} keys are not extractable`);
        useful(usages, DERIVE, `a ${name} key`, IMPORTING);
        return keyOf("secret", { name }, false, usages, bytesOf(data, "keyData"));
      },
      keyLength: () => null,
      deriveBits(algorithm, key, bits) {
        if (bits === null || bits === undefined) throw fail("OperationError", "length cannot be null");
        if (bits % 8) throw fail("OperationError", "length must be a multiple of 8");
        return derive(algorithm, look(key).content, bits / 8);
      },
    };
  }

  function pbkdf2({ hash, salt, iterations }, secret, length) {
    if (!(iterations > 0)) throw fail("OperationError", "iterations cannot be zero");
    return ask("crypto:pbkdf2", { hash: hostHash(hashOf(hash)), iterations, length }, secret, bytesOf(salt, "algorithm.salt"));
  }

  function hkdf({ hash, salt, info }, secret, length) {
    const parts = [bytesOf(salt, "algorithm.salt"), bytesOf(info, "algorithm.info")];
    return ask("crypto:hkdf", { hash: hostHash(hashOf(hash)), length }, secret, ...parts);
  }

  return {
    algorithms: {
      __proto__: null, HMAC,
      "AES-GCM": aes("AES-GCM", sealed, opened),
      "AES-CBC": aes("AES-CBC", cbc(true), cbc(false)),
      "AES-CTR": aes("AES-CTR", ctr, ctr),
      "AES-KW": aes("AES-KW", wrapped("wrap"), wrapped("unwrap")),
      PBKDF2: derivation("PBKDF2", pbkdf2),
      HKDF: derivation("HKDF", hkdf),
    },
  };
}
