// The methods that take a locale, in place of the engine's, which knows none: the little of them that every image has.
(native, shared) => {
  "use strict";
  const { defineProperty, getOwnPropertyDescriptor, getPrototypeOf } = Object;
  const { apply } = Reflect;
  const { use } = shared;
  const { getTime, toString, toTimeString } = Date.prototype, { includes } = String.prototype;
  const asNumber = Number.prototype.valueOf, asBigInt = BigInt.prototype.valueOf;
  const TypedArray = getPrototypeOf(Uint8Array.prototype);
  const lengthOf = getOwnPropertyDescriptor(TypedArray, "length").get;

  function put(prototype, methods) {
    for (const name in methods) {
      const value = methods[name];
      defineProperty(prototype, name, { __proto__: null, value, writable: true, configurable: true, enumerable: false });
    }
  }

  function textOf(value, name) {
    if (value === undefined || value === null) {
      throw new TypeError(`String.prototype.${name} called on null or undefined`);
    }
    return `${value}`;
  }

  /** A date's text with the name of its time zone, which is always the same one. */
  function zoned(text) {
    return text === "Invalid Date" ? text : `${text} (Coordinated Universal Time)`;
  }

  put(Date.prototype, {
    toString() {
      return zoned(apply(toString, this, []));
    },
    toTimeString() {
      return zoned(apply(toTimeString, this, []));
    },
    toLocaleString() {
      return use("intl/methods").date(apply(getTime, this, []), "any", "all", arguments[0], arguments[1]);
    },
    toLocaleDateString() {
      return use("intl/methods").date(apply(getTime, this, []), "date", "date", arguments[0], arguments[1]);
    },
    toLocaleTimeString() {
      return use("intl/methods").date(apply(getTime, this, []), "time", "time", arguments[0], arguments[1]);
    },
  });
  put(Number.prototype, {
    toLocaleString() {
      return use("intl/methods").number(apply(asNumber, this, []), arguments[0], arguments[1]);
    },
  });
  put(BigInt.prototype, {
    toLocaleString() {
      return use("intl/methods").number(apply(asBigInt, this, []), arguments[0], arguments[1]);
    },
  });
  put(String.prototype, {
    localeCompare(that) {
      return use("intl/methods").compare(textOf(this, "localeCompare"), `${that}`, arguments[1], arguments[2]);
    },
  });
  put(String.prototype, {
    toLocaleLowerCase() {
      return use("intl/methods").changeCase(textOf(this, "toLocaleLowerCase"), "Lower", arguments[0]);
    },
    toLocaleUpperCase() {
      return use("intl/methods").changeCase(textOf(this, "toLocaleUpperCase"), "Upper", arguments[0]);
    },
  });
  put(Array.prototype, {
    toLocaleString() {
      if (this === undefined || this === null) throw new TypeError("Cannot convert undefined or null to object");
      return use("intl/methods").list(Object(this), this.length, arguments[0], arguments[1]);
    },
  });
  put(TypedArray, {
    toLocaleString() {
      return use("intl/methods").list(this, apply(lengthOf, this, []), arguments[0], arguments[1]);
    },
  });

  /** Makes what the methods that the code names need, so that it is in its image. */
  function prepare(code) {
    if (!apply(includes, code, ["ocale"])) return;
    use("intl/methods");
    if (apply(includes, code, ["toLocaleString"])) use("intl/number"), use("intl/date");
    if (apply(includes, code, ["toLocaleDate"]) || apply(includes, code, ["toLocaleTime"])) use("intl/date");
    if (apply(includes, code, ["localeCompare"])) use("intl/collator");
  }

  return { prepare };
}
