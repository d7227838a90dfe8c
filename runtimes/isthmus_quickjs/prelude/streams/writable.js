// WritableStream, its writers and controllers (WHATWG Streams).
(native, shared) => {
  "use strict";
  const { KEY, dictionary, expose, needKey } = shared.use("idl");
  const { Queue, attempt, begun, invalidState, markFrom, method, rejected, settleable, sizer, upon, wrongThis } =
    shared.use("streams/queues");
  const END = Symbol("end of the stream");
  const lostError = () => invalidState("The writer is released");

  /** A promise that is made anew once it is settled. */
  class Renewable {
    #made = settleable();
    #isOpen = true;

    get promise() {
      return this.#made.promise;
    }

    resolve(value) {
      this.#isOpen = false;
      this.#made.resolve(value);
    }

    reject(error) {
      if (!this.#isOpen) this.#made = settleable();
      this.#isOpen = false;
      this.#made.reject(error);
    }

    renew() {
      this.#made = settleable();
      this.#isOpen = true;
    }
  }

  /** What a WritableStream is behind its face. */
  class Sink {
    state = "writable";
    error = undefined;
    writer = null;
    control = null;
    requests = [];
    writing = null;
    closeRequest = null;
    closing = null;
    aborting = null;
    backpressure = false;

    get isClosing() {
      return this.closeRequest !== null || this.closing !== null;
    }

    get isOver() {
      return this.state === "closed" || this.state === "errored";
    }

    abort(reason) {
      if (this.isOver) return Promise.resolve();
      this.control.abortSignal(reason);
      if (this.isOver) return Promise.resolve();
      if (this.aborting) return this.aborting.promise;
      const erring = this.state === "erroring";
      const { promise, reject, resolve } = settleable();
      this.aborting = { promise, reject, resolve, erring, reason: erring ? undefined : reason };
      if (!erring) this.startFailing(reason);
      return promise;
    }

    close() {
      if (this.isOver) return Promise.reject(invalidState("The stream is closed or errored"));
      this.closeRequest = settleable();
      if (this.writer && this.backpressure && this.state === "writable") this.writer.ready.resolve();
      const { promise } = this.closeRequest;
      this.control.push(END, 0);
      return promise;
    }

    rejectedWith(error) {
      if (this.state === "writable") this.startFailing(error);
      else this.finishFailing();
    }

    startFailing(reason) {
      this.state = "erroring";
      this.error = reason;
      this.writer?.ready.reject(reason);
      if (!this.writing && !this.closing && this.control.started) this.finishFailing();
    }

    finishFailing() {
      this.state = "errored";
      this.control.queue.clear();
      const { aborting, requests } = this;
      this.requests = [];
      for (const request of requests) request.reject(this.error);
      this.aborting = null;
      if (!aborting) return this.#rejectClosed();
      if (aborting.erring) {
        aborting.reject(this.error);
        return this.#rejectClosed();
      }
      upon(this.control.aborted(aborting.reason), () => {
        aborting.resolve();
        this.#rejectClosed();
      }, (error) => {
        aborting.reject(error);
        this.#rejectClosed();
      });
    }

    #rejectClosed() {
      this.closeRequest?.reject(this.error);
      this.closeRequest = null;
      this.writer?.closed.reject(this.error);
    }

    written() {
      this.writing.resolve();
      this.writing = null;
    }

    notWritten(error) {
      this.writing.reject(error);
      this.writing = null;
      this.rejectedWith(error);
    }

    closed() {
      this.closing.resolve();
      this.closing = null;
      if (this.state === "erroring") {
        this.error = undefined;
        this.aborting?.resolve();
        this.aborting = null;
      }
      this.state = "closed";
      this.writer?.closed.resolve();
    }

    notClosed(error) {
      this.closing.reject(error);
      this.closing = null;
      this.aborting?.reject(error);
      this.aborting = null;
      this.rejectedWith(error);
    }

    press(backpressure) {
      if (this.writer && backpressure !== this.backpressure) {
        if (backpressure) this.writer.ready.renew();
        else this.writer.ready.resolve();
      }
      this.backpressure = backpressure;
    }
  }

  class Control {
    queue = new Queue();
    started = false;
    #abort = null;
    sink = null;
    mark = 0;
    size = undefined;
    onWrite = undefined;
    onClose = undefined;
    onAbort = undefined;
    face = null;

    constructor(sink, { start, write, close, abort }, mark, size) {
      this.sink = sink;
      sink.control = this;
      this.mark = mark;
      this.size = size;
      this.onWrite = write;
      this.onClose = close;
      this.onAbort = abort;
      this.face = new WritableStreamDefaultController(KEY, this);
      sink.press(this.desired <= 0);
      upon(begun(start?.(this.face)), () => {
        this.started = true;
        this.advance();
      }, (error) => {
        this.started = true;
        sink.rejectedWith(error);
      });
    }

    get desired() {
      return this.mark - this.queue.total;
    }

    get signal() {
      this.#abort ??= new (shared.use("abort").AbortController)();
      return this.#abort.signal;
    }

    abortSignal(reason) {
      this.signal;
      this.#abort.abort(reason);
    }

    forget() {
      this.onWrite = this.onClose = this.onAbort = this.size = undefined;
    }

    aborted(reason) {
      const done = this.onAbort ? attempt(this.onAbort, undefined, [reason]) : Promise.resolve();
      this.forget();
      return done;
    }

    sizeOf(chunk) {
      if (!this.size) return 1;
      try {
        return this.size(chunk);
      } catch (error) {
        this.failIfOpen(error);
        return 1;
      }
    }

    push(chunk, size) {
      try {
        this.queue.push(chunk, size);
      } catch (error) {
        this.failIfOpen(error);
        return;
      }
      const { sink } = this;
      if (chunk !== END && !sink.isClosing && sink.state === "writable") sink.press(this.desired <= 0);
      this.advance();
    }

    failIfOpen(error) {
      if (this.sink.state !== "writable") return;
      this.forget();
      this.sink.startFailing(error);
    }

    advance() {
      const { queue, sink } = this;
      if (!this.started || sink.writing) return;
      if (sink.state === "erroring") sink.finishFailing();
      else if (queue.length) {
        if (queue.peek() === END) this.#end();
        else this.#write(queue.peek());
      }
    }

    #end() {
      const { queue, sink } = this;
      sink.closing = sink.closeRequest;
      sink.closeRequest = null;
      queue.shift();
      const done = this.onClose ? attempt(this.onClose, undefined, []) : Promise.resolve();
      this.forget();
      upon(done, () => sink.closed(), (error) => sink.notClosed(error));
    }

    #write(chunk) {
      const { queue, sink } = this;
      sink.writing = sink.requests.shift();
      const done = this.onWrite ? attempt(this.onWrite, undefined, [chunk, this.face]) : Promise.resolve();
      upon(done, () => {
        sink.written();
        const { state } = sink;
        queue.shift();
        if (!sink.isClosing && state === "writable") sink.press(this.desired <= 0);
        this.advance();
      }, (error) => {
        if (sink.state === "writable") this.forget();
        sink.notWritten(error);
      });
    }
  }

  class WritableStreamDefaultController {
    #control;

    constructor(key, control) {
      needKey(key);
      this.#control = control;
    }

    get signal() {
      return this.#control.signal;
    }

    error(error = undefined) {
      this.#control.failIfOpen(error);
    }
  }

  /** What a writer is behind its face: it holds the stream until it lets go. */
  class Grip {
    ready = new Renewable();
    closed = new Renewable();
    sink = null;

    constructor(sink) {
      if (sink.writer) throw invalidState("WritableStream is locked");
      this.sink = sink;
      sink.writer = this;
      const { state } = sink;
      if (state === "writable" ? sink.isClosing || !sink.backpressure : state === "closed") this.ready.resolve();
      if (state === "closed") this.closed.resolve();
      if (state === "erroring" || state === "errored") this.ready.reject(sink.error);
      if (state === "errored") this.closed.reject(sink.error);
    }

    get desired() {
      const { control, state } = this.sink;
      return state === "errored" || state === "erroring" ? null : state === "closed" ? 0 : control.desired;
    }

    write(chunk) {
      const { sink } = this, { control } = sink, size = control.sizeOf(chunk);
      if (sink !== this.sink) return Promise.reject(lostError());
      if (sink.state === "errored") return Promise.reject(sink.error);
      if (sink.isClosing || sink.state === "closed") return Promise.reject(invalidState("The stream is closing or closed"));
      if (sink.state === "erroring") return Promise.reject(sink.error);
      const request = Promise.withResolvers();
      sink.requests.push(request);
      control.push(chunk, size);
      return request.promise;
    }

    close() {
      return this.sink.isClosing ? Promise.reject(invalidState("The stream is closing already")) : this.sink.close();
    }

    /** Closes what is not closing yet; an error of the stream is the result's. */
    closeOnce() {
      const { sink } = this;
      if (sink.isClosing || sink.state === "closed") return Promise.resolve();
      return sink.state === "errored" ? rejected(sink.error) : sink.close();
    }

    release() {
      const error = lostError();
      this.ready.reject(error);
      this.closed.reject(error);
      this.sink.writer = this.sink = null;
    }
  }

  class WritableStreamDefaultWriter {
    #grip;

    constructor(stream) {
      this.#grip = new Grip(sinkOf(stream, "stream"));
    }

    get closed() {
      return #grip in this ? this.#grip.closed.promise : Promise.reject(wrongThis("WritableStreamDefaultWriter"));
    }

    get ready() {
      return #grip in this ? this.#grip.ready.promise : Promise.reject(wrongThis("WritableStreamDefaultWriter"));
    }

    get desiredSize() {
      if (!this.#grip.sink) throw lostError();
      return this.#grip.desired;
    }

    /** The promise that an act on what is held answers with, whatever keeps it from being done. */
    static #act(writer, act) {
      if (!(#grip in writer)) return Promise.reject(wrongThis("WritableStreamDefaultWriter"));
      return writer.#grip.sink ? act(writer.#grip) : Promise.reject(lostError());
    }

    abort(reason = undefined) {
      return WritableStreamDefaultWriter.#act(this, (grip) => grip.sink.abort(reason));
    }

    close() {
      return WritableStreamDefaultWriter.#act(this, (grip) => grip.close());
    }

    write(chunk = undefined) {
      return WritableStreamDefaultWriter.#act(this, (grip) => grip.write(chunk));
    }

    releaseLock() {
      if (this.#grip.sink) this.#grip.release();
    }
  }

  let sinkOf;

  class WritableStream {
    #sink;

    constructor(underlying = undefined, strategy = undefined) {
      const sink = this.#sink = new Sink();
      if (underlying === KEY) {
        strategy(sink);
        return;
      }
      if (underlying === undefined) underlying = { __proto__: null };
      if (Object(underlying) !== underlying) throw shared.use("invalid").wrongType("sink", "of type object", underlying);
      strategy = dictionary(strategy, "strategy");
      const mark = strategy.highWaterMark, size = method(strategy, "size");
      const [abort, close, start] = ["abort", "close", "start"].map(bound);
      if (underlying.type !== undefined) {
        throw shared.use("invalid").failure(RangeError, "ERR_INVALID_ARG_VALUE", `The property 'sink.type' is invalid. Received ${String(underlying.type)}`);
      }
      const write = bound("write");
      new Control(sink, { start, write, close, abort }, markFrom(mark, 1), sizer(size));

      function bound(name) {
        const found = method(underlying, name);
        return found && ((...values) => Reflect.apply(found, underlying, values));
      }
    }

    static {
      sinkOf = (stream, name) => {
        if (typeof stream === "object" && stream !== null && #sink in stream) return stream.#sink;
        throw shared.use("invalid").wrongType(name, "an instance of WritableStream", stream);
      };
    }

    /** Does to a stream what needs it unlocked; the answer is a promise in any case. */
    static #act(stream, act) {
      if (!(#sink in stream)) return Promise.reject(wrongThis("WritableStream"));
      return stream.#sink.writer ? Promise.reject(invalidState("WritableStream is locked")) : act(stream.#sink);
    }

    get locked() {
      return this.#sink.writer !== null;
    }

    abort(reason = undefined) {
      return WritableStream.#act(this, (sink) => sink.abort(reason));
    }

    close() {
      return WritableStream.#act(this, (sink) =>
        sink.isClosing ? Promise.reject(invalidState("The stream is closing already")) : sink.close());
    }

    getWriter() {
      return new WritableStreamDefaultWriter(this);
    }

    [Symbol.for("nodejs.util.inspect.custom")]() {
      return shared.use("inspect").look(WritableStream, { locked: this.locked, state: this.#sink.state });
    }
  }

  /** A stream from functions of the prelude's own, and what it is behind its face. */
  function writable(callbacks, mark = 1, size = () => 1) {
    let made;
    const stream = new WritableStream(KEY, (sink) => (made = new Control(sink, callbacks, mark, size)));
    return { stream, control: made };
  }

  expose(WritableStream, WritableStreamDefaultWriter, WritableStreamDefaultController);
  return { Grip, WritableStream, WritableStreamDefaultController, WritableStreamDefaultWriter, sinkOf, writable };
}
