// The heart of the prelude: loads a function's code, carries operations out and answers in, describes what is thrown.
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
  const global = globalThis;

  // ---- modules: a script each, as bytecode, whose value is a function (native, shared) => exports

  const modules = parse(native.utf8Decode(native.call("modules", new Uint8Array(0))));
  const used = create(null);

  function use(name) {
    if (used[name] === undefined) {
      used[name] = native.run(native.call(`module:${name}`, new Uint8Array(0)))(native, shared);
    }
    return used[name];
  }

  function put(name, value, enumerable = false) {
    defineProperty(global, name, { value, writable: true, configurable: true, enumerable });
  }

  /** Puts a module's globals in their places, but for those the author's code has put something else in. */
  function install(module) {
    const exports = use(module), names = modules[module];
    for (let i = 0; i < names.length; i++) {
      if (!hasOwn(getOwnPropertyDescriptor(global, names[i]) ?? {}, "value")) put(names[i], exports[names[i]]);
    }
  }

  function promise(module, name) {
    defineProperty(global, name, {
      get() {
        install(module);
        return global[name];
      },
      set(value) {
        put(name, value, true);
      },
      configurable: true,
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

  /** After each burst: JSON text of {ops, messages}, if there is anything to say. */
  function drain(settled) {
    const over = settled ? !flags[2] : !flags[1];
    let report = operations && `"ops":[${operations}]`;
    operations = "";
    flags[0] = over ? 0 : Number(flags[1] > 0 || apply(waiting, unhandled, []) > 0 || shared.outbox !== null);
    if (over) {
      apply(forEach, unhandled, [(reason) => uncaught(reason, "Uncaught (in promise)")]);
      apply(clear, unhandled, []);
      const messages = shared.outbox?.();
      if (settled && messages) report += `${report && ","}"messages":${messages}`;
      // Timers that are left are dropped, also in a world that is kept for further calls.
      for (const id in pending) delete pending[id];
      flags[1] = flags[2] = 0;
    }
    return report ? `{${report}}` : undefined;
  }

  /** A foreign thenable becomes a promise; anything else is the handler's value as it is. */
  function adopt(value) {
    return typeof value.then === "function" ? new Promise((resolve) => resolve(value)) : value;
  }

  // ---- errors

  const LONGEST = 16384;
  const stack = getOwnPropertyDescriptor(Error.prototype, "stack");
  const { captureStackTrace } = Error;

  /** The author's frames of a stack in QuickJS's form: neither the prelude's (no file: they are lean) nor native ones. */
  function frames(trace) {
    let kept = "";
    const lines = `${trace}`.split("\n");
    for (let i = 0; i < lines.length; i++) {
      const line = lines[i];
      if (!line.startsWith("    at ") || line.endsWith("(native)") || line.endsWith("(missing)")) continue;
      if (line.includes("(<null>") || line.includes("isthmus:")) continue;
      kept += kept ? `\n${line}` : line;
    }
    return kept;
  }

  function framesOf(error) {
    return frames(apply(stack.get, error, []) ?? "");
  }

  /** V8's form of a stack, which starts with what the error says. */
  function withHead(error, trace) {
    const { name = "Error", message } = error;
    const kept = frames(trace);
    return `${name}${message && `: ${message}`}${kept && `\n${kept}`}`;
  }

  defineProperty(Error.prototype, "stack", {
    get() {
      const trace = apply(stack.get, this, []);
      return typeof trace === "string" ? withHead(this, trace) : trace;
    },
    set: stack.set,
    configurable: true,
  });

  defineProperty(Error, "captureStackTrace", {
    value: function (target, above) {
      apply(captureStackTrace, Error, [target, above]);
      const { value } = getOwnPropertyDescriptor(target, "stack");
      defineProperty(target, "stack", { value: withHead(target, value), writable: true, configurable: true });
    },
    writable: true,
    configurable: true,
  });

  function read(object, name) {
    try {
      return object[name];
    } catch {
      return undefined;
    }
  }

  /** JSON text of {name, message, stack, line, column} for whatever was thrown. */
  function describe(error) {
    let name = "Error", message, trace = "", place = null;
    const isObject = (typeof error === "object" && error !== null) || typeof error === "function";
    if (isObject && native.proxyTarget(error) === undefined) {
      const [given, said] = [read(error, "name"), read(error, "message")];
      if (typeof given === "string" && given) name = given;
      if (typeof said === "string") message = said;
      try {
        trace = frames(read(error, "stack") ?? "");
        place = /^[^\n]*?:(\d+):(\d+)\)?(?:\n|$)/.exec(trace);
      } catch {
        trace = "";
      }
    }
    if (message === undefined) {
      try {
        message = isObject ? use("inspect").inspect(error) : String(error);
      } catch {
        message = "something that can't be shown was thrown";
      }
    }
    const cut = (long) => text(long.length > LONGEST ? `${long.slice(0, LONGEST)}…` : long);
    const position = place ? `,"line":${place[1]},"column":${place[2]}` : "";
    return `{"name":${cut(name)},"message":${cut(message)},"stack":${cut(trace)}${position}}`;
  }

  // Segment's error classes (an error's second argument, a cause, means nothing to them).
  const errors = create(null);
  for (const name of ["EventNotSupported", "InvalidEventPayload", "ValidationError", "RetryError", "DropEvent"]) {
    const made = { [name]: class extends Error { constructor(message) { super(message); } } }[name];
    defineProperty(made.prototype, "name", { value: name, writable: true, configurable: true });
    errors[name] = made;
    put(name, made);
  }

  const shared = {
    __proto__: null, ask, cancel, errors, framesOf, isLoading: () => loading, made: (name) => used[name],
    outbox: null, parse, refuseWhileLoading, say, stringify, text, uncaught, use,
  };

  // ---- loading

  const HANDLERS = [
    "onIdentify", "onTrack", "onPage", "onScreen", "onGroup", "onAlias", "onDelete", "onBatch", "onRequest",
  ];

  function notSupported(handler) {
    const type = handler.slice(2).toLowerCase();
    return () => {
      throw new errors.EventNotSupported(`${type} not supported`);
    };
  }

  /** What the author is told of syntax that means something in a module, or next to handlers of one's own. */
  function explain(error, code) {
    const line = /:(\d+):\d+\)?\s*(?:\n|$)/.exec(frames(error.stack))?.[1];
    const near = code.split(/\r\n?|\n/)[line - 1] ?? "";
    const handler = HANDLERS.find((name) => new RegExp(`\\b(?:const|let|class)\\b.*\\b${name}\\b`).test(near));
    const word = /^\s*(import|export)\b/.exec(near)?.[1] ?? /\bawait\b/.exec(near)?.[0];
    let message;
    if (/redefinition of parameter/.test(error.message)) {
      const name = handler ?? HANDLERS.find((each) => new RegExp(`\\b(?:const|let|class)\\s+${each}\\b`).test(code));
      if (name) message = `Identifier '${name}' has already been declared: handlers are; write "async function ${name}"`;
    } else if (word === "await") {
      message = "await is only valid in async functions, and the code is a script, not a module";
    } else if (word) {
      message = `Cannot use ${word} statement outside a module: the code is a script; declare handlers as functions`;
    }
    if (message) defineProperty(error, "message", { value: message, writable: true, configurable: true });
    return error;
  }

  /** The author's code as a function of its handlers, its first line being line 1. */
  function compile(code, file, names) {
    const parameters = names.join();
    try {
      // Code that closes the function round it and opens another must be an error.  After an arrow function in an array
      // comes a comma or a bracket, after a declaration a statement: what is valid in both has closed neither.
      native.evaluate(`(function(){return[(${parameters})=>{0;\n\n${code}\n}]})`, file, -1);
      return native.evaluate(`(function(){return handlers;function handlers(${parameters}){__handlers(()=>[${parameters}]);\n\n${code}\n}})()`, file, -1);
    } catch (error) {
      throw explain(error, code);
    }
  }

  function load({ code, file, kind, modules: named, lenient }) {
    delete global.__load;
    shared.lenient = lenient;
    for (const module in modules) {
      if (module !== "segment" || kind === "source") for (const name of modules[module]) promise(module, name);
    }
    for (const module of named) if (module !== "segment" || kind === "source") install(module);
    if (code.startsWith("\ufeff")) code = code.slice(1);
    if (code.startsWith("#!")) code = `//${code.slice(2)}`;
    const names = HANDLERS.filter((name) => code.includes(name));
    const defaults = names.map(notSupported);
    const run = compile(code, file, names);
    let current;
    put("__handlers", (values) => {
      delete global.__handlers;
      current = values;
    });
    apply(run, global, defaults);
    const values = current(), list = create(null), defined = [];
    for (let i = 0; i < names.length; i++) {
      if (typeof values[i] !== "function" || values[i] === defaults[i]) continue;
      defined[defined.length] = names[i];
      list[HANDLERS.indexOf(names[i])] = names[i] === "onRequest" ? use("request").receiver(values[i], code) : values[i];
    }
    defineProperty(global, "__handlers", {
      get() {
        loading = false; // the guest takes them last, when jobs that the code has left behind have run too
        return list;
      },
      configurable: true,
    });
    return defined;
  }

  put("global", global);
  put("window", global);
  put("self", global);
  put("__load", load);
  native.bind({ settle, drain, describe, adopt, rejected });
})();
