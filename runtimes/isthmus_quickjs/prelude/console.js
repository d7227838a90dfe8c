// console: lines of output, each with its level, formatted as Node formats them; nothing is formatted once the log is full.
(native, shared) => {
  "use strict";
  const { defineProperty, setPrototypeOf } = Object;
  const { inspect } = shared.use("inspect"), { format } = shared.use("format");
  const [DEBUG, LOG, INFO, WARN, ERROR] = [0, 1, 2, 3, 4];
  const counts = new Map(), timers = new Map();
  let indent = "";

  function write(level, values) {
    let text;
    try {
      // Flooding the log must cost little: what finds no room is not formatted.
      text = native.log(level) ? format(values) : typeof values[0] === "string" ? values[0] : "";
    } catch (error) {
      text = `[what was to be logged can't be shown: ${error?.name}]`;
    }
    native.log(level, indent ? indent + text.replaceAll("\n", `\n${indent}`) : text);
  }

  function elapsed(label) {
    const ms = native.now() - timers.get(label);
    return ms >= 1000 ? `${(ms / 1000).toFixed(3)}s` : `${Number(ms.toFixed(3))}ms`;
  }

  function table(rows, columns) {
    const cells = [], heads = ["(index)"], isRow = (row) => typeof row === "object" && row !== null;
    const isLarge = (value) => isRow(value) && !Array.isArray(value) && Object.keys(value).length > 2;
    const brief = (value) => inspect(value, { depth: isLarge(value) ? -1 : 0 });
    let values = false;
    for (const [index, row] of rows instanceof Map ? rows : Object.entries(rows)) {
      const cell = { __proto__: null, "(index)": index };
      if (isRow(row)) {
        for (const name of columns ?? Object.keys(row)) {
          if (!heads.includes(name)) heads.push(name);
          if (Object.hasOwn(row, name)) cell[name] = brief(row[name]);
        }
      } else {
        values = true;
        cell.Values = brief(row);
      }
      cells.push(cell);
    }
    if (values) heads.push("Values");
    const widths = heads.map((head) => Math.max(head.length, ...cells.map((cell) => (cell[head] ?? "").length)) + 2);
    const rule = (left, middle, right) => left + widths.map((width) => "─".repeat(width)).join(middle) + right;
    const row = (texts) => `│${texts.map((text, i) => ` ${text}`.padEnd(widths[i])).join("│")}│`;
    return [
      rule("┌", "┬", "┐"), row(heads), rule("├", "┼", "┤"),
      ...cells.map((cell) => row(heads.map((head) => cell[head] ?? ""))), rule("└", "┴", "┘"),
    ].join("\n");
  }

  const console = setPrototypeOf({
    debug: (...values) => write(DEBUG, values),
    log: (...values) => write(LOG, values),
    info: (...values) => write(INFO, values),
    warn: (...values) => write(WARN, values),
    error: (...values) => write(ERROR, values),
    dir: (value = undefined, options = undefined) => write(LOG, ["%s", inspect(value, options ?? {})]),
    dirxml: (...values) => write(LOG, values),
    trace(...values) {
      const at = shared.framesOf(new Error()), said = values.length ? `: ${format(values)}` : "";
      write(ERROR, ["%s", `Trace${said}${at && `\n${at}`}`]);
    },
    assert(condition = false, ...values) {
      if (condition) return;
      if (typeof values[0] === "string") values[0] = `Assertion failed: ${values[0]}`;
      else values.unshift("Assertion failed");
      write(WARN, values);
    },
    count(label = "default") {
      label = `${label}`;
      counts.set(label, (counts.get(label) ?? 0) + 1);
      write(LOG, ["%s", `${label}: ${counts.get(label)}`]);
    },
    countReset: (label = "default") => void counts.delete(`${label}`),
    group(...values) {
      if (values.length) write(LOG, values);
      if (indent.length < 100) indent += "  ";
    },
    groupEnd() {
      indent = indent.slice(2);
    },
    time: (label = "default") => void timers.set(`${label}`, native.now()),
    timeLog(label = "default", ...values) {
      if (timers.has(`${label}`)) write(LOG, ["%s", `${label}: ${elapsed(`${label}`)}`, ...values]);
    },
    timeEnd(label = "default") {
      console.timeLog(label);
      timers.delete(`${label}`);
    },
    table(rows = undefined, columns = undefined) {
      const isTable = typeof rows === "object" && rows !== null && native.proxyTarget(rows) === undefined;
      write(LOG, isTable && native.log(LOG) ? ["%s", table(rows, columns)] : [rows]);
    },
    // There is no screen to be cleared, and no profiler.
    clear() {},
    profile() {},
    profileEnd() {},
    timeStamp() {},
  }, {});
  console.groupCollapsed = console.group;
  defineProperty(console, Symbol.toStringTag, { value: "console", configurable: true });
  return { console };
}
