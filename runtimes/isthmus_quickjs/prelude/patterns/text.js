// A pattern of a whole URL, given as one text, in components (URL Pattern, constructor strings).
(native, shared) => {
  "use strict";
  const { tokenize } = shared.use("patterns/tokens");
  const ORDER = ["protocol", "authority", "username", "password", "hostname", "port", "pathname", "search", "hash"];
  const rank = (state) => ORDER.indexOf(state);

  class Splitter {
    #text;
    #tokens;
    #isSpecial;
    #at = 0;
    #begun = 0;
    #step = 1;
    #depth = 0;
    #brackets = 0;
    #special = false;
    #state = "init";
    found = { __proto__: null };

    constructor(text, isSpecial) {
      this.#text = text;
      this.#tokens = tokenize(text, true);
      this.#isSpecial = isSpecial;
    }

    #is(value, at = this.#at) {
      const token = this.#tokens[at];
      return token?.value === value && ["char", "escaped", "invalid"].includes(token.type);
    }

    #isSearch() {
      if (this.#is("?")) return true;
      if (this.#tokens[this.#at].value !== "?") return false;
      return !["name", "regexp", "close", "asterisk"].includes(this.#tokens[this.#at - 1]?.type);
    }

    #component() {
      return this.#text.slice(this.#tokens[this.#begun].at, this.#tokens[this.#at].at);
    }

    #rewind(state) {
      this.#at = this.#begun;
      this.#step = 0;
      this.#state = state;
    }

    #change(state, skip) {
      const from = this.#state, { found } = this;
      if (!["init", "authority", "done"].includes(from)) found[from] = this.#component();
      if (from !== "init" && state !== "done") {
        const [left, entered] = [rank(from), rank(state)];
        if (left < rank("hostname") && entered >= rank("port")) found.hostname ??= "";
        if (left < rank("pathname") && entered >= rank("search")) found.pathname ??= this.#special ? "/" : "";
        if (left < rank("search") && entered >= rank("hash")) found.search ??= "";
      }
      this.#state = state;
      this.#at += skip;
      this.#begun = this.#at;
      this.#step = 0;
    }

    /** Goes on to whichever of these begins here. */
    #next(...states) {
      if (states.includes("pathname") && this.#is("/")) this.#change("pathname", 0);
      else if (states.includes("search") && this.#isSearch()) this.#change("search", 1);
      else if (states.includes("hash") && this.#is("#")) this.#change("hash", 1);
      else return false;
      return true;
    }

    #enterAuthority() {
      this.#special = this.#isSpecial(this.#component());
      if (this.#is("/", this.#at + 1) && this.#is("/", this.#at + 2)) this.#change("authority", 3);
      else this.#change(this.#special ? "authority" : "pathname", 1);
    }

    #look() {
      switch (this.#state) {
        case "init":
          if (this.#is(":")) this.#rewind("protocol");
          break;
        case "protocol":
          if (this.#is(":")) this.#enterAuthority();
          break;
        case "authority":
          if (this.#is("@")) this.#rewind("username");
          else if (this.#is("/") || this.#isSearch() || this.#is("#")) this.#rewind("hostname");
          break;
        case "username":
          if (this.#is(":")) this.#change("password", 1);
          else if (this.#is("@")) this.#change("hostname", 1);
          break;
        case "password":
          if (this.#is("@")) this.#change("hostname", 1);
          break;
        case "hostname":
          if (this.#is("[")) this.#brackets++;
          else if (this.#is("]")) this.#brackets--;
          else if (this.#is(":") && !this.#brackets) this.#change("port", 1);
          else this.#next("pathname", "search", "hash");
          break;
        case "port":
          this.#next("pathname", "search", "hash");
          break;
        case "pathname":
          this.#next("search", "hash");
          break;
        case "search":
          this.#next("hash");
      }
    }

    #end() {
      if (this.#state === "init") {
        this.#at = this.#begun;
        if (!this.#next("hash") && !this.#next("search")) this.#change("pathname", 0);
      } else if (this.#state === "authority") this.#rewind("hostname");
      else {
        this.#change("done", 0);
        return true;
      }
      return false;
    }

    split() {
      for (; this.#at < this.#tokens.length; this.#at += this.#step) {
        const { type } = this.#tokens[this.#at];
        this.#step = 1;
        if (type === "end") {
          if (this.#end()) break;
          continue;
        }
        if (type === "open") {
          this.#depth++;
          continue;
        }
        if (this.#depth) {
          if (type !== "close") continue;
          this.#depth--;
        }
        this.#look();
      }
      if (this.found.hostname !== undefined) this.found.port ??= "";
      return this.found;
    }
  }

  /** Its components by name; isSpecial(protocol) says whether a pattern of a protocol is one of http and the like. */
  return { split: (text, isSpecial) => new Splitter(text, isSpecial).split() };
}
