// Byte streams: the controller that fills its readers' own buffers, and the readers that hand them in (WHATWG Streams).
(native, shared) => {
  "use strict";
  const { KEY, dictionary, expose, needKey, whole } = shared.use("idl");
  const { attempt, begun, invalidState, quiet, upon, wrongThis } = shared.use("streams/queues");
  const { Hold, asPromise, releasedError, sourceOf } = shared.use("streams/readable");
  const { apply } = Reflect;
  const { transfer } = ArrayBuffer.prototype;
  const views = { __proto__: null, DataView };
  for (const made of [
    Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, Float32Array, Float64Array,
    BigInt64Array, BigUint64Array, ...(globalThis.Float16Array ? [Float16Array] : []),
  ]) views[made.name] = made;

  const take = (buffer) => apply(transfer, buffer, []);

  function needView(view, name) {
    if (!ArrayBuffer.isView(view)) {
      throw shared.use("invalid").wrongType(name, "an instance of Buffer, TypedArray, or DataView", view);
    }
    if (native.classOf(view.buffer) !== "ArrayBuffer") throw new TypeError("A view of a SharedArrayBuffer can't be handed over");
  }

  function needContent(view) {
    if (view.buffer.detached) throw invalidState("Viewed ArrayBuffer is detached");
    if (!view.byteLength || !view.buffer.byteLength) throw invalidState("View or Viewed ArrayBuffer is zero-length or detached");
  }

  /** A buffer on its way to be filled, for a reader of this kind: "byob", "default", or "none" any more. */
  class Filling {
    filled = 0;
    make = null;
    unit = 1;
    least = 0;
    offset = 0;
    length = 0;
    whole = 0;
    kind = "";
    buffer = null;

    constructor(view, least, kind) {
      const name = native.classOf(view);
      this.make = views[name];
      this.unit = view.BYTES_PER_ELEMENT ?? 1;
      this.least = least * this.unit;
      this.offset = view.byteOffset;
      this.length = view.byteLength;
      this.whole = view.buffer.byteLength;
      this.kind = kind;
      this.buffer = take(view.buffer);
    }

    view() {
      return new this.make(take(this.buffer), this.offset, this.filled / this.unit);
    }
  }

  class ByteControl {
    isByte = true;
    started = false;
    ending = false;
    total = 0; // bytes that wait
    request = null; // the ReadableStreamBYOBRequest that has been handed out, and what takes its power away
    revoke = quiet;
    #queue = []; // Uint8Arrays
    #fillings = [];
    #pulling = false;
    #again = false;
    source = null;
    mark = 0;
    allocate = undefined;
    pull = undefined;
    onCancel = undefined;
    face = null;

    constructor(source, { start, pull, cancel }, mark, allocate) {
      this.source = source;
      source.controller = this;
      this.mark = mark;
      this.allocate = allocate;
      this.pull = pull;
      this.onCancel = cancel;
      this.face = new ReadableByteStreamController(KEY, this);
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
      return state === "errored" ? null : state === "closed" ? 0 : this.mark - this.total;
    }

    callPull() {
      if (!this.isOpen || !this.started) return;
      if (!this.source.waiting("default") && !this.source.waiting("byob") && !(this.desired > 0)) return;
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

    #clear() {
      this.#revoke();
      this.#fillings = [];
      this.#queue = [];
      this.total = 0;
    }

    #revoke() {
      this.revoke();
      this.request = null;
    }

    #end() {
      this.pull = this.onCancel = undefined;
      this.source.close();
    }

    close() {
      if (!this.isOpen) return;
      if (this.total) {
        this.ending = true;
        return;
      }
      const [first] = this.#fillings;
      if (first && first.filled % first.unit) {
        const error = invalidState("Partial read");
        this.fail(error);
        throw error;
      }
      this.#end();
    }

    fail(error) {
      if (this.source.state !== "readable") return;
      this.#clear();
      this.pull = this.onCancel = undefined;
      this.source.fail(error);
    }

    cancelled(reason) {
      this.#clear();
      const done = this.onCancel ? attempt(this.onCancel, undefined, [reason]) : Promise.resolve();
      this.pull = this.onCancel = undefined;
      return done;
    }

    released() {
      const [first] = this.#fillings;
      if (!first) return;
      first.kind = "none";
      this.#fillings = [first];
    }

    // ---- what waits

    #wait(bytes) {
      this.#queue.push(bytes);
      this.total += bytes.length;
    }

    /** What a reader that has let go had got stays for the next. */
    #keep(filling) {
      if (filling.filled) this.#wait(new Uint8Array(filling.buffer, filling.offset, filling.filled).slice());
      this.#fillings.shift();
    }

    /** Moves bytes that wait into a buffer; whether it holds enough then. */
    #fill(filling) {
      const most = filling.filled + Math.min(this.total, filling.length - filling.filled);
      const aligned = most - most % filling.unit, ready = aligned >= filling.least;
      let rest = (ready ? aligned : most) - filling.filled;
      const to = new Uint8Array(filling.buffer, filling.offset, filling.length);
      while (rest > 0) {
        const [head] = this.#queue, part = head.subarray(0, rest);
        to.set(part, filling.filled);
        if (part.length === head.length) this.#queue.shift();
        else this.#queue[0] = head.subarray(part.length);
        this.total -= part.length;
        filling.filled += part.length;
        rest -= part.length;
      }
      return ready;
    }

    #fillAll() {
      const done = [];
      while (this.#fillings.length && this.total && this.#fill(this.#fillings[0])) done.push(this.#fillings.shift());
      return done;
    }

    #drained() {
      if (this.total === 0 && this.ending) this.#end();
      else this.callPull();
    }

    #handOut(request) {
      const bytes = this.#queue.shift();
      this.total -= bytes.length;
      this.#drained();
      request.chunk(bytes);
    }

    /** Whether a buffer waits to be filled. */
    get isAsked() {
      return this.#fillings.length > 0;
    }

    #commit(filling) {
      this.source.fulfil(filling.view(), this.source.state === "closed");
    }

    enqueue(chunk) {
      if (!this.isOpen) return;
      const { byteOffset, byteLength } = chunk;
      const bytes = new Uint8Array(take(chunk.buffer), byteOffset, byteLength);
      const [first] = this.#fillings;
      if (first) {
        if (first.buffer.detached) throw invalidState("The pending view's buffer is detached");
        this.#revoke();
        first.buffer = take(first.buffer);
        if (first.kind === "none") this.#keep(first);
      }
      const { reader } = this.source;
      if (reader?.kind === "default") {
        while (reader.requests.length && this.total) this.#handOut(reader.requests.shift());
        if (reader.requests.length) {
          this.#fillings.shift();
          this.source.fulfil(bytes, false);
        } else {
          this.#wait(bytes);
        }
      } else {
        this.#wait(bytes);
        if (reader) for (const filling of this.#fillAll()) this.#commit(filling);
      }
      this.callPull();
    }

    // ---- what is read

    pulled(request) {
      if (this.total) {
        this.#handOut(request);
        return;
      }
      if (this.allocate !== undefined) {
        try {
          this.#fillings.push(new Filling(new Uint8Array(this.allocate), 1, "default"));
        } catch (error) {
          request.fail(error);
          return;
        }
      }
      this.source.reader.requests.push(request);
      this.callPull();
    }

    pullInto(view, least, request) {
      let filling;
      try {
        filling = new Filling(view, least, "byob");
      } catch (error) {
        request.fail(error);
        return;
      }
      if (!this.#fillings.length) {
        if (this.source.state === "closed") {
          request.close(filling.view());
          return;
        }
        if (this.total) {
          if (this.#fill(filling)) {
            const filled = filling.view();
            this.#drained();
            request.chunk(filled);
            return;
          }
          if (this.ending) {
            const error = invalidState("Insufficient bytes to fill elements in the given buffer");
            this.fail(error);
            request.fail(error);
            return;
          }
        }
      }
      this.#fillings.push(filling);
      this.source.reader.requests.push(request);
      this.callPull();
    }

    get byobRequest() {
      const [first] = this.#fillings;
      if (!this.request && first) {
        const { buffer, filled, length, offset } = first;
        this.request = new ReadableStreamBYOBRequest(KEY, this, new Uint8Array(buffer, offset + filled, length - filled));
      }
      return this.request;
    }

    // ---- what a request is answered

    respond(count) {
      const [first] = this.#fillings;
      if (this.source.state === "closed") {
        if (count) throw invalidState("bytesWritten must be 0: the stream is closed");
      } else if (!count) {
        throw invalidState("bytesWritten must be greater than 0: the stream is open");
      } else if (first.filled + count > first.length) {
        throw shared.use("invalid").outOfRange("bytesWritten", `<= ${first.length - first.filled}`, count);
      }
      first.buffer = take(first.buffer);
      this.#responded(count);
    }

    respondWith(view) {
      const [first] = this.#fillings, { byteLength, byteOffset } = view;
      if (this.source.state === "closed") {
        if (byteLength) throw invalidState("The view must be empty: the stream is closed");
      } else if (!byteLength) {
        throw invalidState("The view must not be empty: the stream is open");
      }
      if (
        first.offset + first.filled !== byteOffset || first.whole !== view.buffer.byteLength ||
        first.filled + byteLength > first.length
      ) {
        const message = "The view does not lie where the requested one does";
        throw shared.use("invalid").failure(RangeError, "ERR_INVALID_ARG_VALUE", message);
      }
      first.buffer = take(view.buffer);
      this.#responded(byteLength);
    }

    #responded(count) {
      this.#revoke();
      if (this.source.state === "closed") this.#respondedClosed();
      else this.#respondedOpen(this.#fillings[0], count);
      this.callPull();
    }

    #respondedClosed() {
      if (this.#fillings[0].kind === "none") this.#fillings.shift();
      const { reader } = this.source;
      if (reader?.kind !== "byob") return;
      const done = this.#fillings.splice(0, reader.requests.length);
      for (const filling of done) this.#commit(filling);
    }

    #respondedOpen(first, count) {
      first.filled += count;
      if (first.kind === "none") {
        this.#keep(first);
        for (const filling of this.#fillAll()) this.#commit(filling);
        return;
      }
      if (first.filled < first.least) return;
      this.#fillings.shift();
      const over = first.filled % first.unit;
      if (over) {
        const end = first.offset + first.filled;
        this.#wait(new Uint8Array(first.buffer, end - over, over).slice());
        first.filled -= over;
      }
      const done = this.#fillAll();
      this.#commit(first);
      for (const filling of done) this.#commit(filling);
    }
  }

  class ReadableByteStreamController {
    #control;

    constructor(key, control) {
      needKey(key);
      this.#control = control;
    }

    get byobRequest() {
      return this.#control.byobRequest;
    }

    get desiredSize() {
      return this.#control.desired;
    }

    close() {
      if (!this.#control.isOpen) throw invalidState("Controller is already closed");
      this.#control.close();
    }

    enqueue(chunk) {
      needView(chunk, "chunk");
      needContent(chunk);
      if (!this.#control.isOpen) throw invalidState("Controller is already closed");
      this.#control.enqueue(chunk);
    }

    error(error = undefined) {
      this.#control.fail(error);
    }
  }

  class ReadableStreamBYOBRequest {
    #control;
    #view;

    constructor(key, control, view) {
      needKey(key);
      this.#control = control;
      this.#view = view;
      control.revoke = () => {
        this.#control = undefined;
        this.#view = null;
      };
    }

    get view() {
      return this.#view;
    }

    respond(count) {
      count = whole(count, "bytesWritten");
      if (!this.#control) throw invalidState("This BYOB request has been invalidated");
      if (this.#view.buffer.detached) throw invalidState("Viewed ArrayBuffer is detached");
      this.#control.respond(count);
    }

    respondWithNewView(view) {
      needView(view, "view");
      if (!this.#control) throw invalidState("This BYOB request has been invalidated");
      if (view.buffer.detached) throw invalidState("Viewed ArrayBuffer is detached");
      this.#control.respondWith(view);
    }
  }

  class ReadableStreamBYOBReader {
    #hold;

    constructor(stream) {
      const source = sourceOf(stream);
      if (!source.isByte) {
        throw shared.use("invalid").failure(TypeError, "ERR_INVALID_ARG_VALUE", "The stream is no byte stream: it has no BYOB reader");
      }
      this.#hold = new Hold(source, "byob");
    }

    get closed() {
      return #hold in this ? this.#hold.closed.promise : Promise.reject(wrongThis("ReadableStreamBYOBReader"));
    }

    async read(view, options = undefined) {
      if (!(#hold in this)) throw wrongThis("ReadableStreamBYOBReader");
      const { min = 1 } = dictionary(options, "options"), least = whole(min, "options.min");
      needView(view, "view");
      needContent(view);
      if (!least) throw shared.use("invalid").failure(TypeError, "ERR_INVALID_ARG_VALUE", "options.min must be greater than 0");
      const most = view.length ?? view.byteLength;
      if (least > most) throw shared.use("invalid").outOfRange("options.min", `<= ${most}`, least);
      const { source } = this.#hold;
      if (!source) throw releasedError();
      return asPromise((request) => {
        source.disturbed = true;
        if (source.state === "errored") request.fail(source.error);
        else source.controller.pullInto(view, least, request);
      });
    }

    cancel(reason = undefined) {
      return #hold in this ? this.#hold.cancel(reason) : Promise.reject(wrongThis("ReadableStreamBYOBReader"));
    }

    releaseLock() {
      this.#hold.release();
    }
  }

  function control(source, callbacks, mark, allocate) {
    if (allocate !== undefined && !(allocate = whole(allocate, "source.autoAllocateChunkSize"))) {
      throw new TypeError("source.autoAllocateChunkSize must be greater than 0");
    }
    return new ByteControl(source, callbacks, mark, allocate);
  }

  /** A byte stream from functions of the prelude's own. */
  function byteStream(callbacks, mark = 0) {
    const { ReadableStream, Source } = shared.use("streams/readable"), source = new Source();
    const stream = new ReadableStream(KEY, source);
    control(source, callbacks, mark);
    return stream;
  }

  /** A byte stream of what is there already: make() is called when it is first read. */
  function streamOf(make) {
    return byteStream({
      pull(controller) {
        const bytes = make();
        if (bytes.length) controller.enqueue(bytes);
        controller.close();
        controller.byobRequest?.respond(0);
      },
      cancel: quiet,
    });
  }

  expose(ReadableByteStreamController, ReadableStreamBYOBRequest, ReadableStreamBYOBReader);
  return {
    ReadableByteStreamController, ReadableStreamBYOBReader, ReadableStreamBYOBRequest, byteStream, control, streamOf,
  };
}
