// What a module or a bundle may import: those of Node's modules that the prelude has, and nothing from anywhere else.
(native, shared) => {
  "use strict";
  const { defineProperty } = Object;
  const { use } = shared;
  const NODE = /^(node:.*|(assert|async_hooks|buffer|child_process|cluster|console|constants|crypto|dgram|diagnostics_channel|dns|domain|events|fs|http|http2|https|inspector|module|net|os|path|perf_hooks|process|punycode|querystring|readline|repl|stream|string_decoder|sys|timers|tls|trace_events|tty|url|util|v8|vm|worker_threads|zlib)(\/.*)?)$/;

  const ABSENT = "isthmus:absent/"; // as bundles ask for what stands in for a module

  function missing(name) {
    const why = NODE.test(name)
      ? "a function has those of Node's modules that need no files, sockets or processes"
      : "what a function imports has to be bundled with it (isthmus bundle)";
    const error = new Error(`Cannot find module '${name}': ${why}`);
    return defineProperty(error, "code", { value: "MODULE_NOT_FOUND", writable: true, configurable: true, enumerable: true });
  }

  function require(name) {
    name = `${name}`;
    if (name.startsWith(ABSENT)) return use("node/absent")(name.slice(ABSENT.length));
    try {
      return use("builtins")(name);
    } catch (error) {
      throw error?.code === "MODULE_NOT_FOUND" ? missing(name) : error;
    }
  }

  /** The exports of a module, by name. */
  function find(name) {
    if (name === "isthmus:node") {
      return { __proto__: null, require, get process() { return use("process"); } };
    }
    try {
      const exports = require(name);
      return { __proto__: null, ...exports, default: exports };
    } catch (error) {
      throw defineProperty(error, "imported", { value: name, configurable: true });
    }
  }

  return { find };
}
