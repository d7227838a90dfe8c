// Node's zlib over whole buffers, by the host; its streams gather what is written and work at the end.
(native, shared) => {
  "use strict";
  const { own } = shared.use("buffer"), { failure, outOfRange, wrongType } = shared.use("invalid");
  const { ask } = shared.use("ask"), { answered, bytesOf } = shared.use("crypto/bytes");
  const { Error, Uint8Array } = globalThis;
  const NONE = new Uint8Array(0);
  const ERRNO = { __proto__: null, Z_NEED_DICT: 2, Z_STREAM_ERROR: -2, Z_DATA_ERROR: -3, Z_BUF_ERROR: -5 };
  const constants = {
    Z_NO_FLUSH: 0, Z_PARTIAL_FLUSH: 1, Z_SYNC_FLUSH: 2, Z_FULL_FLUSH: 3, Z_FINISH: 4, Z_BLOCK: 5, Z_OK: 0, Z_STREAM_END: 1,
    Z_NEED_DICT: 2, Z_ERRNO: -1, Z_STREAM_ERROR: -2, Z_DATA_ERROR: -3, Z_MEM_ERROR: -4, Z_BUF_ERROR: -5, Z_VERSION_ERROR: -6,
    Z_NO_COMPRESSION: 0, Z_BEST_SPEED: 1, Z_BEST_COMPRESSION: 9, Z_DEFAULT_COMPRESSION: -1, Z_FILTERED: 1, Z_HUFFMAN_ONLY: 2,
    Z_RLE: 3, Z_FIXED: 4, Z_DEFAULT_STRATEGY: 0, DEFLATE: 1, INFLATE: 2, GZIP: 3, GUNZIP: 4, DEFLATERAW: 5, INFLATERAW: 6,
    UNZIP: 7, Z_MIN_WINDOWBITS: 8, Z_MAX_WINDOWBITS: 15, Z_DEFAULT_WINDOWBITS: 15, Z_MIN_CHUNK: 64, Z_MAX_CHUNK: Infinity,
    Z_DEFAULT_CHUNK: 16384, Z_MIN_MEMLEVEL: 1, Z_MAX_MEMLEVEL: 9, Z_DEFAULT_MEMLEVEL: 8, Z_MIN_LEVEL: -1, Z_MAX_LEVEL: 9,
    Z_DEFAULT_LEVEL: -1,
  };
  const FORMS = {
    __proto__: null,
    gzip: ["pack", "gzip"], deflate: ["pack", "deflate"], deflateRaw: ["pack", "raw"],
    gunzip: ["unpack", "gzip"], inflate: ["unpack", "deflate"], inflateRaw: ["unpack", "raw"], unzip: ["unpack", "auto"],
  };

  function whole(name, value, low, high, fallback) {
    if (value === undefined || (typeof value === "number" && Number.isNaN(value))) return fallback;
    if (typeof value !== "number") throw wrongType(`options.${name}`, "of type number", value);
    if (!(value >= low && value <= high)) throw outOfRange(`options.${name}`, `>= ${low} and <= ${high}`, value);
    return Math.trunc(value);
  }

  /** A form's work on some bytes, its options checked. */
  function prepared(name, options) {
    const [operation, form] = FORMS[name], given = options ?? {};
    const dictionary = given.dictionary === undefined ? NONE : bytesOf(given.dictionary, undefined, "options.dictionary");
    const window = whole("windowBits", given.windowBits, 8, 15, 15) || 15;
    const fields = { form, window: Math.max(window, 8) };
    if (operation === "pack") {
      fields.level = whole("level", given.level, -1, 9, -1);
      fields.memory = whole("memLevel", given.memLevel, 1, 9, 8);
      fields.strategy = whole("strategy", given.strategy, 0, 4, 0);
    } else {
      if (given.maxOutputLength !== undefined) fields.most = whole("maxOutputLength", given.maxOutputLength, 1, 2 ** 32);
      fields.partial = given.finishFlush === constants.Z_SYNC_FLUSH;
    }
    return (bytes) => {
      try {
        return own(ask(`zlib:${operation}`, fields, bytes, dictionary));
      } catch (error) {
        if (ERRNO[error.code] !== undefined) error.errno = ERRNO[error.code];
        throw error;
      }
    };
  }

  const WANTED = "of type string or an instance of Buffer, TypedArray, DataView, or ArrayBuffer";
  const zlib = { constants };
  for (const name in constants) zlib[name] = constants[name];

  function put(name, value) {
    Object.defineProperty(value, "name", { value: name });
    zlib[name] = value;
  }

  for (const name in FORMS) {
    put(`${name}Sync`, (data, options) => prepared(name, options)(bytesOf(data, "utf8", "buffer", WANTED)));
    put(name, (data, options, callback) => {
      if (typeof options === "function") [options, callback] = [undefined, options];
      if (typeof callback !== "function") throw wrongType("callback", "of type function", callback);
      const work = prepared(name, options), bytes = bytesOf(data, "utf8", "buffer", WANTED);
      answered(() => work(bytes), callback);
    });
    const upper = name[0].toUpperCase() + name.slice(1);
    const create = (options) => stream(prepared(name, options));
    put(`create${upper}`, create);
    put(upper, create);
  }

  function stream(work) {
    const { Transform } = shared.use("builtins")("stream"), parts = [];
    return new Transform({
      transform(chunk, encoding, done) {
        parts.push(chunk);
        done();
      },
      flush(done) {
        try {
          done(null, work(shared.use("buffer").Buffer.concat(parts)));
        } catch (error) {
          done(error);
        }
      },
    });
  }

  function brotli() {
    throw failure(Error, "ERR_FEATURE_UNAVAILABLE_ON_PLATFORM", "Brotli is not supported here; use gzip or deflate");
  }
  for (const name of ["brotliCompress", "brotliCompressSync", "brotliDecompress", "brotliDecompressSync", "createBrotliCompress", "createBrotliDecompress"]) {
    zlib[name] = brotli;
  }

  zlib.crc32 = (data, value = 0) => {
    const bytes = ask("zlib:crc32", { start: value >>> 0 }, bytesOf(data, "utf8"));
    return new DataView(bytes.buffer).getUint32(0, true);
  };
  zlib.zlib = zlib; // the name under which Segment's functions find it

  return { zlib };
}
