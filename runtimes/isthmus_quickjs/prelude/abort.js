// AbortController and AbortSignal (DOM).
(native, shared) => {
  "use strict";
  const { Event, EventTarget, dispatch, handlers } = shared.use("events");
  const { KEY, expose, needArguments, needKey, whole } = shared.use("idl");
  const LONGEST = 2147483647; // milliseconds; as long as timers take
  const custom = Symbol.for("nodejs.util.inspect.custom");
  let trigger, upon;

  class AbortSignal extends EventTarget {
    #aborted = false;
    #reason = undefined;
    #actions = []; // before anyone hears of it
    #sources = null; // of one that any() has made
    #dependents = [];

    constructor(key) {
      needKey(key);
      super();
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

    #mark(reason) {
      this.#aborted = true;
      this.#reason = reason;
    }

    #tell() {
      const actions = this.#actions;
      this.#actions = [];
      for (const action of actions) action();
      dispatch(this, new Event("abort"));
    }

    static {
      trigger = (signal, reason = new DOMException("This operation was aborted", "AbortError")) => {
        if (signal.#aborted) return;
        signal.#mark(reason);
        const followers = signal.#dependents.filter((each) => !each.#aborted);
        for (const follower of followers) follower.#mark(reason);
        signal.#tell();
        for (const follower of followers) follower.#tell();
      };
      upon = (signal, action) => void signal.#actions.push(action);
    }

    static abort(reason = undefined) {
      const signal = new AbortSignal(KEY);
      trigger(signal, reason);
      return signal;
    }

    static timeout(delay) {
      needArguments(arguments, "delay");
      shared.refuseWhileLoading("AbortSignal.timeout");
      const signal = new AbortSignal(KEY);
      const reason = () => new DOMException("The operation was aborted due to timeout", "TimeoutError");
      // In its turn among the timers; one beyond their longest would go off at once.
      shared.use("timers").setTimeout(() => trigger(signal, reason()), Math.min(whole(delay, "delay"), LONGEST));
      return signal;
    }

    static any(signals) {
      needArguments(arguments, "signals");
      const any = new AbortSignal(KEY), given = [...signals];
      for (const [i, signal] of given.entries()) {
        if (signal instanceof AbortSignal) continue;
        throw shared.use("invalid").wrongType(`signals[${i}]`, "an instance of AbortSignal", signal);
      }
      const aborted = given.find((signal) => signal.#aborted);
      if (aborted) any.#mark(aborted.#reason);
      else {
        any.#sources = new Set(given.flatMap((signal) => (signal.#sources ? [...signal.#sources] : [signal])));
        for (const source of any.#sources) source.#dependents.push(any);
      }
      return any;
    }

    [custom]() {
      return `AbortSignal { aborted: ${this.#aborted} }`;
    }
  }

  class AbortController {
    #signal = new AbortSignal(KEY);

    get signal() {
      return this.#signal;
    }

    abort(reason = undefined) {
      trigger(this.#signal, reason);
    }

    [custom]() {
      return `AbortController { signal: AbortSignal { aborted: ${this.#signal.aborted} } }`;
    }
  }

  /** Makes what the code will use, so that it is in its image. */
  function prepare(code) {
    if (code.includes("AbortSignal.timeout")) shared.use("timers");
  }

  handlers(AbortSignal, ["abort"]);
  expose(AbortSignal, AbortController);
  return { AbortController, AbortSignal, prepare, upon };
}
