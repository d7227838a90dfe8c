// What bundled packages find as Node's process: no environment, no arguments, no streams.
() => {
  "use strict";
  const VERSION = "20.19.0";
  const nothing = () => {};
  return {
    env: {}, argv: [], execArgv: [], pid: 1, platform: "linux", arch: "x64", title: "node", exitCode: undefined,
    version: `v${VERSION}`, versions: { node: VERSION }, release: { name: "node" }, features: {}, config: {},
    cwd: () => "/", umask: () => 0, uptime: () => performance.now() / 1000,
    nextTick: (callback, ...given) => queueMicrotask(() => callback(...given)),
    hrtime: Object.assign((since = [0, 0]) => {
      const now = performance.now();
      let seconds = Math.floor(now / 1000) - since[0], nanos = Math.floor((now % 1000) * 1e6) - since[1];
      if (nanos < 0) [seconds, nanos] = [seconds - 1, nanos + 1e9];
      return [seconds, nanos];
    }, { bigint: () => BigInt(Math.floor(performance.now() * 1e6)) }),
    memoryUsage: () => ({ rss: 0, heapTotal: 0, heapUsed: 0, external: 0, arrayBuffers: 0 }),
    on: nothing, once: nothing, off: nothing, emit: () => false, addListener: nothing, removeListener: nothing,
    removeAllListeners: nothing, listeners: () => [], listenerCount: () => 0,
    emitWarning: (warning) => console.warn(`${warning?.message ?? warning}`),
    stdout: { isTTY: false, write: (text) => (console.log(`${text}`.replace(/\n$/, "")), true) },
    stderr: { isTTY: false, write: (text) => (console.error(`${text}`.replace(/\n$/, "")), true) },
    exit() {
      throw new Error("a function has no process to end");
    },
  };
}
