// Values as the numerals that the host reads: exact, whether they are numbers, BigInts or texts.
(native, shared) => {
  "use strict";
  const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i, OTHER = /^0[xob][\da-f]+$/i;

  function primitive(value) {
    if (value === null || (typeof value !== "object" && typeof value !== "function")) return value;
    const convert = value[Symbol.toPrimitive];
    if (convert !== undefined && convert !== null) {
      const found = Reflect.apply(convert, value, ["number"]);
      if (found === null || (typeof found !== "object" && typeof found !== "function")) return found;
      throw new TypeError("Cannot convert object to primitive value");
    }
    for (const name of ["valueOf", "toString"]) {
      const method = value[name], found = typeof method === "function" ? Reflect.apply(method, value, []) : value;
      if (found === null || (typeof found !== "object" && typeof found !== "function")) return found;
    }
    throw new TypeError("Cannot convert object to primitive value");
  }

  function ofText(text) {
    text = text.trim();
    if (DECIMAL.test(text)) return text[0] === "+" ? text.slice(1) : text;
    if (OTHER.test(text)) {
      try {
        return `${BigInt(text)}`;
      } catch {
        return "NaN";
      }
    }
    return `${Number(text)}`;
  }

  /** The numeral of a value (ToIntlMathematicalValue). */
  return (value) => {
    value = primitive(value);
    if (typeof value === "bigint") return `${value}`;
    if (typeof value === "string") return ofText(value);
    if (typeof value === "symbol") throw new TypeError("Cannot convert a Symbol value to a number");
    const number = Number(value);
    return Object.is(number, -0) ? "-0" : `${number}`;
  };
}
