// Bodies as streams of bytes, and streams read whole.
(native, shared) => {
  "use strict";
  const { ReadableStream, sourceOf } = shared.use("streams/readable");
  const isDisturbed = (stream) => sourceOf(stream).disturbed;

  /** The stream's pieces as Buffers, as node-fetch's bodies yield them. */
  async function* buffers(stream) {
    const { Buffer } = shared.use("buffer");
    for await (const piece of stream.values()) yield Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
  }

  /** A stream of bytes that are there; of a body that was used, nobody reads any more. */
  function streamOf(bytes, isUsed) {
    const stream = new ReadableStream({
      type: "bytes",
      pull(controller) {
        if (bytes.length) controller.enqueue(bytes.slice());
        controller.close();
        controller.byobRequest?.respond(0);
      },
    });
    if (isUsed) stream.getReader().cancel();
    return stream;
  }

  /** The stream of a request's or a response's body, in which node-fetch's habits find what they look for. */
  function bodyOf(bytes, isUsed) {
    const stream = streamOf(bytes, isUsed);
    const put = (name, value) => Object.defineProperty(stream, name, { value, writable: true, configurable: true });
    put(Symbol.asyncIterator, () => buffers(stream));
    for (const name of ["on", "once", "pipe", "removeListener", "resume"]) {
      put(name, (...values) => shared.use("bodies/node").flowOf(stream)[name](...values));
    }
    return stream;
  }

  /** A stream the author gave, which nobody must have read of. */
  function given(stream) {
    if (stream.locked || isDisturbed(stream)) {
      const message = "Response body object should not be disturbed or locked";
      throw shared.use("invalid").failure(TypeError, "ERR_INVALID_STATE", message);
    }
    return stream;
  }

  /** A stream of what an iterable yields, texts and bytes, as a stream of Node's does. */
  function from(iterable) {
    const pieces = async function* () {
      for await (const piece of iterable) yield typeof piece === "string" ? native.utf8Encode(piece) : piece;
    };
    return ReadableStream.from(pieces());
  }

  async function readWhole(stream) {
    const reader = stream.getReader(), pieces = [];
    let length = 0, at = 0;
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      const { value } = read;
      if (!ArrayBuffer.isView(value) || native.classOf(value) !== "Uint8Array") {
        const error = shared.use("invalid").wrongType("chunk", "an instance of Uint8Array", value);
        reader.cancel(error).catch(() => {});
        throw error;
      }
      pieces.push(value);
      length += value.length;
    }
    const bytes = new Uint8Array(length);
    for (const piece of pieces) {
      bytes.set(piece, at);
      at += piece.length;
    }
    return bytes;
  }

  return { bodyOf, from, given, isDisturbed, readWhole, streamOf };
}
