// URLPattern: URLs held against a pattern of each of their components (URL Pattern).
(native, shared) => {
  "use strict";
  const { URL } = shared.use("url");
  const { dictionary, expose } = shared.use("idl");
  const { compile, escapePattern } = shared.use("patterns/component");
  const NAMES = ["protocol", "username", "password", "hostname", "port", "pathname", "search", "hash"];
  const PORTS = { __proto__: null, ftp: "21", http: "80", https: "443", ws: "80", wss: "443", file: "" };

  const isSpecial = (protocol) => protocol in PORTS;
  const matchesSpecial = (component) => Object.keys(PORTS).some(component.matches);

  // ---- each component as a URL has it; a value that can't be one is a TypeError

  function urlOf(text, what) {
    if (!URL.canParse(text)) throw new TypeError(`Invalid ${what}`);
    return new URL(text);
  }

  /** What a URL makes of a value that is set. */
  function set(name, value, on = "https://dummy.test") {
    const url = new URL(on);
    url[name] = value;
    return url[name];
  }

  const protocolFrom = (value) => value && urlOf(`${value}://dummy.test`, `protocol "${value}"`).protocol.slice(0, -1);
  const usernameFrom = (value) => value && set("username", value);
  const passwordFrom = (value) => value && set("password", value);
  const searchFrom = (value) => value && set("search", value).slice(1);
  const hashFrom = (value) => value && set("hash", value).slice(1);

  function hostFrom(value, scheme = "https") {
    if (!value) return value;
    const end = value.search(scheme === "https" ? /[/\\?#]/ : /[/?#]/), host = end < 0 ? value : value.slice(0, end);
    if (host === "" || /[@]/.test(host) || (/:/.test(host) && !host.startsWith("["))) throw new TypeError(`Invalid hostname "${value}"`);
    return urlOf(`${scheme}://${host}`, `hostname "${value}"`).hostname;
  }

  function addressFrom(value) {
    if (/[^\da-f[\]:]/i.test(value)) throw new TypeError(`Invalid address "${value}"`);
    return value.toLowerCase();
  }

  function portFrom(value, protocol) {
    if (!value) return value;
    const digits = /^\d+/.exec(value.replace(/[\t\n\r]/g, ""))?.[0];
    if (digits === undefined || Number(digits) > 65535) throw new TypeError(`Invalid port "${value}"`);
    return `${Number(digits)}` === PORTS[protocol] ? "" : `${Number(digits)}`;
  }

  function pathFrom(value) {
    if (!value) return value;
    const isWhole = value.startsWith("/"), path = set("pathname", isWhole ? value : `/-${value}`);
    return isWhole ? path : path.slice(2);
  }

  const opaqueFrom = (value) => value && urlOf(`data:${value}`, `pathname "${value}"`).pathname;

  function canonical(name, value, protocol) {
    switch (name) {
      case "protocol": return protocolFrom(value);
      case "username": return usernameFrom(value);
      case "password": return passwordFrom(value);
      case "hostname": return hostFrom(value);
      case "port": return portFrom(value, protocol);
      case "pathname": return !protocol || isSpecial(protocol) ? pathFrom(value) : opaqueFrom(value);
      case "search": return searchFrom(value);
      default: return hashFrom(value);
    }
  }

  // ---- what is given, completed by a base

  function isAbsolute(path, isPattern) {
    return path.startsWith("/") || (isPattern && /^[\\{]\//.test(path));
  }

  /** What components inherit: each of those that come after the last one that is given. */
  function inherited(init, base, isPattern) {
    const found = { __proto__: null }, given = (...names) => names.some((name) => init[name] !== undefined);
    const keep = (name, value) => (found[name] = isPattern ? escapePattern(value) : value);
    if (!given("protocol")) keep("protocol", base.protocol.slice(0, -1));
    if (!isPattern && !given("protocol", "hostname", "port", "username")) keep("username", base.username);
    if (!isPattern && !given("protocol", "hostname", "port", "username", "password")) keep("password", base.password);
    if (!given("protocol", "hostname")) keep("hostname", base.hostname);
    if (!given("protocol", "hostname", "port")) keep("port", base.port);
    if (!given("protocol", "hostname", "port", "pathname")) keep("pathname", base.pathname);
    if (!given("protocol", "hostname", "port", "pathname", "search")) keep("search", base.search.slice(1));
    if (!given("protocol", "hostname", "port", "pathname", "search", "hash")) keep("hash", base.hash.slice(1));
    return found;
  }

  /** Components by name, of a dictionary: as patterns, or as a URL has them. */
  function complete(init, isPattern) {
    const given = { __proto__: null };
    for (const name of [...NAMES, "baseURL"]) if (init[name] !== undefined) given[name] = `${init[name]}`.toWellFormed();
    if (given.protocol !== undefined) given.protocol = given.protocol.replace(/:$/, "");
    if (given.search !== undefined) given.search = given.search.replace(/^\?/, "");
    if (given.hash !== undefined) given.hash = given.hash.replace(/^#/, "");
    const base = given.baseURL === undefined ? null : urlOf(given.baseURL, `base URL "${given.baseURL}"`);
    const found = base ? inherited(given, base, isPattern) : { __proto__: null };
    if (base && given.pathname !== undefined && !isAbsolute(given.pathname, isPattern) && base.pathname.startsWith("/")) {
      const path = base.pathname.slice(0, base.pathname.lastIndexOf("/") + 1);
      given.pathname = (isPattern ? escapePattern(path) : path) + given.pathname;
    }
    for (const name of NAMES) {
      if (given[name] === undefined) continue;
      found[name] = isPattern ? given[name] : canonical(name, given[name], found.protocol);
    }
    return found;
  }

  const special = (text) => matchesSpecial(compile(text, protocolFrom));

  function dictionaryFrom(input, baseURL) {
    if (typeof input === "object" && input !== null) {
      if (baseURL !== undefined) throw new TypeError("A base URL goes with a text; a dictionary has its own");
      return complete(input, true);
    }
    const found = shared.use("patterns/text").split(`${input}`.toWellFormed(), special);
    if (baseURL === undefined && found.protocol === undefined) {
      throw new TypeError(`"${input}" is a pattern of a part of a URL: it needs a base URL`);
    }
    return complete({ ...found, baseURL }, true);
  }

  function encoderOf(name, { hostname, protocol }, isOfSpecial) {
    if (name === "hostname") {
      if (/^(\[|\{\[|\\\[)/.test(hostname)) return addressFrom;
      return (value) => hostFrom(value, isOfSpecial || protocol === "*" ? "https" : "dummy");
    }
    if (name === "port") return (value) => portFrom(value, "");
    if (name === "pathname") return isOfSpecial ? pathFrom : opaqueFrom;
    return (value) => canonical(name, value);
  }

  class URLPattern {
    #components = { __proto__: null };

    constructor(input = {}, baseURLOrOptions = undefined, options = undefined) {
      const hasBase = typeof baseURLOrOptions !== "object" && baseURLOrOptions !== undefined;
      const { ignoreCase } = dictionary(hasBase ? options : baseURLOrOptions ?? options, "options");
      const given = dictionaryFrom(input, hasBase ? `${baseURLOrOptions}` : undefined);
      for (const name of NAMES) given[name] ??= "*";
      if (given.port && PORTS[given.protocol] === given.port) given.port = "";
      let isOfSpecial = false;
      for (const name of NAMES) {
        const shape = { hostname: { delimiter: "." }, pathname: isOfSpecial ? { delimiter: "/", prefix: "/" } : {} }[name];
        const settings = { ...shape, ignoreCase: Boolean(ignoreCase) && ["pathname", "search", "hash"].includes(name) };
        this.#components[name] = compile(given[name], encoderOf(name, given, isOfSpecial), settings);
        if (name === "protocol") isOfSpecial = matchesSpecial(this.#components.protocol);
      }
    }

    #valuesOf(input, baseURL) {
      if (typeof input === "object" && input !== null) {
        if (baseURL !== undefined) throw new TypeError("A base URL goes with a text; a dictionary has its own");
        try {
          return { inputs: [input], values: complete(input, false) };
        } catch (error) {
          if (error instanceof TypeError) return null;
          throw error;
        }
      }
      const inputs = [`${input}`, ...(baseURL === undefined ? [] : [`${baseURL}`])];
      const url = URL.parse(...inputs);
      if (!url) return null;
      const { hash, hostname, password, pathname, port, protocol, search, username } = url;
      const values = { hostname, password, pathname, port, username, hash: hash.slice(1), search: search.slice(1) };
      return { inputs, values: { ...values, protocol: protocol.slice(0, -1) } };
    }

    test(input = {}, baseURL = undefined) {
      const found = this.#valuesOf(input, baseURL);
      return found !== null && NAMES.every((name) => this.#components[name].matches(found.values[name] ?? ""));
    }

    exec(input = {}, baseURL = undefined) {
      const found = this.#valuesOf(input, baseURL);
      if (!found) return null;
      const result = { inputs: found.inputs };
      for (const name of NAMES) {
        const match = this.#components[name].match(found.values[name] ?? "");
        if (!match) return null;
        result[name] = match;
      }
      return result;
    }

    get hasRegExpGroups() {
      return NAMES.some((name) => this.#components[name].hasRegExpGroups);
    }

    static {
      for (const name of NAMES) {
        const { get } = Object.getOwnPropertyDescriptor({
          get [name]() {
            return this.#components[name].text;
          },
        }, name);
        Object.defineProperty(this.prototype, name, { get, configurable: true });
      }
    }

    [Symbol.for("nodejs.util.inspect.custom")]() {
      return shared.use("inspect").look(URLPattern, Object.fromEntries(NAMES.map((name) => [name, this[name]])));
    }
  }

  expose(URLPattern);
  return { URLPattern };
}
