// What the parts of crypto take and give: bytes of any kind, texts in an encoding, callbacks.
(native, shared) => {
  "use strict";
  const { Buffer, own } = shared.use("buffer"), { wrongType } = shared.use("invalid");
  const { plain } = shared.use("ask");
  const { queueMicrotask } = globalThis;
  const BYTES = "of type string or an instance of ArrayBuffer, Buffer, TypedArray, or DataView";

  /** Any data as a plain Uint8Array over the same memory. */
  function bytesOf(data, encoding, name = "data", wanted = BYTES) {
    if (typeof data === "string") {
      if (encoding === undefined || encoding === "utf8") return native.utf8Encode(data);
      return plain(Buffer.from(data, Buffer.isEncoding(encoding) ? encoding : "utf8"));
    }
    if (ArrayBuffer.isView(data) || /^(Shared)?ArrayBuffer$/.test(native.classOf(data))) return plain(data);
    throw wrongType(name, wanted, data);
  }

  /** Bytes nobody else has, as a text in an encoding or as a Buffer. */
  function shown(bytes, encoding) {
    if (encoding === "hex") return native.hexEncode(bytes);
    const buffer = own(bytes);
    return encoding === undefined || encoding === null || encoding === "buffer" ? buffer : buffer.toString(encoding);
  }

  /** What run() gives, or, where there is a callback, undefined: that is handed it, or the error, later. */
  function answered(run, callback) {
    if (callback === undefined) return run();
    if (typeof callback !== "function") throw wrongType("callback", "of type function", callback);
    let error = null, value;
    try {
      value = run();
    } catch (thrown) {
      error = thrown;
    }
    queueMicrotask(() => (error === null ? callback(null, value) : callback(error)));
    return undefined;
  }

  return { answered, bytesOf, shown };
}
