// How interfaces look from outside, and what their arguments are converted to (WebIDL).
(native, shared) => {
  "use strict";
  const { defineProperty, getOwnPropertyDescriptor, getPrototypeOf } = Object;
  const { ownKeys } = Reflect;
  const KEY = Symbol("made here");
  const exposed = new WeakSet();

  /** Interfaces as a specification writes them: members that are listed, and the name that Object.prototype.toString tells. */
  function expose(...interfaces) {
    for (const made of interfaces) {
      exposed.add(made.prototype);
      for (const owner of [made, made.prototype]) {
        for (const key of ownKeys(owner)) {
          if (typeof key === "symbol" || ["constructor", "prototype", "length", "name"].includes(key)) continue;
          const found = getOwnPropertyDescriptor(owner, key);
          if (found.configurable) defineProperty(owner, key, { ...found, enumerable: true });
        }
      }
      defineProperty(made.prototype, Symbol.toStringTag, { value: made.name, configurable: true });
    }
  }

  /** Numbers that belong to an interface and to its instances. */
  function constants(made, values) {
    for (const owner of [made, made.prototype]) {
      for (const name in values) defineProperty(owner, name, { value: values[name], enumerable: true });
    }
  }

  /** Whether an object is of an interface, and not just of the author's making. */
  function isOfInterface(value) {
    for (let at = getPrototypeOf(value); at !== null; at = getPrototypeOf(at)) if (exposed.has(at)) return true;
    return false;
  }

  /** Throws where fewer arguments came than have names here. */
  function needArguments(given, ...names) {
    if (given.length < names.length) throw shared.use("invalid").missing(...names);
  }

  function illegal() {
    return Object.assign(new TypeError("Illegal constructor"), { code: "ERR_ILLEGAL_CONSTRUCTOR" });
  }

  /** Only the prelude makes these: the key is its own. */
  function needKey(key) {
    if (key !== KEY) throw illegal();
  }

  /** A dictionary argument: an object, or nothing. */
  function dictionary(value, name) {
    if (value === undefined || value === null) return { __proto__: null };
    if (typeof value === "object" || typeof value === "function") return value;
    throw shared.use("invalid").wrongType(name, "of type object", value);
  }

  /** unsigned long long, with [EnforceRange]. */
  function whole(value, name) {
    const number = Math.trunc(Number(value));
    if (number >= 0 && number <= Number.MAX_SAFE_INTEGER) return number || 0;
    throw new TypeError(`${name} must be an integer from 0 to ${Number.MAX_SAFE_INTEGER}, not ${String(value)}`);
  }

  return { KEY, constants, dictionary, expose, illegal, isOfInterface, needArguments, needKey, whole };
}
