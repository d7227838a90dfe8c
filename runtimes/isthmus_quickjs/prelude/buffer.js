// Buffer, as Node has it: a Uint8Array that knows encodings, and numbers of any size at any place.
(native, shared) => {
  "use strict";
  const { failure, outOfRange, wrongType } = shared.use("invalid");
  const CUSTOM = Symbol.for("nodejs.util.inspect.custom");
  const LONGEST = 2 ** 32; // what Node says; memory ends long before
  const BYTES = "an instance of Buffer or Uint8Array";

  class FastBuffer extends Uint8Array {}

  function Buffer(value, encoding, length) {
    return typeof value === "number" ? Buffer.alloc(value) : Buffer.from(value, encoding, length);
  }

  /** A Buffer of bytes nobody else has. */
  function own(bytes) {
    return Object.setPrototypeOf(bytes, FastBuffer.prototype);
  }

  // ---- encodings: [text -> bytes, bytes -> text, text -> count of bytes]

  const even = (bytes) => bytes.subarray(0, bytes.length & ~1);
  const latin1 = [native.latin1Encode, native.latin1Decode, (text) => text.length];
  const utf8 = [native.utf8Encode, native.utf8Decode, (text) => native.utf8Encode(text).length];
  const utf16 = [native.utf16Encode, (bytes) => native.utf16Decode(even(bytes)), (text) => text.length * 2];
  const base64Length = (text) => Math.floor((text.replace(/=+$/, "").length * 3) / 4);
  const encodings = {
    __proto__: null,
    utf8, "utf-8": utf8,
    hex: [native.hexDecode, native.hexEncode, (text) => text.length >>> 1],
    base64: [native.base64Decode, (bytes) => native.base64Encode(bytes, false), base64Length],
    base64url: [native.base64Decode, (bytes) => native.base64Encode(bytes, true), base64Length],
    latin1, binary: latin1,
    ascii: [native.latin1Encode, (bytes) => native.latin1Decode(bytes.map((byte) => byte & 127)), (text) => text.length],
    utf16le: utf16, "utf-16le": utf16, ucs2: utf16, "ucs-2": utf16,
  };

  function codec(name) {
    const found = encodings[name ?? "utf8"] ?? encodings[`${name}`.toLowerCase()];
    if (!found) throw failure(TypeError, "ERR_UNKNOWN_ENCODING", `Unknown encoding: ${name}`);
    return found;
  }

  /** The bytes of any view, as a plain Uint8Array over the same memory. */
  function view(value) {
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  }

  function needle(value, encoding) {
    if (typeof value === "string") return codec(encoding)[0](value);
    if (typeof value === "number") return Uint8Array.of(value);
    if (ArrayBuffer.isView(value)) return view(value);
    throw wrongType("value", "one of type number or string or an instance of Buffer or Uint8Array", value);
  }

  /** A Buffer over part of an ArrayBuffer's memory. */
  function over(memory, offset, length) {
    const from = Math.trunc(Number(offset)) || 0, room = memory.byteLength - from;
    if (from < 0 || room < 0) throw outOfBounds("offset");
    const count = length === undefined ? room : Math.max(Math.trunc(Number(length)) || 0, 0);
    if (count > room) throw outOfBounds("length");
    return new FastBuffer(memory, from, count);
  }

  function outOfBounds(name) {
    return failure(RangeError, "ERR_BUFFER_OUT_OF_BOUNDS", `"${name}" is outside of buffer bounds`);
  }

  /** A whole number from 0 to most, or the fallback where there is none. */
  function within(name, value, most, fallback) {
    if (value === undefined) return fallback;
    if (typeof value !== "number") throw wrongType(name, "of type number", value);
    if (!Number.isInteger(value)) throw outOfRange(name, "an integer", value);
    if (value < 0 || value > most) throw outOfRange(name, `>= 0 && <= ${most}`, value);
    return value;
  }

  // ---- what Buffer itself can do

  const statics = {
    from(value, encoding, length) {
      if (typeof value === "string") return own(codec(typeof encoding === "string" ? encoding : "utf8")[0](value));
      if (typeof value === "object" && value !== null) {
        const kind = native.classOf(value);
        if (kind === "ArrayBuffer" || kind === "SharedArrayBuffer") return over(value, encoding, length);
        if (value instanceof Uint8Array) return own(view(value).slice());
        if (ArrayBuffer.isView(value) && kind !== "DataView") return own(Uint8Array.from(value, (each) => Number(each)));
        const primitive = value.valueOf?.() ?? value;
        if (primitive !== value && (typeof primitive === "string" || typeof primitive === "object")) {
          return Buffer.from(primitive, encoding, length);
        }
        if (typeof value.length === "number" || native.classOf(value.buffer) === "ArrayBuffer") {
          return own(Uint8Array.from({ length: value.length > 0 ? value.length : 0 }, (_, i) => value[i]));
        }
        if (value.type === "Buffer" && Array.isArray(value.data)) return own(Uint8Array.from(value.data));
        if (typeof value[Symbol.toPrimitive] === "function") {
          return Buffer.from(value[Symbol.toPrimitive]("string"), encoding, length);
        }
      }
      const wanted = "of type string or an instance of Buffer, ArrayBuffer, or Array or an Array-like Object";
      throw wrongType("first argument", wanted, value);
    },
    alloc(size, fill, encoding) {
      if (typeof size !== "number") throw wrongType("size", "of type number", size);
      if (!(size >= 0 && size <= LONGEST)) throw outOfRange("size", `>= 0 && <= ${LONGEST}`, size);
      const made = new FastBuffer(Math.trunc(size));
      return fill === undefined || fill === 0 || !size ? made : made.fill(fill, encoding);
    },
    concat(list, length) {
      if (!Array.isArray(list)) throw wrongType("list", "an instance of Array", list);
      list.forEach((each, i) => {
        if (!(each instanceof Uint8Array)) throw wrongType(`"list[${i}]" argument`, BYTES, each);
      });
      length = within("length", length, LONGEST) ?? list.reduce((sum, each) => sum + each.length, 0);
      const made = Buffer.alloc(length);
      let at = 0;
      list.forEach((each) => {
        made.set(each.subarray(0, Math.max(0, length - at)), Math.min(at, length));
        at += each.length;
      });
      return made;
    },
    byteLength(value, encoding) {
      if (typeof value === "string") return (encodings[`${encoding ?? "utf8"}`.toLowerCase()] ?? utf8)[2](value);
      if (ArrayBuffer.isView(value) || native.classOf(value).endsWith("ArrayBuffer")) return value.byteLength;
      throw wrongType("string", "of type string or an instance of Buffer or ArrayBuffer", value);
    },
    compare(a, b) {
      if (!(a instanceof Uint8Array)) throw wrongType("buf1", "an instance of Buffer or Uint8Array", a);
      if (!(b instanceof Uint8Array)) throw wrongType("buf2", "an instance of Buffer or Uint8Array", b);
      const [one, other] = [native.latin1Decode(view(a)), native.latin1Decode(view(b))];
      return one < other ? -1 : Number(one > other);
    },
    isBuffer: (value) => value instanceof Buffer,
    isEncoding: (name) => typeof name === "string" && name.toLowerCase() in encodings,
    copyBytesFrom(list, offset = 0, length = undefined) {
      if (!ArrayBuffer.isView(list) || native.classOf(list) === "DataView") throw wrongType("view", "an instance of TypedArray", list);
      return Buffer.from(view(list.slice(offset, offset + (length ?? list.length))));
    },
  };
  statics.allocUnsafe = statics.allocUnsafeSlow = (size) => statics.alloc(size);

  // ---- what every Buffer can do

  function clamp(value, fallback, length) {
    const number = Math.trunc(Number(value ?? fallback)) || 0;
    return Math.min(Math.max(number, 0), length);
  }

  function find(buffer, value, offset, encoding, last) {
    if (typeof offset === "string") [encoding, offset] = [offset, undefined];
    const wide = typeof value === "string" && codec(encoding) === utf16;
    const decode = wide ? native.utf16Decode : native.latin1Decode, unit = wide ? 2 : 1;
    const sought = decode(view(needle(value, encoding))), text = decode(view(buffer));
    let from = offset === undefined ? Number.NaN : Math.trunc(Number(offset));
    if (Number.isNaN(from)) from = last ? text.length * unit : 0;
    if (from < 0) from += buffer.length;
    from = Math.floor(from / unit);
    const at = last ? (from < 0 ? -1 : text.lastIndexOf(sought, from)) : text.indexOf(sought, Math.max(from, 0));
    return at < 0 ? at : at * unit;
  }

  const methods = {
    toString(encoding, start, end) {
      if (!arguments.length) return native.utf8Decode(view(this));
      const decode = codec(encoding)[1];
      const from = clamp(start, 0, this.length), to = clamp(end, this.length, this.length);
      return from < to ? decode(view(this).subarray(from, to)) : "";
    },
    toJSON() {
      return { type: "Buffer", data: Array.from(this) };
    },
    equals(other) {
      if (!(other instanceof Uint8Array)) throw wrongType("otherBuffer", "an instance of Buffer or Uint8Array", other);
      return Buffer.compare(this, other) === 0;
    },
    compare(other, start = 0, end = other.length, from = 0, to = this.length) {
      if (!(other instanceof Uint8Array)) throw wrongType("target", "an instance of Buffer or Uint8Array", other);
      return Buffer.compare(view(this).subarray(from, to), view(other).subarray(start, end));
    },
    slice(start, end) {
      return this.subarray(start, end);
    },
    subarray(start, end) {
      return own(view(this).subarray(start, end));
    },
    indexOf(value, offset, encoding) {
      return find(this, value, offset, encoding, false);
    },
    lastIndexOf(value, offset, encoding) {
      return find(this, value, offset, encoding, true);
    },
    includes(value, offset, encoding) {
      return find(this, value, offset, encoding, false) >= 0;
    },
    fill(value, offset, end, encoding) {
      if (typeof offset === "string") [encoding, offset, end] = [offset, undefined, undefined];
      else if (typeof end === "string") [encoding, end] = [end, undefined];
      const from = within("offset", offset, LONGEST, 0), to = within("end", end, this.length, this.length);
      const isNumber = typeof value === "number" || typeof value === "boolean" || value === "";
      const bytes = isNumber ? Uint8Array.of(Number(value)) : needle(value, encoding);
      if (!bytes.length) {
        const shown = shared.use("inspect").inspect(value);
        throw failure(TypeError, "ERR_INVALID_ARG_VALUE", `The argument 'value' is invalid. Received ${shown}`);
      }
      this.set(bytes.subarray(0, Math.max(0, to - from)), from);
      for (let filled = bytes.length; from + filled < to; filled *= 2) {
        this.copyWithin(from + filled, from, Math.min(from + filled, to - filled)); // twice as much each time
      }
      return this;
    },
    write(text, offset, length, encoding) {
      if (typeof text !== "string") throw failure(TypeError, "ERR_INVALID_ARG_TYPE", "argument must be a string");
      if (typeof offset === "string") [encoding, offset, length] = [offset, undefined, undefined];
      else if (typeof length === "string") [encoding, length] = [length, undefined];
      const from = Number(offset ?? 0);
      if (!(from >= 0 && from <= this.length)) throw outOfRange("offset", `>= 0 && <= ${this.length}`, offset);
      within("length", length ?? undefined, this.length);
      const kind = codec(encoding), bytes = kind[0](text);
      let count = Math.min(bytes.length, this.length - from, length ?? Infinity);
      // No half characters.
      if (kind === utf8) while (count < bytes.length && count > 0 && (bytes[count] & 0xc0) === 0x80) count--;
      if (kind === utf16) count &= ~1;
      this.set(bytes.subarray(0, count), from);
      return count;
    },
    copy(target, at = 0, start = 0, end = this.length) {
      if (!(target instanceof Uint8Array)) throw wrongType("target", BYTES, target);
      at = Math.trunc(Number(at)) || 0;
      if (at < 0) throw outOfRange("targetStart", ">= 0", at);
      if (start < 0 || start > this.length) throw outOfRange("sourceStart", `>= 0 && <= ${this.length}`, start);
      const bytes = view(this).subarray(clamp(start, 0, this.length), clamp(end, this.length, this.length));
      const count = Math.max(0, Math.min(bytes.length, target.length - at));
      target.set(bytes.subarray(0, count), count ? at : 0);
      return count;
    },
    [CUSTOM]() {
      return `<Buffer ${shared.use("inspect").hex(view(this))}>`;
    },
  };
  methods.toLocaleString = methods.toString;
  methods.inspect = methods[CUSTOM];

  // What Node's own code calls for each encoding, and old packages do too.
  for (const name of ["ascii", "base64", "base64url", "hex", "latin1", "ucs2", "utf8"]) {
    methods[`${name}Slice`] = function (start, end) {
      return this.toString(name, start, end);
    };
    methods[`${name}Write`] = function (text, offset, length) {
      return this.write(text, offset, length, name);
    };
  }

  for (const size of [2, 4, 8]) {
    methods[`swap${size * 8}`] = function () {
      if (this.length % size) {
        throw failure(RangeError, "ERR_INVALID_BUFFER_SIZE", `Buffer size must be a multiple of ${size * 8}-bits`);
      }
      for (let i = 0; i < this.length; i += size) view(this).subarray(i, i + size).reverse();
      return this;
    };
  }

  // ---- numbers

  function place(buffer, offset, size) {
    offset ??= 0;
    if (typeof offset !== "number") throw wrongType("offset", "of type number", offset);
    const last = buffer.length - size;
    if (!Number.isInteger(offset)) throw outOfRange("offset", "an integer", offset);
    if (last < 0) {
      throw failure(RangeError, "ERR_BUFFER_OUT_OF_BOUNDS", "Attempt to access memory outside buffer bounds");
    }
    if (offset < 0 || offset > last) throw outOfRange("offset", `>= 0 and <= ${last}`, offset);
    return new DataView(buffer.buffer, buffer.byteOffset + offset, size);
  }

  /** The place of an integer of one to six bytes, which both have to be given. */
  function widePlace(buffer, offset, size) {
    if (offset === undefined) throw wrongType("offset", "of type number", offset);
    if (typeof size !== "number") throw wrongType("byteLength", "of type number", size);
    if (!Number.isInteger(size)) throw outOfRange("byteLength", "an integer", size);
    if (!(size >= 1 && size <= 6)) throw outOfRange("byteLength", ">= 1 and <= 6", size);
    return place(buffer, offset, size);
  }

  function checked(value, low, high) {
    const n = typeof low === "bigint" ? "n" : "";
    if (n && typeof value !== "bigint") throw new TypeError("Cannot mix BigInt and other types, use explicit conversions");
    if (value < low || value > high) {
      const bits = Math.round(Math.log2(Number(high) + 1)), power = `2${n} ** ${bits}${n}`;
      const range = bits <= 32 ? `>= ${low} and <= ${high}` : `>= ${low < 0 ? `-(${power})` : `0${n}`} and < ${power}`;
      throw outOfRange("value", range, value);
    }
    return value;
  }

  function number(name, type, size, little, low, high) {
    methods[`read${name}`] = function (offset) {
      return place(this, offset, size)[`get${type}`](0, little);
    };
    methods[`write${name}`] = function (value, offset) {
      if (typeof low !== "bigint") value = Number(value);
      place(this, offset, size)[`set${type}`](0, low === undefined ? value : checked(value, low, high), little);
      return (offset ?? 0) + size;
    };
    if (!name.includes("UInt")) return;
    for (const how of ["read", "write"]) methods[how + name.replace("UInt", "Uint")] = methods[how + name];
  }

  for (const [end, little] of [["LE", true], ["BE", false]]) {
    for (const size of [2, 4]) {
      const bits = size * 8;
      number(`UInt${bits}${end}`, `Uint${bits}`, size, little, 0, 2 ** bits - 1);
      number(`Int${bits}${end}`, `Int${bits}`, size, little, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1);
    }
    number(`BigUInt64${end}`, "BigUint64", 8, little, 0n, 2n ** 64n - 1n);
    number(`BigInt64${end}`, "BigInt64", 8, little, -(2n ** 63n), 2n ** 63n - 1n);
    number(`Float${end}`, "Float32", 4, little);
    number(`Double${end}`, "Float64", 8, little);

    // Integers of one to six bytes.
    for (const [sign, signed] of [["UInt", false], ["Int", true]]) {
      methods[`read${sign}${end}`] = function (offset, size) {
        const at = widePlace(this, offset, size);
        let value = 0;
        for (let i = 0; i < size; i++) value = value * 256 + at.getUint8(little ? size - 1 - i : i);
        return signed && value >= 2 ** (size * 8 - 1) ? value - 2 ** (size * 8) : value;
      };
      methods[`write${sign}${end}`] = function (value, offset, size) {
        const at = widePlace(this, offset, size), half = 2 ** (size * 8 - 1);
        let rest = signed ? checked(Number(value), -half, half - 1) : checked(Number(value), 0, 2 * half - 1);
        if (rest < 0) rest += 2 * half;
        for (let i = 0; i < size; i++, rest = Math.floor(rest / 256)) at.setUint8(little ? i : size - 1 - i, rest % 256);
        return offset + size;
      };
      if (sign === "UInt") for (const how of ["read", "write"]) methods[`${how}Uint${end}`] = methods[`${how}UInt${end}`];
    }
  }
  number("UInt8", "Uint8", 1, true, 0, 255);
  number("Int8", "Int8", 1, true, -128, 127);

  const hide = (target, properties) => {
    for (const key of Reflect.ownKeys(properties)) {
      Object.defineProperty(target, key, { value: properties[key], writable: true, configurable: true });
    }
  };
  hide(FastBuffer.prototype, methods);
  Object.defineProperty(FastBuffer.prototype, "parent", { get() { return this.buffer; }, configurable: true });
  Object.defineProperty(FastBuffer.prototype, "offset", { get() { return this.byteOffset; }, configurable: true });
  hide(Buffer, { ...statics, poolSize: 8192 });
  Object.setPrototypeOf(Buffer, Uint8Array);
  Object.defineProperty(Buffer, "prototype", { value: FastBuffer.prototype });
  FastBuffer.prototype.constructor = Buffer;
  Object.defineProperty(FastBuffer.prototype, "constructor", { enumerable: false });

  return { Buffer, own };
}
