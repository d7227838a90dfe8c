// Timers: one sleep of the host at a time, for the timer that is due first.
(native, shared) => {
  "use strict";
  const LONGEST = 2147483647;
  const queue = []; // due first comes first, then who was there first
  const numbers = Object.create(null);
  let lastNumber = 0, sleeping = null;

  /** What setTimeout returns: Node's Timeout, which may be used as a number too. */
  class Timeout {
    #held = true;

    constructor(callback, delay, values, repeats) {
      delay = Number(delay);
      this._idleTimeout = delay >= 1 && delay <= LONGEST ? Math.trunc(delay) : repeats === null ? 0 : 1;
      this._repeat = repeats ? this._idleTimeout : null;
      this._onTimeout = callback;
      Object.defineProperty(this, "timer", { value: { due: 0, number: ++lastNumber, values } });
      numbers[lastNumber] = this;
      schedule(this);
    }

    ref() {
      this.#held = true;
      return this;
    }

    unref() {
      this.#held = false;
      return this;
    }

    hasRef() {
      return this.#held;
    }

    refresh() {
      if (numbers[this.timer.number] === this) schedule(this);
      return this;
    }

    close() {
      clear(this);
      return this;
    }

    [Symbol.toPrimitive]() {
      return this.timer.number;
    }
  }
  Object.defineProperty(Timeout.prototype, Symbol.dispose ?? "dispose", { value: Timeout.prototype.close });

  function schedule(timeout) {
    unschedule(timeout);
    const { timer } = timeout;
    timer.due = native.now() + timeout._idleTimeout;
    let at = queue.length;
    while (at > 0 && queue[at - 1].timer.due > timer.due) at--;
    queue.splice(at, 0, timeout);
    sleep();
  }

  function unschedule(timeout) {
    const at = queue.indexOf(timeout);
    if (at >= 0) queue.splice(at, 1);
  }

  function sleep() {
    const due = queue[0]?.timer.due;
    if (sleeping?.due === due) return;
    if (sleeping) shared.cancel(sleeping.id);
    sleeping = null;
    if (due === undefined) return;
    sleeping = { due, id: shared.sleep(due - native.now(), () => wake(due)) };
  }

  /** Runs what is due, each in a job of its own, so that what one leaves behind runs before the next. */
  async function wake(due) {
    sleeping = null;
    const now = Math.max(due, native.now());
    while (queue.length && queue[0].timer.due <= now) {
      const timeout = queue.shift();
      if (timeout._repeat === null) delete numbers[timeout.timer.number];
      try {
        timeout._onTimeout(...timeout.timer.values);
      } catch (error) {
        shared.uncaught(error);
      }
      if (timeout._repeat !== null && numbers[timeout.timer.number] === timeout && !queue.includes(timeout)) schedule(timeout);
      await null;
    }
    sleep();
  }

  // Timers that are left when a call ends are dropped.
  shared.atEnd(() => {
    queue.length = 0;
    for (const number in numbers) delete numbers[number];
    sleeping = null;
  });

  function clear(timeout) {
    const found = timeout instanceof Timeout ? timeout : numbers[timeout];
    if (!found) return;
    delete numbers[found.timer.number];
    unschedule(found);
    sleep();
  }

  function start(name, callback, delay, values, repeats) {
    shared.refuseWhileLoading(name);
    if (typeof callback !== "function") throw shared.use("invalid").wrongType("callback", "of type function", callback);
    return new Timeout(callback, delay, values, repeats);
  }

  return {
    setTimeout: (callback, delay, ...values) => start("setTimeout", callback, delay, values, false),
    setInterval: (callback, delay, ...values) => start("setInterval", callback, delay, values, true),
    setImmediate: (callback, ...values) => start("setImmediate", callback, 0, values, null),
    clearTimeout: clear,
    clearInterval: clear,
    clearImmediate: clear,
  };
}
