// Node's buffer module: Buffer, and the little that is beside it.
(native, shared) => {
  "use strict";
  const { Buffer } = shared.use("buffer");
  const { Blob, File } = shared.use("blob");
  const { atob, btoa } = globalThis;
  const MAX_LENGTH = 2 ** 32, MAX_STRING_LENGTH = 2 ** 29 - 24;

  /** Bytes of a text in one encoding as those in another; what the other can't say becomes "?". */
  function transcode(bytes, from, to) {
    const text = Buffer.from(bytes).toString(from);
    if (!["latin1", "binary", "ascii"].includes(to)) return Buffer.from(text, to);
    const limit = to === "ascii" ? 0x7f : 0xff;
    return Buffer.from(Array.from(text, (c) => (c.codePointAt(0) > limit ? "?" : c)).join(""), "latin1");
  }

  return {
    atob, btoa, Blob, Buffer, File, transcode,
    constants: { MAX_LENGTH, MAX_STRING_LENGTH },
    INSPECT_MAX_BYTES: 50,
    isAscii: (bytes) => Buffer.from(bytes).every((byte) => byte < 128),
    isUtf8: (bytes) => native.utf8Valid(new Uint8Array(Buffer.from(bytes))),
    kMaxLength: MAX_LENGTH,
    kStringMaxLength: MAX_STRING_LENGTH,
    SlowBuffer: Buffer,
  };
}
