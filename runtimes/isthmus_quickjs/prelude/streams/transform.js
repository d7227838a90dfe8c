// TransformStream: what is written to one side is read, changed, from the other (WHATWG Streams).
(native, shared) => {
  "use strict";
  const { KEY, dictionary, expose, needKey } = shared.use("idl");
  const { attempt, invalidState, markFrom, method, settleable, sizer, upon } = shared.use("streams/queues");
  const { readable: newReadable, sourceOf } = shared.use("streams/readable");
  const { writable: newWritable } = shared.use("streams/writable");

  /** What a TransformStream is behind its face. */
  class Change {
    #pressed = false;
    #turned = settleable();
    #finishing = null;
    transform = undefined;
    flush = undefined;
    cancel = undefined;
    readable = null;
    writable = null;
    into = null; // the writable side's controller
    out = null; // the readable side's
    face = null;

    constructor({ start, transform, flush, cancel }, [writableMark, writableSize], [readableMark, readableSize]) {
      this.transform = transform;
      this.flush = flush;
      this.cancel = cancel;
      const started = settleable(), begin = () => started.promise;
      const { stream, control } = newWritable({
        start: begin,
        write: (chunk) => this.#written(chunk),
        close: () => this.#finish(this.flush, [this.face], () => this.out.close()),
        abort: (reason) => this.#finish(this.cancel, [reason], () => this.out.fail(reason)),
      }, writableMark, writableSize);
      this.writable = stream;
      this.into = control;
      this.readable = newReadable(begin, () => {
        this.#press(false);
        return this.#turned.promise;
      }, (reason) => this.#cancelled(reason), readableMark, readableSize);
      this.out = sourceOf(this.readable).controller;
      this.#press(true);
      this.face = new TransformStreamDefaultController(KEY, this);
      started.resolve(start?.(this.face));
    }

    #press(pressed) {
      this.#turned.resolve();
      this.#turned = settleable();
      this.#pressed = pressed;
    }

    #forget() {
      this.transform = this.flush = this.cancel = undefined;
    }

    #written(chunk) {
      if (!this.#pressed) return this.#transformed(chunk);
      return upon(this.#turned.promise, () => {
        const { sink } = this.into;
        if (sink.state === "erroring") throw sink.error;
        return this.#transformed(chunk);
      });
    }

    #transformed(chunk) {
      if (!this.transform) {
        this.enqueue(chunk);
        return Promise.resolve();
      }
      return upon(attempt(this.transform, undefined, [chunk, this.face]), undefined, (error) => {
        this.fail(error);
        throw error;
      });
    }

    /** The writable side's end: the transformer's last word, then the readable side's. */
    #finish(last, values, end) {
      if (this.#finishing) return this.#finishing.promise;
      const finishing = this.#finishing = settleable(), { source } = this.out;
      const done = last ? attempt(last, undefined, values) : Promise.resolve();
      this.#forget();
      upon(done, () => {
        if (source.state === "errored") {
          finishing.reject(source.error);
        } else {
          end();
          finishing.resolve();
        }
      }, (error) => {
        this.out.fail(error);
        finishing.reject(error);
      });
      return finishing.promise;
    }

    #cancelled(reason) {
      if (this.#finishing) return this.#finishing.promise;
      const finishing = this.#finishing = settleable(), { sink } = this.into;
      const done = this.cancel ? attempt(this.cancel, undefined, [reason]) : Promise.resolve();
      this.#forget();
      const stop = (error, settle) => {
        this.into.failIfOpen(error);
        if (this.#pressed) this.#press(false);
        settle(error);
      };
      upon(done, () => {
        if (sink.state === "errored") finishing.reject(sink.error);
        else stop(reason, () => finishing.resolve());
      }, (error) => stop(error, finishing.reject));
      return finishing.promise;
    }

    #failWritable(error) {
      this.#forget();
      this.into.failIfOpen(error);
      if (this.#pressed) this.#press(false);
    }

    fail(error) {
      this.out.fail(error);
      this.#failWritable(error);
    }

    enqueue(chunk) {
      const { out } = this;
      if (!out.isOpen) throw invalidState("The readable side is closed or errored");
      try {
        out.enqueue(chunk);
      } catch (error) {
        this.#failWritable(error);
        throw out.source.error;
      }
      const pressed = !out.wantsMore;
      if (pressed !== this.#pressed) this.#press(true);
    }

    terminate() {
      this.out.close();
      this.#failWritable(invalidState("TransformStream has been terminated"));
    }
  }

  class TransformStreamDefaultController {
    #change;

    constructor(key, change) {
      needKey(key);
      this.#change = change;
    }

    get desiredSize() {
      return this.#change.out.desired;
    }

    enqueue(chunk = undefined) {
      this.#change.enqueue(chunk);
    }

    error(reason = undefined) {
      this.#change.fail(reason);
    }

    terminate() {
      this.#change.terminate();
    }
  }

  class TransformStream {
    #change;

    constructor(transformer = undefined, writableStrategy = undefined, readableStrategy = undefined) {
      if (transformer === undefined) transformer = { __proto__: null };
      if (Object(transformer) !== transformer) throw shared.use("invalid").wrongType("transformer", "of type object", transformer);
      writableStrategy = dictionary(writableStrategy, "writableStrategy");
      readableStrategy = dictionary(readableStrategy, "readableStrategy");
      const bound = (name) => {
        const found = method(transformer, name);
        return found && ((...values) => Reflect.apply(found, transformer, values));
      };
      const refuse = (name) => {
        if (transformer[name] === undefined) return;
        const message = `The property 'transformer.${name}' is invalid. Received ${String(transformer[name])}`;
        throw shared.use("invalid").failure(RangeError, "ERR_INVALID_ARG_VALUE", message);
      };
      const cancel = bound("cancel"), flush = bound("flush");
      refuse("readableType");
      const start = bound("start"), transform = bound("transform");
      refuse("writableType");
      const out = [markFrom(readableStrategy.highWaterMark, 0), sizer(method(readableStrategy, "size"))];
      const into = [markFrom(writableStrategy.highWaterMark, 1), sizer(method(writableStrategy, "size"))];
      this.#change = new Change({ start, transform, flush, cancel }, into, out);
    }

    get readable() {
      return this.#change.readable;
    }

    get writable() {
      return this.#change.writable;
    }

    [Symbol.for("nodejs.util.inspect.custom")]() {
      const { readable, writable } = this;
      return shared.use("inspect").look(TransformStream, { readable, writable });
    }
  }

  /** {readable, writable} from functions of the prelude's own. */
  function transform(callbacks) {
    return new Change(callbacks, [1, () => 1], [0, () => 1]);
  }

  expose(TransformStream, TransformStreamDefaultController);
  return { TransformStream, TransformStreamDefaultController, transform };
}
