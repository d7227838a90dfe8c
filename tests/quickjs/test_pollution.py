"""Built-ins turned against the prelude: the function harms itself, and nothing is forged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import trio
from tests.javascript import LONGEST, MIB, SEED, Offering, Scripts, call_of, open_scripts

from isthmus.abc import Returned
from isthmus_quickjs import _prelude
from isthmus_quickjs._guest import Guest

PRELUDE = Path(_prelude.__file__).parent / "prelude"

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
MORE_SETTERS = [
    "start",
    "pull",
    "cancel",
    "type",
    "size",
    "highWaterMark",
    "signal",
    "once",
    "capture",
    "detail",
    "data",
    "ports",
    "transfer",
    "options",
    "encoding",
    "fatal",
    "algorithm",
    "hash",
    "iv",
    "key",
    "sizes",
    "code",
    "boundary",
    "filename",
    "endings",
    "baseURL",
    "protocol",
    "pathname",
    "mode",
    "passive",
    "highwater",
    "kind",
    "format",
    "padding",
    "namedCurve",
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


def wall(pollution: str) -> float:
    """Seconds for a call: what a busy machine needs, unless it is known to wait for its own timer in vain."""
    return 6.0 if "Math" in pollution else LONGEST


ALL_KINDS = {name: text for name, text in POLLUTIONS.items() if not name.startswith("Object.prototype.")} | {
    "setters everywhere": f"for (const k of {SETTERS + MORE_SETTERS}) Object.defineProperty(Object.prototype, k, "
    "{ set(v) {}, get() { return undefined }, configurable: true })",
    "functions everywhere": f"for (const k of {SETTERS + MORE_SETTERS}) try {{ Object.defineProperty(Object.prototype, k, "
    "{ value: () => 'forged', writable: true, configurable: true, enumerable: true }) } catch {}",
    "getters that throw everywhere": f"for (const k of {SETTERS + MORE_SETTERS}) Object.defineProperty(Object.prototype, k, "
    "{ get() { throw 'taken' }, configurable: true })",
    "classes replaced": "for (const k of ['Uint8Array', 'ArrayBuffer', 'DataView', 'Map', 'Set', 'WeakMap', 'RegExp', 'Proxy', 'Symbol', 'String', 'Number', 'Array', 'Object', 'DOMException']) globalThis[k] = function () { throw 'taken' }",
    "the platform's own prototypes": "for (const k of ['Headers', 'Request', 'Response', 'Blob', 'FormData', 'URL', 'URLSearchParams', 'ReadableStream', 'WritableStream', 'EventTarget', 'Event', 'AbortSignal', 'MessagePort', 'Buffer', 'TextDecoder', 'CryptoKey', 'SubtleCrypto']) for (const name of Reflect.ownKeys(globalThis[k].prototype)) try { Object.defineProperty(globalThis[k].prototype, name, { value: () => { throw 'taken' } }) } catch {}",
    "accessors of buffers": "for (const k of ['buffer', 'byteLength', 'byteOffset', 'length']) Object.defineProperty(Object.getPrototypeOf(Uint8Array.prototype), k, { get: () => 2 ** 40 })",
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
    await attempt(() => capability('geo.lookup', 'there'));
    await attempt(() => structuredClone({ a: new Date(0) }));
    await attempt(() => new URL('http://a.example/x?y#z').href);
    await attempt(() => new Date(0).toLocaleString('de', { timeZone: 'Europe/Berlin' }) + (1234.5).toLocaleString());
    await attempt(() => new Intl.NumberFormat('en', { style: 'percent' }).formatToParts(2).length + 'b'.localeCompare('ä'));
    await attempt(() => { clearTimeout(setTimeout(() => {}, 1000)) });
    Promise.reject(new Error('nobody cares'));
    if (event.throws) throw new RetryError('as asked');
    return { said };
"""

IMPORTS = """
    import EventEmitter from 'node:events'; import os from 'node:os'; import { StringDecoder } from 'node:string_decoder';
    import nodeBuffer from 'node:buffer'; import process from 'node:process'; import nodeTimers from 'node:timers';
"""
USES = {
    "languages": """
        const day = new Date(0), zone = { timeZone: 'Europe/Berlin' };
        const texts = [day.toLocaleString('de', zone), (1234.5).toLocaleString('fr'), 'b'.localeCompare('a', 'sv'), 'b'.localeCompare('a'), 'i'.toLocaleUpperCase('tr')];
        texts.push(new Intl.DateTimeFormat('ja', zone).format(day), new Intl.NumberFormat('en', { style: 'currency', currency: 'EUR' }).format(5));
        texts.push(new Intl.PluralRules('pl').select(3), new Intl.RelativeTimeFormat('es').format(-1, 'day'), new Intl.ListFormat('it').format(['a', 'b']));
        texts.push(new Intl.Collator('sv').compare('z', 'ö'), new Intl.DisplayNames('en', { type: 'region' }).of('DE'), new Intl.Locale('en-US').language);
        texts.push([...new Intl.Segmenter('en', { granularity: 'word' }).segment('a b')].length, Intl.getCanonicalLocales('EN-us'), [1.5, 2].toLocaleString('de'));
        return texts.length
    """,
    "bodies": """
        await (await fetch('http://a.example/one', { method: 'POST', body: new Blob(['text']).stream() })).text();
        new Response('x').body.on('data', () => {});
        const form = new FormData(); form.append('a', new File(['x'], 'n')); form.append('b', 'y');
        return [...await new Response(form).formData()].length
    """,
    "streams": """
        const doubled = new TransformStream({ transform(x, c) { c.enqueue(x + x) } });
        const [one, two] = ReadableStream.from(['a', 'b']).pipeThrough(doubled).tee();
        const seen = []; two.cancel().catch(() => {});
        await one.pipeTo(new WritableStream({ write(x) { seen.push(x) } }, new CountQueuingStrategy({ highWaterMark: 2 }))).catch(() => {});
        return seen
    """,
    "streams of bytes": """
        const reader = new Response('text').body.getReader({ mode: 'byob' });
        const zipped = new Response('text').body.pipeThrough(new CompressionStream('gzip')).pipeThrough(new DecompressionStream('gzip'));
        return [(await reader.read(new Uint8Array(2))).value.length, await new Response(zipped.pipeThrough(new TextDecoderStream()).pipeThrough(new TextEncoderStream())).text()]
    """,
    "the last match": "/(a)/.test('ab'); return [RegExp.$1, RegExp.rightContext]",
    "text": "return [new TextDecoder('latin1').decode(new TextEncoder().encode('gr\u00fc')), atob(btoa('x')), Buffer.from('x').toString('hex')]",
    "addresses": """
        const p = new URLSearchParams('a=1&b=2'); p.sort(); p.append('c', '3');
        return [String(p), new URL('../x?y', 'http://b\u00fccher.example/a/b').href, new URLPattern({ pathname: '/:a' }).exec('http://a/b').pathname.groups,
            new URLPattern('https://*.example/:id').test('https://a.example/1')]
    """,
    "events": """
        const said = [], target = new EventTarget(), abort = new AbortController();
        target.addEventListener('x', (e) => said.push(e.detail), { signal: abort.signal });
        target.dispatchEvent(new CustomEvent('x', { detail: 1 })); AbortSignal.any([abort.signal]); abort.abort(); return said
    """,
    "ports": """
        const { port1, port2 } = new MessageChannel(), got = new Promise((r) => { port2.onmessage = (e) => r(e.data) });
        port1.postMessage({ a: 1 }); return Promise.race([got, new Promise((r) => setTimeout(r, 50))])
    """,
    "marks": "performance.mark('a', { startTime: 1 }); performance.measure('b', 'a'); reportError('odd'); return [performance.getEntries().length, navigator.userAgent]",
    "hashes and ciphers": """
        const key = Buffer.alloc(32, 1), iv = Buffer.alloc(16, 2), c = crypto.createCipheriv('aes-256-cbc', key, iv);
        return [crypto.createHash('sha256').update('x').digest('hex'), crypto.createHmac('sha1', 'k').update('x').digest('base64'),
            c.update('text', 'utf8', 'hex') + c.final('hex'), crypto.pbkdf2Sync('p', 's', 2, 8, 'sha1').length, crypto.randomBytes(4).length, crypto.getHashes().length > 5]
    """,
    "keys": """
        const { privateKey, publicKey } = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' });
        const signed = crypto.createSign('sha256').update('x').sign(privateKey), ecdh = crypto.createECDH('prime256v1'); ecdh.generateKeys();
        return [crypto.createVerify('sha256').update('x').verify(publicKey, signed), crypto.constants.RSA_PKCS1_PADDING,
            (() => { try { crypto.publicEncrypt('none', Buffer.from('x')) } catch (e) { return 'threw' } })()]
    """,
    "subtle": """
        const raw = await crypto.subtle.importKey('raw', new Uint8Array(32), { name: 'HMAC', hash: 'SHA-256' }, true, ['sign']);
        const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
        const aes = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 128 }, true, ['encrypt']);
        return [new Uint8Array(await crypto.subtle.sign('HMAC', raw, new Uint8Array(2))).length, pair.publicKey.type,
            (await crypto.subtle.encrypt({ name: 'AES-GCM', iv: new Uint8Array(12) }, aes, new Uint8Array(4))).byteLength]
    """,
    "node": """
        const emitter = new EventEmitter(), heard = []; emitter.once('x', (v) => heard.push(v)); emitter.emit('x', 1);
        return [heard, typeof os.EOL, new StringDecoder('utf8').write(Buffer.from('x')), nodeBuffer.Buffer === Buffer, process.version, typeof nodeTimers.setTimeout,
            zlib.gunzipSync(zlib.gzipSync('x')).toString()]
    """,
    "https": """
        return Promise.race([new Promise((resolve, reject) => {
            const request = https.request('https://a.example/two', { method: 'POST' }, (r) => { let all = ''; r.on('data', (d) => { all += d }); r.on('end', () => resolve(all)) });
            request.on('error', reject); request.end('x');
        }), new Promise((r) => setTimeout(r, 50))])
    """,
    "libraries": "return [_.map([1, 2], (x) => x + 1), moment.utc(0).format('YYYY'), jsonwebtoken.decode('a.b.c')]",
    "the log": "console.table([{ a: 1 }]); console.log('%s %d %j', 'a', 1, { b: [new Error('x'), new Map([[1, new Set()]])] }); console.group('x'); console.trace('y'); console.groupEnd(); return 1",
}
"""What touches every module of the prelude that a function of events can reach."""
MORE = "".join(f"await attempt({topic!r}, async () => {{ {use} }});" for topic, use in USES.items())
CORNER = """
    const said = {};
    const attempt = async (topic, f) => { try { said[topic] = await f() } catch (e) { said[topic] = 'threw' } };
"""
BY_HAND = {"load", "module", "script", "core", "segment", "request", "cache", "capability", "node/absent"}
"""Modules that load functions, those whose uses have tests of their own here, and what throws for a package's sake."""


@pytest.fixture(scope="module")
def asked() -> set[str]:
    """The prelude's modules that guests of `recorded` have asked for."""
    return set()


@pytest.fixture(scope="module")
def recorded(asked: set[str]) -> Guest:
    class Recorded(dict[str, bytes]):
        def __getitem__(self, name: str) -> bytes:
            asked.add(name)
            return super().__getitem__(name)

    guest = Guest()
    guest._scripts = guest.code._scripts = Recorded()  # filled when it is first needed
    return guest


async def test_the_uses_here_touch_every_module_of_the_prelude(recorded: Guest, asked: set[str]) -> None:
    async with open_scripts(recorded) as scripts:
        script = await scripts(
            f"{IMPORTS} export async function onTrack() {{ {CORNER}{MORE} return said }}", file="m.mjs"
        )
        said = await script.value()
    assert isinstance(said, dict)
    assert [topic for topic, value in said.items() if value == "threw"] == []
    there = {path.relative_to(PRELUDE).with_suffix("").as_posix() for path in PRELUDE.rglob("*.js")}
    assert there - asked == BY_HAND - asked


@pytest.mark.parametrize("pollution", ALL_KINDS.values(), ids=ALL_KINDS.keys())
async def test_no_module_of_the_prelude_is_turned_against_its_host(scripts: Scripts, pollution: str) -> None:
    code = f"""{IMPORTS} export async function onTrack(event) {{ {CORNER}
        if (event.attack) {{ {pollution} }} {MORE} return event.attack ? 1 : said }}"""
    script = await scripts(code, wall=wall(pollution), cpu=1, memory=64 * MIB, file="m.mjs")
    unharmed = await script.value(call_of({"attack": False}, seed=SEED), Offering())
    host = Offering()
    with trio.fail_after(2 * LONGEST):
        reply = await script.run(call_of({"attack": True}), host)  # no fault of the runtime
    assert reply.messages == b""
    assert {request.url for request in host.requests} <= {"http://a.example/one", "https://a.example/two"}
    assert await script.value(call_of({"attack": False}, seed=SEED), Offering()) == unharmed


@pytest.mark.parametrize("pollution", POLLUTIONS.values(), ids=POLLUTIONS.keys())
async def test_built_ins_turned_against_the_prelude_cost_the_function_only(
    scripts: Scripts, pollution: str
) -> None:
    code = f"""async function onTrack(event) {{ if (event.attack) {{ {pollution} }}\n{EVERYTHING} }}"""
    script = await scripts(code, wall=wall(pollution), cpu=1, memory=32 * MIB)
    unharmed = await script.value(call_of({"attack": False}), Offering())
    for throws in (False, True):
        host = Offering()
        with trio.fail_after(2 * LONGEST):
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
    host = Offering()
    assert await script.value(call_of({"attack": False}), host) == unharmed
    assert len(host.requests) == 2
