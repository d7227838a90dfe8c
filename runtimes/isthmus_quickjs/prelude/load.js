// Loads a function's code: a script body in a function whose parameters are the handlers, as Segment does it.
(native, shared) => {
  "use strict";
  const { create, defineProperty } = Object;
  const { apply } = Reflect;
  const { install, modules, promise, put, use } = shared;
  const { codeIs, frames } = use("errors");
  const global = globalThis;
  const HANDLERS = [
    "onIdentify", "onTrack", "onPage", "onScreen", "onGroup", "onAlias", "onDelete", "onBatch", "onRequest",
  ];

  function notSupported(handler) {
    const type = handler.slice(2).toLowerCase();
    return () => {
      throw new shared.errors.EventNotSupported(`${type} not supported`);
    };
  }

  /** What the author is told of syntax that means something in a module, or next to handlers of one's own. */
  function explain(error, code, file) {
    const [, line, column] = /:(\d+):(\d+)\)?\s*(?:\n|$)/.exec(frames(error.stack)) ?? [];
    const lines = code.split(/\r\n?|\n/), near = lines[line - 1] ?? "", before = near.slice(0, column - 1);
    const declared = (text) => HANDLERS.find((name) => new RegExp(`\\b(?:const|let|class)\\b.*\\b${name}\\b`).test(text));
    const module = /^\s*(import|export)\b/.exec(near)?.[1];
    let message;
    if (/redefinition of parameter/.test(error.message)) {
      const name = declared(near) ?? declared(code);
      if (name) message = `Identifier '${name}' has already been declared: handlers are; write "async function ${name}"`;
    } else if (/\bawait\s+$/.test(before)) {
      message = "await is only valid in async functions, and the code is a script, not a module";
    } else if (module) {
      message = `Cannot use ${module} statement outside a module: the code is a script; declare handlers as functions`;
    }
    if (line > lines.length) { // it stumbled over what closes the function round it
      message ??= "Unexpected end of input";
      defineProperty(error, "stack", { value: `    at ${file}:${lines.length}:${lines.at(-1).length + 1}` });
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
      const head = `(function(){return __code;function __code(${parameters}){__handlers(()=>[${parameters}]);`;
      const run = native.evaluate(`${head}\n\n${code}\n}})()`, file, -1);
      return defineProperty(run, "name", { value: "" }); // in a stack it is the top of the script, which has none
    } catch (error) {
      throw explain(error, code, file);
    }
  }

  return ({ code, file, kind, modules: named, lenient }) => {
    shared.lenient = lenient;
    codeIs(file);
    for (const module in modules) {
      if (module !== "segment" || kind === "source") for (const name of modules[module]) promise(module, name);
    }
    for (const module of named) {
      if (module === "segment" && kind !== "source") continue;
      install(module);
      use(module).prepare?.(code);
    }
    if (code.includes(".buffer()")) use("buffer"); // of a Response
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
    const values = current(), list = create(null);
    let defined = "";
    for (let i = 0, n = 0; i < HANDLERS.length; i++) {
      if (HANDLERS[i] !== names[n]) continue;
      const value = values[n], missing = defaults[n++];
      if (typeof value !== "function" || value === missing) continue;
      defined += (defined && ",") + HANDLERS[i];
      list[i] = HANDLERS[i] === "onRequest" ? use("request").receiver(value, code) : value;
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
  };
}
