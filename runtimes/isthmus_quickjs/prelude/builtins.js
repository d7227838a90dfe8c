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

  return (name) => {
    name = name.replace(/^node:/, "");
    if (modules[name]) return modules[name]();
    try {
      return use("libraries").part(`node/${name}`);
    } catch (error) {
      throw Object.assign(new Error(`Cannot find module '${name}'`), { code: "MODULE_NOT_FOUND", cause: error });
    }
  };
}
