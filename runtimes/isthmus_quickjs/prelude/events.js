// Event and EventTarget (DOM): one target at a time, for there is no tree of them.
(native, shared) => {
  "use strict";
  const { constants, dictionary, expose, needArguments } = shared.use("idl");
  const { apply } = Reflect;
  const PHASES = { NONE: 0, CAPTURING_PHASE: 1, AT_TARGET: 2, BUBBLING_PHASE: 3 };

  /** What an event is behind its face. */
  class Course {
    at = native.now();
    target = null;
    current = null;
    trusted = false;
    dispatched = false;
    passive = false;
    canceled = false;
    stopped = false; // before the next target
    ended = false; // before the next listener

    constructor(type, bubbles, cancelable, composed) {
      this.type = type;
      this.bubbles = bubbles;
      this.cancelable = cancelable;
      this.composed = composed;
    }

    cancel() {
      if (this.cancelable && !this.passive) this.canceled = true;
    }
  }

  let courseOf, isEvent, listenersOf;
  const { get: isTrusted } = Object.getOwnPropertyDescriptor({
    get isTrusted() {
      return courseOf(this).trusted;
    },
  }, "isTrusted");

  class Event {
    #course;

    constructor(type, init = undefined) {
      needArguments(arguments, "type");
      const { bubbles, cancelable, composed } = dictionary(init, "options");
      this.#course = new Course(`${type}`, Boolean(bubbles), Boolean(cancelable), Boolean(composed));
      Object.defineProperty(this, "isTrusted", { get: isTrusted, enumerable: true });
    }

    static {
      courseOf = (event) => event.#course;
      isEvent = (value) => typeof value === "object" && value !== null && #course in value;
    }

    get type() {
      return this.#course.type;
    }

    get target() {
      return this.#course.target;
    }

    get srcElement() {
      return this.#course.target;
    }

    get currentTarget() {
      return this.#course.current;
    }

    composedPath() {
      return this.#course.current ? [this.#course.current] : [];
    }

    get eventPhase() {
      return this.#course.current ? PHASES.AT_TARGET : PHASES.NONE;
    }

    stopPropagation() {
      this.#course.stopped = true;
    }

    get cancelBubble() {
      return this.#course.stopped;
    }

    set cancelBubble(value) {
      if (value) this.#course.stopped = true;
    }

    stopImmediatePropagation() {
      this.#course.stopped = this.#course.ended = true;
    }

    get bubbles() {
      return this.#course.bubbles;
    }

    get cancelable() {
      return this.#course.cancelable;
    }

    get returnValue() {
      return !this.#course.canceled;
    }

    set returnValue(value) {
      if (!value) this.#course.cancel();
    }

    preventDefault() {
      this.#course.cancel();
    }

    get defaultPrevented() {
      return this.#course.canceled;
    }

    get composed() {
      return this.#course.composed;
    }

    get timeStamp() {
      return Math.max(0, this.#course.at - shared.use("performance").performance.timeOrigin);
    }

    initEvent(type, bubbles = false, cancelable = false) {
      needArguments(arguments, "type");
      const course = this.#course;
      if (!course.dispatched) {
        this.#course = Object.assign(new Course(`${type}`, Boolean(bubbles), Boolean(cancelable), course.composed), {
          at: course.at, target: course.target,
        });
      }
    }

    [Symbol.for("nodejs.util.inspect.custom")]() {
      const { cancelable, defaultPrevented, timeStamp, type } = this;
      return shared.use("inspect").look(this.constructor, { type, defaultPrevented, cancelable, timeStamp });
    }
  }

  /** The options of a listener; a boolean says whether it captures. */
  function settings(options) {
    if (typeof options !== "object" && typeof options !== "function" || options === null) return { capture: Boolean(options) };
    const { capture, once, passive, signal } = options;
    if (signal !== undefined) {
      const { AbortSignal } = shared.use("abort");
      if (!(signal instanceof AbortSignal)) throw shared.use("invalid").wrongType("options.signal", "an instance of AbortSignal", signal);
    }
    return { capture: Boolean(capture), once: Boolean(once), passive: Boolean(passive), signal };
  }

  function needCallback(callback) {
    if (typeof callback === "function" || typeof callback === "object") return callback;
    if (callback === undefined) return null;
    throw shared.use("invalid").wrongType("listener", "an instance of EventListener", callback);
  }

  class EventTarget {
    #listeners = [];

    static {
      listenersOf = (target) => target.#listeners;
    }

    addEventListener(type, callback, options = undefined) {
      needArguments(arguments, "type", "listener");
      type = `${type}`;
      callback = needCallback(callback);
      const { capture, once, passive, signal } = settings(options);
      if (callback === null || signal?.aborted || this.#find(type, callback, capture) >= 0) return;
      const listener = { type, callback, capture, once, passive, removed: false };
      this.#listeners.push(listener);
      if (signal) shared.use("abort").upon(signal, () => this.#remove(listener));
    }

    removeEventListener(type, callback, options = undefined) {
      needArguments(arguments, "type", "listener");
      const capture = typeof options === "object" && options !== null ? Boolean(options.capture) : Boolean(options);
      const found = this.#listeners[this.#find(`${type}`, needCallback(callback), capture)];
      if (found) this.#remove(found);
    }

    #find(type, callback, capture) {
      return this.#listeners.findIndex((each) => each.type === type && each.callback === callback && each.capture === capture);
    }

    #remove(listener) {
      listener.removed = true;
      const at = this.#listeners.indexOf(listener);
      if (at >= 0) this.#listeners.splice(at, 1);
    }

    dispatchEvent(event) {
      needArguments(arguments, "event");
      if (!isEvent(event)) throw shared.use("invalid").wrongType("event", "an instance of Event", event);
      if (courseOf(event).dispatched) throw new DOMException("The event is already being dispatched", "InvalidStateError");
      return dispatch(this, event, false);
    }
  }

  function hear(target, event, { callback }) {
    try {
      if (typeof callback === "function") apply(callback, target, [event]);
      else callback.handleEvent(event);
    } catch (error) {
      shared.uncaught(error);
    }
  }

  /** Hands an event to a target's listeners; false where one has prevented what would follow. */
  function dispatch(target, event, trusted = true) {
    const course = courseOf(event), { type } = course;
    course.dispatched = true;
    course.trusted = trusted;
    course.target = course.current = target;
    for (const capture of [true, false]) {
      if (course.stopped) break;
      for (const listener of [...listenersOf(target)]) {
        if (course.ended) break;
        if (listener.removed || listener.type !== type || listener.capture !== capture) continue;
        if (listener.once) target.removeEventListener(type, listener.callback, capture);
        course.passive = listener.passive;
        hear(target, event, listener);
        course.passive = false;
      }
    }
    course.current = null;
    course.dispatched = course.stopped = course.ended = false;
    return !course.canceled;
  }

  /** Attributes like onabort: a function that hears events of a type, in the place where one was first set. */
  function handlers(made, types, changed = () => {}) {
    for (const type of types) {
      const name = `on${type}`, set = new WeakMap();
      const { get, set: put } = Object.getOwnPropertyDescriptor({
        get [name]() {
          return set.get(this)?.current ?? null;
        },
        set [name](value) {
          const current = typeof value === "function" || (typeof value === "object" && value !== null) ? value : null;
          const slot = set.get(this);
          if (slot) slot.current = current;
          else if (current) {
            const placed = { current };
            set.set(this, placed);
            EventTarget.prototype.addEventListener.call(this, type, (event) => {
              if (typeof placed.current === "function" && apply(placed.current, this, [event]) === false) event.preventDefault();
            });
          }
          changed(this);
        },
      }, name);
      Object.defineProperty(made.prototype, name, { get, set: put, enumerable: true, configurable: true });
    }
  }

  constants(Event, PHASES);
  expose(Event, EventTarget);
  return { Event, EventTarget, dispatch, handlers };
}
