// Streams joined by pipes, and made of anything that can be iterated (WHATWG Streams).
(native, shared) => {
  "use strict";
  const { dictionary } = shared.use("idl");
  const { attempt, invalidState, quiet, upon } = shared.use("streams/queues");
  const { Hold, readable } = shared.use("streams/readable");
  const { apply } = Reflect;

  /** StreamPipeOptions, read in the order the specification reads them. */
  function settings(options) {
    const given = dictionary(options, "options");
    const [abort, cancel, close] = ["preventAbort", "preventCancel", "preventClose"].map((name) => Boolean(given[name]));
    const { signal } = given;
    if (signal !== undefined && !(signal instanceof shared.use("abort").AbortSignal)) {
      throw shared.use("invalid").wrongType("options.signal", "an instance of AbortSignal", signal);
    }
    return { abort: !abort, cancel: !cancel, close: !close, signal };
  }

  /** One pipe: its reads and writes, until one end closes or fails, or it is told to stop. */
  class Pipe {
    #result = Promise.withResolvers();
    #stopping = false;
    #written = Promise.resolve();
    source = null;
    sink = null;
    settings = null;
    hold = null;
    writer = null;
    listener = null;

    constructor(source, sink, settings) {
      this.source = source;
      this.sink = sink;
      this.settings = settings;
      this.hold = new Hold(source, "default");
      this.writer = new (shared.use("streams/writable").Grip)(sink);
      source.disturbed = true;
    }

    run() {
      const { signal } = this.settings;
      if (signal) {
        if (signal.aborted) {
          this.#aborted();
          return this.#result.promise;
        }
        this.listener = () => this.#aborted();
        signal.addEventListener("abort", this.listener);
      }
      this.#watch();
      this.#next();
      return this.#result.promise;
    }

    #watch() {
      const { hold, settings, sink, source, writer } = this;
      const failed = (error) => this.#stop(settings.abort ? () => sink.abort(error) : null, true, error);
      const broken = (error) => this.#stop(settings.cancel ? () => source.cancel(error) : null, true, error);
      const ended = () => this.#stop(settings.close ? () => writer.closeOnce() : null);
      if (source.state === "errored") failed(source.error);
      else upon(hold.closed.promise, quiet, failed);
      if (sink.state === "errored") broken(sink.error);
      else upon(writer.closed.promise, quiet, broken);
      if (source.state === "closed") ended();
      else upon(hold.closed.promise, ended);
      if (sink.isClosing || sink.state === "closed") broken(invalidState("Destination WritableStream is closed"));
    }

    #aborted() {
      const { settings: { abort, cancel, signal }, sink, source } = this, { reason } = signal;
      this.#stop(() => Promise.all([
        abort && sink.state === "writable" ? sink.abort(reason) : undefined,
        cancel && source.state === "readable" ? source.cancel(reason) : undefined,
      ]), true, reason);
    }

    #next() {
      if (this.#stopping) return;
      upon(this.writer.ready.promise, () => {
        if (this.#stopping || !this.hold.source) return;
        this.source.read({
          chunk: (value) => {
            // Not from within the source's enqueue(): in a job of its own.
            this.#written = upon(Promise.resolve(), () => {
              const written = upon(this.writer.write(value), quiet);
              this.#next();
              return written;
            });
          },
          close: quiet,
          fail: quiet,
        });
      });
    }

    /** Waits until all that was read has been written. */
    #flushed() {
      const written = this.#written;
      return upon(written, () => (written === this.#written ? undefined : this.#flushed()));
    }

    #stop(action, isError = false, error = undefined) {
      if (this.#stopping) return;
      this.#stopping = true;
      const act = () => {
        if (!action) this.#finish(isError, error);
        else upon(attempt(action), () => this.#finish(isError, error), (other) => this.#finish(true, other));
      };
      if (this.sink.state === "writable" && !this.sink.isClosing) upon(this.#flushed(), act);
      else act();
    }

    #finish(isError, error) {
      this.writer.release();
      this.hold.release();
      if (this.listener) this.settings.signal.removeEventListener("abort", this.listener);
      if (isError) this.#result.reject(error);
      else this.#result.resolve(undefined);
    }
  }

  function pipe(source, sink, settings) {
    return new Pipe(source, sink, settings).run();
  }

  function from(iterable) {
    const notIterable = () => {
      throw shared.use("invalid").failure(TypeError, "ERR_ARG_NOT_ITERABLE", `${shared.use("inspect").inspect(iterable)} is not iterable`);
    };
    if (iterable === null || iterable === undefined) notIterable();
    const method = iterable[Symbol.asyncIterator] ?? iterable[Symbol.iterator];
    if (typeof method !== "function") notIterable();
    const iterator = apply(method, iterable, []);
    if (Object(iterator) !== iterator) throw new TypeError("The iterator method must return an object");
    const { next } = iterator;

    function checked(result, method) {
      if (Object(result) === result) return result;
      throw new TypeError(`The promise returned by the iterator's ${method}() method must fulfill with an object`);
    }

    async function pull(controller) {
      const result = checked(await apply(next, iterator, []), "next");
      if (result.done) controller.close();
      else controller.enqueue(await result.value);
    }

    async function cancel(reason) {
      const end = iterator.return;
      if (end === undefined || end === null) return;
      checked(await apply(end, iterator, [reason]), "return");
    }

    return readable(quiet, pull, cancel, 0);
  }

  return { from, pipe, settings };
}
