"""Limits of time under attack: whatever a function does, its call ends in time, and its neighbours run."""

from __future__ import annotations

import pytest
import trio
from tests.javascript import LONGEST, MIB, FakeHost, Scripts, attacked, call_of, neighbour_and

from isthmus import LoadError
from isthmus.abc import Killed, Returned, Thrown

ENDLESS = {
    "a plain loop": "for (;;);",
    "a loop in a catch-all": "for (;;) try { for (;;); } catch {}",
    "a loop in finally": "try { throw 1 } finally { for (;;); }",
    "finally that never lets go": "for (;;) { try { return 1 } finally { continue } }",
    "a labelled continue": "outer: for (;;) { for (;;) continue outer }",
    "a getter read": "({ get x() { for (;;); } }).x",
    "a setter": "({ set x(v) { for (;;); } }).x = 1",
    "a Proxy's get trap": "new Proxy({}, { get() { for (;;); } }).x",
    "a Proxy's has trap": "'x' in new Proxy({}, { has() { for (;;); } })",
    "a Proxy's ownKeys trap": "Object.keys(new Proxy({}, { ownKeys() { for (;;); } }))",
    "toJSON of what is returned": "return { toJSON() { for (;;); } }",
    "a getter of what is returned": "return { get x() { for (;;); } }",
    "a Proxy that is returned": "return new Proxy({}, { ownKeys() { for (;;); } })",
    "then of what is returned": "return { then() { for (;;); } }",
    "a getter named then": "return { get then() { for (;;); } }",
    "name of what is thrown": "throw { get name() { for (;;); }, message: 'x' }",
    "message of an Error": "throw Object.defineProperty(new Error, 'message', { get() { for (;;); } })",
    "stack of an Error": "throw Object.defineProperty(new Error, 'stack', { get() { for (;;); } })",
    "Symbol.hasInstance": "({}) instanceof { [Symbol.hasInstance]() { for (;;); } }",
    "valueOf": "+{ valueOf() { for (;;); } }",
    "Symbol.toPrimitive": "`${{ [Symbol.toPrimitive]() { for (;;); } }}`",
    "toString of what is logged": "console.log({ toString() { for (;;); } }, { get x() { for (;;); } }, `${{ toString() { for (;;); } }}`)",
    "a generator": "function* g() { for (;;) yield 1 } for (const x of g());",
    "spreading an endless iterator": "[...(function* () { for (;;) yield })()]",
    "an async generator": "for await (const x of (async function* () { for (;;) yield 1 })());",
    "a chain of promise jobs": "const again = () => Promise.resolve().then(again); await again()",
    "promise jobs that nobody awaits": "const again = () => { queueMicrotask(again) }; again(); return 1",
    "async recursion": "const again = async () => { await null; return again() }; await again()",
    "await in a loop": "for (;;) await null",
    "a thenable that settles with itself again": "const t = { then(f) { f({ then: t.then }) } }; await t",
    "rejections without end": "const again = () => Promise.reject(1).catch(again); await again()",
    "a comparator": "[3, 1, 2].sort(() => { for (;;); })",
    "a replace callback": "'aaa'.replace(/a/g, () => { for (;;); })",
    "catastrophic backtracking": r"/^(\w+\s?)*$/.test('a'.repeat(60) + '!')",
    "backtracking with a lookahead": r"/^(?=(a+)+b)(a|aa)+$/.test('a'.repeat(50) + 'c')",
    "backtracking in split": r"('a'.repeat(60) + '!').split(/(a*)*b/)",
    "a reviver": "JSON.parse('[1]', () => { for (;;); })",
    "a replacer": "JSON.stringify([1], () => { for (;;); })",
    "a class's static block": "class A { static { for (;;); } }",
    "a default argument": "((a = (() => { for (;;); })()) => a)()",
    "eval": "eval('for (;;);')",
    "new Function": "new Function('for (;;);')()",
    "indexOf over a sparse giant": "Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1)",
    "with over a Proxy": "new Function('p', 'with (p) { for (;;) x }')(new Proxy({}, { has() { return true }, get() { return 1 } }))",
    "a BigInt power": "let n = 3n; for (;;) n = n ** 3n % (1n << 100000n)",
    "structuredClone of a getter": "structuredClone({ get x() { for (;;); } })",
    "a callback of forEach": "new Map([[1, 1]]).forEach((v, k, m) => { for (;;) { m.delete(k); m.set(k, v) } })",
    "a Map that grows while it is walked": "const m = new Map([[0, 0]]); for (const [k] of m) { m.delete(k); m.set(k + 1, 0) }",
    "Date.now until a time that never comes": "while (Date.now() < Infinity);",
    "a busy wait on the clock": "const end = Date.now() + 1e9; while (Date.now() < end);",
    "localeCompare and normalize": "for (;;) 'ä'.repeat(1e4).normalize('NFD').localeCompare('b')",
}


@pytest.mark.parametrize("body", ENDLESS.values(), ids=ENDLESS.keys())
async def test_code_without_end_is_stopped(scripts: Scripts, body: str) -> None:
    ending = await neighbour_and(await scripts(attacked(body), cpu=0.1, wall=60, memory=64 * MIB))
    assert isinstance(ending, Killed), ending
    assert ending.reason in {"cpu", "memory"}


BOUNDED = {
    "padEnd": "let s = 'x'; for (;;) s = s.padEnd(s.length * 2, s)",
    "repeat": "return 'x'.repeat(2 ** 29).repeat(2).length",
    "replaceAll over megabytes": "let s = 'ab'.repeat(4e6); for (;;) s = s.replaceAll('a', 'b').replaceAll('b', 'a')",
    "joining a giant array": "return Array(1e9).join('x').length",
    "joining a giant sparse array": "const a = []; a.length = 4294967295; return a.join().length",
    "filling a giant array": "return Array(4294967295).fill(1).length",
    "a BigInt shift": "return String(1n << 1000000000n)",
    "a BigInt product": "let n = 1n << 1000000n; for (;;) n *= n",
    "printing a BigInt": "return String(7n ** 2000000n).length",
    "parsing a BigInt": "return BigInt('9'.repeat(3e6)) % 7n === 0n",
    "concatenation": "let s = 'x'; for (;;) s += s",
    "spreading a giant string": "return [...'x'.repeat(3e7)].length",
    "apply with a giant list": "return Math.max.apply(null, Array(1e8))",
    "sorting a giant array": "return Array.from({ length: 5e6 }, (_, i) => -i).sort((a, b) => a - b)[0]",
    "flat": "let a = [1]; for (;;) a = [a, a].flat()",
    "a regular expression with a giant count": "return /(?:a{1000}){1000}/.test('a'.repeat(1e6))",
    "compiling a giant regular expression": "return new RegExp('(a|b)'.repeat(1e6)).test('x')",
    "parsing giant code": "return eval('1' + '+1'.repeat(5e6))",
    "parsing giant JSON": "return JSON.parse('[' + '1,'.repeat(2e7) + '1]').length",
    "a string's normal form": "return '\u1e9b\u0323'.repeat(5e6).normalize('NFKD').length",
    "split into characters": "return 'x'.repeat(2e7).split('').length",
    "Array.from over an endless length": "return Array.from({ length: 2 ** 53 }, () => 0).length",
    "lastIndexOf over an endless length": "return Array.prototype.lastIndexOf.call({ length: 2 ** 53 - 1 }, 1)",
    "reverse over an endless length": "return Array.prototype.reverse.call({ length: 2 ** 53 - 1 }).x",
    "a typed array copied on and on": "const a = new Uint8Array(1e7); for (;;) a.slice()",
    "atob": "return atob('QUFB'.repeat(5e6)).length",
    "escape": r"return escape('\ud800'.repeat(5e6)).length",
    "encodeURIComponent": "return encodeURIComponent('\u20ac'.repeat(5e6)).length",
    "localeCompare": "const s = '\u00e9'.repeat(3e6); return s.localeCompare(s.normalize('NFD'))",
    "toUpperCase": "return '\u0149'.repeat(1e7).toUpperCase().length",
}


@pytest.mark.parametrize("body", BOUNDED.values(), ids=BOUNDED.keys())
async def test_a_built_in_that_runs_long_or_large_is_stopped(scripts: Scripts, body: str) -> None:
    ending = await neighbour_and(await scripts(attacked(body), cpu=0.1, wall=60, memory=64 * MIB))
    if isinstance(ending, Killed):
        assert ending.reason in {"cpu", "memory"}, ending
    elif isinstance(ending, Thrown):
        assert ending.name in {"RangeError", "InternalError", "SyntaxError", "URIError"}, ending
    else:
        assert not ending.note


HARMLESS = {
    "toString of what is thrown": "throw { toString() { for (;;); } }",
    "Symbol.toPrimitive of what is thrown": "throw { [Symbol.toPrimitive]() { for (;;); } }",
    "a Proxy that is thrown": "throw new Proxy({}, { get() { for (;;); }, getPrototypeOf() { for (;;); } })",
    "a Proxy that is logged": "console.log(new Proxy({}, { get() { for (;;); }, ownKeys() { for (;;); } })); throw 1",
}


@pytest.mark.parametrize("body", HARMLESS.values(), ids=HARMLESS.keys())
async def test_what_is_thrown_or_logged_is_not_asked(scripts: Scripts, body: str) -> None:
    assert isinstance(await neighbour_and(await scripts(attacked(body), cpu=5, wall=60)), Thrown)


NEVER = {
    "a bare promise": "await new Promise(() => {})",
    "a promise returned": "return new Promise(() => {})",
    "all of nothing settled": "await Promise.all([1, new Promise(() => {})])",
    "race of none": "await Promise.race([])",
    "an async generator that waits": "for await (const x of (async function* () { await new Promise(() => {}) })());",
    "a thenable that never calls": "await { then() {} }",
    "after a fetch": "await fetch('http://a.example/'); await new Promise(() => {})",
    "after a timer": "await new Promise(r => setTimeout(r, 1)); await new Promise(() => {})",
    "beside a timer that was cleared": "clearTimeout(setTimeout(() => {}, 1e6)); await new Promise(() => {})",
}


@pytest.mark.parametrize("body", NEVER.values(), ids=NEVER.keys())
async def test_a_promise_nobody_can_settle_ends_the_call_at_once_and_says_so(
    scripts: Scripts, body: str
) -> None:
    script = await scripts.body(body, wall=60)
    with trio.fail_after(LONGEST):
        thrown = await script.thrown()
    assert "waits for a promise that nothing can settle" in thrown.message
    assert "onTrack" in thrown.message


# ---- whose time it is


async def test_the_processors_time_has_a_limit_of_its_own(scripts: Scripts) -> None:
    script = await scripts.body("for (;;);", cpu=0.05, wall=60)
    with trio.fail_after(LONGEST):
        killed = await script.killed()
    assert killed.reason == "cpu"
    assert "0.05" in killed.message


async def test_the_processors_time_adds_up_over_the_bursts_of_a_call(scripts: Scripts) -> None:
    body = "for (;;) { let n = 0; while (n < 2e5) n++; await fetch('http://a.example/') }"
    script = await scripts.body(body, cpu=0.1, wall=30)
    host = FakeHost()
    with trio.fail_after(LONGEST):
        assert (await script.killed(host=host)).reason == "cpu"
    assert len(host.requests) > 2


async def test_waiting_costs_no_processor_time(scripts: Scripts) -> None:
    script = await scripts.body(
        "await new Promise(r => setTimeout(r, 150)); return 'rested'", cpu=0.1, wall=30
    )
    reply = await script.run()
    assert reply.ending == Returned(b'"rested"')
    assert reply.cpu < 0.1


async def test_waiting_has_a_limit(scripts: Scripts) -> None:
    script = await scripts.body("await fetch('http://a.example/')", wall=0.1)
    with trio.fail_after(LONGEST):
        killed = await script.killed(host=FakeHost(gate=trio.Event()))
    assert killed.reason == "timeout"
    assert "0.1" in killed.message


async def test_what_a_call_took_is_told(scripts: Scripts) -> None:
    script = await scripts.body(
        "const a = new Uint8Array(event.size).fill(1); let n = 0; while (n < event.turns) n++"
    )
    small = await script.run(call_of({"size": 10, "turns": 10}))
    large = await script.run(call_of({"size": 3_000_000, "turns": 1_000_000}))
    assert 0 < small.cpu < large.cpu < 5
    assert 100_000 < small.memory < 3 * MIB
    assert 3_000_000 <= large.memory - small.memory < 2 * 3_000_000
    assert abs(trio.current_time() - large.started) < 60


async def test_loading_is_limited_too(scripts: Scripts) -> None:
    with pytest.raises(LoadError, match="did not finish loading in time"), trio.fail_after(LONGEST):
        await scripts("for (;;);", wall=0.1)
    with pytest.raises(LoadError), trio.fail_after(LONGEST):
        await scripts(
            "const a = []; for (;;) a.push('x'.repeat(1e6) + a.length); function onTrack() {}",
            memory=16 * MIB,
        )
    with pytest.raises(LoadError, match="RangeError"), trio.fail_after(LONGEST):
        await scripts("const f = () => f() + 1; f(); function onTrack() {}")


# ---- limits that are themselves extreme

EXTREMES: list[dict[str, float]] = [
    {"memory": 0},
    {"memory": 1000},
    {"memory": 1 << 20},
    {"memory": 1 << 32},
    {"memory": (1 << 32) + MIB},
    {"memory": 1 << 50},
    {"log_bytes": 0},
    {"log_bytes": 60 * MIB},
    {"log_bytes": 1 << 40},
    {"output_bytes": 0},
    {"operations": 0},
    {"wall": 1e-9},
    {"cpu": 1e-9},
    {"wall": 1e300, "cpu": 1e300},
]


@pytest.mark.parametrize("limits", EXTREMES, ids=str)
async def test_whatever_the_limits_a_call_ends_by_them(scripts: Scripts, limits: dict[str, float]) -> None:
    """A log that found no room was once written over the world's stack; a limit of 4 GiB was one of nothing."""
    body = """console.log('l'.repeat(event.log)); await fetch('http://a.example/').catch(() => {});
              return 'v'.repeat(event.size)"""
    script = await scripts.body(body, **limits)
    host = FakeHost()
    for log, size in ((10, 10), (5_000_000, 10), (10, 10)):
        with trio.fail_after(60):
            ending = (await script.run(call_of({"log": log, "size": size}), host)).ending
        if isinstance(ending, Killed):
            assert limits.get("memory", 1 << 20) <= 1 << 20 or ending.reason != "memory"
        else:
            assert ending == Returned(b'"' + b"v" * size + b'"')
    assert all(set(text) <= {"l"} for text in host.texts)


FORGED_PLACES = ["1:3000000000", "99999999999:1", "0:0", "1:0", "-1:-1", "2:18446744073709551616"]


@pytest.mark.parametrize("place", FORGED_PLACES)
async def test_a_place_that_is_not_in_the_code_is_not_shown(scripts: Scripts, place: str) -> None:
    code = f"const e = new Error('x'); e.stack = '    at f (tested.js:{place})'; throw e; function onTrack() {{}}"
    with pytest.raises(LoadError) as caught:
        await scripts(code)
    assert len(str(caught.value)) < 2000


async def test_of_code_in_one_giant_line_only_the_place_is_shown(scripts: Scripts) -> None:
    filler = "/* " + "x" * 1_000_000 + " */"
    with pytest.raises(LoadError, match="bad") as caught:
        await scripts(f"{filler} throw new Error('bad'); {filler} function onTrack() {{}}")
    assert len(str(caught.value)) < 2000
    shown, caret = caught.value.excerpt.splitlines()
    assert shown[caret.index("^") :].startswith(("new Error", "Error", "throw"))
