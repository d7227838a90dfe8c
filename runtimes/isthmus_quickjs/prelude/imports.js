// What a module or a bundle may import: those of Node's modules that the prelude has, and nothing from anywhere else.
(native, shared) => {
  "use strict";
  const { create, defineProperty, keys } = Object;
  const { use } = shared;
  const NODE = create(null), ABSENT = create(null), found = create(null);
  for (const name of ["buffer", "crypto", "url", "util"]) NODE[name] = true;
  for (const name of [
    "async_hooks", "child_process", "cluster", "dgram", "diagnostics_channel", "dns", "domain", "fs", "fs/promises",
    "http2", "inspector", "module", "net", "perf_hooks", "readline", "repl", "tls", "tty", "v8", "vm", "worker_threads",
  ]) ABSENT[name] = true;

  function made(name) {
    switch (name) {
      case "buffer": return { Buffer: use("buffer").Buffer };
      case "crypto": return use("crypto").crypto;
      case "url": return { URL: use("url").URL, URLSearchParams: use("params").URLSearchParams };
      case "util": return { inspect: use("inspect").inspect };
    }
  }

  function missing(name) {
    const bare = name.replace(/^node:/, "");
    const why = bare in ABSENT || name !== bare
      ? `a function has no files, sockets or processes; of Node's modules there are ${keys(NODE).join(", ")}`
      : "what a function imports has to be bundled with it (isthmus bundle)";
    const error = new Error(`Cannot find module '${name}': ${why}`);
    defineProperty(error, "code", { value: "MODULE_NOT_FOUND", writable: true, configurable: true, enumerable: true });
    return error;
  }

  function require(name) {
    const bare = `${name}`.replace(/^node:/, "");
    if (!(bare in NODE)) throw missing(`${name}`);
    return (found[bare] ??= made(bare));
  }

  /** The exports of a module, by name. */
  function find(name) {
    if (name === "isthmus:require") return { __proto__: null, require };
    try {
      const exports = require(name);
      return { __proto__: null, ...exports, default: exports };
    } catch (error) {
      throw defineProperty(error, "imported", { value: name, configurable: true });
    }
  }

  return { find };
}
