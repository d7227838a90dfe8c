// AbortController and AbortSignal, and the Event and EventTarget they are made of.
(native, shared) => {
  "use strict";
  const KEY = Symbol("made here");

  class Event {
    #type;
    #init;
    #stopped = false;
    target = null;
    currentTarget = null;
    defaultPrevented = false;
    timeStamp = native.now();

    constructor(type, init = {}) {
      this.#type = `${type}`;
      this.#init = init ?? {};
    }

    get type() {
      return this.#type;
    }

    get bubbles() {
      return Boolean(this.#init.bubbles);
    }

    get cancelable() {
      return Boolean(this.#init.cancelable);
    }

    preventDefault() {
      if (this.cancelable) this.defaultPrevented = true;
    }

    stopPropagation() {}

    stopImmediatePropagation() {
      this.#stopped = true;
    }

    static isStopped(event) {
      return event.#stopped;
    }
  }
  const { isStopped } = Event;
  delete Event.isStopped;

  class EventTarget {
    #listeners = [];

    addEventListener(type, callback, options) {
      if (callback === null || callback === undefined) return;
      const once = Boolean(options?.once);
      if (!this.#listeners.some((each) => each.type === type && each.callback === callback)) {
        this.#listeners.push({ type, callback, once });
      }
      options?.signal?.addEventListener("abort", () => this.removeEventListener(type, callback));
    }

    removeEventListener(type, callback) {
      this.#listeners = this.#listeners.filter((each) => each.type !== type || each.callback !== callback);
    }

    dispatchEvent(event) {
      event.target = event.currentTarget = this;
      for (const { type, callback, once } of [...this.#listeners]) {
        if (type !== event.type) continue;
        if (once) this.removeEventListener(type, callback);
        try {
          if (typeof callback === "function") callback.call(this, event);
          else callback.handleEvent(event);
        } catch (error) {
          shared.uncaught(error);
        }
        if (isStopped(event)) break;
      }
      event.currentTarget = null;
      return !event.defaultPrevented;
    }
  }

  class AbortSignal extends EventTarget {
    #aborted = false;
    #reason = undefined;
    onabort = null;

    constructor(key) {
      super();
      if (key !== KEY) throw Object.assign(new TypeError("Illegal constructor"), { code: "ERR_ILLEGAL_CONSTRUCTOR" });
      Object.defineProperty(this, "onabort", { enumerable: false });
    }

    get aborted() {
      return this.#aborted;
    }

    get reason() {
      return this.#reason;
    }

    throwIfAborted() {
      if (this.#aborted) throw this.#reason;
    }

    static trigger(signal, reason = new DOMException("This operation was aborted", "AbortError")) {
      if (signal.#aborted) return;
      signal.#aborted = true;
      signal.#reason = reason;
      const event = new Event("abort");
      if (typeof signal.onabort === "function") signal.addEventListener("abort", signal.onabort, { once: true });
      signal.dispatchEvent(event);
    }

    static abort(reason) {
      const signal = new AbortSignal(KEY);
      trigger(signal, reason);
      return signal;
    }

    static timeout(delay) {
      shared.refuseWhileLoading("AbortSignal.timeout");
      const signal = new AbortSignal(KEY);
      const reason = () => new DOMException("The operation was aborted due to timeout", "TimeoutError");
      shared.sleep(delay, () => trigger(signal, reason()));
      return signal;
    }

    static any(signals) {
      const any = new AbortSignal(KEY);
      for (const signal of signals) {
        if (signal.aborted) {
          trigger(any, signal.reason);
          break;
        }
        signal.addEventListener("abort", () => trigger(any, signal.reason), { once: true });
      }
      return any;
    }

    [Symbol.for("nodejs.util.inspect.custom")]() {
      return `AbortSignal { aborted: ${this.#aborted} }`;
    }
  }
  const { trigger } = AbortSignal;
  delete AbortSignal.trigger;

  class AbortController {
    #signal = new AbortSignal(KEY);

    get signal() {
      return this.#signal;
    }

    abort(reason) {
      trigger(this.#signal, reason);
    }

    [Symbol.for("nodejs.util.inspect.custom")]() {
      return `AbortController { signal: AbortSignal { aborted: ${this.#signal.aborted} } }`;
    }
  }

  for (const made of [Event, EventTarget, AbortSignal, AbortController]) {
    Object.defineProperty(made.prototype, Symbol.toStringTag, { value: made.name, configurable: true });
  }
  return { AbortController, AbortSignal, Event, EventTarget };
}
