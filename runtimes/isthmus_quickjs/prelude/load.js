// Loads a function's code into the world that becomes its image: globals in their places, the code run, its handlers found.
(native, shared) => {
  "use strict";
  const { create, defineProperty } = Object;
  const { apply } = Reflect;
  const { then } = Promise.prototype;
  const { install, modules, promise, use } = shared;
  const { codeIs } = use("errors");
  const global = globalThis;
  const HANDLERS = [
    "onIdentify", "onTrack", "onPage", "onScreen", "onGroup", "onAlias", "onDelete", "onBatch", "onRequest",
  ];

  function globals({ code, kind, libraries, modules: named }) {
    for (const module in modules) {
      if (module !== "segment" || kind === "source") for (const name of modules[module]) promise(module, name);
    }
    for (const module of named) {
      if (module === "segment" && kind !== "source") continue;
      install(module);
      use(module).prepare?.(code);
    }
    use("locales").prepare(code);
    if (libraries?.places.length) use("libraries").place(libraries);
    if (code.includes(".buffer()")) use("buffer"); // of a Response
    if (/\bprocess\b/.test(code)) declareProcess();
    if (/\bRegExp\s*(\.\s*(\$|last|left|right|input)|\[)/.test(code)) use("legacy");
  }

  /**
   * process, for code that reads it without asking.  Segment has none, and code that asks (typeof process, in globalThis)
   * hears that here too and goes the way it goes there: no property of the global object, and typeof says "undefined".
   */
  function declareProcess() {
    const name = "__process";
    defineProperty(global, name, { __proto__: null, value: native.undetectable(create(use("process"))), configurable: true });
    native.evaluate(`let process = ${name}`, "isthmus:process", 1);
    delete global[name];
  }

  function withoutMarks(code) {
    if (code.startsWith("\ufeff")) code = code.slice(1);
    return code.startsWith("#!") ? `//${code.slice(2)}` : code;
  }

  /** Leaves the handlers where the guest takes them; the names of those that are functions. */
  function leave(handlers, code) {
    const list = create(null);
    let defined = "";
    for (let i = 0; i < HANDLERS.length; i++) {
      const name = HANDLERS[i], value = handlers[name];
      if (typeof value !== "function") continue;
      defined += (defined && ",") + name;
      list[i] = name === "onRequest" ? use("request").receiver(value, code) : value;
    }
    defineProperty(global, "__handlers", {
      __proto__: null,
      get() {
        shared.loaded(); // the guest takes them last, when jobs that the code has left behind have run too
        return list;
      },
      configurable: true,
    });
    return defined; // as text: where the code has done something to arrays, JSON may have no way to write them
  }

  /** What asScript or asModule makes of the code, as the kind of source text it is: whatever can be a script is one. */
  function made(code, goal, asScript, asModule) {
    if (goal !== "module") {
      try {
        return asScript();
      } catch (error) {
        if (goal === "script" || !use("module").isModule(code)) throw error;
      }
    }
    return asModule();
  }

  /** What runs the code. */
  function compile(code, file, goal) {
    return made(
      code, goal, () => use("script").compile(code, file, HANDLERS),
      () => () => use("module").evaluate(code, file, HANDLERS),
    );
  }

  /** What runs code of which the host has the bytecode. */
  function revive(code, file, goal) {
    if (goal === "script") return use("script").revive(code, HANDLERS);
    return () => use("module").revive(code, file, HANDLERS);
  }

  /** The code as bytecode, as text: what it is, and base64. */
  function bytecode(code, file, goal) {
    const text = (kind, bytes) => `${kind}:${native.base64Encode(bytes, false)}`;
    return made(
      code, goal, () => text("script", use("script").bytecode(code, file, HANDLERS)),
      () => text("module", use("module").bytecode(code, file)),
    );
  }

  return (options) => {
    const { file, goal, lenient } = options, code = withoutMarks(options.code);
    shared.lenient = lenient;
    codeIs(file, options.mapped);
    if (options.task === "compile") return bytecode(code, file, goal);
    globals(options);
    const found = (options.task === "revive" ? revive : compile)(code, file, goal)();
    if (!(0 in found)) return leave(found, code);
    const handlers = found[0], evaluated = found[1];
    return apply(then, evaluated, [() => leave(handlers(), code)]);
  };
}
