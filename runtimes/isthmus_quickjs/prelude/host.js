// Host names and addresses of URLs (WHATWG URL); what is international in a name is answered by the host.
(native, shared) => {
  "use strict";
  const { decode, encode } = shared.use("percent");
  const CONTROL = /[\0-\x1f\x7f-\u{10ffff}]/gu;
  const FORBIDDEN_HOST = /[\0\t\n\r #/:<>?@[\\\]^|]/, FORBIDDEN_DOMAIN = /[\0-\x20#%/:<>?@[\\\]^|\x7f]/;

  /** What a part can't be; caught where the whole is refused. */
  class Refused extends Error {}

  function parseNumber(text) {
    if (/^0x[\da-f]*$/i.test(text)) return Number.parseInt(text.slice(2) || "0", 16);
    if (/^0[0-7]*$/.test(text)) return Number.parseInt(text, 8);
    return /^[1-9]\d*$/.test(text) ? Number(text) : Number.NaN;
  }

  function ipv4(domain) {
    const parts = domain.split(".");
    if (parts.at(-1) === "" && parts.length > 1) parts.pop();
    const last = parts.at(-1);
    if (!/^(\d+|0x[\da-f]*)$/i.test(last)) return null;
    const numbers = parts.map(parseNumber);
    const top = numbers.at(-1), rest = numbers.slice(0, -1);
    if (parts.length > 4 || numbers.some(Number.isNaN) || rest.some((n) => n > 255) || top >= 256 ** (5 - parts.length)) {
      throw new Refused();
    }
    let address = top;
    rest.forEach((n, i) => (address += n * 256 ** (3 - i)));
    return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".");
  }

  function ipv6(text) {
    const dotted = /^(.*:)(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})$/.exec(text);
    if (dotted) {
      const bytes = dotted[2].split(".");
      if (bytes.some((byte) => byte > 255 || (byte.length > 1 && byte[0] === "0"))) throw new Refused();
      const [a, b, c, d] = bytes.map(Number);
      text = `${dotted[1]}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
    }
    const halves = text.split("::"), pieces = (half) => (half ? half.split(":") : []);
    const [head, tail] = [pieces(halves[0]), pieces(halves[1])];
    const missing = 8 - head.length - tail.length;
    if (halves.length > 2 || (halves.length === 2 ? missing < 1 : missing !== 0)) throw new Refused();
    const all = [...head, ...Array(halves.length === 2 ? missing : 0).fill("0"), ...tail];
    if (!all.every((piece) => /^[\da-f]{1,4}$/i.test(piece))) throw new Refused();
    const groups = all.map((piece) => Number.parseInt(piece, 16).toString(16));
    let longest = "";
    for (const [run] of `:${groups.join(":")}:`.matchAll(/(?<=:)0:(?:0:)+/g)) if (run.length > longest.length) longest = run;
    const joined = `:${groups.join(":")}:`;
    if (!longest) return `[${groups.join(":")}]`;
    const at = joined.indexOf(`:${longest}`), before = joined.slice(1, at), after = joined.slice(at + 1 + longest.length, -1);
    return `[${before}::${after}]`;
  }

  function domain(text) {
    let ascii = decode(text);
    if (/[^\0-\x7f]|(^|\.)xn--/i.test(ascii)) {
      try {
        ascii = native.latin1Decode(native.call("idna", native.utf8Encode(ascii)));
      } catch {
        throw new Refused();
      }
    }
    ascii = ascii.toLowerCase();
    if (!ascii || FORBIDDEN_DOMAIN.test(ascii)) throw new Refused();
    return ipv4(ascii) ?? ascii;
  }

  function parseHost(text, special) {
    if (text.startsWith("[")) {
      if (!text.endsWith("]")) throw new Refused();
      return ipv6(text.slice(1, -1));
    }
    if (special) return domain(text);
    if (FORBIDDEN_HOST.test(text)) throw new Refused();
    return encode(text, CONTROL);
  }

  return { CONTROL, Refused, parseHost };
}
