// structuredClone: a deep copy by the structured clone algorithm (HTML standard), for the types this runtime has.
(native, shared) => {
  "use strict";
  const ERRORS = ["Error", "EvalError", "RangeError", "ReferenceError", "SyntaxError", "TypeError", "URIError"];

  function refuse(value) {
    const isProxy = native.proxyTarget(value) !== undefined, kind = isProxy ? "Object" : native.classOf(value);
    const shown = typeof value === "symbol" || typeof value === "function" ? String(value) : `#<${kind}>`;
    throw new DOMException(`${shown} could not be cloned.`, "DataCloneError");
  }

  function copyError(error, copy) {
    const name = ERRORS.includes(error.name) ? error.name : "Error";
    const made = Object.create(globalThis[name].prototype);
    const shell = new globalThis[name]();
    Object.setPrototypeOf(shell, Object.getPrototypeOf(made));
    const put = (key, value) => Object.defineProperty(shell, key, { value, writable: true, configurable: true });
    if (Object.hasOwn(error, "message")) put("message", `${error.message}`);
    put("stack", `${error.stack}`);
    if (Object.hasOwn(error, "cause")) put("cause", copy(error.cause));
    return shell;
  }

  function structuredClone(value, { transfer = [] } = {}) {
    const copies = new Map();

    function copy(value) {
      if (typeof value === "symbol" || typeof value === "function") refuse(value);
      if (typeof value !== "object" || value === null) return value;
      if (!copies.has(value)) fill(value);
      return copies.get(value);
    }

    function fill(value) {
      if (native.proxyTarget(value) !== undefined) refuse(value);
      const kind = native.classOf(value), keep = (made) => copies.set(value, made);
      switch (kind) {
        case "Number": case "String": case "Boolean": case "BigInt":
          return keep(Object(value.valueOf()));
        case "Date":
          return keep(new Date(Date.prototype.getTime.call(value)));
        case "RegExp":
          return keep(new RegExp(value.source, value.flags));
        case "ArrayBuffer":
          return keep(transfer.includes(value) ? value.transfer() : value.slice());
        case "Error":
          return keep(copyError(value, copy));
        case "Map": {
          const made = new Map();
          keep(made);
          for (const [key, each] of [...value]) made.set(copy(key), copy(each));
          return made;
        }
        case "Set": {
          const made = new Set();
          keep(made);
          for (const each of [...value]) made.add(copy(each));
          return made;
        }
        case "Array": case "Object": case "Arguments": {
          const made = kind === "Array" ? new Array(value.length) : {};
          keep(made);
          for (const key of Object.keys(value)) {
            Object.defineProperty(made, key, { value: copy(value[key]), writable: true, enumerable: true, configurable: true });
          }
          return made;
        }
        default:
          if (!ArrayBuffer.isView(value)) refuse(value);
          return keep(new globalThis[kind](copy(value.buffer), value.byteOffset, value.length ?? value.byteLength));
      }
    }

    return copy(value);
  }

  return { structuredClone };
}
