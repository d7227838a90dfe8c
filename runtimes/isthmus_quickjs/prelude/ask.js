// Questions to the host with parameters: a typed head and byte strings out, bytes or an error in (see _asks.py).
(native, shared) => {
  "use strict";
  const { DOMException, Error, RangeError, TypeError, Uint8Array } = globalThis;
  const KINDS = { __proto__: null, Error, RangeError, TypeError };

  /** A plain Uint8Array over the memory of any view or ArrayBuffer, as native functions take it. */
  function plain(bytes) {
    if (ArrayBuffer.isView(bytes)) return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return new Uint8Array(bytes);
  }

  function refused(answer) {
    const { name, code, message } = shared.parse(native.utf8Decode(answer.subarray(1)));
    if (!KINDS[name]) return new DOMException(message, name);
    const error = new KINDS[name](message);
    if (code) error.code = code;
    return error;
  }

  /** The host's answer to an operation; throws the error it gives instead. */
  function ask(operation, fields, ...parts) {
    const sizes = [];
    let length = 4;
    for (const part of parts) length += sizes[sizes.length] = part.length;
    const head = native.utf8Encode(shared.stringify({ ...fields, sizes }));
    const payload = new Uint8Array(length + head.length);
    payload[0] = head.length;
    payload[1] = head.length >>> 8;
    payload.set(head, 4);
    let at = 4 + head.length;
    for (const part of parts) {
      payload.set(part, at);
      at += part.length;
    }
    const answer = native.call(operation, payload);
    if (answer[0]) throw refused(answer);
    return answer.slice(1);
  }

  /** The same with one byte string, and a head that is JSON text already. */
  function send(operation, head, part) {
    const encoded = native.utf8Encode(head), length = encoded.length, payload = new Uint8Array(4 + length + part.length);
    payload[0] = length;
    payload[1] = length >>> 8;
    payload.set(encoded, 4);
    payload.set(part, 4 + length);
    const answer = native.call(operation, payload);
    if (answer[0]) throw refused(answer);
    return answer.subarray(1);
  }

  return { ask, plain, send };
}
