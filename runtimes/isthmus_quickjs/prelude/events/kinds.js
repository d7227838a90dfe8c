// Events that carry something: CustomEvent, ErrorEvent, MessageEvent, PromiseRejectionEvent.
(native, shared) => {
  "use strict";
  const { Event } = shared.use("events");
  const { dictionary, expose, needArguments } = shared.use("idl");
  const { isArray } = Array;

  const text = (value) => (value === undefined ? "" : `${value}`);
  const or = (value, otherwise) => (value === undefined ? otherwise : value);

  class CustomEvent extends Event {
    #detail;

    constructor(type, init = undefined) {
      needArguments(arguments, "type");
      super(type, init);
      this.#detail = or(dictionary(init, "options").detail, null);
    }

    get detail() {
      return this.#detail;
    }

    initCustomEvent(type, bubbles = false, cancelable = false, detail = null) {
      needArguments(arguments, "type");
      this.initEvent(type, bubbles, cancelable);
      this.#detail = detail;
    }
  }

  class ErrorEvent extends Event {
    #said;

    constructor(type, init = undefined) {
      needArguments(arguments, "type");
      super(type, init);
      const { colno, error, filename, lineno, message } = dictionary(init, "options");
      this.#said = { colno: colno >>> 0, error, filename: text(filename), lineno: lineno >>> 0, message: text(message) };
    }

    get message() {
      return this.#said.message;
    }

    get filename() {
      return this.#said.filename;
    }

    get lineno() {
      return this.#said.lineno;
    }

    get colno() {
      return this.#said.colno;
    }

    get error() {
      return this.#said.error;
    }
  }

  class MessageEvent extends Event {
    #said;

    constructor(type, init = undefined) {
      needArguments(arguments, "type");
      super(type, init);
      const { data, lastEventId, origin, ports, source } = dictionary(init, "options");
      this.#said = {
        data: or(data, null), lastEventId: text(lastEventId), origin: text(origin), source: or(source, null),
        ports: Object.freeze(ports === undefined ? [] : [...ports]),
      };
    }

    get data() {
      return this.#said.data;
    }

    get origin() {
      return this.#said.origin;
    }

    get lastEventId() {
      return this.#said.lastEventId;
    }

    get source() {
      return this.#said.source;
    }

    get ports() {
      return this.#said.ports;
    }

    initMessageEvent(type, bubbles, cancelable, data = null, origin = "", lastEventId = "", source = null, ports = []) {
      needArguments(arguments, "type");
      this.initEvent(type, bubbles, cancelable);
      this.#said = {
        data, lastEventId: `${lastEventId}`, origin: `${origin}`, source,
        ports: Object.freeze(isArray(ports) ? [...ports] : []),
      };
    }
  }

  class PromiseRejectionEvent extends Event {
    #promise;
    #reason;

    constructor(type, init) {
      needArguments(arguments, "type", "eventInitDict");
      super(type, init);
      const { promise, reason } = dictionary(init, "options");
      if (typeof promise !== "object" || promise === null) {
        throw shared.use("invalid").wrongType("options.promise", "an instance of Promise", promise);
      }
      this.#promise = promise;
      this.#reason = reason;
    }

    get promise() {
      return this.#promise;
    }

    get reason() {
      return this.#reason;
    }
  }

  expose(CustomEvent, ErrorEvent, MessageEvent, PromiseRejectionEvent);
  return { CustomEvent, ErrorEvent, MessageEvent, PromiseRejectionEvent };
}
