// Node's string_decoder: bytes to text piece by piece, characters that are cut in two kept for the next piece.
(native, shared) => {
  "use strict";
  const { Buffer } = shared.use("buffer"), { failure, wrongType } = shared.use("invalid");
  const { TypeError } = globalThis;
  const NAMES = {
    __proto__: null, utf8: "utf8", "utf-8": "utf8", hex: "hex", base64: "base64", base64url: "base64url", latin1: "latin1",
    binary: "latin1", ascii: "ascii", utf16le: "utf16le", "utf-16le": "utf16le", ucs2: "utf16le", "ucs-2": "utf16le",
  };

  /** How many bytes at the end begin a character that is not all there. */
  function unfinished(bytes, encoding) {
    const { length } = bytes;
    if (encoding.startsWith("base64")) return length % 3;
    if (encoding === "utf16le") {
      const odd = length % 2, high = length - odd >= 2 && (bytes[length - odd - 1] & 0xfc) === 0xd8;
      return odd + (high ? 2 : 0);
    }
    if (encoding !== "utf8") return 0;
    for (let back = 1; back <= 3 && back <= length; back++) {
      const byte = bytes[length - back];
      if ((byte & 0xc0) === 0x80) continue;
      const size = byte >= 0xc2 && byte < 0xe0 ? 2 : byte >= 0xe0 && byte < 0xf0 ? 3 : byte >= 0xf0 && byte < 0xf5 ? 4 : 1;
      // A first byte whose second can't follow it stands alone already.
      return size > back && Buffer.from(bytes.subarray(length - back)).toString().length === 1 ? back : 0;
    }
    return 0;
  }

  class StringDecoder {
    #rest = Buffer.alloc(0);

    constructor(encoding = "utf8") {
      this.encoding = NAMES[`${encoding ?? "utf8"}`.toLowerCase()];
      if (!this.encoding) throw failure(TypeError, "ERR_UNKNOWN_ENCODING", `Unknown encoding: ${encoding}`);
    }

    write(bytes) {
      if (typeof bytes === "string") return bytes;
      if (!ArrayBuffer.isView(bytes)) {
        throw wrongType("buf", "an instance of Buffer, TypedArray, or DataView", bytes);
      }
      const fresh = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const all = this.#rest.length ? Buffer.concat([this.#rest, fresh]) : fresh;
      const end = all.length - unfinished(all, this.encoding);
      this.#rest = Buffer.from(all.subarray(end));
      return all.toString(this.encoding, 0, end);
    }

    end(bytes) {
      const text = bytes === undefined ? "" : this.write(bytes), rest = this.#rest.toString(this.encoding);
      this.#rest = Buffer.alloc(0);
      return text + rest;
    }

    get lastNeed() {
      return this.#rest.length ? 1 : 0;
    }
  }

  return { StringDecoder };
}
