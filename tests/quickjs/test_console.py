"""console: what Node's would say, never by way of the author's getters or traps, and cheap when it floods."""

from __future__ import annotations

import pytest
from tests.javascript import FakeHost, Scripts
from tests.quickjs.expressions import compare, needs_node, run_node

from isthmus.abc import Returned

VALUES = r"""
1
-0
"a'b"
'a"b\'c'
"plain"
"line\nbreak"
null
undefined
true
10n
Symbol("x")
{}
[]
{a:1,b:"x"}
{a:{b:{c:{d:1}}}}
[1,2,3]
[1,,3]
[,,1]
[1,,,]
["a","b"]
[[[[1]]]]
Array.from({length:7},(_, i)=>i)
Array.from({length:101},(_, i)=>i)
Array.from({length:120},(_, i)=>i)
Array.from({length:30},(_, i)=>"item"+i)
Array.from({length:10},(_, i)=>({a:i}))
Array.from({length:8},(_, i)=>"x".repeat(i*3))
{a:"x".repeat(30),b:"y".repeat(30),c:"z".repeat(30)}
{a:"x".repeat(20),b:"y".repeat(20),c:"z"}
{"a-b":1,"1":2,$x:3,_y:4}
{[Symbol("s")]:1}
{f(){}, g:()=>1, h:async()=>1, i:function*(){}, j:class A{}, k:class B extends Map{}, l:async function*x(){}}
function foo(){}
(()=>1)
class Foo{}
(class extends Object{})
Object.assign(function foo(){}, {a:1})
new Map([["a",1],["b",{c:2}]])
new Map()
new Set([1,"a"])
new Set()
new Map([[{a:1},new Set([1])]])
new Date(0)
new Date(NaN)
/a\/b/gi
new (class Foo{constructor(){this.a=1}})
new (class Foo{})
Object.create(null)
Object.create({a:1})
Object.assign(Object.create(null),{a:1})
{get a(){return 1}, set b(x){}, get c(){return 1}, set c(x){}}
(()=>{const a={x:1};a.self=a;return a})()
(()=>{const a={x:1};a.b={c:a};return a})()
(()=>{const a=[];a.push(a,{a});return a})()
Promise.resolve(4)
new Promise(()=>{})
Promise.resolve({a:1})
new Proxy({a:1},{get(){throw 1}})
new Proxy(function f(){},{})
new Number(3)
new String("abc")
Object(1n)
Object(Symbol("q"))
new Boolean(false)
new Uint8Array([1,2,3])
new Float64Array(2)
new BigInt64Array(1)
new ArrayBuffer(4)
new DataView(new ArrayBuffer(2))
new WeakMap()
new WeakSet()
(function(){return arguments})(1,2)
globalThis.Math
JSON
{a:{b:{c:{}}}}
{a:{b:{c:[]}}}
{a:{b:{c:[1]}}}
{a:{b:{c:new Map([[1,2]])}}}
{a:{b:{c:new Date(0)}}}
{a:{b:{c:new (class X{constructor(){this.y=1}})}}}
{a:{b:{c:Object.assign(Object.create(null),{q:1})}}}
{type:"track",event:"Order Completed",userId:"u1",properties:{total:12.5,products:[{id:1,sku:"a"},{id:2,sku:"b"}]},context:{ip:"1.2.3.4",library:{name:"x",version:"1"}}}
{a:[{b:{c:{}}}]}
{long:"word ".repeat(40)}
"word\n".repeat(40)
{text:"line one is long enough\nline two is long enough too\nand a third line to be sure of it\n"}
"x".repeat(10001)
["x".repeat(100)]
{a:1n,b:undefined,c:null,d:NaN,e:-0,f:Infinity}
Object.assign([1,2],{x:1,"-y":2})
[undefined,null]
[function a(){}, class B{}]
"\u0001\x7f\t\\"
"😀 emoji"
["é","ü","x"]
{"é":1}
{__proto__:{constructor:undefined},a:1}
new (class extends Array{})(3)
new (class M extends Map{})([[1,2]])
Object.create(Array.prototype)
{[Symbol.toStringTag]:"T",a:1}
Object.create({[Symbol.toStringTag]:"Z"})
[1.5,-2,1e21,1e-7]
[true,false,null,undefined,1,2,3,4]
Array.from({length:27},(_, i)=>i*1000)
{a:1,b:{c:2,d:{e:3}},f:[{g:4}]}
[[1,2,[3,4,[5,[6]]]],{a:{b:{c:{}}}}]
new Set([[1,2],[3]])
{m:new Map([["k",{deep:{er:{x:1}}}]])}
[new Date(0),/x/]
(function*(){})()
[1,2,3].values()
Object.freeze({a:1})
{"":1}
{constructor:1}
{toString(){throw 1}}
async()=>{}
[,"a"]
Array(5)
Array(200)
Object.assign(Array(5),{4:1})
[..."abcdefghijklmnopqrstuvwxyz"]
[1,2,3,4,5,6,"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]
{a:'it\'s',b:"say \"hi\"",c:"`${1}'\""}
Symbol.iterator
{[Symbol.iterator]:1}
[Symbol("a b")]
new Error("x").message
Object.assign(()=>{}, {a:{b:1}})
{a:new Map([[1,{b:{c:{d:1}}}]])}
new Array(3).fill({a:1})
""".strip().splitlines()

FORMATS = r"""
"%s is %d years", "Bob", 42
"%i %f %j", 42.9, "1.5x", {a:1}
"%o", {a:1,f(){}}
"%O", {a:{b:{c:{d:{}}}}}
"%c styled", "color:red"
"100%", 1
"%% %s", "a"
"%s", {a:{b:1}}
"%s", [1,[2,[3]]]
"%s %s", "only one"
"%d", "0x10"
"%d", 5n
"%s", Symbol("a")
"%s", null, undefined
"a", "b", {c:1}, "d"
1, "a"
{a:1}, "x"
"%x", 1
"%s", {toString(){return "me"}}
"%s", new (class A{toString(){return "A!"}})
"%d", {}
"%i", "12abc"
"%s", -0
"%s", 12n
"%s", ()=>1
"%s", new Date(0)
"%j", (()=>{const a={};a.a=a;return a})()
"%s%%", 5
"%", 1
"%s"
""
"", 1
"%d", null
"%s", true
"%o", [1,2]
"%s", class A{}
"%f", "abc"
"%i", {}
"%s", new Map([[1,2]])
""".strip().splitlines()


@needs_node
async def test_values_look_as_nodes_inspect_shows_them(scripts: Scripts) -> None:
    await compare(scripts, VALUES)


@needs_node
async def test_formats_are_filled_in_as_nodes_are(scripts: Scripts) -> None:
    await compare(scripts, FORMATS)


TABLES = [
    "[{a:1,b:'x'},{a:2,c:true}]",
    "[[1,2],[3,4]]",
    "[1,'a',null]",
    "{x:{v:1},y:{v:2}}",
    "[{a:1,b:2}], ['b']",
    "[]",
    "[[1,{a:1}],[[1,[2]],{a:{b:1}}]]",
    "[{o:{a:1,b:2,c:3}}]",
    "'text'",
]


@needs_node
async def test_tables_are_drawn_as_nodes_are(scripts: Scripts) -> None:
    code = "".join(f"console.table({table}); console.log('--');" for table in TABLES)
    said = run_node(code)
    host = FakeHost()
    await (await scripts.body(code, log_bytes=100_000)).value(host=host)
    assert "".join(f"{text}\n" for text in host.texts) == said


# Without Node too, the shape of it.
PLAIN = {
    "'text'": "text",
    "{ a: 1, b: 'x' }": "{ a: 1, b: 'x' }",
    "[1, [2, [3, [4]]]]": "[ 1, [ 2, [ 3, [Array] ] ] ]",
    "{ a: { b: { c: { d: 1 } } } }": "{ a: { b: { c: [Object] } } }",
    "new Map([['k', new Set([1])]])": "Map(1) { 'k' => Set(1) { 1 } }",
    "-0, 1n, undefined, null, Symbol('s')": "-0 1n undefined null Symbol(s)",
    "(() => { const o = {}; o.me = o; return o })()": "<ref *1> { me: [Circular *1] }",
    "'%s is %d', 'x', 4.5, { y: 1 }": "x is 4.5 { y: 1 }",
    "Buffer.from('hi')": "<Buffer 68 69>",
    "new URLSearchParams('a=1')": "URLSearchParams { 'a' => '1' }",
    "new RetryError('later') instanceof Error": "true",
}


@pytest.mark.parametrize(("arguments", "line"), PLAIN.items())
async def test_a_line(scripts: Scripts, arguments: str, line: str) -> None:
    host = FakeHost()
    await (await scripts.body(f"console.log({arguments})")).value(host=host)
    assert host.lines == [("log", line)]


LEVELS = {
    "debug": "debug",
    "log": "log",
    "info": "info",
    "warn": "warn",
    "error": "error",
    "trace": "error",
    "dir": "log",
}


@pytest.mark.parametrize(("method", "level"), LEVELS.items())
async def test_every_method_has_its_level(scripts: Scripts, method: str, level: str) -> None:
    host = FakeHost()
    await (await scripts.body(f"console.{method}({{ a: 1 }})")).value(host=host)
    [(told, text)] = host.lines
    assert told == level
    assert "{ a: 1 }" in text


async def test_a_trace_says_where_it_was_called(scripts: Scripts) -> None:
    host = FakeHost()
    code = "function inner() { console.trace('here %d', 1) }\nfunction onTrack() {\n  inner()\n}"
    await (await scripts(code)).value(host=host)
    assert host.texts == ["Trace: here 1\n    at inner (tested.js:1:28)\n    at onTrack (tested.js:3:3)"]


async def test_groups_indent_every_line(scripts: Scripts) -> None:
    host = FakeHost()
    body = "console.group('one'); console.warn('a\\nb'); console.groupEnd(); console.groupEnd(); console.log('c')"
    await (await scripts.body(body)).value(host=host)
    assert host.lines == [("log", "one"), ("warn", "  a\n  b"), ("log", "c")]


async def test_counters_assertions_and_timers(scripts: Scripts) -> None:
    host = FakeHost()
    body = """
        console.count(); console.count('x'); console.count(); console.countReset(); console.count();
        console.assert(1 === 1, 'no'); console.assert(false); console.assert(0, 'because %s', 'x');
        console.time('t'); console.timeLog('t', 5); console.timeEnd('t'); console.timeEnd('t');
    """
    await (await scripts.body(body)).value(host=host)
    assert host.texts[:6] == [
        "default: 1",
        "x: 1",
        "default: 2",
        "default: 1",
        "Assertion failed",
        "Assertion failed: because x",
    ]
    assert [text.split("ms")[0].split(":")[0] for text in host.texts[6:]] == ["t", "t"]
    assert host.texts[6].endswith("ms 5")


async def test_an_error_is_shown_with_its_stack_its_cause_and_its_own_properties(scripts: Scripts) -> None:
    host = FakeHost()
    code = """class HttpError extends Error { constructor(m, o) { super(m, o); this.status = 500 } }
function onTrack() {
  console.log(new HttpError('bad', { cause: new TypeError('why') }))
}"""
    await (await scripts(code)).value(host=host)
    expected = (
        "HttpError: bad\n    at HttpError (tested.js:1:62)\n    at onTrack (tested.js:3:49) {\n  status: 500,\n"
        "  [cause]: TypeError: why\n      at onTrack (tested.js:3:49)\n}"
    )
    assert host.texts == [expected]


TOUCHY = {
    "a getter": "({ get x() { ran = true } })",
    "a getter on a prototype": "Object.create({ get constructor() { ran = true }, get toString() { ran = true } })",
    "a getter for the tag": "({ get [Symbol.toStringTag]() { ran = true } })",
    "a getter for the hook": "({ get [Symbol.for('nodejs.util.inspect.custom')]() { ran = true } })",
    "a getter in an array": "Object.defineProperty([1], 0, { get() { ran = true }, enumerable: true })",
    "a proxy": "new Proxy({ a: 1 }, new Proxy({}, { get() { ran = true } }))",
    "a proxy below": "({ p: new Proxy([1], new Proxy({}, { get() { ran = true } })) })",
    "a proxy as prototype": "Object.create(new Proxy({}, new Proxy({}, { get() { ran = true } })))",
    "an error's getters": "Object.defineProperties(new Error(), { stack: { get() { ran = true } }, "
    "message: { get() { ran = true } }, name: { get() { ran = true } } })",
    "toString and toJSON": "({ toString() { ran = true }, toJSON() { ran = true }, valueOf() { ran = true } })",
    "a function's name": "Object.defineProperty(() => 1, 'name', { get() { ran = true } })",
    "hasInstance": "({ constructor: Object.defineProperty(function F() {}, Symbol.hasInstance, "
    "{ value() { ran = true } }) })",
    "a subclass of Map": "new (class extends Map { get size() { ran = true } [Symbol.iterator]() { ran = true } })()",
    "a date": "Object.assign(new Date(0), { toISOString() { ran = true } })",
}


@pytest.mark.parametrize("value", TOUCHY.values(), ids=TOUCHY.keys())
async def test_showing_a_value_runs_none_of_its_code(scripts: Scripts, value: str) -> None:
    script = await scripts.body(
        f"globalThis.ran = false; console.log({value}); console.log('%o', {value}); return ran"
    )
    host = FakeHost()
    assert await script.value(host=host) is False
    assert len(host.lines) == 2


async def test_a_value_says_itself_how_it_is_shown_where_it_asks_to(scripts: Scripts) -> None:
    host = FakeHost()
    body = "console.log({ v: { [Symbol.for('nodejs.util.inspect.custom')]: () => 'mine' } })"
    await (await scripts.body(body)).value(host=host)
    assert host.texts == ["{ v: mine }"]


async def test_what_cannot_be_shown_does_not_fail_the_call(scripts: Scripts) -> None:
    host = FakeHost()
    body = "console.log({ [Symbol.for('nodejs.util.inspect.custom')]() { throw new RangeError('x') } }); return 1"
    assert await (await scripts.body(body)).value(host=host) == 1
    assert host.texts == ["[what was to be logged can't be shown: RangeError]"]


async def test_nothing_is_formatted_once_the_log_is_full(scripts: Scripts) -> None:
    script = await scripts.body(
        """
        let asked = 0;
        const shown = { [Symbol.for('nodejs.util.inspect.custom')]() { asked++; return 'x'.repeat(1000) } };
        for (let i = 0; i < 20000; i++) console.log(shown);
        return asked
        """
    )
    reply = await script.run()
    assert isinstance(reply.ending, Returned)
    assert 1 <= int(reply.ending.value) <= 6
    assert reply.cpu < 1


async def test_the_console_works_at_load_too_and_says_nothing_of_it_later(scripts: Scripts) -> None:
    host = FakeHost()
    script = await scripts("console.log('loading');\nfunction onTrack() { console.log('running') }")
    await script.value(host=host)
    assert host.texts == ["running"]
