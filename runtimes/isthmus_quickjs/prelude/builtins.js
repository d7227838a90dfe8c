// Node's modules, as require() of bundled packages finds them.
(native, shared) => {
  "use strict";
  const { use } = shared;
  const modules = {
    __proto__: null,
    buffer: () => use("node/buffer"),
    crypto: () => use("crypto").crypto,
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
