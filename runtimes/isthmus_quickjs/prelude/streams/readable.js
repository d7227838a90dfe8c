// ReadableStream, its default readers and controllers (WHATWG Streams); bytes.js has those of bytes.
(native, shared) => {
  "use strict";
  const { KEY, dictionary, expose, needKey } = shared.use("idl");
  const queues = shared.use("streams/queues");
  const { Queue, attempt, begun, invalidState, markFrom, method, rejected, settleable, sizer, upon, wrongThis } = queues;
  const releasedError = () => invalidState("The reader is released");

  /** What a ReadableStream is behind its face. */
  class Source {
    state = "readable";
    disturbed = false;
    error = undefined;
    reader = null;
    controller = null;
    face = null;

    get isByte() {
      return this.controller.isByte;
    }

    waiting(kind) {
      return this.reader?.kind === kind ? this.reader.requests.length : 0;
    }

    #answer(answer) {
      const { requests } = this.reader;
      this.reader.requests = [];
      for (const request of requests) answer(request);
    }

    close() {
      this.state = "closed";
      if (!this.reader) return;
      this.reader.closed.resolve();
      if (this.reader.kind === "default") this.#answer((request) => request.close());
    }

    fail(error) {
      this.state = "errored";
      this.error = error;
      if (!this.reader) return;
      this.reader.closed.reject(error);
      this.#answer((request) => request.fail(error));
    }

    cancel(reason) {
      this.disturbed = true;
      if (this.state === "closed") return Promise.resolve();
      if (this.state === "errored") return rejected(this.error);
      this.close();
      if (this.reader?.kind === "byob") this.#answer((request) => request.close(undefined));
      return upon(this.controller.cancelled(reason), () => undefined, (error) => { throw error; });
    }

    /** Hands a chunk to whoever has waited longest. */
    fulfil(chunk, done) {
      const request = this.reader.requests.shift();
      if (done) request.close(chunk);
      else request.chunk(chunk);
    }

    read(request) {
      this.disturbed = true;
      if (this.state === "closed") request.close();
      else if (this.state === "errored") request.fail(this.error);
      else this.controller.pulled(request);
    }
  }

  /** What a reader is behind its face: it holds the stream until it lets go. */
  class Hold {
    requests = [];
    closed = settleable();
    source = null;
    kind = "";

    constructor(source, kind) {
      if (source.reader) throw invalidState("ReadableStream is locked");
      this.source = source;
      this.kind = kind;
      source.reader = this;
      if (source.state === "closed") this.closed.resolve();
      else if (source.state === "errored") this.closed.reject(source.error);
    }

    cancel(reason) {
      return this.source ? this.source.cancel(reason) : rejected(releasedError());
    }

    release() {
      const { source } = this;
      if (!source) return;
      const error = releasedError();
      if (source.state !== "readable") this.closed = settleable();
      this.closed.reject(error);
      source.controller.released();
      source.reader = this.source = null;
      const { requests } = this;
      this.requests = [];
      for (const request of requests) request.fail(error);
    }
  }

  class DefaultControl {
    isByte = false;
    queue = new Queue();
    started = false;
    ending = false;
    #pulling = false;
    #again = false;
    source = null;
    mark = 0;
    size = undefined;
    pull = undefined;
    onCancel = undefined;
    face = null;

    constructor(source, { start, pull, cancel }, mark, size) {
      this.source = source;
      source.controller = this;
      this.mark = mark;
      this.size = size;
      this.pull = pull;
      this.onCancel = cancel;
      this.face = new ReadableStreamDefaultController(KEY, this);
      upon(begun(start?.(this.face)), () => {
        this.started = true;
        this.callPull();
      }, (error) => this.fail(error));
    }

    get isOpen() {
      return !this.ending && this.source.state === "readable";
    }

    get desired() {
      const { state } = this.source;
      return state === "errored" ? null : state === "closed" ? 0 : this.mark - this.queue.total;
    }

    get wantsMore() {
      return this.isOpen && this.started && (this.source.waiting("default") > 0 || this.desired > 0);
    }

    callPull() {
      if (!this.wantsMore) return;
      if (this.#pulling) {
        this.#again = true;
        return;
      }
      this.#pulling = true;
      upon(this.pull ? attempt(this.pull, undefined, [this.face]) : Promise.resolve(), () => {
        this.#pulling = false;
        if (!this.#again) return;
        this.#again = false;
        this.callPull();
      }, (error) => this.fail(error));
    }

    forget() {
      this.pull = this.onCancel = this.size = undefined;
    }

    close() {
      if (!this.isOpen) return;
      this.ending = true;
      if (this.queue.length) return;
      this.forget();
      this.source.close();
    }

    enqueue(chunk) {
      if (!this.isOpen) return;
      if (this.source.waiting("default")) {
        this.source.fulfil(chunk, false);
      } else {
        try {
          const size = this.size(chunk);
          this.queue.push(chunk, size);
        } catch (error) {
          this.fail(error);
          throw error;
        }
      }
      this.callPull();
    }

    fail(error) {
      if (this.source.state !== "readable") return;
      this.queue.clear();
      this.forget();
      this.source.fail(error);
    }

    cancelled(reason) {
      this.queue.clear();
      const done = this.onCancel ? attempt(this.onCancel, undefined, [reason]) : Promise.resolve();
      this.forget();
      return done;
    }

    pulled(request) {
      if (this.queue.length) {
        const chunk = this.queue.shift();
        if (this.ending && !this.queue.length) {
          this.forget();
          this.source.close();
        } else {
          this.callPull();
        }
        request.chunk(chunk);
      } else {
        this.source.reader.requests.push(request);
        this.callPull();
      }
    }

    released() {}
  }

  class ReadableStreamDefaultController {
    #control;

    constructor(key, control) {
      needKey(key);
      this.#control = control;
    }

    get desiredSize() {
      return this.#control.desired;
    }

    close() {
      if (!this.#control.isOpen) throw invalidState("Controller is already closed");
      this.#control.close();
    }

    enqueue(chunk = undefined) {
      if (!this.#control.isOpen) throw invalidState("Controller is already closed");
      this.#control.enqueue(chunk);
    }

    error(error = undefined) {
      this.#control.fail(error);
    }
  }

  /** A read that settles a promise of {value, done}. */
  function asPromise(read) {
    const made = Promise.withResolvers();
    read({
      chunk: (value) => made.resolve({ value, done: false }),
      close: (value) => made.resolve({ value, done: true }),
      fail: made.reject,
    });
    return made.promise;
  }

  class ReadableStreamDefaultReader {
    #hold;

    constructor(stream) {
      this.#hold = new Hold(sourceOf(stream), "default");
    }

    get closed() {
      return #hold in this ? this.#hold.closed.promise : Promise.reject(wrongThis("ReadableStreamDefaultReader"));
    }

    read() {
      if (!(#hold in this)) return Promise.reject(wrongThis("ReadableStreamDefaultReader"));
      const { source } = this.#hold;
      return source ? asPromise((request) => source.read(request)) : Promise.reject(releasedError());
    }

    cancel(reason = undefined) {
      return #hold in this ? this.#hold.cancel(reason) : Promise.reject(wrongThis("ReadableStreamDefaultReader"));
    }

    releaseLock() {
      this.#hold.release();
    }
  }

  /** Reads a stream chunk by chunk; a next() waits for the one before it. */
  class Iteration {
    #ongoing = null;
    #finished = false;
    hold = null;
    keep = false;

    constructor(source, preventCancel) {
      this.hold = new Hold(source, "default");
      this.keep = preventCancel;
    }

    #after(step) {
      return (this.#ongoing = this.#ongoing ? upon(this.#ongoing, step, step) : step());
    }

    next() {
      return this.#after(() => {
        if (this.#finished) return Promise.resolve({ value: undefined, done: true });
        const { source } = this.hold, made = Promise.withResolvers();
        const finish = (settle, value) => {
          this.#ongoing = null;
          this.#finished = true;
          this.hold.release();
          settle(value);
        };
        source.read({
          chunk: (value) => {
            this.#ongoing = null;
            queueMicrotask(() => made.resolve({ value, done: false }));
          },
          close: () => finish(made.resolve, { value: undefined, done: true }),
          fail: (error) => finish(made.reject, error),
        });
        return made.promise;
      });
    }

    return(value) {
      return this.#after(() => {
        if (this.#finished) return Promise.resolve({ value, done: true });
        this.#finished = true;
        const { hold } = this;
        const done = this.keep ? Promise.resolve() : hold.cancel(value);
        hold.release();
        return upon(done, () => ({ value, done: true }), (error) => { throw error; });
      });
    }
  }

  const iterations = new WeakMap();
  const iteratorPrototype = Object.create(Object.getPrototypeOf(Object.getPrototypeOf(async function* () {}.prototype)), {
    next: {
      value: function next() {
        const found = iterations.get(this);
        return found ? found.next() : Promise.reject(wrongThis("ReadableStreamAsyncIterator"));
      },
      writable: true, enumerable: true, configurable: true,
    },
    return: {
      value: { return(value) {
        const found = iterations.get(this);
        return found ? found.return(value) : Promise.reject(wrongThis("ReadableStreamAsyncIterator"));
      } }.return,
      writable: true, enumerable: true, configurable: true,
    },
  });

  let sourceOf, isStream;

  class ReadableStream {
    #source;

    constructor(underlying = undefined, strategy = undefined) {
      if (underlying === KEY) {
        this.#source = strategy;
        strategy.face = this;
        return;
      }
      if (underlying === undefined) underlying = { __proto__: null };
      if (typeof underlying !== "object" && typeof underlying !== "function" || underlying === null) {
        throw shared.use("invalid").wrongType("source", "of type object", underlying);
      }
      strategy = dictionary(strategy, "strategy");
      const mark = strategy.highWaterMark, size = method(strategy, "size");
      const chunkSize = underlying.autoAllocateChunkSize;
      const [cancel, pull, start] = ["cancel", "pull", "start"].map((name) => {
        const found = method(underlying, name);
        return found && ((...values) => Reflect.apply(found, underlying, values));
      });
      const { type } = underlying;
      const source = this.#source = new Source();
      source.face = this;
      if (type !== undefined && `${type}` !== "bytes") {
        throw shared.use("invalid").failure(TypeError, "ERR_INVALID_ARG_VALUE", `The property 'source.type' is invalid. Received ${String(type)}`);
      }
      if (type !== undefined) {
        if (size !== undefined) {
          throw shared.use("invalid").failure(RangeError, "ERR_INVALID_ARG_VALUE", "The property 'strategy.size' is invalid for a byte stream");
        }
        shared.use("streams/bytes").control(source, { start, pull, cancel }, markFrom(mark, 0), chunkSize);
      } else {
        new DefaultControl(source, { start, pull, cancel }, markFrom(mark, 1), sizer(size));
      }
    }

    static {
      sourceOf = (stream, name = "stream") => {
        if (typeof stream === "object" && stream !== null && #source in stream) return stream.#source;
        throw shared.use("invalid").wrongType(name, "an instance of ReadableStream", stream);
      };
      isStream = (value) => typeof value === "object" && value !== null && #source in value;
    }

    static from(iterable) {
      return shared.use("streams/pipes").from(iterable);
    }

    get locked() {
      return this.#source.reader !== null;
    }

    cancel(reason = undefined) {
      if (!(#source in this)) return Promise.reject(wrongThis("ReadableStream"));
      return this.#source.reader ? Promise.reject(invalidState("ReadableStream is locked")) : this.#source.cancel(reason);
    }

    getReader(options = undefined) {
      if (!(#source in this)) throw wrongThis("ReadableStream");
      const { mode } = dictionary(options, "options");
      if (mode === undefined) return new ReadableStreamDefaultReader(this);
      if (`${mode}` !== "byob") {
        throw shared.use("invalid").failure(TypeError, "ERR_INVALID_ARG_VALUE", `The property 'options.mode' is invalid. Received '${mode}'`);
      }
      return new (shared.use("streams/bytes").ReadableStreamBYOBReader)(this);
    }

    pipeThrough(pair, options = undefined) {
      if (!(#source in this)) throw wrongThis("ReadableStream");
      const given = dictionary(pair, "transform"), { readable } = given;
      sourceOf(readable, "transform.readable");
      const sink = shared.use("streams/writable").sinkOf(given.writable, "transform.writable");
      const settings = shared.use("streams/pipes").settings(options);
      if (this.locked) throw invalidState("The ReadableStream is locked");
      if (sink.writer) throw invalidState("The WritableStream is locked");
      upon(shared.use("streams/pipes").pipe(this.#source, sink, settings), undefined);
      return readable;
    }

    pipeTo(destination, options = undefined) {
      try {
        if (!(#source in this)) throw wrongThis("ReadableStream");
        const sink = shared.use("streams/writable").sinkOf(destination, "destination");
        const settings = shared.use("streams/pipes").settings(options);
        if (this.locked) throw invalidState("The ReadableStream is locked");
        if (sink.writer) throw invalidState("The WritableStream is locked");
        return shared.use("streams/pipes").pipe(this.#source, sink, settings);
      } catch (error) {
        return Promise.reject(error);
      }
    }

    tee() {
      return shared.use("streams/tee").split(this.#source);
    }

    values(options = undefined) {
      if (!(#source in this)) throw wrongThis("ReadableStream");
      const made = Object.create(iteratorPrototype);
      iterations.set(made, new Iteration(this.#source, Boolean(dictionary(options, "options").preventCancel)));
      return made;
    }

    [Symbol.for("nodejs.util.inspect.custom")]() {
      const { state } = this.#source;
      return shared.use("inspect").look(ReadableStream, {
        locked: this.locked, state, supportsBYOB: this.#source.isByte,
      });
    }
  }
  const { values } = ReadableStream.prototype;
  Object.defineProperty(ReadableStream.prototype, Symbol.asyncIterator, { value: values, writable: true, configurable: true });

  /** A stream from functions of the prelude's own. */
  function readable(start, pull, cancel, mark = 1, size = () => 1) {
    const source = new Source(), stream = new ReadableStream(KEY, source);
    new DefaultControl(source, { start, pull, cancel }, mark, size);
    return stream;
  }

  expose(ReadableStream, ReadableStreamDefaultReader, ReadableStreamDefaultController);
  return {
    Hold, ReadableStream, ReadableStreamDefaultController, ReadableStreamDefaultReader, Source, isStream, readable,
    releasedError, sourceOf, asPromise,
  };
}
