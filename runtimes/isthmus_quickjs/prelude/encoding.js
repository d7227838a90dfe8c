// TextEncoder and TextDecoder (WHATWG Encoding): Unicode and windows-1252 here, what is older is asked of the host.
(native, shared) => {
  "use strict";
  const { expose } = shared.use("idl");
  // The labels that code writes; the host knows the rest.
  const LABELS = {
    __proto__: null, "utf-8": "utf-8", utf8: "utf-8", "utf-16": "utf-16le", "utf-16le": "utf-16le", "utf-16be": "utf-16be",
    ascii: "windows-1252", latin1: "windows-1252", "iso-8859-1": "windows-1252", "us-ascii": "windows-1252",
    "windows-1252": "windows-1252",
  };
  // What windows-1252 has where Latin-1 has control characters, 0x80 to 0x9f.
  const C1 = "€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ";

  function bytesOf(input) {
    if (input === undefined) return new Uint8Array(0);
    if (ArrayBuffer.isView(input)) return new Uint8Array(input.buffer, input.byteOffset, input.byteLength);
    const kind = native.classOf(input);
    if (kind === "ArrayBuffer" || kind === "SharedArrayBuffer") return new Uint8Array(input);
    const message = 'The "list" argument must be an instance of SharedArrayBuffer, ArrayBuffer or ArrayBufferView.';
    throw Object.assign(new TypeError(message), { code: "ERR_INVALID_ARG_TYPE" });
  }

  function encodingOf(label) {
    const wanted = label.replace(/^[\t\n\f\r ]+|[\t\n\f\r ]+$/g, "").toLowerCase();
    const found = LABELS[wanted] ?? (wanted && native.latin1Decode(native.call("encoding", native.utf8Encode(wanted))));
    if (found) return found;
    const message = `The "${label}" encoding is not supported`;
    throw shared.use("invalid").failure(RangeError, "ERR_ENCODING_NOT_SUPPORTED", message);
  }

  class TextEncoder {
    get encoding() {
      return "utf-8";
    }

    encode(text = "") {
      return native.utf8Encode(`${text}`);
    }

    encodeInto(text, bytes) {
      text = `${text}`;
      if (native.classOf(bytes) !== "Uint8Array") throw shared.use("invalid").wrongType("dest", "an instance of Uint8Array", bytes);
      const room = bytes.length;
      // No character has more than three bytes for each of its code units.
      if (text.length * 3 <= room) {
        const encoded = native.utf8Encode(text);
        bytes.set(encoded);
        return { read: text.length, written: encoded.length };
      }
      let read = 0, written = 0;
      for (const character of text) {
        const encoded = native.utf8Encode(character);
        if (written + encoded.length > room) break;
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

    constructor(label = "utf-8", options = undefined) {
      this.#encoding = encodingOf(`${label}`);
      const { fatal, ignoreBOM } = shared.use("idl").dictionary(options, "options");
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

    decode(input = undefined, options = undefined) {
      const stream = Boolean(shared.use("idl").dictionary(options, "options").stream);
      let bytes = bytesOf(input);
      if (this.#rest.length) {
        const all = new Uint8Array(this.#rest.length + bytes.length);
        all.set(this.#rest);
        all.set(bytes, this.#rest.length);
        bytes = all;
      }
      if (!/^(utf-|windows-1252)/.test(this.#encoding)) return this.#legacy(bytes, stream);
      const end = stream ? bytes.length - this.#unfinished(bytes) : bytes.length;
      this.#rest = bytes.slice(end);
      let text = this.#text(bytes.subarray(0, end));
      if (!this.#begun && !this.#ignoreBOM && this.#encoding !== "windows-1252") text = text.replace(/^\ufeff/, "");
      this.#begun = stream && (this.#begun || end > 0);
      return text;
    }

    /** Decoded by the host, which says what has to wait for more. */
    #legacy(bytes, stream) {
      let answer;
      try {
        answer = native.call(`decode:${this.#encoding}${this.#fatal ? ":fatal" : ""}${stream ? ":stream" : ""}`, bytes);
      } catch {
        this.#fail();
      }
      const waiting = answer[0];
      this.#rest = answer.slice(1, 1 + waiting);
      return native.utf8Decode(answer.subarray(1 + waiting));
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
      const message = `The encoded data was not valid for encoding ${this.#encoding}`;
      throw shared.use("invalid").failure(TypeError, "ERR_ENCODING_INVALID_ENCODED_DATA", message);
    }
  }

  expose(TextEncoder, TextDecoder);
  return { TextEncoder, TextDecoder };
}
