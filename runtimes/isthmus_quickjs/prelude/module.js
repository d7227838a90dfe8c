// Compiles a function's code as an ES module, whose exports are the handlers.
(native, shared) => {
  "use strict";
  const { defineProperty, hasOwn } = Object;
  const { apply } = Reflect;
  const { includes } = String.prototype;
  const { use } = shared;
  const SYNTAX = /(?:^|[;}])[ \t]*(?:import\b(?!\s*[(.])|export\b)/m;

  /** Where the code names what it imports, as the end of a stack. */
  function importOf(name, code, file) {
    const quoted = name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    const at = code.search(new RegExp(`(?<=\\b(?:from|import)\\s*\\(?\\s*)(["'])${quoted}\\1`));
    if (at < 0) return "";
    const lines = code.slice(0, at).split("\n");
    return `    at ${file}:${lines.length}:${lines.at(-1).length + 1}`;
  }

  /** An error of linking says which module, not where that is imported. */
  function explain(error, code, file) {
    const name = error.imported ?? /in module '(.*)'$/.exec(error.message)?.[1];
    if (name === undefined) {
      if (/: ''$/.test(error.message)) defineProperty(error, "message", { value: "Unexpected end of input" });
      return error;
    }
    delete error.imported;
    defineProperty(error, "stack", { value: importOf(name, code, file), configurable: true });
    return error;
  }

  function handlersOf(namespace, code, all) {
    const found = { __proto__: null }, byDefault = hasOwn(namespace, "default") ? namespace.default : undefined;
    const isObject = byDefault !== null && (typeof byDefault === "object" || typeof byDefault === "function");
    for (let i = 0; i < all.length; i++) {
      const name = all[i];
      if (hasOwn(namespace, name)) found[name] = namespace[name];
      else if (isObject && name in byDefault) found[name] = byDefault[name];
    }
    for (const _ in found) return found;
    for (let i = 0; i < all.length; i++) {
      if (!apply(includes, code, [all[i]])) continue;
      throw new SyntaxError(`the module exports no handler: write "export async function ${all[i]}"`);
    }
    return found;
  }

  function evaluated(make, code, file, all) {
    native.importer(use("imports").find);
    try {
      const module = make(), namespace = module[0];
      return [() => handlersOf(namespace, code, all), module[1]];
    } catch (error) {
      throw explain(error, code, file);
    }
  }

  return {
    /** Whether the code says something that only modules say. */
    isModule: (code) => SYNTAX.test(code),

    /** Evaluates a module; [what gives its handlers, the promise that it has been evaluated]. */
    evaluate: (code, file, all) => evaluated(() => native.module(code, file), code, file, all),

    /** A module as bytecode; what it imports is there. */
    bytecode(code, file) {
      native.importer(use("imports").find);
      try {
        return native.compileModule(code, file);
      } catch (error) {
        throw explain(error, code, file);
      }
    },

    /** The same as evaluate, of bytecode that the host has. */
    revive: (code, file, all) => evaluated(() => native.loadModule("author"), code, file, all),
  };
}
