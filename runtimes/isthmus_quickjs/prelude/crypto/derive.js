// Keys derived from others and from passwords: HKDF, PBKDF2, scrypt.
(native, shared) => {
  "use strict";
  const { own } = shared.use("buffer"), { failure, outOfRange, wrongType } = shared.use("invalid");
  const { ask } = shared.use("ask"), { answered, bytesOf } = shared.use("crypto/bytes");
  const { Error, RangeError } = globalThis;
  const LONGEST = 2 ** 31 - 1, MAX_MEMORY = 32 * 1024 * 1024;
  shared.use("crypto/keys");

  function count(name, value, low = 0) {
    if (typeof value !== "number") throw wrongType(name, "of type number", value);
    if (!Number.isInteger(value)) throw outOfRange(name, "an integer", value);
    if (value < low || value > LONGEST) throw outOfRange(name, `>= ${low} && <= ${LONGEST}`, value);
    return value;
  }

  function hashName(digest) {
    if (typeof digest !== "string") throw wrongType("digest", "of type string", digest);
    return digest;
  }

  function pbkdf2(password, salt, iterations, length, digest) {
    const hash = hashName(digest), secret = bytesOf(password, "utf8", "password"), bytes = bytesOf(salt, "utf8", "salt");
    const fields = { hash, iterations: count("iterations", iterations, 1), length: count("keylen", length) };
    return () => own(ask("crypto:pbkdf2", fields, secret, bytes));
  }

  function either(options, one, other, fallback) {
    if (options[one] !== undefined && options[other] !== undefined) {
      throw failure(Error, "ERR_CRYPTO_SCRYPT_INVALID_PARAMETER", "Invalid scrypt parameter");
    }
    return options[one] ?? options[other] ?? fallback;
  }

  function scrypt(password, salt, length, options = {}) {
    const secret = bytesOf(password, "utf8", "password"), bytes = bytesOf(salt, "utf8", "salt");
    const fields = {
      length: count("keylen", length), cost: either(options, "N", "cost", 16384), block: either(options, "r", "blockSize", 8),
      parallel: either(options, "p", "parallelization", 1), most_memory: options.maxmem ?? MAX_MEMORY,
    };
    return () => own(ask("crypto:scrypt", fields, secret, bytes));
  }

  function hkdf(digest, key, salt, info, length) {
    const hash = hashName(digest), secret = shared.use("crypto/keys").secretOf(key) ?? bytesOf(key, "utf8", "ikm");
    const parts = [secret, bytesOf(salt, "utf8", "salt"), bytesOf(info, "utf8", "info")];
    count("length", length);
    if (parts[2].length > 1024) throw outOfRange("info", "must not contain more than 1024 bytes", parts[2].length);
    return () => {
      try {
        return ask("crypto:hkdf", { hash, length }, ...parts).buffer;
      } catch (error) {
        if (error.code === "ERR_CRYPTO_INVALID_KEYLEN") throw failure(RangeError, error.code, "Invalid key length");
        throw error;
      }
    };
  }

  function later(prepare) {
    return (...given) => {
      const callback = given.length > prepare.length || given.at(-1) === undefined || typeof given.at(-1) === "function"
        ? given.pop()
        : undefined;
      if (typeof callback !== "function") throw wrongType("callback", "of type function", callback);
      return answered(prepare(...given), callback);
    };
  }

  return {
    hkdf: later(hkdf), hkdfSync: (...given) => hkdf(...given)(),
    pbkdf2: later(pbkdf2), pbkdf2Sync: (...given) => pbkdf2(...given)(),
    scrypt: later(scrypt), scryptSync: (...given) => scrypt(...given)(),
  };
}
