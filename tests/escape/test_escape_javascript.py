"""What a JavaScript function must not reach, line by line; each line is an attack."""

from __future__ import annotations

import json

import pytest
import trio
from tests.escape.prisons import Prison, value_of

from isthmus import Code, LoadError, Outcome, Status

# ---- names that lead out, wherever they are looked up

OUTSIDE = """
process require module exports __dirname __filename Deno Bun os std bjson scriptArgs print gc document
WebAssembly Worker SharedWorker importScripts XMLHttpRequest WebSocket EventSource XDomainRequest localStorage indexedDB
__native __load __handlers __code native shared flags host_call host wasi memory isthmus trio python
""".split()  # noqa: SIM905 -- reads better than a list of forty

SEARCHES = {
    "by name": "typeof globalThis[name]",
    "by typeof": "new Function('name', 'return eval(\"typeof \" + name)')(name)",
    "through this of a sloppy function": "typeof (function () { return this })()[name]",
    "through a function's constructor": "typeof (() => {}).constructor('return this')()[name]",
    "through an async function's constructor": "typeof (await (async () => {}).constructor('return this')())[name]",
    "through a generator's constructor": "typeof (function* () {}).constructor('yield this')().next().value[name]",
    "through an async generator's constructor": "typeof (await (async function* () {}).constructor('yield this')().next()).value[name]",
    "through the event's constructor": "typeof event.constructor.constructor('return this')()[name]",
    "through the settings' constructor": "typeof settings.constructor.constructor('return this')()[name]",
    "through console's constructor": "typeof console.log.constructor('return this')()[name]",
    "through fetch's constructor": "typeof fetch.constructor('return this')()[name]",
    "through setTimeout's constructor": "typeof setTimeout.constructor('return this')()[name]",
    "through a timer with a string": "(() => { try { setTimeout('globalThis.leaked = 1', 0) } catch {} return typeof globalThis[name] })()",
    "through crypto's constructor": "typeof crypto.createHash.constructor('return this')()[name]",
    "through an error's constructor": "typeof (() => { try { null.x } catch (e) { return e.constructor.constructor('return this')()[name] } })()",
    "through a host's error": "typeof (await fetch('file:///etc/passwd').catch(e => e.constructor.constructor('return this')()))[name]",
    "through an answer's constructor": "typeof (await fetch('http://a.example/')).constructor.constructor('return this')()[name]",
    "through indirect eval": "typeof (0, eval)('this')[name]",
    "through the global's prototype": "typeof Object.getPrototypeOf(globalThis)?.[name]",
    "through Reflect": "typeof Reflect.get(globalThis, name)",
    "through a Proxy round the global": "typeof new Proxy(globalThis, {})[name]",
    "through with": "new Function('name', 'with (globalThis) { return eval(\"typeof \" + name) }')(name)",
    "through a getter's this": "typeof Reflect.get({ get x() { return this } }, 'x', globalThis)[name]",
    "through a tagged template": "typeof ((...a) => a.constructor.constructor('return this')())`x`[name]",
    "through Symbol.toPrimitive's this": "(() => { let found; `${{ [Symbol.toPrimitive]() { found = typeof Function('return this')()[name]; return '' } }}`; return found })()",
}  # fmt: skip


@pytest.mark.parametrize("search", SEARCHES.values(), ids=SEARCHES.keys())
async def test_no_name_leads_out(javascript: Prison, search: str) -> None:
    names = json.dumps(OUTSIDE)
    found = await javascript.run(
        f"const found = []; for (const name of {names}) {{ const type = {search}; if (type !== 'undefined') found.push(name) }} return found"
    )
    assert found == []


LANGUAGE = """
globalThis Infinity NaN undefined eval isFinite isNaN parseFloat parseInt decodeURI decodeURIComponent encodeURI encodeURIComponent
escape unescape Object Function Boolean Symbol Error AggregateError EvalError InternalError RangeError ReferenceError SyntaxError
SuppressedError TypeError URIError Number BigInt Math Date String RegExp Array Int8Array Uint8Array Uint8ClampedArray Int16Array
Uint16Array Int32Array Uint32Array BigInt64Array BigUint64Array Float16Array Float32Array Float64Array Map Set WeakMap WeakSet
WeakRef FinalizationRegistry ArrayBuffer SharedArrayBuffer Atomics DataView JSON Promise Reflect Proxy Iterator Generator
DisposableStack AsyncDisposableStack
""".split()  # noqa: SIM905
OURS = """
global window self console Intl setTimeout setInterval setImmediate clearTimeout clearInterval clearImmediate performance queueMicrotask
fetch Headers Request Response FetchError AbortError AbortController AbortSignal Event EventTarget cache structuredClone URL
URLSearchParams Buffer crypto TextEncoder TextDecoder Blob File FormData atob btoa DOMException
Crypto CryptoKey SubtleCrypto http https zlib
ReadableStream ReadableStreamDefaultReader ReadableStreamDefaultController ReadableByteStreamController ReadableStreamBYOBReader
ReadableStreamBYOBRequest WritableStream WritableStreamDefaultWriter WritableStreamDefaultController TransformStream
TransformStreamDefaultController ByteLengthQueuingStrategy CountQueuingStrategy TextDecoderStream TextEncoderStream
CompressionStream DecompressionStream
URLPattern CustomEvent ErrorEvent MessageEvent PromiseRejectionEvent MessageChannel MessagePort reportError navigator Navigator
Performance PerformanceEntry PerformanceMark PerformanceMeasure
capability CapabilityError
EventNotSupported InvalidEventPayload ValidationError RetryError DropEvent
""".split()  # noqa: SIM905


async def test_the_global_object_has_what_is_listed_and_nothing_else(javascript: Prison) -> None:
    names = await javascript.run("return Reflect.ownKeys(globalThis).map(String)")
    assert isinstance(names, list)
    assert set(names) - {*LANGUAGE, *OURS, "Symbol(Symbol.toStringTag)"} == set()


async def test_no_object_within_reach_is_the_hosts(javascript: Prison) -> None:
    """Everything that can be reached from the globals, the arguments and an answer, by property, prototype or getter."""
    found = await javascript.run(
        """
        const seen = new Set(), found = [];
        const visit = (value, path) => {
            if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value)) return;
            seen.add(value);
            const own = k => Object.hasOwn(value, k);
            if (own('utf8Decode') || own('proxyTarget') || own('settle') || (own('evaluate') && own('run'))) found.push(path);
            if (value instanceof Int32Array) found.push(path + ' flags');
            if (typeof value === 'function' && /^(utf8Encode|hostCall|bind|proxyTarget|describe|drain|use|ask)$/.test(value.name) && ![Function.prototype.bind, globalThis.DisposableStack?.prototype.use, globalThis.AsyncDisposableStack?.prototype.use].includes(value)) found.push(path);
            if (seen.size > 20000) return;
            visit(Object.getPrototypeOf(value), path + '.__proto__');
            for (const key of Reflect.ownKeys(value)) {
                const d = Object.getOwnPropertyDescriptor(value, key), to = path + '.' + String(key);
                if (!d) continue;
                visit(d.value, to), visit(d.get, to), visit(d.set, to);
                if (d.get) try { visit(value[key], to) } catch {}
            }
        };
        const response = await fetch('http://a.example/');
        for (const name of Reflect.ownKeys(globalThis)) try { globalThis[name] } catch {}
        visit({ globalThis, event, settings, response, arguments, timer: setTimeout(() => {}, 1), handler: onTrack,
                hash: crypto.createHash('md5'), error: new Error('x'), url: new URL('http://a.example/'), buffer: Buffer.from('x') }, '');
        return { found, many: seen.size > 500 };
        """
    )
    assert found == {"found": [], "many": True}


# ---- stacks, callers, and what holds on to internals

HOOKS = """
const caught = new Set();
Error.prepareStackTrace = (error, sites) => {
    for (const site of sites) for (const get of ['getFunction', 'getThis', 'getEvalOrigin', 'getPromiseIndex']) {
        let got; try { got = site[get]?.() } catch {}
        if (typeof got === 'function' && got !== onTrack) caught.add(got);
    }
    return sites;
};
const look = () => { new Error('look').stack; return undefined };
const lures = { get(t, k) { look(); return Reflect.get(t, k) }, has(t, k) { look(); return k in t }, ownKeys(t) { look(); return Reflect.ownKeys(t) },
    getOwnPropertyDescriptor(t, k) { look(); return Reflect.getOwnPropertyDescriptor(t, k) }, getPrototypeOf(t) { look(); return Reflect.getPrototypeOf(t) } };
const lure = (target = { a: 1 }) => new Proxy(target, lures);
const word = { toString() { look(); return 'http://a.example/' }, valueOf() { look(); return 1 }, toJSON() { look(); return 1 } };
for (const name of ['then', 'get', 'set', 'value', 'error', 'method', 'body', 'headers', 'redirect', 'signal', 'type', 'next', 'done', 'hit', '0'])
    try { Object.defineProperty(Object.prototype, name, { get() { look(); return undefined }, set(v) { look(); Object.defineProperty(this, name, { value: v, writable: true, configurable: true, enumerable: true }) }, configurable: true }) } catch {}
const attempt = async f => { try { return await f() } catch (e) { look(); return e } };
"""
PULLS = [
    "fetch(word)",
    "fetch('http://a.example/', lure({ method: word, headers: lure({ a: word }), body: word }))",
    "fetch('http://a.example/').then(r => r.json())",
    "new Request(word, lure({}))",
    "new Headers(lure({ a: word }))",
    "new Headers([[word, word]])",
    "new URL(word, word)",
    "new URLSearchParams(lure({ a: word }))",
    "console.log(lure(), word, '%s %d %o', word, word, word)",
    "console.table(lure([lure()]))",
    "console.error(Object.assign(new Error('x'), { name: word, cause: lure() }))",
    "structuredClone(lure())",
    "structuredClone({ get x() { look(); return 1 } })",
    "setTimeout(word, word)",
    "new Promise(r => setTimeout(() => { look(); r() }, word))",
    "cache.load(word, word, () => { look(); return lure() })",
    "cache.load('k', 1000, async () => { look(); throw lure() })",
    "crypto.createHash(word).update(word).digest(word)",
    "crypto.createHmac('sha256', lure()).update(lure()).digest('hex')",
    "crypto.getRandomValues(lure(new Uint8Array(4)))",
    "Buffer.from(lure([1, 2]))",
    "Buffer.from(word, word)",
    "new TextDecoder(word).decode(lure())",
    "new Blob([word, lure()])",
    "new FormData().append(word, word)",
    "new AbortController().abort(lure())",
    "AbortSignal.timeout(word)",
    "new EventTarget().dispatchEvent(lure())",
    "queueMicrotask(() => { look() })",
    "atob(word)",
    "performance.now(lure())",
    "Promise.reject(lure())",
]


async def test_stack_hooks_catch_no_function_that_is_not_an_api(javascript: Prison) -> None:
    """V8's call sites hand out the functions on the stack; what they hand out of the prelude must be no tool."""
    pulls = "\n".join(f"await attempt(() => {pull});" for pull in PULLS)
    found = await javascript.run(
        f"""{HOOKS}{pulls}
        for (const name of Object.getOwnPropertyNames(Object.prototype)) if (!/^(constructor|__|to|is|has|prop|value)/.test(name)) delete Object.prototype[name];
        const apis = new Set([onTrack, look, attempt, lure, ...Object.values(lures)]);
        const strange = [...caught].filter(f => typeof f === 'function' && /^(utf8|latin1|utf16|base64|hex|random|now|log|call|evaluate|compile|run|bind|promise|proxyTarget|classOf|use|ask|say|settle|drain|describe|adopt|rejected|load)/.test(f.name) && !apis.has(f));
        return strange.map(f => f.name);
        """
    )
    assert found == []


async def test_whatever_a_stack_hook_catches_it_harms_its_own_call_only(javascript: Prison) -> None:
    pulls = "\n".join(f"await attempt(() => {pull});" for pull in PULLS)
    code = f"""async function onTrack(event) {{
        if (!event.properties.attack) return 'fine';
        {HOOKS}{pulls}
        const junk = [undefined, null, 1, -1, 'x', {{}}, [], new Uint8Array(9), () => 1, [{{ id: 1 }}], [[['a']]], {{ code: 'x', file: 'y', modules: [] }}];
        for (const f of caught) for (const a of junk) for (const b of junk) try {{ if (typeof f === 'function') f(a, b, a) }} catch {{}}
    }}"""
    instance = await javascript.load(code)
    outcome = await javascript.outcome(instance, attack=True)
    assert outcome.problem is None or outcome.problem.code is not Code.INTERNAL, outcome.problem
    fine = await javascript.outcome(instance)
    assert value_of(fine) == "fine"


TOOLS = {
    "arguments.callee.caller": "return typeof (function () { return arguments.callee.caller })()",
    "a function's caller": "function f() { return f.caller } try { return typeof (() => f())() } catch { return 'undefined' }",
    "a function's arguments": "function f() { return f.arguments } try { return typeof f(1) } catch { return 'undefined' }",
    "import.meta": "try { return typeof eval('import.meta') } catch { return 'undefined' }",
    "new.target in eval": "try { return typeof eval('new.target') } catch { return 'undefined' }",
    "the source of the prelude": "return fetch.toString().includes('flags') || console.log.toString().includes('native.log') ? 'source' : 'undefined'",
}


@pytest.mark.parametrize("body", TOOLS.values(), ids=TOOLS.keys())
async def test_the_language_hands_out_no_internals(javascript: Prison, body: str) -> None:
    assert await javascript.run(body) in {"undefined", "object", None}


# ---- files, modules, network

MODULES = [
    "fs", "node:fs", "os", "std", "qjs:std", "qjs:os", "bjson", "child_process", "worker_threads", "vm", "net", "path", "process",
    "/etc/passwd", "./core.js", "../prelude/core.js", "file:///etc/passwd", "http://a.example/x.js", "data:text/javascript,export default 1",
    "isthmus:core", "isthmus:load", "core", "modules", "",
]  # fmt: skip


async def test_nothing_can_be_imported(javascript: Prison) -> None:
    found = await javascript.run(
        f"const found = []; for (const name of {json.dumps(MODULES)}) try {{ await import(name); found.push(name) }} catch {{}} return found"
    )
    assert found == []
    assert javascript.fetcher.requests == []


URLS = [
    "file:///etc/passwd", "FILE:///etc/passwd", "file://localhost/etc/passwd", "data:text/plain,x", "blob:null/1", "ftp://a.example/x",
    "gopher://a.example/x", "javascript:1", "about:blank", "ws://a.example/", "/etc/passwd", "//etc/passwd", "isthmus:core", "", " ", "http:",
    "http://", "unix:///var/run/docker.sock", "http+unix://x/", "jar:file:///x", "\\\\\\\\host\\\\share",
]  # fmt: skip


async def test_fetch_goes_out_by_http_alone(javascript: Prison) -> None:
    said = await javascript.run(
        f"const said = []; for (const url of {json.dumps(URLS)}) said.push(await fetch(url).then(() => url, () => null)); return said.filter(x => x !== null)"
    )
    assert said == []
    assert javascript.fetcher.requests == []


SMUGGLED = {
    "a header's value": "fetch('http://a.example/', { headers: { a: 'b\\r\\nc: d' } })",
    "a header's value with a zero": "fetch('http://a.example/', { headers: { a: 'b\\0' } })",
    "a header's name": "fetch('http://a.example/', { headers: { 'a: b\\r\\nc': 'd' } })",
    "the user's name": "fetch('http://u\\r\\nx: y@a.example/')",
    "the host": "fetch('http://a.example\\r\\nx: y/')",
}


@pytest.mark.parametrize("request_", SMUGGLED.values(), ids=SMUGGLED.keys())
async def test_no_line_is_smuggled_into_a_request(javascript: Prison, request_: str) -> None:
    await javascript.run(f"await {request_}.catch(() => {{}})")
    for request in javascript.fetcher.requests:
        text = request.url + request.method + "".join(name + value for name, value in request.headers)
        assert not any(character in text for character in "\r\n\0")


# ---- other calls, other instances

SECRET = "secret-of-another-instance"

HIDING_PLACES = {
    "a global": ("globalThis.leak = c", "globalThis.leak"),
    "a variable of the code's": ("kept = c", "kept"),
    "a prototype": ("Object.prototype.leak = c", "({}).leak"),
    "fetch replaced": ("globalThis.fetch = () => c", "String(await fetch('http://a.example/'))"),
    "console replaced": ("console.log = () => c", "console.log('')"),
    "the cache": ("await cache.load('key', 60000, () => c)", "await cache.load('key', 60000, () => 'own')"),
    "the cache, under a polluted name": ("await cache.load('__proto__', 60000, () => c)", "await cache.load('__proto__', 60000, () => 'own')"),
    "settings": ("settings.other = c", "settings.other"),
    "a timer that is left": ("setTimeout(() => { kept = c }, 5)", "kept"),
    "memory that is not cleared, as Buffer": ("for (let i = 0; i < 50; i++) Buffer.from(c.repeat(100))", "Array.from({ length: 50 }, () => Buffer.allocUnsafe(5000).toString('latin1')).join('')"),
    "memory that is not cleared, as ArrayBuffer": ("for (let i = 0; i < 50; i++) new TextEncoder().encode(c.repeat(100))", "Array.from({ length: 50 }, () => String.fromCharCode(...new Uint8Array(new ArrayBuffer(5000)))).join('')"),
    "memory that is not cleared, as SharedArrayBuffer": ("for (let i = 0; i < 50; i++) Buffer.from(c.repeat(100))", "String.fromCharCode(...new Uint8Array(new SharedArrayBuffer(5000)))"),
    "memory that is grown into": ("globalThis.x = c.repeat(50000)", "(() => { const b = new ArrayBuffer(10, { maxByteLength: 100000 }); b.resize(100000); return Buffer.from(b).toString('latin1') })()"),
    "memory behind an array": ("globalThis.x = Array(5000).fill(c)", "JSON.stringify([...Array(5000)].filter(x => x !== undefined))"),
    "chance": ("globalThis.x = Math.random()", "'own'"),
    "an error's stack": ("globalThis.e = new Error(c)", "String(new Error('x').stack)"),
}  # fmt: skip


@pytest.mark.parametrize(("write", "read"), HIDING_PLACES.values(), ids=HIDING_PLACES.keys())
async def test_one_instance_does_not_see_what_another_has_left(
    javascript: Prison, write: str, read: str
) -> None:
    code = f"""let kept = 'nothing';
    async function onTrack(event, settings) {{
        const c = settings.secret;
        if (c) {{ {write} }}
        return String({read});
    }}"""
    victim, attacker = (
        await javascript.load(code, {"secret": SECRET}),
        await javascript.load(code, {"secret": ""}),
    )
    for _ in range(3):
        assert (await javascript.outcome(victim)).problem is None
        outcome = await javascript.outcome(attacker)
        assert SECRET not in str(value_of(outcome))


async def test_no_number_of_another_calls_timers_can_be_cancelled(javascript: Prison) -> None:
    victim = await javascript.load(
        "async function onTrack() { await new Promise(r => setTimeout(r, 60)); await fetch('http://a.example/slow'); return 'undisturbed' }"
    )
    attacker = await javascript.load(
        """async function onTrack() { for (let i = -10; i < 5000; i++) { clearTimeout(i); clearInterval(i); clearImmediate(i) }
        const c = new AbortController(); fetch('http://a.example/slow', { signal: c.signal }).catch(() => {}); c.abort(); return 1 }"""
    )
    outcomes: list[Outcome] = []

    async def suffer() -> None:
        outcomes.append(await javascript.outcome(victim))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(suffer)
        for _ in range(5):
            await javascript.outcome(attacker)
    assert value_of(outcomes[0]) == "undisturbed"


async def test_two_calls_at_once_share_no_shared_memory(javascript: Prison) -> None:
    code = """const shared = new SharedArrayBuffer(64), view = new Int32Array(shared);
    async function onTrack(event) {
        const before = view[0]; view[0] = 7; globalThis.Atomics?.store(view, 1, 9);
        await fetch('http://a.example/slow');
        return [before, view[0], view[1]];
    }"""
    instance = await javascript.load(code)
    values: list[object] = []

    async def one() -> None:
        outcome = await javascript.outcome(instance)
        values.append(value_of(outcome))

    async with trio.open_nursery() as nursery:
        for _ in range(4):
            nursery.start_soon(one)
    assert [value[0] for value in values if isinstance(value, list)] == [0] * 4


@pytest.mark.parametrize(
    "body",
    [
        "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1e9)",
        "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)",
        "await Atomics.waitAsync(new Int32Array(new SharedArrayBuffer(4)), 0, 0).value",
        "for (;;) Atomics.notify(new Int32Array(new SharedArrayBuffer(4)), 0)",
    ],
)
async def test_atomics_block_no_thread(javascript: Prison, body: str) -> None:
    instance = await javascript.load(f"async function onTrack() {{ {body} }}")
    with trio.fail_after(60):
        outcome = await javascript.outcome(instance)
    assert outcome.problem is not None


# ---- memory

OUT_OF_BOUNDS = {
    "reading beyond a typed array": "const a = new Uint8Array(8); return [a[8], a[-1], a[2 ** 31], a[2 ** 32], a['-0']].every(x => x === undefined)",
    "writing beyond a typed array": "const a = new Uint8Array(8), b = new Uint8Array(8); for (const i of [8, -1, 2 ** 31, 1e20]) a[i] = 255; return b.every(x => x === 0) && a.length === 8",
    "a DataView beyond its buffer": "try { new DataView(new ArrayBuffer(8)).getFloat64(1); return false } catch (e) { return e instanceof RangeError }",
    "an offset that wraps": "try { new Uint8Array(new ArrayBuffer(8), 2 ** 32 - 8, 16); return false } catch (e) { return e instanceof RangeError }",
    "a view over a buffer that shrank": "const b = new ArrayBuffer(64, { maxByteLength: 64 }), a = new Uint8Array(b); b.resize(0); return a[63] === undefined && a.length === 0",
    "a view over a buffer that was transferred": "const b = new ArrayBuffer(64), a = new Uint8Array(b); b.transfer(); return a[0] === undefined && a.length === 0",
    "shrinking while sorting": "const b = new ArrayBuffer(64, { maxByteLength: 64 }), a = new Uint8Array(b); a.sort(() => { b.resize(0); return 1 }); return a.length === 0",
    "shrinking while filling": "const b = new ArrayBuffer(64, { maxByteLength: 64 }), a = new Uint8Array(b); try { a.fill({ valueOf() { b.resize(1); return 1 } }) } catch {} return a.length <= 1",
    "shrinking while copying": "const b = new ArrayBuffer(64, { maxByteLength: 64 }), a = new Uint8Array(b); try { a.copyWithin({ valueOf() { b.resize(4); return 0 } }, 2) } catch {} return a.length <= 4",
    "shrinking while setting": "const b = new ArrayBuffer(64, { maxByteLength: 64 }), a = new Uint8Array(b); try { a.set({ length: 64, get 0() { b.resize(0); return 1 } }) } catch {} return a.length === 0",
    "transferring while slicing": "const b = new ArrayBuffer(64); class S extends Uint8Array { static get [Symbol.species]() { return function (n) { b.transfer(); return new Uint8Array(n) } } } try { new S(b).slice() } catch {} return b.byteLength === 0",
    "a species that is too short": "class S extends Uint8Array { static get [Symbol.species]() { return function () { return new Uint8Array(1) } } } try { new S(64).slice(); return false } catch { return true }",
    "an array's length pulled away": "const a = [1, 2, 3]; a.length = 1; return a[2] === undefined",
    "splice while the array shrinks": "const a = Array(100).fill(1); a.splice(0, { valueOf() { a.length = 0; return 50 } }, 1); return a.length < 200",
    "join while the array shrinks": "const a = Array(100).fill(0).map(() => ({ toString() { a.length = 0; return 'x' } })); a.join(); return true",
    "a buffer taken while it is hashed": "const b = Buffer.alloc(64); crypto.createHash('md5').update({ toString() { return 'x' } } instanceof Object ? b : b).digest(); return true",
    "random values beyond a view": "const b = new ArrayBuffer(64); crypto.getRandomValues(new Uint8Array(b, 60, 4)); return new Uint8Array(b, 0, 60).every(x => x === 0)",
    "a regular expression's lastIndex": "const r = /a/gy; for (const i of [-1, 2 ** 31, 2 ** 53, NaN, 1e300]) { r.lastIndex = i; r.exec('aaa') } return true",
    "a giant lastIndex and surrogates": "const r = /./gu; r.lastIndex = 1; return r.exec('\\ud83d\\ude00') !== undefined",
    "atob of rubbish": "for (const t of ['====', 'a', '\\ud800', 'A'.repeat(4099)]) try { atob(t) } catch {} return true",
    "half characters everywhere": "Buffer.from('\\ud83d').toString(); new TextEncoder().encode('\\ude00'); new URL('http://a.example/\\ud83d'); return true",
}  # fmt: skip


@pytest.mark.parametrize("body", OUT_OF_BOUNDS.values(), ids=OUT_OF_BOUNDS.keys())
async def test_memory_ends_where_it_ends(javascript: Prison, body: str) -> None:
    assert await javascript.run(body) is True


# ---- synchronous calls to the host

OPERATIONS = [
    "module:core",
    "modules",
    "../../../etc/passwd",
    "sha256\0",
    "sha256:99",
    "",
    "x" * 100_000,
    "hash",
    "__proto__",
    "constructor",
]


async def test_no_name_of_a_hash_asks_the_host_for_anything_else(javascript: Prison) -> None:
    found = await javascript.run(
        f"""const found = [];
        for (const name of {json.dumps(OPERATIONS)}) {{
            try {{ found.push([name.slice(0, 20), crypto.createHash(name).update('x').digest('hex')]) }} catch {{}}
            try {{ found.push([name.slice(0, 20), crypto.createHmac(name, 'k').update('x').digest('hex')]) }} catch {{}}
            try {{ new URL('http://' + name + '/') }} catch {{}}
        }}
        return found"""
    )
    assert found == []


# ---- what comes out


async def test_names_of_errors_claim_no_more_than_a_throw(javascript: Prison) -> None:
    for name in ("Timeout", "CpuLimit", "MemoryLimit", "OutputLimit", "Crash", "RuntimeFault", "INTERNAL"):
        instance = await javascript.load(
            f"function onTrack() {{ throw Object.assign(new Error('x'), {{ name: {name!r} }}) }}"
        )
        outcome = await javascript.outcome(instance)
        assert outcome.problem is not None
        assert (outcome.status, outcome.problem.code) == (Status.REFUSED, Code.BAD_REQUEST), name


async def test_console_output_keeps_its_level_and_forges_no_notice(javascript: Prison) -> None:
    instance = await javascript.load(
        "function onTrack() { console.log('a\\nnotice: b\\u0000\\u001b[2J'); console.log({ level: 'notice', toString() { return 'c' } }) }"
    )
    outcome = await javascript.outcome(instance)
    assert {line.level for line in outcome.logs} == {"log"}
    assert len(outcome.logs) == 2


async def test_an_events_keys_pollute_nothing(javascript: Prison) -> None:
    instance = await javascript.load(
        "function onTrack(event) { return [({}).polluted, Object.hasOwn(event, '__proto__'), typeof event.toString, event.constructor] }"
    )
    text = (
        b'{"type":"track","event":"E","__proto__":{"polluted":1},"constructor":"c","then":"t","toJSON":"j"}'
    )
    outcome = await javascript.engine.invoke(instance, text)
    assert value_of(outcome) == [None, True, "function", "c"]


async def test_the_clock_measures_nothing_of_the_host(javascript: Prison) -> None:
    """No timer to time caches and neighbours with: between two reads lies a microsecond, whatever was done."""
    for clock in ("performance.now()", "Date.now()", "new Date().getTime()"):
        passed = await javascript.run(
            f"const a = {clock}; let n = 0; for (let i = 0; i < 2e6; i++) n += i; return {clock} - a"
        )
        assert isinstance(passed, int | float)
        assert 0 <= passed <= 1, clock


# ---- code that is more than a function's body

BREAKOUTS = {
    "closing the function round it": "}); globalThis.leak = 1; (function () {",
    "closing it and the arrow": "}]; globalThis.leak = 1; [() => {",
    "closing with a comment": "} /* */ }); globalThis.leak = 1 //",
    "a comment left open": "function onTrack() { return 1 } /*",
    "a template left open": "function onTrack() { return 1 } `",
    "a string left open": "function onTrack() { return 1 } '",
    "super": "super.x; function onTrack() {}",
    "new.target outside": "class A extends new.target {} function onTrack() {}",
    "yield outside": "yield 1; function onTrack() {}",
    "await outside": "await 1; function onTrack() {}",
    "an export of what is not there": "export { nothing }; function onTrack() {}",
    "an import of the prelude": "import core from 'isthmus:core'; function onTrack() {}",
    "the handlers' hook": "function __handlers() {} function onTrack() {}",
    "a loop": "for (;;); function onTrack() {}",
    "a bomb": "const a = []; for (;;) a.push('x'.repeat(1e6) + a.length); function onTrack() {}",
    "recursion": "(function f() { f() })(); function onTrack() {}",
    "a throw of nothing": "throw undefined; function onTrack() {}",
    "fetch while loading": "fetch('http://a.example/'); function onTrack() {}",
    "a timer while loading": "setTimeout(() => {}, 1); function onTrack() {}",
}


@pytest.mark.parametrize("code", BREAKOUTS.values(), ids=BREAKOUTS.keys())
async def test_code_that_is_no_body_of_a_function_does_not_load(javascript: Prison, code: str) -> None:
    with pytest.raises(LoadError):
        await javascript.load(code)
    assert javascript.fetcher.requests == []


STRANGE_LOADS = {
    "toJSON of everything": "Object.prototype.toJSON = Array.prototype.toJSON = String.prototype.toJSON = () => 'forged';",
    "JSON.stringify replaced": "JSON.stringify = () => '[\"onPage\"]';",
    "a job that replaces what is sealed": "Promise.resolve().then(() => { globalThis.__handlers = [1, 2, 3] });",
    "a job that hides what is sealed": "Promise.resolve().then(() => { Object.defineProperty(globalThis, '__handlers', { get() { throw 1 }, configurable: true }) });",
    "a job that hands over a Proxy": "Promise.resolve().then(() => { Object.defineProperty(globalThis, '__handlers', { value: new Proxy([], { get() { throw 1 } }), configurable: true }) });",
    "a job that fails": "Promise.reject(new Error('late'));",
    "Object.prototype's numbers": "for (let i = 0; i < 9; i++) Object.defineProperty(Object.prototype, i, { set() {}, get() { return () => 'forged' }, configurable: true });",
    "frozen everything": "for (const C of [Object, Array, Function, Promise, String]) { Object.freeze(C); Object.freeze(C.prototype) }",
    "a global that cannot be deleted": "Object.defineProperty(globalThis, 'stuck', { value: 1 });",
    "an error hook": "Error.prepareStackTrace = () => { throw 1 };",
}


@pytest.mark.parametrize("code", STRANGE_LOADS.values(), ids=STRANGE_LOADS.keys())
async def test_code_that_spoils_its_own_loading_harms_itself(javascript: Prison, code: str) -> None:
    try:
        instance = await javascript.load(f"{code}\nfunction onTrack() {{ return 'mine' }}")
    except LoadError:
        return
    outcome = await javascript.outcome(instance)
    if outcome.problem is not None:
        assert outcome.problem.code is not Code.INTERNAL, outcome.problem
    else:
        assert value_of(outcome) in {"mine", "forged"}
