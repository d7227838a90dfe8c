// Lines of console output: printf's escapes in the first argument, the rest behind it, as Node's util.format has them.
(native, shared) => {
  "use strict";
  const { find, inspect, number } = shared.use("inspect");
  const { apply } = Reflect;

  /** Whether a value says itself what its text is. */
  function speaks(value) {
    if (native.proxyTarget(value) !== undefined) return false;
    const text = find(value, "toString"), to = find(value, Symbol.toPrimitive);
    const builtIn = [Object.prototype.toString, Array.prototype.toString, Error.prototype.toString, Date.prototype.toString];
    if (native.classOf(value) === "Error") return typeof text === "function" && text !== Error.prototype.toString;
    return (typeof text === "function" && !builtIn.includes(text) && !isNative(text)) ||
      (typeof to === "function" && native.classOf(value) !== "Date" && !isNative(to));
  }

  function isNative(method) {
    return apply(Function.prototype.toString, method, []).includes("[native code]");
  }

  function json(value) {
    try {
      return JSON.stringify(value);
    } catch (error) {
      if (/circular/.test(error.message)) return "[Circular]";
      throw error;
    }
  }

  function numeric(value, convert) {
    if (typeof value === "symbol" || (typeof value === "object" && value !== null && !speaks(value))) return "NaN";
    return typeof value === "bigint" ? `${value}n` : number(convert(value));
  }

  const formats = {
    __proto__: null,
    s: (value) => {
      if (typeof value === "number") return number(value);
      if (typeof value === "bigint") return `${value}n`;
      return typeof value !== "object" || value === null || speaks(value) ? String(value) : inspect(value, { depth: 0 });
    },
    d: (value) => numeric(value, Number),
    i: (value) => numeric(value, Number.parseInt),
    f: (value) => typeof value === "symbol" ? "NaN" : number(Number.parseFloat(value)),
    j: json,
    o: (value) => inspect(value, { depth: 4, showHidden: true }),
    O: (value) => inspect(value),
    c: () => "",
  };

  /** One line of console output: printf's escapes in the first argument, the rest behind it. */
  function format(values) {
    const [first] = values;
    let used = 0, text = "";
    if (typeof first === "string") {
      used = 1;
      text = values.length === 1 ? first : first.replace(/%([sdifjoOc%])/g, (whole, kind) => {
        if (kind === "%") return "%";
        return used < values.length ? formats[kind](values[used++]) : whole;
      });
    }
    for (let i = used; i < values.length; i++) {
      text += `${i ? " " : ""}${typeof values[i] === "string" ? values[i] : inspect(values[i])}`;
    }
    return text;
  }

  return { format };
}
