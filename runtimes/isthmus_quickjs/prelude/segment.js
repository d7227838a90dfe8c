// Segment: what a source function sends; kept in order, and handed to the host when the call has succeeded.
(native, shared) => {
  "use strict";
  const { ValidationError } = shared.errors;
  const COMMON = ["userId", "anonymousId", "context", "integrations", "messageId", "sentAt", "timestamp"];
  const messages = [];
  let encoded = "";

  const isMissing = (value) => value === undefined || value === null || value === "";

  function demand(fields, name) {
    if (isMissing(fields[name])) throw new ValidationError(`${name} is required but not defined`);
  }

  function send(message) {
    shared.refuseWhileLoading("Segment");
    messages.push(message);
    shared.outbox ??= outbox;
    native.flags[0] = 1;
    return message;
  }

  /** The message of some type: the fields it keeps, those that are falsy left out. */
  function pick(message, fields, names) {
    for (const name of names) if (fields[name]) message[name] = fields[name];
    return message;
  }

  function sender(type, required, kept, lenient = false) {
    return (fields) => {
      if (typeof fields !== "object" || fields === null) throw new ValidationError(`Segment.${type} takes an object`);
      if (required) demand(fields, required);
      if (isMissing(fields.userId) && isMissing(fields.anonymousId) && !(lenient && shared.lenient)) {
        throw new ValidationError("One of userId,anonymousId is required but not defined");
      }
      return send(pick({ type }, fields, [...kept, ...COMMON]));
    };
  }

  /** Encodes what has been sent so far, as it is now; throws where JSON can't hold it. */
  function encode() {
    for (const message of messages.splice(0)) {
      encoded += (encoded && ",") + shared.stringify(message);
    }
  }

  /** JSON text of all messages, once. */
  function outbox() {
    try {
      encode();
    } catch (error) {
      shared.uncaught(error, "A message sent after the handler had ended is lost:");
    }
    const all = `[${encoded}]`;
    encoded = "";
    messages.length = 0;
    shared.outbox = null;
    return all;
  }

  const Segment = {
    identify: sender("identify", null, ["traits"]),
    track: sender("track", "event", ["event", "properties"]),
    page: sender("page", null, ["name", "properties"], true),
    screen: sender("screen", null, ["name", "properties"]),
    group: sender("group", "groupId", ["groupId", "traits"], true),
    alias: sender("alias", "previousId", ["previousId"]),
    set(fields) {
      if (typeof fields !== "object" || fields === null) throw new ValidationError("Segment.set takes an object");
      demand(fields, "collection");
      demand(fields, "id");
      return send(pick({}, fields, ["collection", "id", "properties"]));
    },
  };
  return { Segment, encode };
}
