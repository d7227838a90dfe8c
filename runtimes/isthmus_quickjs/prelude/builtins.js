// Node's modules, as require() of bundled packages finds them.
(native, shared) => {
  "use strict";
  const { use } = shared;
  const modules = {
    __proto__: null,
    buffer: () => use("node/buffer"),
    crypto: () => use("crypto").crypto,
    events: () => use("node/events"),
    http: () => use("node/http").http,
    https: () => use("node/http").https,
    os: () => use("node/os"),
    string_decoder: () => use("node/string_decoder"),
    timers: () => use("timers"),
    zlib: () => use("node/zlib").zlib,
    process: () => use("process"),
  };
  /** Stands for a module that needs sockets: it can be required, looked at and extended, and not called. */
  function standIn(what) {
    const refuse = () => {
      throw new Error(`${what} can't be used: a function has no sockets; it has fetch`);
    };
    return new Proxy(function () {}, {
      get: (target, key) => (typeof key === "symbol" ? undefined : key === "prototype" ? target.prototype : standIn(`${what}.${key}`)),
      apply: refuse,
      construct: refuse,
    });
  }

  return (name) => {
    name = name.replace(/^node:/, "");
    if (modules[name]) return modules[name]();
    if (name === "http" || name === "https") return standIn(name);
    try {
      return use("libraries").part(`node/${name}`);
    } catch (error) {
      throw Object.assign(new Error(`Cannot find module '${name}'`), { code: "MODULE_NOT_FOUND", cause: error });
    }
  };
}
