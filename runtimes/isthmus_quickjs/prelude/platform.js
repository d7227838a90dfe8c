// What a global scope tells of itself, and takes: navigator, and errors that are reported.
(native, shared) => {
  "use strict";
  const { expose, needArguments, needKey, KEY } = shared.use("idl");

  class Navigator {
    constructor(key) {
      needKey(key);
    }

    get userAgent() {
      return "isthmus";
    }

    [Symbol.for("nodejs.util.inspect.custom")]() {
      return shared.use("inspect").look(Navigator, { userAgent: this.userAgent });
    }
  }

  /** An error that nobody catches: the log is told, and the call goes on. */
  function reportError(error) {
    needArguments(arguments, "error");
    shared.uncaught(error);
  }

  expose(Navigator);
  return { Navigator, navigator: new Navigator(KEY), reportError };
}
