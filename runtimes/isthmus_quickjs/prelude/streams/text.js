// TextEncoderStream and TextDecoderStream (WHATWG Encoding).
(native, shared) => {
  "use strict";
  const { expose } = shared.use("idl");
  const { transform } = shared.use("streams/transform");
  const { TextDecoder } = shared.use("encoding");
  const HIGH_AT_END = /[\ud800-\udbff]$/;

  class TextEncoderStream {
    #change;
    #high = ""; // the first half of a pair whose second may come with the next chunk

    constructor() {
      this.#change = transform({
        transform: (chunk, controller) => {
          const text = this.#high + `${chunk}`;
          if (!text) return;
          const whole = text.replace(HIGH_AT_END, "");
          this.#high = text.slice(whole.length);
          if (whole) controller.enqueue(native.utf8Encode(whole));
        },
        flush: (controller) => {
          if (this.#high) controller.enqueue(native.utf8Encode("\ufffd"));
        },
      });
    }

    get encoding() {
      return this.#change && "utf-8";
    }

    get readable() {
      return this.#change.readable;
    }

    get writable() {
      return this.#change.writable;
    }
  }

  class TextDecoderStream {
    #change;
    #decoder;

    constructor(label = "utf-8", options = undefined) {
      const decoder = this.#decoder = new TextDecoder(label, options);
      const pass = (text, controller) => {
        if (text) controller.enqueue(text);
      };
      this.#change = transform({
        transform: (chunk, controller) => {
          if (chunk === undefined) throw shared.use("invalid").wrongType("chunk", "an ArrayBuffer or a view of one", chunk);
          pass(decoder.decode(chunk, { stream: true }), controller);
        },
        flush: (controller) => pass(decoder.decode(), controller),
      });
    }

    get encoding() {
      return this.#decoder.encoding;
    }

    get fatal() {
      return this.#decoder.fatal;
    }

    get ignoreBOM() {
      return this.#decoder.ignoreBOM;
    }

    get readable() {
      return this.#change.readable;
    }

    get writable() {
      return this.#change.writable;
    }
  }

  expose(TextEncoderStream, TextDecoderStream);
  return { TextEncoderStream, TextDecoderStream };
}
