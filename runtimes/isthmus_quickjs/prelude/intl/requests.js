// What the parts of Intl have in common: locales and options read as ECMA-402 has it, interfaces, questions to the host.
(native, shared) => {
  "use strict";
  const { create, defineProperty, getOwnPropertyDescriptor } = Object;
  const { ownKeys } = Reflect;
  const { includes } = Array.prototype;
  const { apply } = Reflect;
  const { ask } = shared.use("ask");
  const KEYWORD = /^[a-z\d]{3,8}(?:-[a-z\d]{3,8})*$/i;
  const LONGEST = 4096; // characters of what is said to be a language tag
  const MOST = 256; // locales of one request
  const canonicals = create(null);
  if (shared.isLoading()) native.call("intl", new Uint8Array(0)); // so that the first call need not wait for ICU
  let tagOf = () => undefined; // of an Intl.Locale; there is none before its part is made

  // ---- questions

  function bytesOf(fields) {
    return native.utf8Encode(shared.stringify(fields));
  }

  /** The host's answer as a text. */
  function told(operation, fields, ...parts) {
    return native.utf8Decode(ask(`intl:${operation}`, fields, ...parts));
  }

  /** The host's answer as a value. */
  function known(operation, fields, ...parts) {
    return shared.parse(told(operation, fields, ...parts));
  }

  // ---- locales

  function listed(locales) {
    if (locales === undefined) return [];
    if (typeof locales === "string") return [locales];
    const own = tagOf(locales);
    if (own !== undefined) return [own];
    if (locales === null) throw new TypeError("Cannot convert undefined or null to object");
    const list = Object(locales), tags = [], length = Math.min(Math.max(Math.trunc(Number(list.length)) || 0, 0), 2 ** 53 - 1);
    for (let i = 0; i < length; i++) {
      if (!(i in list)) continue;
      const tag = list[i];
      if (typeof tag !== "string" && (typeof tag !== "object" || tag === null) && typeof tag !== "function") {
        throw new TypeError("Language ID should be string or object.");
      }
      tags[tags.length] = tagOf(tag) ?? `${tag}`;
      canonicalOne(tags[tags.length - 1]);
    }
    return tags;
  }

  function canonicalOne(tag) {
    const found = canonicals[tag];
    if (found) return found;
    if (tag.length > LONGEST) throw new RangeError("Incorrect locale information provided");
    return (canonicals[tag] = known("canonical", { __proto__: null, tags: [tag] })[0]);
  }

  /** The canonical tags of what an author gives as locales, each once. */
  function canonical(locales) {
    const tags = listed(locales), found = [];
    for (let i = 0; i < tags.length; i++) {
      const tag = canonicalOne(tags[i]);
      if (!apply(includes, found, [tag])) found[found.length] = tag;
    }
    if (found.length > MOST) throw new RangeError(`A list of ${found.length} locales, more than ${MOST}, can't be looked through`);
    return found;
  }

  // ---- options

  /** Options of the older parts, which take anything; those of later ones are an object. */
  function coerced(options, service) {
    if (options === undefined) return create(null);
    if (options === null) throw new TypeError(`${service} called on null or undefined`);
    return Object(options);
  }

  function needed(options, service) {
    if (options === undefined) return create(null);
    if (options !== null && (typeof options === "object" || typeof options === "function")) return options;
    throw new TypeError(`The options of ${service} must be an object, not ${String(options)}`);
  }

  function wrong(value, service, name) {
    return new RangeError(`Value ${value} out of range for ${service} options property ${name}`);
  }

  /** A text of few; fallback where it is not given. */
  function choice(options, name, values, fallback, service) {
    const value = options[name];
    if (value === undefined) return fallback;
    const text = `${value}`;
    if (!apply(includes, values, [text])) throw wrong(text, service, name);
    return text;
  }

  function flag(options, name) {
    const value = options[name];
    return value === undefined ? undefined : Boolean(value);
  }

  /** A whole number; fallback where there is none. */
  function whole(value, name, low, high, fallback) {
    if (value === undefined) return fallback;
    const number = Number(value);
    if (!(number >= low && number <= high)) throw new RangeError(`${name} value is out of range.`);
    return Math.floor(number);
  }

  /** The value of a key of language tags, in their form. */
  function keyword(options, name) {
    const value = options[name];
    if (value === undefined) return undefined;
    const text = `${value}`;
    if (text.length > 64 || !KEYWORD.test(text)) throw new RangeError(`Invalid ${name} : ${text}`);
    return text.toLowerCase();
  }

  function matcher(options, service) {
    choice(options, "localeMatcher", ["lookup", "best fit"], "best fit", service);
  }

  // ---- interfaces

  /** Slots that objects are given, which nobody else sees. */
  function brand() {
    return class extends function (object) { return object; } {
      #slots;

      constructor(object, slots) {
        super(object);
        this.#slots = slots;
      }

      static of(object) {
        return object !== null && typeof object === "object" && #slots in object ? object.#slots : undefined;
      }
    };
  }

  function shown(value) {
    if (value === null || (typeof value !== "object" && typeof value !== "function")) return String(value);
    return `#<${native.classOf(value)}>`;
  }

  /** What is in an object's slots; name is the method that is called on it. */
  function slotsOf(slots, object, name) {
    const found = slots.of(object);
    if (found) return found;
    throw new TypeError(`Method ${name} called on incompatible receiver ${shown(object)}`);
  }

  function needNew(target, service) {
    if (!target) throw new TypeError(`Constructor ${service} requires 'new'`);
  }

  function hide(owner, members) {
    const keys = ownKeys(members);
    for (let i = 0; i < keys.length; i++) {
      defineProperty(owner, keys[i], { __proto__: null, ...getOwnPropertyDescriptor(members, keys[i]), enumerable: false });
    }
  }

  /** An interface: its constructor with supportedLocalesOf, its methods, its tag; data is whose locales it has. */
  function exposed(made, methods, data = "general") {
    const service = `Intl.${made.name}`;
    hide(made, {
      supportedLocalesOf(locales) {
        const tags = canonical(locales), options = arguments[1];
        matcher(coerced(options, service), service);
        return known("supported", { __proto__: null, locales: tags, service: data });
      },
    });
    hide(made.prototype, methods);
    defineProperty(made.prototype, Symbol.toStringTag, { __proto__: null, value: service, configurable: true });
    defineProperty(made, "prototype", { __proto__: null, writable: false });
    return made;
  }

  return {
    brand, bytesOf, canonical, choice, coerced, exposed, flag, hide, keyword, known, matcher, needed, needNew, slotsOf, told, whole,
    wrong,
    tagsAre: (find) => void (tagOf = find),
  };
}
