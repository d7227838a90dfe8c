// A body's stream with the ways of Node's streams, which node-fetch's bodies are: it flows once someone listens.
(native, shared) => {
  "use strict";
  const EventEmitter = shared.use("node/events");
  const flows = new WeakMap();

  class Flow {
    #stream;
    #emitter = new EventEmitter();
    #begun = false;

    constructor(stream) {
      this.#stream = stream;
    }

    async #run() {
      try {
        for await (const piece of this.#stream) this.#emitter.emit("data", piece);
        this.#emitter.emit("end");
      } catch (error) {
        this.#emitter.emit("error", error);
      }
      this.#emitter.emit("close");
    }

    resume() {
      if (!this.#begun) queueMicrotask(() => void this.#run());
      this.#begun = true;
      return this.#stream;
    }

    on(name, listener) {
      this.#emitter.on(name, listener);
      return name === "data" ? this.resume() : this.#stream;
    }

    once(name, listener) {
      this.#emitter.once(name, listener);
      return name === "data" ? this.resume() : this.#stream;
    }

    removeListener(name, listener) {
      this.#emitter.removeListener(name, listener);
      return this.#stream;
    }

    pipe(writable) {
      this.on("end", () => writable.end?.());
      this.on("data", (piece) => writable.write(piece));
      return writable;
    }
  }

  function flowOf(stream) {
    if (!flows.has(stream)) flows.set(stream, new Flow(stream));
    return flows.get(stream);
  }

  return { flowOf };
}
