// Node's events: EventEmitter, a function that old packages call on objects of their own, and once() and on().
(native, shared) => {
  "use strict";
  const { failure, outOfRange, wrongType } = shared.use("invalid");
  const { create } = Object;
  const { apply, ownKeys } = Reflect;
  const { Error, Promise, TypeError } = globalThis;
  const errorMonitor = Symbol("events.errorMonitor");

  function EventEmitter() {
    listsOf(this);
  }

  /** An object's own listeners, by event; made when first asked for. */
  function listsOf(emitter) {
    if (!Object.hasOwn(emitter, "_events") || !emitter._events) {
      emitter._events = create(null);
      emitter._eventsCount = 0;
      emitter._maxListeners ??= undefined;
    }
    return emitter._events;
  }

  function checked(listener) {
    if (typeof listener !== "function") throw wrongType("listener", "of type function", listener);
    return listener;
  }

  function add(emitter, event, listener, first) {
    const lists = listsOf(emitter);
    checked(listener);
    if (lists.newListener) emitter.emit("newListener", event, listener.listener ?? listener);
    const list = (lists[event] ??= []);
    emitter._eventsCount = ownKeys(lists).length;
    lists[event] = first ? [listener, ...list] : [...list, listener];
    return emitter;
  }

  function onceOnly(emitter, event, listener) {
    checked(listener);
    const wrapper = (...given) => {
      emitter.removeListener(event, wrapper);
      return apply(listener, emitter, given);
    };
    wrapper.listener = listener;
    return wrapper;
  }

  const methods = {
    on(event, listener) {
      return add(this, event, listener, false);
    },
    prependListener(event, listener) {
      return add(this, event, listener, true);
    },
    once(event, listener) {
      return this.on(event, onceOnly(this, event, listener));
    },
    prependOnceListener(event, listener) {
      return this.prependListener(event, onceOnly(this, event, listener));
    },
    removeListener(event, listener) {
      const lists = listsOf(this), list = lists[event];
      checked(listener);
      const at = list ? list.findLastIndex((each) => each === listener || each.listener === listener) : -1;
      if (at < 0) return this;
      if (list.length === 1) delete lists[event];
      else lists[event] = list.filter((_, i) => i !== at);
      this._eventsCount = ownKeys(lists).length;
      if (lists.removeListener) this.emit("removeListener", event, listener);
      return this;
    },
    removeAllListeners(event) {
      const lists = listsOf(this);
      for (const name of event === undefined ? ownKeys(lists) : [event]) {
        for (const listener of [...(lists[name] ?? [])].reverse()) this.removeListener(name, listener);
      }
      return this;
    },
    emit(event, ...given) {
      const lists = listsOf(this);
      if (event === "error" && lists[errorMonitor]) this.emit(errorMonitor, ...given);
      const list = lists[event];
      if (!list) {
        if (event !== "error") return false;
        const [error] = given;
        if (error instanceof Error) throw error;
        const shown = typeof error === "string" ? `'${error}'` : shared.use("inspect").inspect(error);
        throw Object.assign(failure(Error, "ERR_UNHANDLED_ERROR", `Unhandled error. (${shown})`), { context: error });
      }
      for (const listener of list) apply(listener, this, given);
      return true;
    },
    listeners(event) {
      return (listsOf(this)[event] ?? []).map((each) => each.listener ?? each);
    },
    rawListeners(event) {
      return [...(listsOf(this)[event] ?? [])];
    },
    listenerCount(event, listener) {
      const list = this.listeners(event);
      return listener === undefined ? list.length : list.filter((each) => each === listener).length;
    },
    eventNames() {
      return ownKeys(listsOf(this));
    },
    setMaxListeners(count) {
      if (typeof count !== "number" || !(count >= 0)) throw outOfRange("setMaxListeners", "a non-negative number", count);
      this._maxListeners = count;
      return this;
    },
    getMaxListeners() {
      return this._maxListeners ?? EventEmitter.defaultMaxListeners;
    },
  };
  methods.addListener = methods.on;
  methods.off = methods.removeListener;
  Object.assign(EventEmitter.prototype, methods, { _events: undefined, _eventsCount: 0, _maxListeners: undefined });

  function aborted(signal) {
    return Object.assign(new Error("The operation was aborted", { cause: signal.reason }), { name: "AbortError", code: "ABORT_ERR" });
  }

  /** The next time an event is emitted: what it came with. */
  function once(emitter, event, { signal } = {}) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) throw aborted(signal);
      if (typeof emitter.addEventListener === "function" && typeof emitter.on !== "function") {
        emitter.addEventListener(event, (given) => resolve([given]), { once: true });
        return;
      }
      const done = (...given) => {
        emitter.removeListener("error", failed);
        resolve(given);
      };
      const failed = (error) => {
        emitter.removeListener(event, done);
        reject(error);
      };
      emitter.once(event, done);
      if (event !== "error") emitter.once("error", failed);
      signal?.addEventListener("abort", () => {
        emitter.removeListener(event, done);
        failed(aborted(signal));
      }, { once: true });
    });
  }

  /** Every time an event is emitted, as an async iterator. */
  async function* on(emitter, event, { signal } = {}) {
    const waiting = [];
    let wake = () => {}, error = null;
    const note = (...given) => {
      waiting.push(given);
      wake();
    };
    const fail = (reason) => {
      error = { reason };
      wake();
    };
    emitter.on(event, note);
    if (event !== "error") emitter.on("error", fail);
    signal?.addEventListener("abort", () => fail(aborted(signal)), { once: true });
    try {
      if (signal?.aborted) throw aborted(signal);
      for (;;) {
        while (waiting.length) yield waiting.shift();
        if (error) throw error.reason;
        await new Promise((resolve) => (wake = resolve));
      }
    } finally {
      emitter.removeListener(event, note);
      emitter.removeListener("error", fail);
    }
  }

  Object.assign(EventEmitter, {
    EventEmitter, errorMonitor, on, once,
    captureRejectionSymbol: Symbol.for("nodejs.rejection"),
    defaultMaxListeners: 10,
    getEventListeners: (emitter, event) => emitter.listeners(event),
    listenerCount: (emitter, event) => emitter.listenerCount(event),
    setMaxListeners() {},
  });
  return EventEmitter;
}
