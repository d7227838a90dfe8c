// Compiles a function's code as Segment does it: a script body in a function whose parameters are the handlers.
(native, shared) => {
  "use strict";
  const { defineProperty } = Object;
  const { apply } = Reflect;
  const { put, use } = shared;
  const { asCompiled } = use("errors");
  const global = globalThis;

  function notSupported(handler) {
    const type = handler.slice(2).toLowerCase();
    return () => {
      throw new shared.errors.EventNotSupported(`${type} not supported`);
    };
  }

  /** What the author is told of syntax that means something in a module, or next to handlers of one's own. */
  function explain(error, code, file, names) {
    const [, line, column] = /:(\d+):(\d+)\)?\s*(?:\n|$)/.exec(asCompiled(error)) ?? [];
    const lines = code.split(/\r\n?|\n/);
    const near = lines[line - 1] ?? "", before = near.slice(0, column - 1);
    const declared = (text) => names.find((name) => new RegExp(`\\b(?:const|let|class)\\b.*\\b${name}\\b`).test(text));
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

  /** The author's code within what gives a function of its handlers, its first line being line 1; compiled or evaluated. */
  function enclosed(code, file, names, make) {
    const parameters = names.join();
    try {
      // Code that closes the function round it and opens another must be an error.  After an arrow function in an array
      // comes a comma or a bracket, after a declaration a statement: what is valid in both has closed neither.
      make(`(function(){return[(${parameters})=>{0;\n\n${code}\n}]})`, file, -1);
      const head = `(function(){return __code;function __code(${parameters}){__handlers(()=>[${parameters}]);`;
      return make(`${head}\n\n${code}\n}})()`, file, -1);
    } catch (error) {
      throw explain(error, code, file, names);
    }
  }

  /** What runs a script, made by its names: it gives each of these handlers that the script has defined, by its name. */
  function runner(run, names) {
    const defaults = names.map(notSupported);
    defineProperty(run, "name", { value: "" }); // in a stack it is the top of the script, which has none
    return () => {
      let current;
      put("__handlers", (values) => {
        delete global.__handlers;
        current = values;
      });
      apply(run, global, defaults);
      const values = current(), found = { __proto__: null };
      for (let i = 0; i < names.length; i++) if (values[i] !== defaults[i]) found[names[i]] = values[i];
      return found;
    };
  }

  const namesIn = (code, all) => all.filter((name) => code.includes(name));

  return {
    compile(code, file, all) {
      const names = namesIn(code, all);
      return runner(enclosed(code, file, names, native.evaluate), names);
    },

    /** The same as bytecode. */
    bytecode: (code, file, all) => enclosed(code, file, namesIn(code, all), native.compile),

    /** The same, of bytecode that the host has, of code that says as much of handlers as this one. */
    revive(code, all) {
      return runner(native.load("author"), namesIn(code, all));
    },
  };
}
