// Errors about arguments, with Node's codes and in Node's words.
(native, shared) => {
  "use strict";

  function failure(Kind, code, message) {
    return Object.assign(new Kind(message), { code });
  }

  function received(value) {
    if (value === null || value === undefined) return `${value}`;
    if (typeof value === "function") return `function ${value.name}`;
    if (typeof value === "object" && value.constructor?.name) return `an instance of ${value.constructor.name}`;
    const shown = shared.use("inspect").inspect(value);
    return typeof value === "object" ? shown : `type ${typeof value} (${shown})`;
  }

  function wrongType(name, wanted, value) {
    const what = name.includes(" ") ? `The ${name}` : `The "${name}" ${name.includes(".") ? "property" : "argument"}`;
    return failure(TypeError, "ERR_INVALID_ARG_TYPE", `${what} must be ${wanted}. Received ${received(value)}`);
  }

  function outOfRange(name, range, value) {
    const large = typeof value === "bigint" || (Number.isInteger(value) && Math.abs(value) > 2 ** 32);
    const digits = large ? `${value}`.replace(/\B(?=(\d{3})+$)/g, "_") : `${value}`;
    const shown = typeof value === "bigint" ? `${digits}n` : digits;
    const message = `The value of "${name}" is out of range. It must be ${range}. Received ${shown}`;
    return failure(RangeError, "ERR_OUT_OF_RANGE", message);
  }

  /** Arguments that have to be there. */
  function missing(...names) {
    const listed = names.map((name) => `"${name}"`), last = listed.pop();
    const said = listed.length ? `${listed.join(", ")}${listed.length > 1 ? "," : ""} and ${last} arguments` : `${last} argument`;
    return failure(TypeError, "ERR_MISSING_ARGS", `The ${said} must be specified`);
  }

  return { failure, missing, outOfRange, wrongType };
}
