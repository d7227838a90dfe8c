// cache: what one call loads and later calls of the same instance find again.
//
// The host keeps values as JSON text.  A value that JSON can't carry whole (a client object, a Date, undefined) is handed to
// the call that loaded it and not kept: every call loads its own, which is what its code expects to work with.
(native, shared) => {
  "use strict";
  let loading = Object.create(null); // key -> promise, for the loads of this call
  shared.atEnd(() => {
    loading = Object.create(null);
  });

  function isPlain(value, above = []) {
    switch (typeof value) {
      case "string": case "boolean": return true;
      case "number": return Number.isFinite(value);
      case "object": break;
      default: return false;
    }
    if (value === null) return true;
    const prototype = Object.getPrototypeOf(value);
    if (!Array.isArray(value) && prototype !== Object.prototype && prototype !== null) return false;
    if (typeof value.toJSON === "function" || above.includes(value)) return false;
    const below = [...above, value];
    return Object.values(value).every((each) => (each === undefined && !Array.isArray(value)) || isPlain(each, below));
  }

  function lookUp(key) {
    return new Promise((resolve, reject) => {
      shared.ask("cache_load", `"key":${shared.text(key)}`, (answer, error) => {
        if (error) reject(new Error(error.message));
        else resolve(answer);
      });
    });
  }

  async function load(key, ttl, loader) {
    const found = await lookUp(key);
    if (found.hit) return shared.parse(found.value);
    let value, text;
    try {
      value = await loader();
      if (isPlain(value)) text = shared.stringify(value);
    } finally {
      if (text === undefined) shared.say(`{"op":"cache_fail","key":${shared.text(key)}}`);
    }
    if (text !== undefined) {
      shared.say(`{"op":"cache_store","key":${shared.text(key)},"value":${shared.text(text)},"ttl":${ttl}}`);
    }
    return value;
  }

  const cache = {
    /** A value by its key; ttl in milliseconds, -1 or left out for as long as there is room. */
    load(key, ttl, loader) {
      shared.refuseWhileLoading("cache.load");
      if (typeof ttl === "function") [ttl, loader] = [-1, ttl];
      if (typeof loader !== "function") throw new TypeError("cache.load takes a key, a ttl in milliseconds and a function");
      ttl = Number(ttl ?? -1);
      key = `${key}`;
      if (!loading[key]) {
        const clear = () => void delete loading[key];
        loading[key] = load(key, ttl >= 0 && ttl < Infinity ? ttl : null, loader);
        loading[key].then(clear, clear);
      }
      return loading[key];
    },
    delete(key) {
      shared.refuseWhileLoading("cache.delete");
      shared.say(`{"op":"cache_delete","key":${shared.text(key)}}`);
    },
  };
  return { cache };
}
