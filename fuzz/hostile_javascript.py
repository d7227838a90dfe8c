"""Hostile programs in JavaScript, by a grammar of what hurts a host: most parse, and most of those do something odd."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, final

from fuzz.choices import Choices

__all__ = ["javascript_program"]

MOST: Final = 24_000
"""Characters of a program, about: a grammar has no other end."""

NAMES: Final = ("a", "b", "c", "d", "f")
NUMBERS: Final = (
    "0", "1", "-1", "-0", "NaN", "Infinity", "1e308", "5e-324", "2 ** 31", "2 ** 32", "2 ** 53", "0.1", "255", "1e4",
    "0n", "-1n", "2n ** 64n", "7",
)  # fmt: skip
TEXTS: Final = (
    "''", "'x'", r"'\0'", r"'\ud800'", r"'\u2028'", "'__proto__'", "'constructor'", "'then'", "'toString'", "'length'",
    "'https://x.test/'", "'https://x.test/fail'", "'http://127.0.0.1/'", "'x'.repeat(1e4)", "'é😀'", "'RetryError'",
)  # fmt: skip
THINGS: Final = (
    "event", "settings", "globalThis", "this", "Object", "Function", "Array", "Promise", "Symbol", "Error", "RetryError",
    "DropEvent", "Map", "WeakMap", "Proxy", "Reflect", "JSON", "Math", "Date", "RegExp", "Intl", "Uint8Array",
    "ArrayBuffer", "WeakRef", "Object.prototype", "Array.prototype", "Function.prototype", "Promise.prototype",
    "console", "fetch", "cache", "Segment", "crypto", "URL", "Headers", "Response", "AbortController", "TextDecoder",
    "ReadableStream", "structuredClone", "setTimeout", "Buffer", "process", "onTrack", "(function () { return arguments })(1)", "Object.getPrototypeOf(async () => {})",
)  # fmt: skip
KEYS: Final = (
    "x", "length", "then", "toString", "valueOf", "toJSON", "constructor", "prototype", "__proto__", "name", "message",
    "stack", "retryAfter", "0", "-1", "get", "set", "call", "apply", "bind", "push", "map", "next", "return", "status",
    "body", "headers", "type", "messageId", "integrations", "signal", "load", "log", "track", "size",
)  # fmt: skip
SYMBOLS: Final = (
    "Symbol.iterator", "Symbol.asyncIterator", "Symbol.toPrimitive", "Symbol.toStringTag", "Symbol.species",
    "Symbol.hasInstance", "Symbol.unscopables", "Symbol.for('nodejs.util.inspect.custom')",
)  # fmt: skip
TRAPS: Final = (
    "get", "set", "has", "ownKeys", "getPrototypeOf", "getOwnPropertyDescriptor", "defineProperty", "deleteProperty",
    "apply", "construct", "isExtensible",
)  # fmt: skip
BINARY: Final = (
    "+",
    "-",
    "*",
    "**",
    "%",
    "<<",
    ">>>",
    "&",
    "==",
    "===",
    "<",
    "in",
    "instanceof",
    ",",
    "&&",
    "??",
)
UNARY: Final = ("!", "-", "typeof ", "void ", "~", "+")
PATTERNS: Final = (
    r"/^(\w+\s?)*$/.test('a'.repeat(40) + '!')", r"/(a*)*b/.exec('a'.repeat(30))", r"/(?<=(x+)+)y/u.test('x'.repeat(30))",
    r"'aaaa'.replace(/a/g, () => { throw 1 })", r"new RegExp('('.repeat(500) + ')'.repeat(500))", r"/(?:)/[Symbol.split]('x')",
    r"new RegExp('[' + 'a-z'.repeat(999) + ']{1,9999}').test('q')", r"'x'.matchAll(/x/g)",
)  # fmt: skip
HEAVY: Final = (
    "'x'.repeat(2 ** 28)", "new Array(1e6).fill('x').map(String)", "new ArrayBuffer(2 ** 27)", "Array.from({ length: 1e6 })",
    "new Uint8Array(2 ** 25).sort()", "'x'.padEnd(1e8)", "(9n ** 99999n).toString()", "[...'x'.repeat(1e6)].sort()",
    "JSON.stringify(new Array(1e5).fill({ x: [1] }))", "structuredClone(new Array(1e5).fill({}))", "'ab'.repeat(1e6).split('')",
    "JSON.parse('['.repeat(1e5))", "'\\\\ud800'.repeat(1e5).normalize('NFKD')", "new Array(2 ** 32 - 1).indexOf(1)",
    "crypto.getRandomValues(new Uint8Array(65537))", "new Intl.NumberFormat('de').format(1e21)", "'x'.localeCompare('y'.repeat(1e5))",
    "Buffer.alloc(2 ** 26).toString('base64')", "new Map(Array.from({ length: 1e5 }, (_, i) => [i, i]))",
    "require('crypto').pbkdf2Sync('x', 'y', 1e5, 64, 'sha512')", "require('zlib').gzipSync('x'.repeat(1e6))",
)  # fmt: skip
ENDLESS: Final = (
    "for (;;) {}", "while (true) { try { null.x } catch {} }", "for (;;) await null", "const again = () => Promise.resolve().then(again); await again()",
    "const g = (function* () { for (;;) yield 1 })(); for (const x of g);", "for (let s = 'x'; ; s += s) {}", "const all = []; for (;;) all.push({ all })",
    "const m = new Map(); for (let i = 0; ; i++) m.set({}, i)", "[1].sort(() => { for (;;); }); [2, 1].sort(() => { for (;;); })",
    "(function f() { try { f() } finally { f() } })()", "await new Promise(() => {})", "await { then() {} }", "for (;;) queueMicrotask(() => 1)",
    "for (;;) console.log('x')", "for (;;) setTimeout(() => 1)", "JSON.stringify({ toJSON() { return this.toJSON() } })",
    "let n = 3n; for (;;) n = n * n", "for (;;) new Error().stack", "for (;;) Symbol.for(String(Math.random()))",
    "Object.prototype.then = function (f) { f(this) }; await {}", "for await (const x of { [Symbol.asyncIterator]() { return { next: async () => ({}) } } });",
)  # fmt: skip
CALLS: Final = (
    "fetch", "cache.load", "cache.delete", "Segment.track", "Segment.identify", "Segment.group",
    "console.log", "console.error", "console.table", "console.group", "setTimeout", "setInterval", "queueMicrotask", "structuredClone",
    "atob", "btoa", "new URL", "new Headers", "new Request", "new Response", "crypto.subtle.digest", "crypto.getRandomValues",
    "crypto.subtle.generateKey", "new ReadableStream", "new AbortController", "AbortSignal.timeout", "AbortSignal.any",
    "require", "process.nextTick", "clearTimeout", "new TextDecoder", "new WebSocket", "postMessage", "new EventTarget",
)  # fmt: skip


@final
class _Writer:
    """Writes one program; every choice but the number of statements is one byte's."""

    def __init__(self, choices: Choices) -> None:
        self._choices = choices
        self._size = 0

    def _take(self, text: str) -> str:
        self._size += len(text)
        return text

    def _over(self, depth: int) -> bool:
        return depth <= 0 or self._size > MOST or self._choices.spent

    # ------------------------------------------------------------ expressions

    def expression(self, depth: int) -> str:
        if self._over(depth):
            return self._take(self._choices.one_of((*NAMES, *NUMBERS[:4], *TEXTS[:4])))
        forms: tuple[Callable[[int], str], ...] = (
            self._leaf,
            self._leaf,
            self._member,
            self._call,
            self._host_call,
            self._object,
            self._proxy,
            self._function,
            self._operation,
            self._array,
            self._class,
            self._odd,
            self._leaf,
        )
        return self._choices.one_of(forms)(depth - 1)

    def _leaf(self, _depth: int) -> str:
        return self._take(self._choices.one_of(self._choices.one_of((NAMES, NUMBERS, TEXTS, THINGS))))

    def _odd(self, _depth: int) -> str:
        kinds = (PATTERNS, PATTERNS, HEAVY) if self._choices.happens(3) else (PATTERNS,)
        return self._take(f"({self._choices.one_of(self._choices.one_of(kinds))})")

    def _key(self) -> str:
        if self._choices.happens(4):
            return f"[{self._choices.one_of(SYMBOLS)}]"
        return f"[{self._choices.one_of(KEYS)!r}]"

    def _member(self, depth: int) -> str:
        return f"({self.expression(depth)}){self._choices.one_of(('', '?.'))}{self._key()}"

    def _arguments(self, depth: int) -> str:
        given = [self.expression(depth) for _ in range(self._choices.number(4))]
        if given and self._choices.happens(6):
            given[-1] = f"...{given[-1]}"
        return f"({', '.join(given)})"

    def _call(self, depth: int) -> str:
        new = self._choices.one_of(("", "", "new "))
        return f"{new}({self.expression(depth)}){self._key()}{self._arguments(depth)}"

    def _host_call(self, depth: int) -> str:
        return f"({self._choices.one_of(CALLS)}{self._arguments(depth)})"

    def _operation(self, depth: int) -> str:
        if self._choices.happens(3):
            return f"({self._choices.one_of(UNARY)}({self.expression(depth)}))"
        return f"(({self.expression(depth)}) {self._choices.one_of(BINARY)} ({self.expression(depth)}))"

    def _array(self, depth: int) -> str:
        spread = self._choices.one_of(("", "", "..."))
        return f"[{self.expression(depth)}, {spread}{self.expression(depth)}]"

    def _object(self, depth: int) -> str:
        parts = []
        for _ in range(1 + self._choices.number(3)):
            key = self._key()
            form = self._choices.number(4)
            if form == 1:
                parts.append(f"get {key}() {{ {self.body(depth)} }}")
            elif form == 2:
                parts.append(f"{key}() {{ {self.body(depth)} }}")
            else:
                parts.append(f"{key}: {self.expression(depth)}")
        return f"({{ {', '.join(parts)} }})"

    def _proxy(self, depth: int) -> str:
        traps = [
            f"{self._choices.one_of(TRAPS)}(...a) {{ {self.body(depth)} }}"
            for _ in range(1 + self._choices.number(3))
        ]
        target = self._choices.one_of(("{}", "[]", "function () {}", "event", "globalThis", "new Error('x')"))
        return f"(new Proxy({target}, {{ {', '.join(traps)} }}))"

    def _function(self, depth: int) -> str:
        head = self._choices.one_of(
            (
                "function (a, ...b)",
                "async function (a)",
                "function* (a)",
                "async function* ()",
                "(a, b) =>",
                "async (a) =>",
            )
        )
        made = f"({head} {{ {self.body(depth)} }})"
        return f"{made}{self._arguments(depth)}" if self._choices.happens(2) else made

    def _class(self, depth: int) -> str:
        above = f" extends ({self.expression(depth)})" if self._choices.happens(2) else ""
        return f"(new (class{above} {{ static {{ {self.plain(depth)} }} #x = {self.expression(depth)}; get {self._key()}() {{ {self.body(depth)} }} }})())"

    # ------------------------------------------------------------ statements

    def body(self, depth: int) -> str:
        """The body of a function, which may be of any kind: no await stands in it but within expressions."""
        if self._over(depth):
            return "return a"
        return f"{self.plain(depth)}; return {self.expression(depth)}"

    def plain(self, depth: int) -> str:
        """A statement for any place."""
        forms: tuple[Callable[[int], str], ...] = (
            self.expression,
            self._assignment,
            self._pollution,
            self._loop,
            self._attempt,
            self._throw,
            self._condition,
        )
        return self._choices.one_of(forms)(depth - 1)

    def _assignment(self, depth: int) -> str:
        if self._choices.happens(2):
            return f"({self.expression(depth)}){self._key()} = {self.expression(depth)}"
        return f"{self._choices.one_of(NAMES)} = {self.expression(depth)}"

    def _pollution(self, depth: int) -> str:
        target = self._choices.one_of(THINGS)
        form = self._choices.number(5)
        key = self._key()[1:-1]
        if form == 1:
            return f"Object.defineProperty({target}, {key}, {{ get() {{ {self.body(depth)} }}, configurable: true }})"
        if form == 2:
            return f"Object.setPrototypeOf({target}, {self.expression(depth)})"
        if form == 3:
            return f"delete {target}[{key}]"
        if form == 4:
            return f"Object.freeze({target})"
        return f"{target}[{key}] = {self.expression(depth)}"

    def _loop(self, depth: int) -> str:
        count = self._choices.one_of(("3", "100", "1e4", "1e6"))
        return f"for (let i = 0; i < {count}; i++) {{ {self.plain(depth)} }}"

    def _attempt(self, depth: int) -> str:
        last = f"finally {{ {self.plain(depth)} }}" if self._choices.happens(3) else ""
        return f"try {{ {self.plain(depth)} }} catch (e) {{ {self.plain(depth)} }} {last}"

    def _throw(self, depth: int) -> str:
        return f"throw {self.expression(depth)}"

    def _condition(self, depth: int) -> str:
        return f"if ({self.expression(depth)}) {{ {self.plain(depth)} }} else {{ {self.plain(depth)} }}"

    def _endless(self, _depth: int) -> str:
        return f"{{ {self._choices.one_of(ENDLESS)} }}"

    def statement(self, depth: int) -> str:
        """A statement of an async function's body."""
        form = self._choices.number(8)
        if form == 1:
            return f"await ({self.expression(depth)})"
        if form == 2:
            return f"try {{ {self.plain(depth)} }} catch (e) {{ console.log(e) }}"
        if form == 3 and self._choices.happens(2):
            return self._endless(depth)
        if form == 4:
            return f"return {self.expression(depth)}"
        if form == 5:
            return f"eval({self.plain(depth - 1)!r})"
        return self.plain(depth)


def javascript_program(choices: Choices) -> str:
    """The code of a function whose ``onTrack`` is hostile, and at times what is around it.

    The variables ``a`` to ``f`` are the module's, so that what a call does to them is to be gone with it.
    """
    writer = _Writer(choices)
    outside = "\n".join(
        f"try {{ {writer.plain(3)} }} catch {{}}" for _ in range(choices.number(4)) if choices.happens(2)
    )
    inside = ";\n  ".join(writer.statement(4) for _ in range(1 + choices.number(6)))
    return (
        "var a = 0, b = [], c = {}, d = 'text', f = () => f;\n"
        f"{outside}\n"
        f"async function onTrack(event, settings) {{\n  {inside}\n}}\n"
    )
