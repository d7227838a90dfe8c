// Segment's preinstalled libraries: bundled npm packages, each a part that is evaluated when it is first used.
//
// libraries/bundle.mjs makes the parts, libraries/catalogue.json says which global is which part.  A part's own require()
// finds Node's modules, and other parts as isthmus:NAME.
(native, shared) => {
  "use strict";
  const { create, defineProperty, setPrototypeOf } = Object;
  const { apply } = Reflect;
  const { put, use } = shared;
  const global = globalThis;
  const made = create(null);

  /** What a part reads of when it begins; it is no browser. */
  const given = {
    __proto__: null, require, global, table, window: undefined, self: undefined, document: undefined, navigator: undefined,
    get process() {
      return use("process");
    },
    get Buffer() {
      return use("buffer").Buffer;
    },
  };

  /** The exports of a part. */
  function part(name) {
    if (made[name]) return made[name].exports;
    const module = made[name] = { exports: {} };
    try {
      apply(native.load(`library:${name}`), module.exports, [{ __proto__: given, module, exports: module.exports }]);
    } catch (error) {
      delete made[name];
      throw error;
    }
    return module.exports;
  }

  /** Another part, or a module of Node's; packages ask for some that no function can have. */
  function require(name) {
    if (name.startsWith("isthmus:")) return part(name.slice(8));
    try {
      return use("builtins")(name);
    } catch (error) {
      if (error?.code !== "MODULE_NOT_FOUND") throw error;
      return use("node/absent")(name);
    }
  }

  /** Looks up texts that stay with the host; undefined where it has none. */
  function table(name) {
    return (key) => {
      const answer = native.call(`table:${name}`, native.utf8Encode(key));
      return answer.length ? native.utf8Decode(answer.subarray(1)) : undefined;
    };
  }

  /** Stands for a library that is not there: whatever is done with it, but typeof, says why. */
  function refusal(text) {
    const refuse = () => {
      throw new Error(text);
    };
    const traps = { __proto__: null };
    for (const trap of ["apply", "construct", "get", "has", "set", "defineProperty", "deleteProperty"]) traps[trap] = refuse;
    return new Proxy(setPrototypeOf(function () {}, null), traps);
  }

  /** A property that is made the first time it is read, and is gone for good where it is written first. */
  function offer(object, name, make, enumerable) {
    const keep = (value) => void defineProperty(object, name, {
      __proto__: null, value, writable: true, configurable: true, enumerable,
    });
    let making = false; // lodash looks at what was in its place before it
    defineProperty(object, name, {
      __proto__: null,
      get() {
        if (making) return undefined;
        making = true;
        try {
          const value = make();
          keep(value);
          return value;
        } finally {
          making = false;
        }
      },
      set: keep,
      configurable: true,
      enumerable,
    });
  }

  /** Puts libraries in their places, [name with dots, part or "", why it is refused]; makes at once what will be used. */
  function place({ parts, places, wanted }) {
    const objects = create(null);
    for (const [name, source, why] of places) {
      const path = name.split("."), last = path.pop();
      let at = global, walked = "";
      for (const step of path) {
        walked += `.${step}`;
        if (!objects[walked]) {
          objects[walked] = {};
          if (at === global) put(step, objects[walked]);
          else at[step] = objects[walked];
        }
        at = objects[walked];
      }
      offer(at, last, source ? () => part(source) : () => refusal(why), at !== global);
    }
    const attempt = (make) => {
      try {
        make();
      } catch {
        // said where it is used
      }
    };
    for (const name of wanted) attempt(() => name.split(".").reduce((at, step) => at[step], global));
    for (const name of parts) attempt(() => part(name));
  }

  return { part, place };
}
