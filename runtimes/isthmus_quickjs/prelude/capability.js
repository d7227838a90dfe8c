// capability: what the service that runs the function offers it beyond fetch and cache, by name; JSON there and back.
(native, shared) => {
  "use strict";

  class CapabilityError extends Error {
    constructor(message, code) {
      super(message);
      this.code = code;
    }
  }
  Object.defineProperty(CapabilityError.prototype, "name", { value: "CapabilityError", writable: true, configurable: true });

  /** What comes of an argument; rejects with a CapabilityError whose code says why: not_granted, invalid_argument, ... */
  function capability(name, argument) {
    shared.refuseWhileLoading("capability");
    return new Promise((resolve, reject) => {
      const value = shared.stringify(argument) ?? "null";
      shared.ask("capability", `"key":${shared.text(name)},"value":${shared.text(value)}`, (answer, error) => {
        if (error) reject(new CapabilityError(error.message, error.code));
        else resolve(answer);
      });
    });
  }
  return { capability, CapabilityError };
}
