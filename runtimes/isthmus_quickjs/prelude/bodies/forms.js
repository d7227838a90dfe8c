// Bodies read as forms: multipart/form-data (RFC 7578) and application/x-www-form-urlencoded.
(native, shared) => {
  "use strict";
  const { File, FormData } = shared.use("blob");
  const CRLF = "\r\n";

  function refuse(why) {
    throw new TypeError(`The body can't be read as a form: ${why}`);
  }

  /**
   * A header's parameters by lower-case name: ; name=token or ; name="text".  A quote within a text is %22 where browsers wrote
   * it and \" where others did; a backslash before the last quote is one.
   */
  function parameters(header) {
    const found = { __proto__: null };
    for (const [, name, quoted, token] of header.matchAll(/;[ \t]*([^ \t=;]+)[ \t]*=[ \t]*(?:"([^]*?)"(?=[ \t]*(?:;|$))|([^; \t]*))/g)) {
      found[name.toLowerCase()] ??= quoted === undefined ? token : quoted.replace(/\\"/g, '"');
    }
    return found;
  }

  /** A name as browsers write it: three characters percent-encoded, and UTF-8 as it is. */
  function nameOf(written) {
    const text = native.utf8Decode(native.latin1Encode(written));
    return text.replace(/%0A/gi, "\n").replace(/%0D/gi, "\r").replace(/%22/g, '"');
  }

  function headersOf(text) {
    const found = { __proto__: null };
    for (const line of text.split(CRLF)) {
      const at = line.indexOf(":");
      if (at < 1) refuse("a part has a header without a name");
      found[line.slice(0, at).trim().toLowerCase()] = line.slice(at + 1).trim();
    }
    return found;
  }

  function append(form, head, bytes) {
    const headers = headersOf(head), disposition = headers["content-disposition"] ?? "";
    const { filename, name } = parameters(disposition);
    if (!/^form-data\s*(;|$)/i.test(disposition) || name === undefined) refuse("a part has no name");
    if (filename === undefined) form.append(nameOf(name), native.utf8Decode(bytes));
    else {
      const type = headers["content-type"] ?? "text/plain";
      form.append(nameOf(name), new File([bytes], nameOf(filename), { type }), nameOf(filename));
    }
  }

  /** Each part's head and its bytes; latin-1 text has the places that the bytes have. */
  function multipart(bytes, boundary) {
    const form = new FormData(), text = native.latin1Decode(bytes), between = `${CRLF}--${boundary}`;
    let at = `${CRLF}${text}`.indexOf(between) - CRLF.length + between.length;
    if (at < between.length - CRLF.length) refuse("its boundary is nowhere");
    for (;;) {
      if (text.startsWith("--", at)) return form;
      const line = text.indexOf(CRLF, at), head = text.indexOf(CRLF + CRLF, line), end = text.indexOf(between, head + 2);
      if (line < 0 || head < 0 || end < 0 || text.slice(at, line).trim()) refuse("it ends within a part");
      append(form, text.slice(line + 2, head), bytes.slice(head + 4, end));
      at = end + between.length;
    }
  }

  /** The form that a body of a content type is; throws a TypeError for what is none. */
  function parse(bytes, type) {
    const [, kind] = /^\s*([^;\s]*)/.exec(type), { boundary } = parameters(type);
    switch (kind.toLowerCase()) {
      case "multipart/form-data":
        return multipart(bytes, boundary ?? refuse("its content type has no boundary"));
      case "application/x-www-form-urlencoded": {
        const form = new FormData();
        const text = native.utf8Decode(bytes);
        for (const [name, value] of shared.use("percent").parseForm(text)) form.append(name, value);
        return form;
      }
      default:
        return refuse(`its content type is ${kind ? `"${kind}"` : "not known"}, and no form's`);
    }
  }

  return { parse };
}
