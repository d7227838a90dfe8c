// Randomness, from the call's own seed.
(native, shared) => {
  "use strict";
  const { own } = shared.use("buffer"), { failure, outOfRange, wrongType } = shared.use("invalid");
  const { answered, bytesOf } = shared.use("crypto/bytes");
  const { DOMException, RangeError, Uint8Array } = globalThis;
  const LONGEST = 2 ** 31 - 1;

  function randomBytes(size, callback) {
    if (typeof size !== "number") throw wrongType("size", "of type number", size);
    if (!(size >= 0 && size <= LONGEST)) throw outOfRange("size", `>= 0 && <= ${LONGEST}`, size);
    return answered(() => own(native.random(size)), callback);
  }

  function fill(buffer, offset, size) {
    new Uint8Array(buffer.buffer ?? buffer, (buffer.byteOffset ?? 0) + offset, size).set(native.random(size));
    return buffer;
  }

  function randomFillSync(buffer, offset = 0, size = undefined) {
    const length = buffer?.byteLength;
    if (typeof length !== "number") {
      throw wrongType("buf", "an instance of ArrayBuffer or ArrayBufferView", buffer);
    }
    const width = buffer.BYTES_PER_ELEMENT ?? 1, from = offset * width;
    if (!(from >= 0 && from <= length)) throw outOfRange("offset", `>= 0 && <= ${length}`, from);
    const count = size === undefined ? length - from : size * width;
    if (!(count >= 0 && count + from <= length)) throw outOfRange("size + offset", `<= ${length}`, count + from);
    return fill(buffer, from, count);
  }

  function randomFill(buffer, ...rest) {
    const callback = rest.pop();
    if (typeof callback !== "function") throw wrongType("callback", "of type function", callback);
    answered(() => randomFillSync(buffer, ...rest), callback);
  }

  function getRandomValues(list) {
    if (!ArrayBuffer.isView(list) || /^(Float|DataView)/.test(native.classOf(list))) {
      throw new DOMException("The data argument must be an integer-type TypedArray", "TypeMismatchError");
    }
    if (list.byteLength > 65536) {
      throw new DOMException("The requested length exceeds 65,536 bytes", "QuotaExceededError");
    }
    return fill(list, 0, list.byteLength);
  }

  function randomUUID() {
    const bytes = native.random(16);
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    return native.hexEncode(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  }

  /** A whole number in [low, high), every one as likely: what would favour some is drawn again. */
  function randomInt(low, high, callback) {
    if (high === undefined || typeof high === "function") [low, high, callback] = [0, low, high];
    for (const [name, value] of [["min", low], ["max", high]]) {
      if (!Number.isSafeInteger(value)) throw wrongType(name, "a safe integer", value);
    }
    const range = high - low;
    if (!(range > 0)) throw outOfRange("max", `greater than the value of "min" (${low})`, high);
    if (range > 2 ** 48 - 1) throw outOfRange("max - min", `<= ${2 ** 48 - 1}`, range);
    const fair = 2 ** 48 - (2 ** 48 % range);
    let drawn;
    do drawn = own(native.random(6)).readUIntLE(0, 6);
    while (drawn >= fair);
    return answered(() => low + (drawn % range), callback);
  }

  function timingSafeEqual(one, other) {
    const [a, b] = [["buf1", one], ["buf2", other]].map(([name, value]) => {
      if (typeof value === "string") throw wrongType(name, "an instance of ArrayBuffer, Buffer, TypedArray, or DataView", value);
      return bytesOf(value, undefined, name);
    });
    if (a.length !== b.length) {
      throw failure(RangeError, "ERR_CRYPTO_TIMING_SAFE_EQUAL_LENGTH", "Input buffers must have the same byte length");
    }
    let difference = 0;
    for (let i = 0; i < a.length; i++) difference |= a[i] ^ b[i];
    return difference === 0;
  }

  return {
    getRandomValues, pseudoRandomBytes: randomBytes, randomBytes, randomFill, randomFillSync, randomInt, randomUUID, timingSafeEqual,
  };
}
