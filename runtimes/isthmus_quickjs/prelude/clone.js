// structuredClone: a deep copy by the structured clone algorithm (HTML standard), for the types this runtime has.
(native, shared) => {
  "use strict";
  const ERRORS = ["Error", "EvalError", "RangeError", "ReferenceError", "SyntaxError", "TypeError", "URIError"];

  function refuse(value, what = "cloned") {
    const isProxy = native.proxyTarget(value) !== undefined, kind = isProxy ? "Object" : native.classOf(value);
    const shown = typeof value === "symbol" || typeof value === "function" ? String(value) : `#<${kind}>`;
    throw new DOMException(`${shown} could not be ${what}.`, "DataCloneError");
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

  /** What the new owner gets for each thing that is handed over: filled, or taken, when all else is copied. */
  function handedOver(transfer) {
    const ends = [], made = new Map(), ports = [];
    for (const value of transfer) {
      if (typeof value !== "object" || value === null) throw shared.use("invalid").wrongType("transfer", "a list of objects", transfer);
      const messages = shared.made("messages");
      if (made.has(value)) throw new DOMException("A thing can be transferred once", "DataCloneError");
      if (messages?.isPort(value) && !messages.isDetached(value)) {
        const heir = messages.heirOf(value);
        made.set(value, heir.port);
        ends.push(heir.take);
        ports.push(heir.port);
      } else if (native.classOf(value) === "ArrayBuffer" && !value.detached) {
        const { maxByteLength, resizable } = value;
        const buffer = new ArrayBuffer(value.byteLength, resizable ? { maxByteLength } : undefined);
        made.set(value, buffer);
        ends.push(() => new Uint8Array(buffer).set(new Uint8Array(value.transfer())));
      } else {
        refuse(value, "transferred");
      }
    }
    return { ends, made, ports };
  }

  /** A Blob or a File again, its bytes shared: nothing changes them.  Other objects of interfaces are not copied. */
  function copyPlatform(value) {
    return shared.made("blob")?.copy(value) ?? refuse(value);
  }

  /** A copy of a value, and the ports that were transferred with it, in their order. */
  function copyOf(value, transfer) {
    const { ends, made: copies, ports } = handedOver(transfer);

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
          return keep(value.slice());
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
          if (shared.made("idl")?.isOfInterface(value)) return keep(copyPlatform(value));
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

    const copied = copy(value);
    for (const end of ends) end();
    return { copy: copied, ports };
  }

  function structuredClone(value, options = undefined) {
    if (!arguments.length) throw shared.use("invalid").missing("value");
    return copyOf(value, [...options?.transfer ?? []]).copy;
  }

  return { copyOf, structuredClone };
}
