"""Limits of memory under attack: bombs end at the limit, recursion ends as an error, the process keeps its size."""

from __future__ import annotations

import gc

import pytest
import trio
from tests.javascript import LONGEST, MIB, Scripts, attacked, call_of, differences_everywhere, rss

from isthmus.abc import Killed, Thrown

BOMBS = {
    "array push": "const a = []; for (;;) a.push(a.length)",
    "array of arrays": "const a = []; for (;;) a.push([])",
    "string doubling": "let s = 'x'; for (;;) s = s + s + 'y'.slice(0, 1).repeat(1)",
    "strings kept": "const a = []; for (let i = 0; ; i++) a.push('x'.repeat(1000) + i)",
    "ropes": "let s = ''; for (let i = 0; ; i++) s += i + 'x'.repeat(300)",
    "an ArrayBuffer": "const a = []; for (;;) a.push(new ArrayBuffer(1e6))",
    "one giant ArrayBuffer": "return new ArrayBuffer(2 ** 31 - 1).byteLength",
    "a growing ArrayBuffer": "const b = new ArrayBuffer(1, { maxByteLength: 2 ** 30 }); for (let n = 1; ; n *= 2) b.resize(n)",
    "typed arrays": "const a = []; for (;;) a.push(new Float64Array(1e5).fill(1))",
    "Map": "const m = new Map; for (let i = 0; ; i++) m.set(i, i)",
    "Set of objects": "const m = new Set; for (;;) m.add({})",
    "WeakMap with kept keys": "const m = new WeakMap, k = []; for (;;) { const o = {}; k.push(o); m.set(o, {}) }",
    "closures": "const a = []; for (let i = 0; ; i++) a.push(() => i)",
    "regex captures": "const a = []; for (;;) a.push(/(.*)(.*)(.*)/.exec('x'.repeat(1000)))",
    "BigInt": "let n = 1n; for (;;) n = n << 100000n | 1n",
    "BigInts kept": "const a = []; for (let i = 1n; ; i++) a.push(i << 10000n)",
    "JSON nesting": "let s = {}; for (;;) s = { s }",
    "JSON text": "let s = ['x']; for (;;) s = JSON.stringify([s, s])",
    "Errors with stacks": "const a = []; const f = n => { if (n) f(n - 1); else a.push(new Error('x')) }; for (;;) f(50)",
    "generators": "function* g() { yield 1 } const a = []; for (;;) { const i = g(); i.next(); a.push(i) }",
    "bound functions": "let f = () => 1; const a = []; for (;;) { f = f.bind(null, 1); a.push(f) }",
    "symbols": "const a = []; for (let i = 0; ; i++) a.push(Symbol.for('x' + i))",
    "property names": "const o = {}; for (let i = 0; ; i++) o['name' + i] = i",
    "shapes": "const a = []; for (let i = 0; ; i++) a.push({ ['name' + i]: i })",
    "promises": "const a = []; for (;;) a.push(new Promise(() => {}))",
    "promise jobs": "for (;;) Promise.resolve().then(() => {})",
    "cycles that are never collected": "const a = []; for (;;) { const o = {}; o.o = o; a.push(o) }",
    "Proxies": "let p = {}; for (;;) p = new Proxy(p, {})",
    "classes": "const a = []; for (;;) a.push(class { x = 1; y() {} })",
    "functions from text": "const a = []; for (let i = 0; ; i++) a.push(new Function('return ' + i))",
    "an arguments object": "const a = []; function f() { a.push(arguments) } for (;;) f(1, 2, 3)",
    "console lines": "for (;;) console.log('x'.repeat(1000))",
    "Date objects": "const a = []; for (;;) a.push(new Date)",
    "timers": "for (;;) setTimeout(() => {}, 1e9)",
    "timers that are cleared": "for (;;) clearTimeout(setTimeout(() => {}, 1e9))",
    "fetches": "for (;;) fetch('http://sink.example/').catch(() => {})",
    "caught again and again": "const a = []; for (;;) try { for (;;) a.push('x'.repeat(1e5) + a.length) } catch {}",
    "caught, and let go": "for (;;) { const a = []; try { for (;;) a.push('x'.repeat(1e5) + a.length) } catch {} }",
}


@pytest.mark.parametrize("body", BOMBS.values(), ids=BOMBS.keys())
async def test_a_memory_bomb_ends_at_the_limit(scripts: Scripts, body: str) -> None:
    limit = 24 * MIB
    script = await scripts(attacked(body), cpu=0.4, wall=60, memory=limit)
    await script.value(call_of({"attack": False}))
    before = rss()
    with trio.fail_after(LONGEST):
        reply = await script.run(call_of({"attack": True}))
    if isinstance(reply.ending, Thrown):
        assert reply.ending.name in {"RangeError", "InternalError"}, reply.ending
    else:
        assert isinstance(reply.ending, Killed), reply.ending
        assert reply.ending.reason in {"memory", "cpu"}, reply.ending
    assert reply.memory <= limit + MIB
    gc.collect()
    assert rss() - before < limit + 32 * MIB
    assert await script.value(call_of({"attack": False})) == "fine"


async def test_uncaught_the_memory_limit_is_what_ended_the_call(scripts: Scripts) -> None:
    script = await scripts.body("const a = []; for (;;) a.push([a.length])", memory=16 * MIB)
    killed = await script.killed()
    assert killed.reason == "memory"
    assert str(16 * MIB) in killed.message


async def test_caught_the_memory_limit_is_the_functions_own_affair(scripts: Scripts) -> None:
    script = await scripts.body(
        "try { const a = []; for (;;) a.push('x'.repeat(1e5) + a.length) } catch (error) { return error.name }",
        memory=16 * MIB,
    )
    assert await script.value() == "InternalError"


RECURSIONS = {
    "a function": "const f = n => f(n + 1) + 1; return f(0)",
    "with many arguments": "function f(...a) { return f(...a, 1) } return f()",
    "mutual": "const f = () => g() + 1, g = () => f() + 1; return f()",
    "map": "const f = () => [1].map(f); return f()",
    "sort": "const f = () => [1, 2].sort(f); return f()",
    "replace": "const f = () => 'a'.replace(/a/, f); return f()",
    "a getter": "const o = { get x() { return this.x } }; return o.x",
    "a Proxy of Proxies": "let p = {}; for (let i = 0; i < 1e5; i++) p = new Proxy(p, {}); return p.x",
    "a Proxy trap": "const p = new Proxy({}, { get: (t, k, r) => r[k] }); return p.x",
    "toString": "const o = { toString() { return `${this}` } }; return `${o}`",
    "valueOf": "const o = { valueOf() { return +this } }; return +o",
    "toJSON": "const o = { toJSON() { return JSON.stringify(o) } }; return o",
    "a constructor": "class A { constructor() { new A } } new A",
    "a chain of classes": "let A = class {}; for (let i = 0; i < 2e4; i++) A = class extends A {}; new A",
    "bound functions": "let f = () => 1; for (let i = 0; i < 1e5; i++) f = f.bind(null); return f()",
    "bound and instanceof": "let f = class {}; for (let i = 0; i < 1e5; i++) f = f.bind(null); return ({}) instanceof f",
    "a generator": "function* g() { yield* g() } return [...g()]",
    "an async function": "const f = async () => { await f() }; await f()",
    "an iterator": "const o = { [Symbol.iterator]() { return [...this] } }; return [...o]",
    "nested arrays out": "let a = []; for (let i = 0; i < 1e5; i++) a = [a]; return a",
    "nested arrays stringified": "let a = []; for (let i = 0; i < 1e5; i++) a = [a]; return JSON.stringify(a).length",
    "nested arrays joined": "let a = []; for (let i = 0; i < 1e5; i++) a = [a]; return String(a).length",
    "nested arrays flattened": "let a = []; for (let i = 0; i < 1e5; i++) a = [a]; return a.flat(Infinity).length",
    "nested arrays logged": "let a = []; for (let i = 0; i < 1e5; i++) a = [a]; console.log(a); throw a",
    "nested arrays cloned": "let a = []; for (let i = 0; i < 1e5; i++) a = [a]; return structuredClone(a).length",
    "JSON.parse of brackets": "return JSON.parse('['.repeat(2e5) + ']'.repeat(2e5)).length",
    "a reviver over brackets": "return JSON.parse('['.repeat(2e3) + ']'.repeat(2e3), (k, v) => JSON.parse('[1]', () => v)).length",
    "eval of brackets": "return eval('['.repeat(5e4) + ']'.repeat(5e4)).length",
    "eval of parentheses": "return eval('('.repeat(5e4) + '1' + ')'.repeat(5e4))",
    "eval of nested functions": "return eval('(()=>'.repeat(1e4) + '1' + ')'.repeat(1e4))",
    "eval of a long expression": "return eval('1+'.repeat(1e5) + '1')",
    "eval of unary operators": "return eval('-'.repeat(1) + '~'.repeat(1e5) + '1')",
    "eval within eval": "const f = () => eval('f()'); return f()",
    "a regular expression's groups": "return new RegExp('('.repeat(1e5) + ')'.repeat(1e5)).test('')",
    "a regular expression's backtracking": "return /^(?:(a)|b|c)*$/.test('abc'.repeat(1e6))",
    "lookaheads": "return new RegExp('(?='.repeat(1e4) + ')'.repeat(1e4)).test('')",
    "destructuring": "return eval('[' .repeat(3e4) + 'x' + ']'.repeat(3e4) + '=[]')",
    "Error causes": "let e = new Error('0'); for (let i = 0; i < 1e5; i++) e = new Error(i, { cause: e }); throw e",
    "a thrown Proxy chain": "let p = {}; for (let i = 0; i < 1e5; i++) p = new Proxy(p, {}); throw p",
    "a prototype chain": "let o = {}; for (let i = 0; i < 1e5; i++) o = Object.create(o); return o.x === undefined",
    "then of then": "let t = { then(f) { f(1) } }; for (let i = 0; i < 1e4; i++) { const u = t; t = { then(f) { f(u) } } } return t",
    "instanceof through hasInstance": "class A { static [Symbol.hasInstance](x) { return x instanceof A } } return ({}) instanceof A",
    "a tower of Reflect.construct": "const f = function () { return Reflect.construct(f, [], f) }; return new f",
    "defineProperty traps": "const p = new Proxy({}, { defineProperty: (t, k, d) => Reflect.defineProperty(p, k, d) }); p.x = 1; Object.defineProperty(p, 'x', {})",
}


@pytest.mark.parametrize("body", RECURSIONS.values(), ids=RECURSIONS.keys())
async def test_recursion_ends_as_an_error(scripts: Scripts, body: str) -> None:
    script = await scripts(attacked(body), cpu=0.4, wall=60, memory=64 * MIB)
    with trio.fail_after(LONGEST):
        ending = (await script.run(call_of({"attack": True}))).ending
    if isinstance(ending, Thrown):
        assert ending.name in {"RangeError", "InternalError", "SyntaxError", "Error", "Array"}, ending
    elif isinstance(ending, Killed):
        assert ending.reason in {"memory", "cpu"}, ending
    assert await script.value(call_of({"attack": False})) == "fine"
    assert differences_everywhere(script) == []
