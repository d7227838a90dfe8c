// performance: the time since the call first asked, and marks and measures of it (HR Time, User Timing).
(native, shared) => {
  "use strict";
  const { EventTarget } = shared.use("events");
  const { KEY, dictionary, expose, needArguments, needKey } = shared.use("idl");
  const MOST = 10000; // entries kept of one call
  let origin = null, entries = [];

  shared.atEnd(() => {
    origin = null;
    entries = [];
  });

  /** Has the call's end heard, though it asks nothing of the host. */
  const hearEnd = () => void (native.flags[0] = 1);

  class PerformanceEntry {
    #about;

    constructor(key = undefined, about = undefined) {
      needKey(key);
      this.#about = about;
    }

    get name() {
      return this.#about.name;
    }

    get entryType() {
      return this.#about.type;
    }

    get startTime() {
      return this.#about.start;
    }

    get duration() {
      return this.#about.duration;
    }

    toJSON() {
      const { duration, name, start: startTime, type: entryType } = this.#about;
      return { name, entryType, startTime, duration, ...("detail" in this ? { detail: this.detail } : {}) };
    }

    [Symbol.for("nodejs.util.inspect.custom")]() {
      return shared.use("inspect").look(this.constructor, this.toJSON());
    }
  }

  function detailOf({ detail }) {
    return detail === undefined || detail === null ? null : shared.use("clone").structuredClone(detail);
  }

  class PerformanceMark extends PerformanceEntry {
    #detail;

    constructor(name, options = undefined) {
      needArguments(arguments, "name");
      const given = dictionary(options, "options"), { startTime } = given;
      const start = startTime === undefined ? now() : Number(startTime);
      if (!(start >= 0)) throw new TypeError(`A mark's startTime is not negative, as ${String(startTime)} is`);
      super(KEY, { name: `${name}`, type: "mark", start, duration: 0 });
      this.#detail = detailOf(given);
    }

    get detail() {
      return this.#detail;
    }
  }

  class PerformanceMeasure extends PerformanceEntry {
    #detail;

    constructor(key = undefined, about = undefined, detail = undefined) {
      super(key, { ...about, type: "measure" });
      this.#detail = detail;
    }

    get detail() {
      return this.#detail;
    }
  }

  function now() {
    const at = native.now();
    if (origin === null && !shared.isLoading()) {
      origin = at;
      hearEnd();
    }
    return at - (origin ?? at);
  }

  /** The moment that a mark's name or a number stands for. */
  function moment(mark) {
    if (typeof mark === "number") {
      if (mark >= 0) return mark;
      throw new TypeError(`A time is not negative, as ${mark} is`);
    }
    const found = entries.findLast((each) => each.entryType === "mark" && each.name === `${mark}`);
    if (found) return found.startTime;
    throw new DOMException(`The mark '${mark}' does not exist.`, "SyntaxError");
  }

  /** From when to when a measure is: each end said, or counted from the other by the duration. */
  function span({ duration, end, start }) {
    if (start !== undefined && end !== undefined && duration !== undefined) {
      throw new TypeError("A measure has two of start, end and duration at the most");
    }
    if (start === undefined && end === undefined) throw new TypeError("A measure's options have a start or an end");
    const until = end !== undefined ? moment(end) : duration !== undefined ? moment(start) + moment(Number(duration)) : now();
    const from = start !== undefined ? moment(start) : duration !== undefined ? until - moment(Number(duration)) : 0;
    return { start: from, duration: until - from };
  }

  function keep(entry) {
    const at = entries.findLastIndex((each) => each.startTime <= entry.startTime);
    if (entries.length < MOST) entries.splice(at + 1, 0, entry);
    hearEnd();
    return entry;
  }

  const forget = (type, name) => {
    entries = entries.filter((each) => each.entryType !== type || (name !== undefined && each.name !== `${name}`));
  };

  class Performance extends EventTarget {
    constructor(key = undefined) {
      needKey(key);
      super();
    }

    /** Milliseconds since the call first asked. */
    now() {
      return now();
    }

    get timeOrigin() {
      now();
      return origin ?? native.now();
    }

    mark(name, options = undefined) {
      needArguments(arguments, "name");
      return keep(new PerformanceMark(name, options));
    }

    measure(name, startOrOptions = undefined, endMark = undefined) {
      needArguments(arguments, "name");
      const isObject = typeof startOrOptions === "object" && startOrOptions !== null;
      const options = isObject ? startOrOptions : { __proto__: null, start: startOrOptions ?? 0, end: endMark };
      const isEmpty = isObject && Object.keys(options).length === 0;
      if (isObject && !isEmpty && endMark !== undefined) throw new TypeError("A measure with options has its end among them");
      const about = span(isEmpty ? { start: 0, end: endMark } : options);
      return keep(new PerformanceMeasure(KEY, { name: `${name}`, ...about }, detailOf(options)));
    }

    clearMarks(name = undefined) {
      forget("mark", name);
    }

    clearMeasures(name = undefined) {
      forget("measure", name);
    }

    getEntries() {
      return [...entries];
    }

    getEntriesByType(type) {
      needArguments(arguments, "type");
      return entries.filter((each) => each.entryType === `${type}`);
    }

    getEntriesByName(name, type = undefined) {
      needArguments(arguments, "name");
      return entries.filter((each) => each.name === `${name}` && (type === undefined || each.entryType === `${type}`));
    }

    toJSON() {
      return { timeOrigin: this.timeOrigin };
    }
  }

  expose(Performance, PerformanceEntry, PerformanceMark, PerformanceMeasure);
  return { Performance, PerformanceEntry, PerformanceMark, PerformanceMeasure, performance: new Performance(KEY) };
}
