// What is thrown: stacks in V8's form with the author's frames only, Segment's error classes, and how the host is told.
(native, shared) => {
  "use strict";
  const { create, defineProperty, getOwnPropertyDescriptor } = Object;
  const { apply } = Reflect;
  const { slice } = String.prototype;
  const { put, text, use } = shared;
  const LONGEST = 32768; // characters of a message or a stack that are handed over; the host tells half of them
  let authored = ""; // the file name of the author's code
  let mapped = false; // it was made from other files, which the host knows
  const stack = getOwnPropertyDescriptor(Error.prototype, "stack");
  const { captureStackTrace } = Error;

  /** The author's frames of a stack in QuickJS's form: neither the prelude's (no file: they are lean) nor native ones. */
  function ownFrames(trace) {
    let kept = "";
    const lines = `${trace}`.split("\n");
    for (let i = 0; i < lines.length; i++) {
      const line = lines[i];
      if (!line.startsWith("    at ") || line.endsWith("(native)") || line.endsWith("(missing)")) continue;
      if (line.includes("(<null>") || line.includes("isthmus:") || line.includes("at <input>:")) continue;
      kept += kept ? `\n${line}` : line;
    }
    return kept;
  }

  /** Those frames, in the files that the author wrote. */
  function frames(trace) {
    const kept = ownFrames(trace);
    return mapped && kept ? native.utf8Decode(native.call("frames", native.utf8Encode(kept))) : kept;
  }

  function framesOf(error) {
    return frames(apply(stack.get, error, []) ?? "");
  }

  /** V8's form of a stack, which starts with what the error says. */
  function withHead(error, trace) {
    const { name = "Error", message } = error;
    const kept = frames(trace);
    return `${name}${message && `: ${message}`}${kept && `\n${kept}`}`;
  }

  defineProperty(Error.prototype, "stack", {
    get() {
      const trace = apply(stack.get, this, []);
      return typeof trace === "string" ? withHead(this, trace) : trace;
    },
    set: stack.set,
    configurable: true,
  });

  defineProperty(Error, "captureStackTrace", {
    value: function (target, above) {
      apply(captureStackTrace, Error, [target, above]);
      const { value } = getOwnPropertyDescriptor(target, "stack");
      defineProperty(target, "stack", { value: withHead(target, value), writable: true, configurable: true });
    },
    writable: true,
    configurable: true,
  });

  function read(object, name) {
    try {
      return object[name];
    } catch {
      return undefined;
    }
  }

  /** ,"line":…,"column":… of the first frame that is in the author's file. */
  function placeOf(trace) {
    const at = trace.indexOf(`${authored}:`);
    const place = at < 0 ? null : /^(\d{1,9}):(\d{1,9})/.exec(trace.slice(at + authored.length + 1));
    return place ? `,"line":${place[1]},"column":${place[2]}` : "";
  }

  function cut(long) {
    return text(long.length > LONGEST ? apply(slice, long, [0, LONGEST]) : long);
  }

  /** ,"retryAfter":… of an error that says when to try again: seconds, or a header's text, whose date is for the engine to read. */
  function delayOf(error) {
    const said = read(error, "retryAfter");
    const seconds = typeof said === "string" && said ? +said : said;
    if (typeof said === "string" && seconds !== seconds && said.length <= 64) return `,"retryAfter":${text(said)}`;
    return typeof seconds === "number" && seconds >= 0 && seconds < 1e9 ? `,"retryAfter":${seconds}` : "";
  }

  /** JSON text of {name, message, stack, line, column, retryAfter} for whatever was thrown. */
  function describe(error) {
    let name = "Error", message, trace = "", place = "", delay = "";
    const isObject = (typeof error === "object" && error !== null) || typeof error === "function";
    if (isObject && native.proxyTarget(error) === undefined) {
      const given = read(error, "name"), said = read(error, "message");
      if (typeof given === "string" && given) name = given;
      if (typeof said === "string") message = said;
      delay = delayOf(error);
      try {
        trace = frames(read(error, "stack") ?? "");
        place = placeOf(trace);
      } catch {
        trace = "";
      }
    }
    if (message === undefined) {
      try {
        message = isObject ? use("inspect").inspect(error) : String(error);
      } catch {
        message = "something that can't be shown was thrown";
      }
    }
    return `{"name":${cut(name)},"message":${cut(message)},"stack":${cut(trace)}${place}${delay}}`;
  }

  // Segment's error classes (an error's second argument, a cause, means nothing to them).
  const errors = create(null);
  for (const name of ["EventNotSupported", "InvalidEventPayload", "ValidationError", "RetryError", "DropEvent"]) {
    const made = { [name]: class extends Error { constructor(message) { super(message); } } }[name];
    defineProperty(made.prototype, "name", { value: name, writable: true, configurable: true });
    errors[name] = made;
    put(name, made);
  }

  shared.errors = errors;
  shared.framesOf = framesOf;
  return {
    describe,
    frames,
    asCompiled: (error) => ownFrames(apply(stack.get, error, [])),
    codeIs: (file, isMapped) => {
      authored = file;
      mapped = isMapped;
    },
  };
}
