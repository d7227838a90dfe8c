// Percent-encoding and its undoing, byte by byte where the text is no UTF-8 (WHATWG URL).
(native) => {
  "use strict";

  function encode(text, set) {
    return text.toWellFormed().replace(set, (c) => {
      const code = c.codePointAt(0);
      return code < 128 ? `%${code.toString(16).toUpperCase().padStart(2, "0")}` : encodeURIComponent(c);
    });
  }

  function decodeBytes(bytes) {
    const out = new Uint8Array(bytes.length);
    let length = 0;
    for (let i = 0; i < bytes.length; i++) {
      const pair = bytes[i] === 37 ? native.hexDecode(native.latin1Decode(bytes.subarray(i + 1, i + 3))) : [];
      if (pair.length) i += 2;
      out[length++] = pair.length ? pair[0] : bytes[i];
    }
    return out.subarray(0, length);
  }

  function decode(text) {
    if (!text.includes("%")) return text;
    try {
      return decodeURIComponent(text);
    } catch {
      return native.utf8Decode(decodeBytes(native.utf8Encode(text)));
    }
  }

  /** [name, value] of each field of a form's text. */
  function parseForm(text) {
    const fields = [];
    for (const pair of text.split("&")) {
      if (!pair) continue;
      const at = pair.indexOf("="), spaced = pair.replaceAll("+", " ");
      fields.push(at < 0 ? [decode(spaced), ""] : [decode(spaced.slice(0, at)), decode(spaced.slice(at + 1))]);
    }
    return fields;
  }

  return { encode, decode, parseForm };
}
