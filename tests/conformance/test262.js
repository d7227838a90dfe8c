// What a test of test262 asks of its host.
globalThis.print = (text) => {
  globalThis.__printed = `${text}`;
};
globalThis.$262 = {
  global: globalThis,
  evalScript: (code) => (0, eval)(code),
  detachArrayBuffer: (buffer) => void buffer.transfer(),
  gc() {},
  createRealm() {
    throw new Error("a world has one realm");
  },
  agent: new Proxy({}, {
    get() {
      throw new Error("a world has one agent");
    },
  }),
};
