// Node's modules, as require() of bundled packages finds them.
(native, shared) => {
  "use strict";
  const { use } = shared;
  const modules = {
    __proto__: null,
    buffer: () => use("buffer"),
    crypto: () => use("crypto").crypto,
    timers: () => use("timers"),
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
