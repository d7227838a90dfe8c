// URL (WHATWG URL), for any scheme; what is international in a host name is answered by the host.
(native, shared) => {
  "use strict";
  const { URLSearchParams, bind } = shared.use("params");
  const { encode } = shared.use("percent");
  const { CONTROL, Refused, parseHost } = shared.use("host");
  const { expose, needArguments } = shared.use("idl");
  const PORTS = { __proto__: null, "http:": 80, "https:": 443, "ws:": 80, "wss:": 443, "ftp:": 21, "file:": null };
  // What each part percent-encodes.
  const FRAGMENT = /[\0-\x20"<>`\x7f-\u{10ffff}]/gu;
  const QUERY = /[\0-\x20"#<>\x7f-\u{10ffff}]/gu;
  const SPECIAL_QUERY = /[\0-\x20"#<>'\x7f-\u{10ffff}]/gu;
  const PATH = /[\0-\x20"#<>?`{}\x7f-\u{10ffff}]/gu;
  const USERINFO = /[\0-\x20"#<>?`{}/:;=@[\\\]^|\x7f-\u{10ffff}]/gu;
  const DRIVE = /^[a-z][:|]$/i, DOT = /^(\.|%2e)$/i, DOTS = /^(\.|%2e){2}$/i;

  const isSpecial = (url) => url.protocol in PORTS;
  const withoutBreaks = (value) => `${value}`.replace(/[\t\n\r]/g, "");

  // ---- parsing

  function parsePort(url, text) {
    if (!/^\d*$/.test(text) || Number(text) > 65535) throw new Refused();
    url.port = text === "" || Number(text) === PORTS[url.protocol] ? "" : `${Number(text)}`;
  }

  function parseHostAndPort(url, text) {
    const [, name, port] = /^(\[[^\]]*\]|[^:]*)(?::([^]*))?$/.exec(text) ?? [];
    if (name === undefined || (name === "" && (isSpecial(url) || port !== undefined))) throw new Refused();
    url.host = parseHost(name, isSpecial(url));
    if (port !== undefined) parsePort(url, port);
  }

  function parseAuthority(url, text) {
    const at = text.lastIndexOf("@");
    if (at >= 0) {
      const [name, ...secret] = text.slice(0, at).split(":");
      url.username = encode(name, USERINFO);
      url.password = encode(secret.join(":"), USERINFO);
      if (text.length === at + 1) throw new Refused();
    }
    parseHostAndPort(url, text.slice(at + 1));
  }

  /** Appends a path's segments to those there are. */
  function parsePath(url, text) {
    const segments = text.split(isSpecial(url) ? /[/\\]/ : "/"), { path } = url;
    segments.forEach((segment, i) => {
      const last = i === segments.length - 1;
      if (DOTS.test(segment)) {
        if (!(url.protocol === "file:" && path.length === 1 && /^[a-z]:$/i.test(path[0]))) path.pop();
        if (last) path.push("");
      } else if (DOT.test(segment)) {
        if (last) path.push("");
      } else {
        if (url.protocol === "file:" && !path.length && DRIVE.test(segment)) segment = `${segment[0]}:`;
        path.push(encode(segment, PATH));
      }
    });
  }

  function parseFile(url, text, base) {
    const slashes = /^[/\\]*/.exec(text)[0].length;
    url.host = "";
    if (slashes >= 2) {
      const [, authority, path] = /^[/\\]{2}([^/\\]*)([^]*)$/.exec(text);
      if (DRIVE.test(authority)) return parsePath(url, text.slice(2));
      const host = authority ? parseHost(authority, true) : "";
      url.host = host === "localhost" ? "" : host;
      return parsePath(url, path.slice(1));
    }
    if (base?.protocol === "file:") {
      url.host = base.host;
      if (slashes) {
        if (/^[a-z]:$/i.test(base.path[0] ?? "") && !/^[/\\][a-z][:|]([/\\]|$)/i.test(text)) url.path = [base.path[0]];
        return parsePath(url, text.slice(1));
      }
      return parseRelative(url, text, base);
    }
    return parsePath(url, text.slice(slashes));
  }

  function parseRelative(url, text, base) {
    if (url.protocol === "file:" && /^[a-z][:|]([/\\]|$)/i.test(text)) return parsePath(url, text);
    url.path = [...base.path];
    if (text) {
      url.path.pop();
      parsePath(url, text);
    } else {
      url.search ??= base.search;
    }
  }

  function parse(input, base) {
    let rest = `${input}`.toWellFormed().replace(/^[\0-\x20]+|[\0-\x20]+$/g, "");
    rest = withoutBreaks(rest);
    const scheme = /^[a-z][a-z\d+.-]*:/i.exec(rest)?.[0];
    const protocol = scheme?.toLowerCase() ?? base?.protocol;
    const url = { protocol, username: "", password: "", host: null, port: "", path: [], search: null, hash: null };
    if (!url.protocol) throw new Refused();
    const hash = rest.indexOf("#");
    if (hash >= 0) {
      url.hash = encode(rest.slice(hash + 1), FRAGMENT);
      rest = rest.slice(0, hash);
    }
    if (!scheme && typeof base.path === "string") {
      if (hash < 0 || rest) throw new Refused();
      return { ...base, hash: url.hash };
    }
    if (scheme) rest = rest.slice(scheme.length);
    const query = rest.indexOf("?");
    if (query >= 0) {
      url.search = encode(rest.slice(query + 1), isSpecial(url) ? SPECIAL_QUERY : QUERY);
      rest = rest.slice(0, query);
    }
    const special = isSpecial(url), slash = special ? /^[/\\]/ : /^\//, authority = special ? /^[/\\]{2}/ : /^\/\//;
    const related = base && url.protocol === base.protocol && (!scheme || special);
    if (url.protocol === "file:") {
      parseFile(url, rest, base);
    } else if (authority.test(rest) || (special && !related)) {
      const [, name, path] = (special ? /^[/\\]*([^/\\]*)([^]*)$/ : /^\/\/([^/]*)([^]*)$/).exec(rest);
      // Without a base's scheme any number of slashes will do; against a base exactly two are an authority's.
      parseAuthority(url, name);
      if (path || special) parsePath(url, path.slice(1));
    } else if (related) {
      for (const part of ["username", "password", "host", "port"]) url[part] = base[part];
      if (slash.test(rest)) parsePath(url, rest.slice(1));
      else parseRelative(url, rest, base);
    } else if (rest.startsWith("/")) {
      parsePath(url, rest.slice(1));
    } else {
      url.path = encode(rest, CONTROL);
    }
    return url;
  }

  const pathname = (url) => (typeof url.path === "string" ? url.path : url.path.map((segment) => `/${segment}`).join(""));

  function serialize(url) {
    let text = url.protocol;
    if (url.host !== null) {
      text += "//";
      if (url.username || url.password) text += `${url.username}${url.password && `:${url.password}`}@`;
      text += `${url.host}${url.port && `:${url.port}`}`;
    } else if (typeof url.path !== "string" && url.path.length > 1 && url.path[0] === "") {
      text += "/.";
    }
    return `${text}${pathname(url)}${url.search === null ? "" : `?${url.search}`}${url.hash === null ? "" : `#${url.hash}`}`;
  }

  /** A host that is set; that of a file on this machine has no name. */
  function hostFrom(url, text) {
    const host = text ? parseHost(text, isSpecial(url)) : "";
    return url.protocol === "file:" && host === "localhost" ? "" : host;
  }

  /** Blanks before a query or a fragment stay in a path that is opaque; where both are gone they go too. */
  function trimPath(url) {
    if (typeof url.path === "string" && url.search === null && url.hash === null) url.path = url.path.replace(/ +$/, "");
  }

  function mayLackHost(url) {
    return (!isSpecial(url) || url.protocol === "file:") && !url.port && !url.username && !url.password;
  }

  // ---- the class

  class URL {
    #url;
    #params = null;
    #renew = null;

    constructor(input, base = undefined) {
      needArguments(arguments, "url");
      try {
        this.#url = parse(input, base === undefined ? null : parse(base, null));
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        const refusal = Object.assign(new TypeError("Invalid URL"), { code: "ERR_INVALID_URL", input: `${input}` });
        throw base === undefined ? refusal : Object.assign(refusal, { base: `${base}` });
      }
    }

    static parse(input, base = undefined) {
      needArguments(arguments, "url");
      try {
        return new URL(input, base);
      } catch (error) {
        if (error?.code === "ERR_INVALID_URL") return null;
        throw error;
      }
    }

    static canParse(input, base = undefined) {
      return URL.parse(input, base) !== null;
    }

    /** Changes a copy; a value that does not fit leaves the URL as it was. */
    #change(change) {
      const url = { ...this.#url };
      if (typeof url.path !== "string") url.path = [...url.path];
      try {
        if (change(url) !== false) this.#url = url;
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
      }
    }

    get href() {
      return serialize(this.#url);
    }

    set href(value) {
      this.#url = new URL(value).#url;
      this.#renew?.(this.#url.search ?? "");
    }

    get origin() {
      const { host, port, protocol, path } = this.#url;
      if (protocol === "blob:" && /^https?:/.test(path)) return new URL(path).origin;
      return isSpecial(this.#url) && protocol !== "file:" ? `${protocol}//${host}${port && `:${port}`}` : "null";
    }

    get protocol() {
      return this.#url.protocol;
    }

    set protocol(value) {
      const scheme = /^[a-z][a-z\d+.-]*(?=:|$)/i.exec(withoutBreaks(value))?.[0];
      if (scheme) this.#change((url) => {
        const next = { protocol: `${scheme.toLowerCase()}:` };
        if (isSpecial(url) !== isSpecial(next) || (url.protocol === "file:" && !url.host)) return false;
        if (next.protocol === "file:" && (url.username || url.password || url.port)) return false;
        url.protocol = next.protocol;
        if (Number(url.port || -1) === PORTS[url.protocol]) url.port = "";
      });
    }

    #setCredential(name, value) {
      this.#change((url) => {
        if (!url.host || url.protocol === "file:") return false;
        url[name] = encode(`${value}`, USERINFO);
      });
    }

    get username() {
      return this.#url.username;
    }

    set username(value) {
      this.#setCredential("username", value);
    }

    get password() {
      return this.#url.password;
    }

    set password(value) {
      this.#setCredential("password", value);
    }

    #setHost(value, change) {
      this.#change((url) => {
        if (typeof url.path === "string") return false;
        const text = withoutBreaks(value), end = text.search(isSpecial(url) ? /[/\\?#]/ : /[/?#]/);
        return change(url, end < 0 ? text : text.slice(0, end));
      });
    }

    get host() {
      return `${this.#url.host ?? ""}${this.#url.port && `:${this.#url.port}`}`;
    }

    set host(value) {
      this.#setHost(value, (url, text) => {
        const [, name, port] = /^(\[[^\]]*\]|[^:]*)(?::(\d*))?/.exec(text);
        const isFile = url.protocol === "file:";
        if (isFile && port !== undefined) return false;
        if (!name && (port !== undefined || !mayLackHost(url))) return false;
        url.host = hostFrom(url, name);
        if (port && port <= 65535) parsePort(url, port);
      });
    }

    get hostname() {
      return this.#url.host ?? "";
    }

    set hostname(value) {
      this.#setHost(value, (url, text) => {
        if (!/^(\[[^\]]*\]|[^:]*)$/.test(text) || (!text && !mayLackHost(url))) return false;
        url.host = hostFrom(url, text);
      });
    }

    get port() {
      return this.#url.port;
    }

    set port(value) {
      this.#change((url) => {
        if (!url.host || url.protocol === "file:") return false;
        const text = withoutBreaks(value), digits = /^\d*/.exec(text)[0];
        if (text && !digits) return false;
        parsePort(url, digits);
      });
    }

    get pathname() {
      return pathname(this.#url);
    }

    set pathname(value) {
      this.#change((url) => {
        if (typeof url.path === "string") return false;
        url.path = [];
        const text = withoutBreaks(value).toWellFormed();
        if (text || isSpecial(url) || url.host === null) parsePath(url, text.replace(isSpecial(url) ? /^[/\\]/ : /^\//, ""));
      });
    }

    get search() {
      return this.#url.search ? `?${this.#url.search}` : "";
    }

    set search(value) {
      const query = withoutBreaks(value).replace(/^\?/, "");
      this.#url.search = `${value}` === "" ? null : encode(query, isSpecial(this.#url) ? SPECIAL_QUERY : QUERY);
      trimPath(this.#url);
      this.#renew?.(query);
    }

    get searchParams() {
      if (!this.#params) {
        this.#params = new URLSearchParams(this.#url.search ?? "");
        this.#renew = bind(this.#params, (query) => {
          this.#url.search = query || null;
          trimPath(this.#url);
        });
        this.#renew(this.#url.search ?? "");
      }
      return this.#params;
    }

    get hash() {
      return this.#url.hash ? `#${this.#url.hash}` : "";
    }

    set hash(value) {
      const text = withoutBreaks(value).replace(/^#/, "");
      this.#url.hash = `${value}` === "" ? null : encode(text, FRAGMENT);
      trimPath(this.#url);
    }

    toString() {
      return serialize(this.#url);
    }

    toJSON() {
      return serialize(this.#url);
    }

    [Symbol.for("nodejs.util.inspect.custom")]() {
      const { href, origin, protocol, username, password, host, hostname, port, pathname, search, searchParams, hash } = this;
      const shown = { href, origin, protocol, username, password, host, hostname, port, pathname, search, searchParams, hash };
      return shared.use("inspect").look(URL, shown);
    }
  }
  expose(URL);

  return { URL };
}
