// CompressionStream and DecompressionStream: the host does it, once all is there.
(native, shared) => {
  "use strict";
  const { expose } = shared.use("idl");
  const { transform } = shared.use("streams/transform");
  const FORMATS = ["gzip", "deflate", "deflate-raw"];

  function formatOf(format, name) {
    if (FORMATS.includes(`${format}`)) return `${format}`;
    const message = `${name} takes ${FORMATS.map((each) => `'${each}'`).join(", ")}, not '${format}'`;
    throw shared.use("invalid").failure(TypeError, "ERR_INVALID_ARG_VALUE", message);
  }

  /** {readable, writable}: what was written, as one piece, through an operation of the host. */
  function through(operation, refusal) {
    const parts = [];
    let length = 0;
    return transform({
      transform(chunk) {
        const isBytes = ArrayBuffer.isView(chunk) || native.classOf(chunk) === "ArrayBuffer";
        if (!isBytes || native.classOf(chunk.buffer ?? chunk) !== "ArrayBuffer") {
          throw shared.use("invalid").wrongType("chunk", "an ArrayBuffer or a view of one", chunk);
        }
        const bytes = ArrayBuffer.isView(chunk) ? new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength) : new Uint8Array(chunk);
        parts.push(bytes.slice());
        length += bytes.length;
      },
      flush(controller) {
        const all = new Uint8Array(length);
        let at = 0;
        for (const part of parts) {
          all.set(part, at);
          at += part.length;
        }
        parts.length = 0;
        let done;
        try {
          done = native.call(operation, all);
        } catch {
          throw shared.use("invalid").failure(TypeError, "ERR_INVALID_ARG_VALUE", refusal);
        }
        if (done.length) controller.enqueue(done);
      },
    });
  }

  class CompressionStream {
    #change;

    constructor(format) {
      this.#change = through(`compress:${formatOf(format, "CompressionStream")}`, "More than can be compressed at once");
    }

    get readable() {
      return this.#change.readable;
    }

    get writable() {
      return this.#change.writable;
    }
  }

  class DecompressionStream {
    #change;

    constructor(format) {
      const known = formatOf(format, "DecompressionStream");
      this.#change = through(`decompress:${known}`, `The compressed data was not valid: not whole, not ${known}, or too large`);
    }

    get readable() {
      return this.#change.readable;
    }

    get writable() {
      return this.#change.writable;
    }
  }

  expose(CompressionStream, DecompressionStream);
  return { CompressionStream, DecompressionStream };
}
