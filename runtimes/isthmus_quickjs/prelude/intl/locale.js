// Intl.Locale.
(native, shared) => {
  "use strict";
  const { canonical, choice, flag, hide, keyword, known, needNew, needed, slotsOf, brand, tagsAre } = shared.use("intl/requests");
  const SERVICE = "Intl.Locale";
  const BASE = /^([a-z]+)(?:-([A-Z][a-z]{3}))?(?:-([A-Z]{2}|\d{3})(?![a-z\d]))?((?:-(?:[a-z\d]{5,8}|\d[a-z\d]{3}))*)/;
  const FORMS = { __proto__: null, language: /^(?:[a-z]{2,3}|[a-z]{5,8})$/i, script: /^[a-z]{4}$/i, region: /^(?:[a-z]{2}|\d{3})$/i };
  const KEYS = { __proto__: null, calendar: "ca", collation: "co", hourCycle: "hc", caseFirst: "kf", numeric: "kn", numberingSystem: "nu" };
  const LISTS = ["calendars", "collations", "hourCycles", "numberingSystems"];
  const slots = brand();

  function part(options, name) {
    const value = options[name];
    if (value === undefined) return undefined;
    if (!FORMS[name].test(`${value}`)) throw new RangeError("Incorrect locale information provided");
    return `${value}`;
  }

  /** A canonical tag with other subtags in place of its own, where any are given. */
  function withSubtags(tag, options) {
    const language = part(options, "language"), script = part(options, "script"), region = part(options, "region");
    if (language === undefined && script === undefined && region === undefined) return tag;
    const own = BASE.exec(tag);
    const subtags = [language ?? own[1], script ?? own[2], region ?? own[3]].filter(Boolean).join("-");
    return canonical(subtags + own[4] + tag.slice(own[0].length))[0];
  }

  function keywordsOf(tag) {
    const found = /-u((?:-[a-z\d]{2,8})+)/.exec(tag.split("-x-")[0]), keywords = { __proto__: null }, attributes = [];
    let key;
    for (const word of found ? found[1].slice(1).split("-") : []) {
      if (word.length === 2) keywords[key = word] = "";
      else if (key) keywords[key] += (keywords[key] && "-") + word;
      else attributes.push(word);
    }
    return { keywords, attributes, without: found ? tag.replace(found[0], "") : tag };
  }

  function withKeywords(tag, given) {
    const { keywords, attributes, without } = keywordsOf(tag);
    for (const key in given) if (given[key] !== undefined) keywords[key] = given[key] === "true" ? "" : given[key];
    const words = [...attributes];
    for (const key of Object.keys(keywords).sort()) words.push(keywords[key] ? `${key}-${keywords[key]}` : key);
    if (!words.length) return without;
    const at = without.search(/-[x]-|$/);
    return canonical(`${without.slice(0, at)}-u-${words.join("-")}${without.slice(at)}`)[0];
  }

  function Locale(tag) {
    needNew(new.target, SERVICE);
    if (typeof tag !== "string" && (typeof tag !== "object" || tag === null)) {
      throw new TypeError("First argument to Intl.Locale constructor can't be empty or missing");
    }
    const own = slots.of(tag), options = needed(arguments[1] === undefined ? undefined : Object(arguments[1]), SERVICE);
    const subtags = withSubtags(canonical(own ? own.tag : `${tag}`)[0], options);
    const numeric = () => flag(options, "numeric");
    const full = withKeywords(subtags, {
      __proto__: null,
      ca: keyword(options, "calendar"),
      co: keyword(options, "collation"),
      hc: choice(options, "hourCycle", ["h11", "h12", "h23", "h24"], undefined, SERVICE),
      kf: choice(options, "caseFirst", ["upper", "lower", "false"], undefined, SERVICE),
      kn: ((value) => (value === undefined ? undefined : `${value}`))(numeric()),
      nu: keyword(options, "numberingSystem"),
    });
    new slots(this, { tag: full, base: BASE.exec(full), keywords: keywordsOf(full).keywords });
  }

  function own(locale, name) {
    return slotsOf(slots, locale, `Intl.Locale.prototype.${name}`);
  }

  function told(locale, name) {
    return known("locale", { __proto__: null, tag: own(locale, name).tag, what: name });
  }

  hide(Locale.prototype, {
    toString() {
      return own(this, "toString").tag;
    },
    maximize() {
      return new Locale(told(this, "maximize"));
    },
    minimize() {
      return new Locale(told(this, "minimize"));
    },
    get baseName() {
      return own(this, "baseName").base[0];
    },
    get language() {
      return own(this, "language").base[1];
    },
    get script() {
      return own(this, "script").base[2];
    },
    get region() {
      return own(this, "region").base[3];
    },
    get numeric() {
      const { keywords } = own(this, "numeric");
      return keywords.kn === "" || keywords.kn === "true";
    },
    get textInfo() {
      return told(this, "textInfo");
    },
    get timeZones() {
      const list = told(this, "timeZones");
      return list ?? undefined;
    },
    get weekInfo() {
      return told(this, "weekInfo");
    },
  });
  for (const name in KEYS) {
    if (name === "numeric") continue;
    hide(Locale.prototype, {
      get [name]() {
        const { keywords } = own(this, name);
        return keywords[KEYS[name]];
      },
    });
  }
  for (const name of LISTS) {
    hide(Locale.prototype, {
      get [name]() {
        return told(this, name);
      },
    });
  }
  Object.defineProperty(Locale.prototype, Symbol.toStringTag, { value: SERVICE, configurable: true });
  Object.defineProperty(Locale, "prototype", { writable: false });
  tagsAre((value) => slots.of(value)?.tag);
  return { Locale };
}
