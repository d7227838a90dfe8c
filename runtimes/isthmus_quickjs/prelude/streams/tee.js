// Streams split in two: what one branch reads the other gets as well (WHATWG Streams).
(native, shared) => {
  "use strict";
  const { quiet, settleable, upon } = shared.use("streams/queues");
  const { Hold, readable } = shared.use("streams/readable");

  /** What both kinds share: who has cancelled, and why. */
  class Split {
    branches = []; // controllers
    gone = [false, false];
    reasons = [undefined, undefined];
    again = [false, false];
    reading = false;
    cancelled = settleable();
    source = null;
    hold = null;

    constructor(source) {
      this.source = source;
      this.hold = new Hold(source, "default");
    }

    get isOpen() {
      return !this.gone[0] || !this.gone[1];
    }

    each(act) {
      for (let i = 0; i < 2; i++) if (!this.gone[i]) act(this.branches[i]);
    }

    cancel(i, reason) {
      this.gone[i] = true;
      this.reasons[i] = reason;
      if (this.gone[1 - i]) this.cancelled.resolve(this.source.cancel(this.reasons));
      return this.cancelled.promise;
    }

    failed(error) {
      this.branches[0].fail(error);
      this.branches[1].fail(error);
      if (this.isOpen) this.cancelled.resolve();
    }

    ended() {
      if (this.isOpen) this.cancelled.resolve();
    }

    /** Chunks are passed on in a job of their own, so that the two branches' readers are not called from within a read. */
    got(act) {
      queueMicrotask(() => {
        this.again = [false, false];
        try {
          act();
        } catch (error) {
          this.branches[0].fail(error);
          this.branches[1].fail(error);
          this.cancelled.resolve(this.source.cancel(error));
        }
        this.reading = false;
        if (this.again[0]) this.pull(0);
        else if (this.again[1]) this.pull(1);
      });
    }

    pull(i) {
      if (this.reading) {
        this.again[i] = true;
      } else {
        this.reading = true;
        this.read(i);
      }
      return Promise.resolve();
    }
  }

  class ChunkSplit extends Split {
    read() {
      this.source.read({
        chunk: (chunk) => this.got(() => this.each((branch) => branch.enqueue(chunk))),
        close: () => {
          this.reading = false;
          this.each((branch) => branch.close());
          this.ended();
        },
        fail: () => void (this.reading = false),
      });
    }
  }

  class ByteSplit extends Split {
    watch() {
      const { hold } = this;
      upon(hold.closed.promise, quiet, (error) => {
        if (hold === this.hold) this.failed(error);
      });
    }

    #hold(kind) {
      if (this.hold.kind === kind) return;
      this.hold.release();
      this.hold = new Hold(this.source, kind);
      this.watch();
    }

    read(i) {
      const { byobRequest } = this.branches[i];
      if (byobRequest) this.#readInto(byobRequest.view, this.branches[i], i);
      else this.#readAny();
    }

    #readAny() {
      this.#hold("default");
      this.source.read({
        chunk: (chunk) => this.got(() => {
          const copy = !this.gone[0] && !this.gone[1] ? chunk.slice() : chunk;
          if (!this.gone[0]) this.branches[0].enqueue(chunk);
          if (!this.gone[1]) this.branches[1].enqueue(copy);
        }),
        close: () => {
          this.reading = false;
          this.each((branch) => branch.close());
          for (const branch of this.branches) if (branch.isAsked) branch.respond(0);
          this.ended();
        },
        fail: () => void (this.reading = false),
      });
    }

    #readInto(view, branch, i) {
      this.#hold("byob");
      const other = this.branches[1 - i];
      const request = {
        chunk: (chunk) => this.got(() => {
          const copy = this.gone[1 - i] ? null : new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength).slice();
          if (!this.gone[i]) branch.respondWith(chunk);
          if (copy) other.enqueue(copy);
        }),
        close: (chunk) => {
          this.reading = false;
          if (!this.gone[i]) branch.close();
          if (!this.gone[1 - i]) other.close();
          if (chunk !== undefined) {
            if (!this.gone[i]) branch.respondWith(chunk);
            if (!this.gone[1 - i] && other.isAsked) other.respond(0);
          }
          this.ended();
        },
        fail: () => void (this.reading = false),
      };
      const { source } = this;
      source.disturbed = true;
      if (source.state === "errored") request.fail();
      else source.controller.pullInto(view, 1, request);
    }
  }

  function split(source) {
    const made = source.isByte ? new ByteSplit(source) : new ChunkSplit(source);
    const streams = [0, 1].map((i) => {
      const pull = () => made.pull(i), cancel = (reason) => made.cancel(i, reason);
      return source.isByte ? shared.use("streams/bytes").byteStream({ pull, cancel }) : readable(undefined, pull, cancel);
    });
    const { sourceOf } = shared.use("streams/readable");
    made.branches = streams.map((stream) => sourceOf(stream).controller);
    if (source.isByte) made.watch();
    else upon(made.hold.closed.promise, quiet, (error) => made.failed(error));
    return streams;
  }

  return { split };
}
