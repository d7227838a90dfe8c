"""A fresh world for every call: nothing that one call leaves behind is there for the next, not even in memory.

Each attack writes a canary that came with its event, and has the next call look for it; then the restored
world's memory is compared with its image, byte by byte, and searched for the canary.
"""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings, strategies as st
from tests.javascript import (
    MIB,
    SEED,
    FakeHost,
    Script,
    Scripts,
    call_of,
    differences_everywhere,
    memory_of,
    returned,
)

from isthmus.abc import Call, Killed

CANARY = "canary-5f1d8a7e"

OUTSIDE = """
let kept = 'nothing', counter = 0, resolve;
const table = {}, list = [], map = new Map(), set = new Set(), weak = new WeakMap(), key = {};
const bytes = new Uint8Array(64), buffer = new ArrayBuffer(64), pattern = /a/g, sticky = /a/y, date = new Date(0);
const promise = new Promise(r => { resolve = r }), error = new Error('x'), symbol = Symbol('s');
const generator = (function* () { const all = []; for (;;) all.push(yield all.length) })(); generator.next();
const closure = (() => { let inner = 'nothing'; return { put(x) { inner = x }, get() { return inner } } })();
class Counter { static count = 'nothing'; #own = 'nothing'; put(x) { this.#own = x } get() { return this.#own } }
const instance = new Counter(), registry = new FinalizationRegistry(held => { kept = held });
"""

# What one call does with the canary `c`, and where the next one looks.
PLACES = {
    "a property of the global object": ("globalThis.leak = c", "globalThis.leak"),
    "a sloppy implicit global": ("leak = c", "typeof leak === 'undefined' ? 'nothing' : leak"),
    "var in eval": ("(0, eval)('var leak = ' + JSON.stringify(c))", "globalThis.leak"),
    "a let in a global script": ("(0, eval)('let lexical = ' + JSON.stringify(c))", "eval(\"typeof lexical === 'undefined' ? 0 : lexical\")"),
    "this of a plain function": ("(function () { this.leak = c })()", "globalThis.leak"),
    "a variable of the code's": ("kept = c", "kept"),
    "a property of a constant": ("table.leak = c", "table.leak"),
    "an array": ("list.push(c)", "list.length + String(list)"),
    "a Map": ("map.set('leak', c)", "[...map]"),
    "a Set": ("set.add(c)", "[...set]"),
    "a WeakMap": ("weak.set(key, c)", "weak.get(key)"),
    "a WeakRef": ("kept = new WeakRef(Object(c))", "String(kept.deref?.() ?? kept)"),
    "a FinalizationRegistry": ("registry.register({}, c); registry.register(Object(c), c)", "kept"),
    "a closure": ("closure.put(c)", "closure.get()"),
    "a class's static field": ("Counter.count = c", "Counter.count"),
    "a private field": ("instance.put(c)", "instance.get()"),
    "a generator's state": ("generator.next(c)", "generator.next(0).value"),
    "a promise of the code's": ("resolve(c)", "await Promise.race([promise, Promise.resolve('nothing')])"),
    "a property of the handler": ("onTrack.leak = c", "onTrack.leak"),
    "the handler's own name": ("onTrack = () => c", "typeof onTrack.leak + onTrack.length"),
    "Object.prototype": ("Object.prototype.leak = c", "({}).leak"),
    "Array.prototype": ("Array.prototype.leak = c", "[].leak"),
    "Function.prototype": ("Function.prototype.leak = c", "(() => 0).leak"),
    "Promise.prototype": ("Promise.prototype.leak = c", "Promise.resolve().leak"),
    "String.prototype": ("String.prototype.leak = c", "''.leak"),
    "Number.prototype": ("Number.prototype.leak = c", "(1).leak"),
    "Symbol.prototype": ("Symbol.prototype.leak = c", "symbol.leak"),
    "Error.prototype": ("Error.prototype.leak = c", "error.leak"),
    "the generators' prototype": ("Object.getPrototypeOf(generator).leak = c", "generator.leak"),
    "the typed arrays' prototype": ("Object.getPrototypeOf(Uint8Array.prototype).leak = c", "bytes.leak"),
    "a built-in replaced": ("JSON.parse = () => c", "JSON.parse('1')"),
    "Promise.prototype.then replaced": ("const then = Promise.prototype.then; Promise.prototype.then = function (...a) { globalThis.leak = c; return then.apply(this, a) }", "Promise.resolve(1).then(x => x) && globalThis.leak"),
    "an iterator replaced": ("Array.prototype[Symbol.iterator] = function* () { yield c }", "(([x]) => x)(['nothing'])"),
    "Symbol.species": ("Object.defineProperty(Array, Symbol.species, { value: function () { return { leak: c } }, configurable: true })", "[1].map(x => x).leak"),
    "a getter on the global object": ("Object.defineProperty(globalThis, 'Date', { get: () => ({ now: () => c }), configurable: true })", "typeof Date.now()"),
    "a global deleted": ("delete globalThis.Map; Symbol.for(c)", "typeof Map"),
    "a prototype frozen": ("Object.freeze(Object.prototype); Object.freeze(Array.prototype); Symbol.for(c)", "Object.isFrozen(Object.prototype)"),
    "the global object's prototype": ("Object.setPrototypeOf(globalThis, { leak: c })", "globalThis.leak"),
    "Math": ("Math.leak = c; Math.PI_ = c", "[Math.leak, Math.PI_]"),
    "Reflect and Atomics": ("Reflect.leak = c", "Reflect.leak"),
    "Date": ("Date.now = () => c; date.setTime(86400000)", "[typeof Date.now(), date.getTime()]"),
    "Intl": ("globalThis.Intl = { leak: c }", "globalThis.Intl?.leak"),
    "a regular expression's lastIndex": ("pattern.lastIndex = 7; sticky.lastIndex = 3; pattern.leak = c", "[pattern.lastIndex, sticky.lastIndex, pattern.leak]"),
    "a regular expression's statics": ("/(.*)/.exec(c)", "[RegExp.$1, RegExp.lastMatch, RegExp.input, RegExp['$_']]"),
    "a typed array": ("bytes.set(Array.from(c, x => x.charCodeAt(0)))", "String.fromCharCode(...bytes)"),
    "a buffer's view": ("new DataView(buffer).setFloat64(8, 1.5); new Uint8Array(buffer).set(Array.from(c, x => x.charCodeAt(0)), 16)", "[...new Uint8Array(buffer)].join()"),
    "a buffer transferred": ("buffer.transfer?.(); Symbol.for(c)", "buffer.byteLength"),
    "the symbol registry": ("table.leak = Symbol.for(c)", "typeof table.leak"),
    "interned strings": ("for (let i = 0; i < 100; i++) table[c + i] = Symbol(c + i)", "Object.keys(table).length"),
    "Error.prepareStackTrace": ("Error.prepareStackTrace = () => c", "String(new Error('x').stack).slice(0, 8)"),
    "Error.stackTraceLimit": ("Error.stackTraceLimit = 0; Error.leak = c", "[Error.stackTraceLimit, Error.leak]"),
    "the stack of an old error": ("error.stack = c", "error.stack.includes('canary')"),
    "console": ("console.log = () => c; console.leak = c", "[typeof console.log(''), console.leak]"),
    "console's counters and groups": ("console.group(c); console.count(c); console.time(c)", "typeof console.group"),
    "fetch": ("globalThis.fetch = async () => c", "typeof fetch + fetch.length"),
    "cache": ("cache.load = () => c", "typeof cache.load('k', 1, () => 1)"),
    "timers": ("globalThis.setTimeout = () => c", "typeof setTimeout(() => 0)"),
    "a timer that is left": ("setTimeout(() => { kept = c }, 1)", "kept"),
    "an interval that is left": ("setInterval(() => { kept = c }, 1)", "kept"),
    "a job that is left": ("queueMicrotask(() => { kept = c })", "kept"),
    "a rejection nobody handles": ("Promise.reject(new Error(c))", "kept"),
    "a promise nobody settles": ("new Promise(() => {}).then(() => c)", "kept"),
    "settings": ("settings.leak = c", "settings.leak"),
    "the event": ("event.nested = { c }", "event.nested"),
    "arguments": ("arguments[0].leak = arguments[2] = c", "arguments.length"),
    "a tagged template's strings": ("((s) => { try { s.leak = c } catch {} ; weak.set(s, c) })`x`", "((s) => weak.get(s))`x`"),
    "new Function": ("globalThis.made = new Function('return ' + JSON.stringify(c))", "globalThis.made?.()"),
    "a prototype's own prototype": ("Object.setPrototypeOf(Array.prototype, { leak: c })", "[].leak"),
    "a large heap": ("globalThis.large = Array.from({ length: 2000 }, (_, i) => c + i); large.text = c.repeat(50000)", "globalThis.large"),
    "a large heap, let go": ("for (let i = 0; i < 3; i++) { let a = Array.from({ length: 2000 }, (_, i) => c + i); a = null }", "globalThis.large"),
    "a large buffer": ("globalThis.large = new Uint8Array(3e6); const n = c.length; for (let i = 0; i < large.length; i++) large[i] = c.charCodeAt(i % n)", "globalThis.large"),
    "a deep stack": ("const f = (a, n) => n > 0 ? f(a + n, n - 1) + 1 : a.length; try { f(c, 1e9) } catch {}", "'nothing'"),
    "a deep stack of many arguments": ("const f = (...a) => f(...a.slice(0, 500), c); try { f(c) } catch {}", "'nothing'"),
    "a deep stack of native calls": ("const f = x => [x + c].map(f); try { f(c) } catch {}", "'nothing'"),
    "a deep stack of callbacks": ("const f = () => c.replace(/c/, f); try { f() } catch {}", "'nothing'"),
    "a deep stack of regular expressions": ("try { new RegExp('('.repeat(200) + c + ')'.repeat(200)).exec(c) } catch {}; /(?:(c)|(a)|(n)|.)*/.exec(c.repeat(3000))", "'nothing'"),
    "a deep stack of JSON": ("let s = JSON.stringify(c); for (let i = 0; i < 500; i++) s = `[${s}]`; JSON.stringify(JSON.parse(s))", "'nothing'"),
    "a deep stack of code": ("try { eval('['.repeat(2000) + JSON.stringify(c) + ']'.repeat(2000)) } catch {}", "'nothing'"),
    "sorting": ("Array.from({ length: 500 }, (_, i) => c + (i * 7919 % 500)).sort().sort((a, b) => a < b ? 1 : -1)", "'nothing'"),
    "big numbers": ("let n = 1n; for (const x of c) n = n * 256n + BigInt(x.charCodeAt(0)); n = n ** 50n; String(n); n.toString(16)", "'nothing'"),
    "numbers printed and parsed": ("for (const x of c) { (x.charCodeAt(0) / 7e-300).toString(); parseFloat('1.' + x.charCodeAt(0).toString().repeat(20)); (x.charCodeAt(0) ** 9).toFixed(20) }", "'nothing'"),
    "normal forms and cases": ("(c + '\\u00e9\\ufb01').repeat(200).normalize('NFKD').toUpperCase().localeCompare(c)", "'nothing'"),
    "base64, clone and encodings": ("btoa(c.repeat(99)); atob(btoa(c)); structuredClone({ c }); encodeURIComponent(c); escape(c)", "'nothing'"),
    "an exception caught": ("try { throw new Error(c) } catch {} ; try { null[c] } catch {}", "'nothing'"),
}  # fmt: skip


def program_of(write: str, read: str) -> str:
    return f"""{OUTSIDE}
    async function onTrack(event, settings) {{
        const c = event.canary;
        if (c) {{ {write} }}
        return {{ seen: {read} }};
    }}"""


def holds(memory: bytes, text: str) -> bool:
    return text.encode() in memory or text.encode("utf-16-le") in memory


@pytest.mark.parametrize(("write", "read"), PLACES.values(), ids=PLACES.keys())
async def test_nothing_is_left_for_the_next_call(scripts: Scripts, write: str, read: str) -> None:
    script = await scripts(program_of(write, read))
    assert not holds(script.image.memory, CANARY)
    fresh = await script.value(call_of({}))
    await script.run(call_of({"canary": CANARY}))  # what it says itself is its own affair
    assert await script.value(call_of({})) == fresh
    await script.run(call_of({"canary": CANARY}))
    assert len(script.spare) <= 1  # a world that has grown too far is gone
    assert differences_everywhere(script) == []
    assert not any(holds(memory_of(world), CANARY) for world in script.spare)


@pytest.mark.parametrize(("write", "read"), PLACES.values(), ids=PLACES.keys())
async def test_nothing_is_left_for_the_next_call_of_the_same_crossing(
    scripts: Scripts, write: str, read: str
) -> None:
    script = await scripts(program_of(write, read))
    fresh = await script.value(call_of({}))
    calls = [call_of({"canary": CANARY}), call_of({})] * 2
    replies = await script.run_many(calls)
    assert [json.loads(returned(replies[at]).value) for at in (1, 3)] == [fresh, fresh]
    assert differences_everywhere(script) == []
    assert not any(holds(memory_of(world), CANARY) for world in script.spare)


async def test_what_an_attack_writes_it_can_see_itself(scripts: Scripts) -> None:
    """Else the tests above would hold for attacks that do nothing."""
    for name in (
        "a variable of the code's",
        "Object.prototype",
        "a generator's state",
        "a typed array",
        "the symbol registry",
    ):
        script = await scripts(program_of(*PLACES[name]))
        assert await script.value(call_of({"canary": CANARY})) != await script.value(call_of({})), name


async def test_a_world_that_has_grown_too_far_is_not_used_again(scripts: Scripts) -> None:
    script = await scripts.body("return new Uint8Array(event.size).fill(90).length")
    assert await script.value(call_of({"size": 20_000_000})) == 20_000_000
    assert script.spare == []
    assert await script.value(call_of({"size": 1})) == 1


async def test_memory_that_was_grown_can_be_grown_into_again(scripts: Scripts) -> None:
    """A restored world once took its memory for as small as the image's, and grew it a little more with every call."""
    script = await scripts.body("return new Uint8Array(3e6).length", memory=16 * MIB)
    for _ in range(30):
        assert await script.value() == 3_000_000
    assert [len(memory_of(world)) < 16 * MIB for world in script.spare] == [True]


# ---- any history


async def probe(script: Script) -> bytes:
    """What a call says that shows all it can see of its world."""
    ending = returned(await script.run(call_of({"do": "look"}, now=1.0, seed=SEED)))
    return ending.value


HISTORY = """
const kept = [];
async function onTrack(event) {
    switch (event.do) {
        case 'allocate': kept.push('x'.repeat(event.n * 1000) + event.n); return kept.length;
        case 'recurse': { const f = n => n ? f(n - 1) + kept.length : 0; kept.push(event.n); return f(event.n * 1000) }
        case 'map': { const f = n => n ? [n].map(() => f(n - 1)) : 0; f(event.n); return 1 }
        case 'grow': globalThis.grown = new Uint8Array(event.n * 200000).fill(7); return grown.length;
        case 'throw': Object.prototype.thrown = event.n; throw new Error('x'.repeat(event.n));
        case 'reject': Array.prototype.rejected = event.n; await Promise.reject(event.n); return;
        case 'wait': globalThis.waited = event.n; await fetch('http://a.example/' + event.n); return globalThis.waited;
        case 'stall': globalThis.stalled = event.n; await new Promise(() => {}); return;
        case 'loop': globalThis.looped = event.n; for (;;) kept.push(event.n % 7);
        case 'print': for (let i = 0; i < event.n; i++) console.log('line', i); return;
        case 'collect': for (let i = 0; i < event.n * 100; i++) { const o = {}; o.o = o } return;
        case 'look': return [kept.length, Object.keys(globalThis).length, ({}).thrown, [].rejected, typeof grown,
            typeof waited, typeof stalled, typeof looped, Math.random(), Date.now(), Object.getOwnPropertyNames(globalThis).join()];
    }
}"""
DEEDS = st.tuples(
    st.sampled_from(
        ["allocate", "recurse", "map", "grow", "throw", "reject", "wait", "stall", "print", "collect", "loop"]
    ),
    st.integers(0, 40),
)


@settings(max_examples=25)
@given(history=st.lists(DEEDS, min_size=1, max_size=8), together=st.booleans())
async def test_after_any_history_a_restored_world_is_its_image(
    scripts: Scripts, history: list[tuple[str, int]], together: bool
) -> None:
    script = await scripts.once(HISTORY, cpu=0.5, wall=60, memory=32 * MIB)
    calls = [call_of({"do": deed, "n": n}) for deed, n in history]
    before = await probe(script)
    if together:
        replies = await script.run_many(calls)
    else:
        replies = [await script.run(call) for call in calls]
    assert [isinstance(reply.ending, Killed) for reply in replies] == [deed == "loop" for deed, _ in history]
    assert differences_everywhere(script) == []
    assert await probe(script) == before


# ---- time and chance


CHANCE = """
const loaded = { now: Date.now(), random: Math.random() };
async function onTrack(event) {
    console.log(Date.now(), Math.random());
    const seen = { now: Date.now(), date: new Date().toISOString(), random: [Math.random(), Math.random()], performance: performance.now(),
                   set: [...new Set([3, 1, 2])], map: [...new Map([['b', 1], ['a', 2]]).keys()], stack: new Error('x').stack, loaded };
    if (event.throws) throw Object.assign(new Error(JSON.stringify(seen)), { name: 'Seen' });
    return seen;
}"""


async def test_the_same_time_and_seed_give_the_same_call_byte_for_byte(scripts: Scripts) -> None:
    script = await scripts(CHANCE)

    async def one(call: Call) -> tuple[object, bytes, list[tuple[str, str]]]:
        host = FakeHost()
        reply = await script.run(call, host)
        return reply.ending, reply.messages, host.lines

    for throws in (False, True):
        call = call_of({"throws": throws}, now=1_700_000_000.25, seed=SEED)
        first = await one(call)
        await script.run(call_of({}))  # another call between
        assert await one(call) == first


async def test_time_and_chance_are_each_calls_own(scripts: Scripts) -> None:
    script = await scripts(CHANCE)
    one = await script.value(call_of(now=1000.0, seed=bytes(32)))
    other = await script.value(call_of(now=2000.0, seed=bytes(31) + b"\1"))
    assert isinstance(one, dict)
    assert isinstance(other, dict)
    assert (one["now"] // 1000, other["now"] // 1000) == (1000, 2000)
    assert set(one["random"]).isdisjoint(other["random"])
    assert len({*one["random"], *other["random"]}) == 4


async def test_calls_of_one_crossing_do_not_share_their_chance(scripts: Scripts) -> None:
    script = await scripts.body("return [Math.random(), crypto.randomUUID()]")
    replies = await script.run_many([call_of() for _ in range(64)])
    seen = [json.loads(returned(reply).value) for reply in replies]
    assert len({number for number, _ in seen}) == len({uuid for _, uuid in seen}) == 64


async def test_chance_at_loading_is_not_to_be_guessed(scripts: Scripts) -> None:
    code = "const drawn = Math.random(); function onTrack() { return drawn }"
    drawn = [await (await scripts(code)).value() for _ in range(3)]
    assert len(set(drawn)) == 3


async def test_the_clock_goes_on_while_a_call_waits(scripts: Scripts) -> None:
    script = await scripts.body(
        "const a = Date.now(); await new Promise(r => setTimeout(r, 20)); return Date.now() - a"
    )
    waited = await script.value()
    assert isinstance(waited, int | float)
    assert 19 <= waited < 120_000
