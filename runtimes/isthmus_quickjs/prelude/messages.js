// MessageChannel: two ports, one hands the other copies; both are in one world (HTML).
(native, shared) => {
  "use strict";
  const { EventTarget, dispatch, handlers } = shared.use("events");
  const { KEY, dictionary, expose, needArguments, needKey } = shared.use("idl");
  let entangle, heirOf, isDetached, isPort;

  class MessagePort extends EventTarget {
    #other = null;
    #waiting = []; // messages that have come, until the port is started
    #started = false;
    #detached = false;

    constructor(key) {
      needKey(key);
      super();
    }

    static {
      isPort = (value) => typeof value === "object" && value !== null && #other in value;
      isDetached = (port) => port.#detached;
      entangle = (one, two) => {
        one.#other = two;
        two.#other = one;
      };
      /** The port that takes the place of one that is handed on, and what does so. */
      heirOf = (port) => {
        const heir = new MessagePort(KEY);
        return { port: heir, take: () => heir.#succeed(port) };
      };
    }

    postMessage(message, options = undefined) {
      needArguments(arguments, "message");
      const isList = typeof options?.[Symbol.iterator] === "function";
      const given = isList ? options : dictionary(options, "options").transfer ?? [];
      const transfer = [...given];
      if (transfer.includes(this)) throw new DOMException("The port can't be sent through itself", "DataCloneError");
      const { copyOf } = shared.use("clone");
      const { copy, ports } = copyOf(message, transfer);
      if (transfer.includes(this.#other) || !this.#other) return;
      this.#other.#take({ data: copy, ports });
    }

    #succeed(port) {
      if (port.#other) entangle(this, port.#other);
      this.#waiting = port.#waiting;
      port.#other = null;
      port.#waiting = [];
      port.#detached = true;
    }

    #take(message) {
      this.#waiting.push(message);
      if (this.#started) this.#deliver();
    }

    /** Each message is heard in a task of its own. */
    #deliver() {
      shared.use("timers").setImmediate(() => {
        if (!this.#waiting.length) return;
        const { MessageEvent } = shared.use("events/kinds");
        dispatch(this, new MessageEvent("message", this.#waiting.shift()));
      });
    }

    start() {
      if (this.#started) return;
      this.#started = true;
      for (let i = 0; i < this.#waiting.length; i++) this.#deliver();
    }

    close() {
      if (this.#other) this.#other.#other = null;
      this.#other = null;
    }

    [Symbol.for("nodejs.util.inspect.custom")]() {
      return shared.use("inspect").look(MessagePort, { active: this.#other !== null });
    }
  }

  class MessageChannel {
    #ports = [new MessagePort(KEY), new MessagePort(KEY)];

    constructor() {
      entangle(...this.#ports);
    }

    get port1() {
      return this.#ports[0];
    }

    get port2() {
      return this.#ports[1];
    }
  }

  handlers(MessagePort, ["message"], (port) => port.start());
  handlers(MessagePort, ["messageerror"]);
  expose(MessageChannel, MessagePort);
  return { MessageChannel, MessagePort, heirOf, isDetached, isPort };
}
