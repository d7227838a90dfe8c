// What streams are made of: chunks that wait, with their sizes; strategies; promises settled from outside (WHATWG Streams).
(native, shared) => {
  "use strict";
  const { expose } = shared.use("idl");
  const { apply } = Reflect;
  const { then } = Promise.prototype;
  const quiet = () => {};

  /** A promise and what settles it; that nobody hears of its rejection is no news. */
  function settleable() {
    const made = Promise.withResolvers();
    apply(then, made.promise, [undefined, quiet]);
    return made;
  }

  function rejected(error) {
    const made = settleable();
    made.reject(error);
    return made.promise;
  }

  function upon(promise, done, failed = quiet) {
    return apply(then, promise, [done, failed]);
  }

  /** A callback's result as a promise, whatever it returns or throws. */
  function attempt(callback, self = undefined, values = []) {
    try {
      return Promise.resolve(apply(callback, self, values));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** What start() returned, as a promise of its own: one that is returned is a job later (WebIDL). */
  function begun(result) {
    return new Promise((resolve) => resolve(result));
  }

  function invalidState(message) {
    return shared.use("invalid").failure(TypeError, "ERR_INVALID_STATE", `Invalid state: ${message}`);
  }

  function wrongThis(name) {
    return shared.use("invalid").failure(TypeError, "ERR_INVALID_THIS", `Value of "this" must be of type ${name}`);
  }

  /** A member of an underlying source, sink or transformer, which must be a function where it is there at all. */
  function method(owner, name) {
    const found = owner?.[name];
    if (found === undefined || typeof found === "function") return found;
    throw shared.use("invalid").wrongType(`${name} property`, "of type function", found);
  }

  /** First in, first out. */
  class Queue {
    #list = [];
    #head = 0;
    total = 0; // of the sizes

    get length() {
      return this.#list.length - this.#head;
    }

    push(value, size) {
      size = Number(size);
      if (!(size >= 0 && size !== Infinity)) {
        throw shared.use("invalid").failure(RangeError, "ERR_INVALID_ARG_VALUE", `The size ${size} of a chunk is invalid`);
      }
      this.#list.push({ value, size });
      this.total += size;
    }

    peek() {
      return this.#list[this.#head].value;
    }

    shift() {
      const { value, size } = this.#list[this.#head];
      this.#list[this.#head++] = undefined;
      this.total = Math.max(this.total - size, 0);
      if (this.#head > 64 && this.#head * 2 > this.#list.length) {
        this.#list = this.#list.slice(this.#head);
        this.#head = 0;
      }
      return value;
    }

    clear() {
      this.#list = [];
      this.#head = this.total = 0;
    }
  }

  /** A strategy's high water mark. */
  function markFrom(given, otherwise) {
    if (given === undefined) return otherwise;
    const mark = Number(given);
    if (mark >= 0) return mark;
    const message = `The property 'strategy.highWaterMark' is invalid. Received ${String(given)}`;
    throw shared.use("invalid").failure(RangeError, "ERR_INVALID_ARG_VALUE", message);
  }

  /** A strategy's way to size a chunk. */
  function sizer(size) {
    return size === undefined ? () => 1 : (chunk) => apply(size, undefined, [chunk]);
  }

  function markOf(init) {
    if (typeof init !== "object" || init === null) throw shared.use("invalid").wrongType("init", "of type object", init);
    if (init.highWaterMark === undefined) {
      throw shared.use("invalid").failure(TypeError, "ERR_MISSING_OPTION", "options.highWaterMark is required");
    }
    return Number(init.highWaterMark);
  }

  // One function each for all instances.
  const countSize = { size() { return 1; } }.size, byteSize = { size(chunk) { return chunk.byteLength; } }.size;

  class CountQueuingStrategy {
    #mark;

    constructor(init) {
      this.#mark = markOf(init);
    }

    get highWaterMark() {
      return this.#mark;
    }

    get size() {
      return this.#mark === undefined ? undefined : countSize;
    }
  }

  class ByteLengthQueuingStrategy {
    #mark;

    constructor(init) {
      this.#mark = markOf(init);
    }

    get highWaterMark() {
      return this.#mark;
    }

    get size() {
      return this.#mark === undefined ? undefined : byteSize;
    }
  }

  expose(CountQueuingStrategy, ByteLengthQueuingStrategy);
  return {
    ByteLengthQueuingStrategy, CountQueuingStrategy, Queue, attempt, begun, invalidState, markFrom, method, quiet, rejected,
    settleable, sizer, upon, wrongThis,
  };
}
