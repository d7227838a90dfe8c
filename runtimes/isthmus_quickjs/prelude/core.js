// The heart of the prelude: its modules and globals, operations carried out and answers in, and how a call ends.
//
// Every function's image holds what this file leaves on the heap, and every call copies its image: what most functions do
// without is a module, evaluated when the code names it or when it is first touched.
(() => {
  "use strict";
  const native = globalThis.__native;
  delete globalThis.__native;
  const { flags } = native;
  const { create, defineProperty, getOwnPropertyDescriptor, hasOwn } = Object;
  const { apply } = Reflect;
  const { parse, stringify } = JSON;
  const { toWellFormed } = String.prototype;
  const { ceil, max, min } = Math;
  const LONGEST_SLEEP = 2147483647; // milliseconds; what Node's timers take
  const global = globalThis;

  // A stack hook's call sites hand out the functions that are on the stack, these scripts' own among them.  V8's do not, for
  // strict code.
  const hook = Error.prepareStackTrace;
  Error.prepareStackTrace = (_, sites) => sites;
  delete Object.getPrototypeOf(new Error().stack[0]).getFunction;
  Error.prepareStackTrace = hook;

  // ---- modules: a script each, as bytecode, whose value is a function (native, shared) => exports

  const modules = parse(native.utf8Decode(native.call("modules", new Uint8Array(0))));
  const used = create(null);

  function use(name) {
    if (used[name] === undefined) {
      used[name] = native.load(`module:${name}`)(native, shared);
    }
    return used[name];
  }

  function put(name, value, enumerable = false) {
    defineProperty(global, name, { __proto__: null, value, writable: true, configurable: true, enumerable });
  }

  /** Puts a module's globals in their places, but for those the author's code has put something else in. */
  function install(module) {
    const exports = use(module), names = modules[module];
    for (let i = 0; i < names.length; i++) {
      if (!hasOwn(getOwnPropertyDescriptor(global, names[i]) ?? {}, "value")) put(names[i], exports[names[i]]);
    }
  }

  /** A global that makes its module the first time it is read, and is gone for good where it is written first. */
  function promise(module, name) {
    defineProperty(global, name, {
      __proto__: null,
      get() {
        install(module);
        return global[name];
      },
      set(value) {
        put(name, value, true);
      },
      configurable: true,
      enumerable: false,
    });
  }

  // ---- operations: what the host is asked, and what it answers
  //
  // Texts and null-prototype tables only: nothing the author's code does to the built-in prototypes gets between.

  const pending = create(null);
  let loading = true, lastId = 0, operations = "";

  function say(text) {
    operations += operations ? `,${text}` : text;
    flags[0] = 1;
  }

  /** JSON text of a string, which the host can decode: no halves of surrogate pairs. */
  function text(value) {
    return stringify(apply(toWellFormed, `${value}`, []));
  }

  /** Throws where there is nobody to answer. */
  function refuseWhileLoading(what) {
    if (loading) throw new Error(`${what} can't be used while the code loads; call it from a handler`);
  }

  /** Begins an operation; done(value, error) is called once, with the host's answer. */
  function ask(op, fields, done, fetching = 0) {
    const id = ++lastId;
    say(`{"id":${id},"op":"${op}",${fields}}`);
    pending[id] = { __proto__: null, done, fetching };
    flags[1]++;
    flags[2] += fetching;
    return id;
  }

  /** An operation taken back by its id: done() is not called any more. */
  function take(id) {
    const operation = pending[id];
    if (operation) {
      delete pending[id];
      flags[1]--;
      flags[2] -= operation.fetching;
    }
    return operation;
  }

  function sleep(ms, done) {
    return ask("sleep", `"ms":${min(max(ceil(ms) || 0, 0), LONGEST_SLEEP)}`, done);
  }

  function cancel(id) {
    if (take(id)) say(`{"op":"cancel","id":${id}}`);
  }

  function settle(answers) {
    for (let i = 0; i < answers.length; i++) {
      const answer = answers[i], operation = take(answer.id);
      if (hasOwn(answer, "error") && answer.error) operation?.done(undefined, answer.error);
      else operation?.done(hasOwn(answer, "value") ? answer.value : null);
    }
  }

  // ---- rejections nobody handles are told in the log, once the call is over

  const unhandled = new Map(), { set, delete: remove, clear, forEach } = Map.prototype;
  const waiting = getOwnPropertyDescriptor(Map.prototype, "size").get;

  function rejected(rejection, reason, handled) {
    if (handled) apply(remove, unhandled, [rejection]);
    else {
      apply(set, unhandled, [rejection, reason]);
      flags[0] = 1;
    }
  }

  /** Tells the log of an error that reached nobody. */
  function uncaught(error, how = "Uncaught") {
    let shown;
    try {
      shown = use("inspect").inspect(error);
    } catch {
      shown = "an error that can't be shown";
    }
    native.log(4, `${how} ${shown}`);
  }

  const endings = create(null); // what modules do when a call is over: the world may be kept for another
  let endingCount = 0;

  /** After each burst: JSON text of {ops, messages}, if there is anything to say. */
  function drain(settled) {
    const over = settled ? !flags[2] : !flags[1];
    let report = operations && `"ops":[${operations}]`;
    operations = "";
    flags[0] = over ? 0 : Number(flags[1] > 0 || apply(waiting, unhandled, []) > 0 || shared.outbox !== null);
    if (over) {
      apply(forEach, unhandled, [(reason) => uncaught(reason, "Uncaught (in promise)")]);
      apply(clear, unhandled, []);
    }
    // What a handler has sent that has ended is told at once: fetches it did not wait for may outlast the call.
    const messages = settled || over ? shared.outbox?.() : undefined;
    if (settled && messages) report += `${report && ","}"messages":${messages}`;
    if (over) {
      for (const id in pending) delete pending[id];
      flags[1] = flags[2] = 0;
      for (let i = 0; i < endingCount; i++) endings[i]();
    }
    return report ? `{${report}}` : undefined;
  }

  /** A foreign thenable becomes a promise; anything else is the handler's value as it is. */
  function adopt(value) {
    return typeof value.then === "function" ? new Promise((resolve) => resolve(value)) : value;
  }

  const shared = {
    __proto__: null, ask, cancel, install, modules, outbox: null, parse, promise, put, refuseWhileLoading, say, sleep,
    stringify, text, uncaught, use,
    atEnd: (action) => void (endings[endingCount++] = action),
    isLoading: () => loading,
    loaded: () => void (loading = false),
    made: (name) => used[name],
  };

  for (const name of ["global", "window", "self"]) put(name, global);
  const { describe } = use("errors");
  put("__load", (options) => {
    delete global.__load;
    try {
      return use("load")(options);
    } finally {
      delete used.load, delete used.script, delete used.module; // nothing of it is to be in the image
    }
  });
  native.bind({ settle, drain, describe, adopt, rejected });
})();
