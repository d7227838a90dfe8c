// TextEncoder and TextDecoder (WHATWG Encoding) for UTF-8, UTF-16 and windows-1252.
(native, shared) => {
  "use strict";
  const LABELS = {
    __proto__: null,
    "utf-8": ["unicode-1-1-utf-8", "unicode11utf8", "unicode20utf8", "utf-8", "utf8", "x-unicode20utf8"],
    "utf-16le": ["csunicode", "iso-10646-ucs-2", "ucs-2", "unicode", "unicodefeff", "utf-16", "utf-16le"],
    "utf-16be": ["unicodefffe", "utf-16be"],
    "windows-1252": [
      "ansi_x3.4-1968", "ascii", "cp1252", "cp819", "csisolatin1", "ibm819", "iso-8859-1", "iso-ir-100", "iso8859-1",
      "iso88591", "iso_8859-1", "iso_8859-1:1987", "l1", "latin1", "us-ascii", "windows-1252", "x-cp1252",
    ],
  };
  // What windows-1252 has where Latin-1 has control characters, 0x80 to 0x9f.
  const C1 = "€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ";

  function bytesOf(input) {
    if (input === undefined) return new Uint8Array(0);
    if (ArrayBuffer.isView(input)) return new Uint8Array(input.buffer, input.byteOffset, input.byteLength);
    if (/^(Shared)?ArrayBuffer$/.test(native.classOf(input))) return new Uint8Array(input);
    const message = 'The "list" argument must be an instance of SharedArrayBuffer, ArrayBuffer or ArrayBufferView.';
    throw Object.assign(new TypeError(message), { code: "ERR_INVALID_ARG_TYPE" });
  }

  class TextEncoder {
    get encoding() {
      return "utf-8";
    }

    encode(text = "") {
      return native.utf8Encode(`${text}`);
    }

    encodeInto(text, bytes) {
      let read = 0, written = 0;
      for (const character of `${text}`) {
        const encoded = native.utf8Encode(character);
        if (written + encoded.length > bytes.length) break;
        bytes.set(encoded, written);
        read += character.length;
        written += encoded.length;
      }
      return { read, written };
    }
  }

  class TextDecoder {
    #encoding;
    #fatal;
    #ignoreBOM;
    #rest = new Uint8Array(0);
    #begun = false;

    constructor(label = "utf-8", { fatal = false, ignoreBOM = false } = {}) {
      const wanted = `${label}`.replace(/^[\t\n\f\r ]+|[\t\n\f\r ]+$/g, "").toLowerCase();
      this.#encoding = Object.keys(LABELS).find((name) => LABELS[name].includes(wanted));
      if (!this.#encoding) {
        throw Object.assign(new RangeError(`The "${label}" encoding is not supported`), { code: "ERR_ENCODING_NOT_SUPPORTED" });
      }
      this.#fatal = Boolean(fatal);
      this.#ignoreBOM = Boolean(ignoreBOM);
    }

    get encoding() {
      return this.#encoding;
    }

    get fatal() {
      return this.#fatal;
    }

    get ignoreBOM() {
      return this.#ignoreBOM;
    }

    decode(input, { stream = false } = {}) {
      let bytes = bytesOf(input);
      if (this.#rest.length) {
        const all = new Uint8Array(this.#rest.length + bytes.length);
        all.set(this.#rest);
        all.set(bytes, this.#rest.length);
        bytes = all;
      }
      const end = stream ? bytes.length - this.#unfinished(bytes) : bytes.length;
      this.#rest = bytes.slice(end);
      let text = this.#text(bytes.subarray(0, end));
      if (!this.#begun && !this.#ignoreBOM && this.#encoding !== "windows-1252") text = text.replace(/^\ufeff/, "");
      this.#begun = stream && (this.#begun || end > 0);
      return text;
    }

    /** How many bytes at the end belong to a character that is not all there. */
    #unfinished(bytes) {
      const { length } = bytes;
      if (this.#encoding === "windows-1252") return 0;
      if (this.#encoding === "utf-8") {
        for (let back = 1; back <= 3 && back <= length; back++) {
          const byte = bytes[length - back];
          if (byte >= 0xc2 && byte <= 0xf4) {
            const size = byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
            // A first byte whose second can't follow it stands alone already.
            const cut = bytes.subarray(length - back), alone = native.utf8Decode(cut).length > 1;
            return size > back && !alone ? back : 0;
          }
          if (byte < 0x80 || byte > 0xbf) return 0;
        }
        return 0;
      }
      const odd = length % 2, high = this.#encoding === "utf-16le" ? bytes[length - odd - 1] : bytes[length - odd - 2];
      return odd + (high >= 0xd8 && high <= 0xdb ? 2 : 0);
    }

    #text(bytes) {
      if (this.#encoding === "utf-8") {
        if (this.#fatal && !native.utf8Valid(bytes)) this.#fail();
        return native.utf8Decode(bytes);
      }
      if (this.#encoding === "windows-1252") {
        return native.latin1Decode(bytes).replace(/[\x80-\x9f]/g, (c) => C1[c.charCodeAt(0) - 128]);
      }
      if (this.#encoding === "utf-16be") {
        bytes = bytes.slice();
        for (let i = 0; i + 1 < bytes.length; i += 2) [bytes[i], bytes[i + 1]] = [bytes[i + 1], bytes[i]];
      }
      const text = native.utf16Decode(bytes), whole = text.isWellFormed() && bytes.length % 2 === 0;
      if (this.#fatal && !whole) this.#fail();
      return text.toWellFormed() + (bytes.length % 2 ? "\ufffd" : "");
    }

    #fail() {
      this.#begun = false;
      this.#rest = new Uint8Array(0);
      const error = new TypeError(`The encoded data was not valid for encoding ${this.#encoding}`);
      throw Object.assign(error, { code: "ERR_ENCODING_INVALID_ENCODED_DATA" });
    }
  }

  for (const made of [TextEncoder, TextDecoder]) {
    Object.defineProperty(made.prototype, Symbol.toStringTag, { value: made.name, configurable: true });
  }
  return { TextEncoder, TextDecoder };
}
