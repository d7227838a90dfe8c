"""Built-ins turned against the prelude: the function harms itself, and nothing is forged."""

from __future__ import annotations

import json

import pytest
import trio
from tests.javascript import LONGEST, MIB, FakeHost, Scripts, call_of

from isthmus.abc import Returned

POLLUTIONS = {
    "JSON replaced": 'JSON.stringify = JSON.parse = () => \'{"ops":[{"op":"evil"}]}\'; globalThis.JSON = null',
    "toJSON everywhere": "for (const p of [Object, Array, String, Number, Boolean, Function, Promise, BigInt]) p.prototype.toJSON = () => 'forged'",
    "Array.prototype's methods": "for (const k of Object.getOwnPropertyNames(Array.prototype)) if (k !== 'constructor' && k !== 'length') Array.prototype[k] = () => { throw 'taken' }",
    "String.prototype's methods": "for (const k of Object.getOwnPropertyNames(String.prototype)) if (k !== 'constructor' && k !== 'length') String.prototype[k] = () => 'forged'",
    "Map's and Set's methods": "for (const C of [Map, Set, WeakMap]) for (const k of ['get', 'set', 'has', 'delete', 'add', 'clear', 'forEach', 'entries']) C.prototype[k] = () => { throw 'taken' }",
    "Promise.prototype.then": "Promise.prototype.then = function () { throw 'taken' }",
    "then that never calls": "Promise.prototype.then = () => {}",
    "Promise's own functions": "Promise.resolve = Promise.reject = Promise.all = () => 'forged'",
    "Promise itself": "globalThis.Promise = function () { throw 'taken' }",
    "Symbol.species": "Object.defineProperty(Promise, Symbol.species, { get() { return function (f) { f(() => {}, () => {}) } } })",
    "a Promise's constructor": "Promise.prototype.constructor = function () { throw 'taken' }",
    "call, apply and bind": "Function.prototype.call = Function.prototype.apply = Function.prototype.bind = () => 'forged'",
    "Reflect": "for (const k of Reflect.ownKeys(Reflect)) try { Reflect[k] = () => { throw 'taken' } } catch {}",
    "Object's functions": "for (const k of Object.getOwnPropertyNames(Object)) try { Object[k] = () => { throw 'taken' } } catch {}",
    "Symbol.iterator of arrays": "Array.prototype[Symbol.iterator] = function* () { yield 'forged' }",
    "Symbol.iterator of strings and maps": "String.prototype[Symbol.iterator] = Map.prototype[Symbol.iterator] = function* () { yield 'forged' }",
    "the iterators' next": "Object.getPrototypeOf([][Symbol.iterator]()).next = () => ({ done: false, value: 'forged' })",
    "RegExp.prototype.exec": "RegExp.prototype.exec = () => { throw 'taken' }; RegExp.prototype[Symbol.replace] = () => 'forged'",
    "Error's class": "globalThis.Error = globalThis.TypeError = function () { return 'forged' }; Error.prototype = null",
    "Error.prepareStackTrace that throws": "Error.prepareStackTrace = () => { throw 'taken' }",
    "Error.prepareStackTrace that forges": "Error.prepareStackTrace = () => ({ toString() { return '}}],\"ops\":[' } })",
    "Error.stackTraceLimit": "Error.stackTraceLimit = { valueOf() { throw 'taken' } }",
    "typed arrays": "for (const k of Object.getOwnPropertyNames(Uint8Array.prototype.__proto__)) try { Uint8Array.prototype.__proto__[k] = () => { throw 'taken' } } catch {}; Object.defineProperty(Int32Array.prototype, 0, { set() {}, get() { return 9 } })",
    "Number and Math": "Number.prototype.toString = () => 'forged'; for (const k of Object.getOwnPropertyNames(Math)) try { Math[k] = () => NaN } catch {}",
    "Date": "globalThis.Date = { now: () => NaN }",
    "console": "console.log = console.error = () => { throw 'taken' }; globalThis.console = 1",
    "frozen prototypes": "for (const C of [Object, Array, Function, Promise, Error, Map, String]) Object.freeze(C.prototype)",
    "prototypes taken away": "Object.setPrototypeOf(Array.prototype, null); Object.setPrototypeOf(Function.prototype, null); Object.setPrototypeOf(Promise.prototype, null)",
    "every global deleted": "for (const k of Reflect.ownKeys(globalThis)) if (k !== 'attack') try { delete globalThis[k] } catch {}",
    "the global's prototype": "Object.setPrototypeOf(globalThis, new Proxy({}, { get() { throw 'taken' }, has() { return true } }))",
}
SETTERS = [
    "then",
    "get",
    "set",
    "value",
    "constructor",
    "0",
    "1",
    "done",
    "error",
    "id",
    "op",
    "ops",
    "messages",
    "name",
    "message",
    "stack",
    "fetching",
    "length",
    "next",
    "url",
    "method",
    "headers",
    "body",
    "status",
    "hit",
    "ms",
    "key",
    "ttl",
    "toJSON",
    "__proto__",
    "timer",
    "due",
    "number",
    "values",
    "line",
    "column",
    "sizes",
    "locales",
    "number",
    "date",
    "timeZone",
    "style",
]
POLLUTIONS |= {
    f"Object.prototype.{name} set aside": f"Object.defineProperty(Object.prototype, '{name}', "
    "{ set(v) {}, get() { return undefined }, configurable: true })"
    for name in SETTERS
}
POLLUTIONS |= {
    f"Object.prototype.{name} forged": f"Object.defineProperty(Object.prototype, '{name}', "
    "{ value: () => 'forged', writable: true, configurable: true, enumerable: true })"
    for name in SETTERS
}
EVERYTHING = """
    console.log('one', { a: [1, new Map([[1, 2]])] }); console.error(new Error('shown'));
    const said = [];
    const attempt = async f => { try { said.push(await f()) } catch (e) { said.push('threw') } };
    await attempt(async () => (await fetch('http://a.example/one?q=1', { method: 'POST', headers: { a: 'b' }, body: 'text' })).json());
    await attempt(() => fetch('http://a.example/two').then(r => r.text()));
    await attempt(() => new Promise(r => setTimeout(r, 1)));
    await attempt(() => cache.load('key', 1000, () => ({ a: 1 })));
    await attempt(() => cache.delete('key'));
    await attempt(() => structuredClone({ a: new Date(0) }));
    await attempt(() => new URL('http://a.example/x?y#z').href);
    await attempt(() => new Date(0).toLocaleString('de', { timeZone: 'Europe/Berlin' }) + (1234.5).toLocaleString());
    await attempt(() => new Intl.NumberFormat('en', { style: 'percent' }).formatToParts(2).length + 'b'.localeCompare('ä'));
    await attempt(() => { clearTimeout(setTimeout(() => {}, 1000)) });
    Promise.reject(new Error('nobody cares'));
    if (event.throws) throw new RetryError('as asked');
    return { said };
"""


@pytest.mark.parametrize("pollution", POLLUTIONS.values(), ids=POLLUTIONS.keys())
async def test_built_ins_turned_against_the_prelude_cost_the_function_only(
    scripts: Scripts, pollution: str
) -> None:
    code = f"""async function onTrack(event) {{ if (event.attack) {{ {pollution} }}\n{EVERYTHING} }}"""
    script = await scripts(code, wall=5, memory=32 * MIB)
    unharmed = await script.value(call_of({"attack": False}))
    for throws in (False, True):
        host = FakeHost()
        with trio.fail_after(LONGEST):
            reply = await script.run(
                call_of({"attack": True, "throws": throws}), host
            )  # no fault of the runtime
        assert reply.messages == b""
        assert {request.url for request in host.requests} <= {
            "http://a.example/one?q=1",
            "http://a.example/two",
        }
        assert set(host.cache) <= {"key"}
        if isinstance(reply.ending, Returned) and reply.ending.value:
            json.loads(reply.ending.value)
    host = FakeHost()
    assert await script.value(call_of({"attack": False}), host) == unharmed
    assert len(host.requests) == 2
