// Stands for a module of Node's that a function can't have: it can be imported, looked at and extended, and not called.
(native, shared) => {
  "use strict";
  const { Error, Proxy } = globalThis;

  function refuse(what) {
    throw new Error(`${what} can't be used: a function has no files, sockets or processes`);
  }

  return function standIn(what) {
    return new Proxy(function () {}, {
      __proto__: null,
      get(target, key) {
        if (typeof key === "symbol" || key === "__esModule" || key === "then") return undefined;
        return key === "prototype" ? target.prototype : standIn(`${what}.${key}`);
      },
      apply: () => refuse(what),
      construct: () => refuse(what),
    });
  };
}
