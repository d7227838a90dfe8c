"""How an author's code is loaded: Segment's rules, line numbers that are the author's own, errors that help."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st
from tests.javascript import FakeHost, Scripts, call_of

from isthmus import Kind, LoadError
from isthmus.abc import Returned, Thrown

DEFINING = {
    "a function declaration": "function onTrack() { return 'ran' }",
    "an async one": "async function onTrack() { return 'ran' }",
    "var": "var onTrack = async () => 'ran'",
    "a bare assignment": "onTrack = () => 'ran'",
    "an assignment under a condition": "if (typeof window === 'object') { onTrack = () => 'ran' }",
    "a declaration below a return": "return;\nfunction onTrack() { return 'ran' }",
    "an assignment above a return": "onTrack = () => 'ran'; return; onTrack = null",
    "a comment at the end": "onTrack = () => 'ran' // so it is",
    "an open block comment's end": "onTrack = () => 'ran' /* so\nit is */",
    "a byte order mark": "\ufefffunction onTrack() { return 'ran' }",
    "a hashbang": "#!/usr/bin/env node\nfunction onTrack() { return 'ran' }",
    "windows' line ends": "onTrack =\r\n() => 'ran'\r\n",
    "a guarded export": "onTrack = () => 'ran'; if (typeof module !== 'undefined') module.exports = { onTrack }",
    "a guarded environment": "try { process?.env } catch {}\nfunction onTrack() { return 'ran' }",
    "one handler for another": "function onIdentify() { return 'ran' }\nonTrack = onIdentify",
    "strictness asked for, and not meant": "'use strict'; undeclared = 1; function onTrack() { return 'ran' }",
    "sloppy octals below 'use strict'": "'use strict'; var n = 010; function onTrack() { return n === 8 && 'ran' }",
    "a handler named in a string only": "const names = ['onPage']; function onTrack() { return names && 'ran' }",
    "an implicit global": "function onTrack() { result = 'ran'; return globalThis.result }",
    "this": "self.said = this === globalThis; function onTrack() { return said && 'ran' }",
    "every name of the global object": "const all = [window, global, self, globalThis];\n"
    "function onTrack() { return all.every((each) => each === globalThis) && 'ran' }",
    "globals put in the place of others": "fetch = () => 'ra'; URL = 'n'; function onTrack() { return fetch() + URL }",
    "variables named as globals": "var URL = 'ra'; function Buffer() { return 'n' }\nonTrack = () => URL + Buffer()",
    "what the last match found": "onTrack = () => /(r)(a)(x)?/.test('- ran') && [RegExp.$1, RegExp.$2, RegExp.$3, RegExp.rightContext].join('')",
    "what the last match found, logged meanwhile": "onTrack = () => { 'x=ran;'.replace(/=(.*);/, ''); console.log('%s', 'a b'); return RegExp.$1 }",
    "matches by way of strings": "onTrack = () => 'xran'.match(/x(r)/) && 'ax'.split(/x/).length && 'an'.search(/(an)/) + 1"
    " && RegExp.input === 'an' && RegExp['$&'] === 'an' && RegExp.lastParen === 'an' && 'ran'",
    "new Function and eval": "onTrack = () => new Function('return 1')() === eval('1') && 'ran'",
    "what Node's modules have is not there": "onTrack = () => ['require', 'exports', 'module', 'process']"
    ".every((name) => !(name in globalThis) && eval(`typeof ${name}`) === 'undefined') && 'ran'",
    "what the runtime works with is not there": "onTrack = () => Reflect.ownKeys(globalThis)"
    ".every((name) => typeof name !== 'string' || !name.startsWith('__')) && 'ran'",
}


@pytest.mark.parametrize("code", DEFINING.values(), ids=DEFINING.keys())
async def test_a_handler_is_defined_by(scripts: Scripts, code: str) -> None:
    script = await scripts(code)
    assert "onTrack" in script.program.handlers
    assert await script.value() == "ran"


REFUSED = {
    "const onTrack = async () => 1": ("Identifier 'onTrack' has already been declared", 1),
    "\n\nlet onPage = async () => 1": ("Identifier 'onPage' has already been declared", 3),
    "class onGroup {}": ("Identifier 'onGroup' has already been declared", 1),
    "const { onTrack } = {}": ("Identifier 'onTrack' has already been declared", 1),
    "let x = 1\nconst y = await x": ("await is only valid in async functions", 2),
    "function onTrack() {\n  await 1\n}": ("await is only valid in async functions", 2),
    "import x from 'y'": ("Cannot find module 'y'", 1),
    "\nexport const onTrack = {;": ("", 2),
    "}); (function(){": ("Unexpected token", 1),
    "}, function(){": ("", 1),
    "} + function(){": ("", 1),
    "}, other(){": ("", 1),
    "} function other(){": ("", 1),
    "}]}); (function(){ return [() => {": ("", 1),
    "}; { ": ("", 1),
    "} {": ("", 1),
    "/* never closed": ("comment", 1),
    "`never closed": ("", 1),
    "function onTrack( {": ("", 1),
    "async function onTrack() {\n  await fetch(;\n}": ("", 2),
    "\n\n  throw new TypeError('no')": ("TypeError: no", 3),
    "null.x": ("TypeError", 1),
    "function deep() {\n  nope()\n}\ndeep()": ("nope is not defined", 2),
    "throw 'a string'": ("a string", None),
    "const s = require('fs')": ("require is not defined", 1),
    "fetch('https://a.b/')": ("fetch can't be used while the code loads", 1),
    "setTimeout(() => {}, 1)": ("setTimeout can't be used while the code loads", 1),
    "cache.load('k', () => 1)": ("cache.load can't be used while the code loads", 1),
    "AbortSignal.timeout(1)": ("AbortSignal.timeout can't be used while the code loads", 1),
}


@pytest.mark.parametrize(("code", "expected"), REFUSED.items())
async def test_code_does_not_load(scripts: Scripts, code: str, expected: tuple[str, int | None]) -> None:
    with pytest.raises(LoadError) as caught:
        await scripts(code)
    message, line = expected
    assert message in caught.value.message
    assert caught.value.line == line
    assert caught.value.file == "tested.js"
    if line is not None:
        assert caught.value.excerpt.split("|", 1)[1].splitlines()[0].strip() in code or line > 1


async def test_an_error_points_at_its_column(scripts: Scripts) -> None:
    with pytest.raises(LoadError) as caught:
        await scripts("var good = 1\nvar bad = {;}")
    assert (caught.value.line, caught.value.column) == (2, 12)
    assert caught.value.excerpt.splitlines()[-1].endswith(" ^")


closing = st.lists(
    st.sampled_from(
        ["}", "{", ")", "(", "]", "[", ",", ";", "function(){", "=>{", "x(){", "+", "`", "get x(){"]
    ),
    max_size=6,
)


@settings(max_examples=150)
@given(before=closing, after=closing)
async def test_code_never_gets_out_of_the_function_round_it(
    scripts: Scripts, before: list[str], after: list[str]
) -> None:
    """Whatever is closed and opened: the code does not load, or what it has at its top is within the one function."""
    code = f"{' '.join(before)}\nvar inner = arguments; onTrack = () => typeof globalThis.inner\n{' '.join(after)}"
    try:
        script = await scripts(code)
    except LoadError:
        return
    if "onTrack" in script.program.handlers:
        ending = (await script.run()).ending
        assert isinstance(ending, Thrown) or ending == Returned(b'"undefined"')


async def test_handlers_that_are_not_defined_say_so(scripts: Scripts) -> None:
    code = """
        function onTrack(event) { return onPage(event) }
        function onGroup() { onRequest() }
        onAlias = undefined; onBatch = 'no function';
    """
    script = await scripts(code)
    assert script.program.handlers == {"onTrack", "onGroup"}
    thrown = await script.thrown()
    assert (thrown.name, thrown.message) == ("EventNotSupported", "page not supported")
    thrown = await script.thrown(call_of(handler="onGroup"))
    assert (thrown.name, thrown.message) == ("EventNotSupported", "request not supported")


HANDLERS = ["onIdentify", "onTrack", "onPage", "onScreen", "onGroup", "onAlias", "onDelete", "onBatch"]


async def test_each_handler_gets_its_own_call(scripts: Scripts) -> None:
    script = await scripts(
        "".join(f"{name} = (event, settings) => ['{name}', event, settings];" for name in HANDLERS)
    )
    assert script.program.handlers == set(HANDLERS)
    for name in HANDLERS:
        assert await script.value(call_of([1], {"s": 2}, handler=name)) == [name, [1], {"s": 2}]


async def test_jobs_left_behind_by_loading_run_before_the_image(scripts: Scripts) -> None:
    code = """
        let ready = 'not yet';
        (async () => { await null; await null; ready = 'ready' })();
        (async () => { await null; try { fetch('https://a.b/') } catch (error) { ready += ' ' + error.message } })();
        function onTrack() { return ready }
    """
    host = FakeHost()
    said = await (await scripts(code)).value(host=host)
    assert isinstance(said, str)
    assert said.startswith("ready")
    assert host.requests == []


NAMES = [
    "fetch",
    "URL",
    "Buffer",
    "crypto",
    "console",
    "setTimeout",
    "cache",
    "structuredClone",
    "TextEncoder",
    "FormData",
]


@pytest.mark.parametrize("name", NAMES)
async def test_a_global_is_there_however_it_is_reached(scripts: Scripts, name: str) -> None:
    half = len(name) // 2
    hidden = f"globalThis['{name[:half]}' + '{name[half:]}']"
    script = await scripts.body(
        f"return [typeof {hidden}, '{name[:half]}' + '{name[half:]}' in globalThis, Object.keys(globalThis).length]"
    )
    kind = "object" if name in {"crypto", "console", "cache"} else "function"
    assert await script.value() == [kind, True, 0]


async def test_a_global_of_a_module_that_is_replaced_stays_replaced(scripts: Scripts) -> None:
    body = "globalThis['Text' + 'Encoder'] = 'mine'; globalThis['Text' + 'Decoder']; return globalThis['Text' + 'Encoder']"
    assert await (await scripts.body(body)).value() == "mine"


@pytest.mark.parametrize(
    ("kind", "there"), [(Kind.SOURCE, "object"), (Kind.DESTINATION, "undefined"), (Kind.INSERT, "undefined")]
)
async def test_only_sources_have_segment(scripts: Scripts, kind: Kind, there: str) -> None:
    script = await scripts("onTrack = onRequest = () => typeof Segment", kind=kind)
    assert await script.value() == there


POLLUTING = {
    "Array.prototype": "for (const name of Object.getOwnPropertyNames(Array.prototype)) "
    "if (name !== 'length' && name !== 'constructor') Array.prototype[name] = () => { throw 'polluted' };",
    "an index setter": "Object.defineProperty(Array.prototype, 0, { set() { throw 'polluted' } });",
    "toJSON": "Object.prototype.toJSON = () => 'polluted'; Array.prototype.toJSON = () => 'polluted';",
    "then": "Object.prototype.then = undefined; Promise.prototype.then = () => { throw 'polluted' };",
    "JSON": "JSON.stringify = JSON.parse = () => { throw 'polluted' };",
    "call and apply": "Function.prototype.call = Function.prototype.apply = Reflect.apply = () => { throw 'polluted' };",
    "String.prototype": "for (const name of ['split', 'slice', 'startsWith', 'includes', 'replace']) "
    "String.prototype[name] = () => { throw 'polluted' };",
    "Object": "for (const name of Object.getOwnPropertyNames(Object)) "
    "if (typeof Object[name] === 'function') Object[name] = () => { throw 'polluted' };",
    "setters for everything reported": "for (const name of ['id', 'op', 'url', 'error', 'value', 'ops', 'messages', 'done', '1']) "
    "Object.defineProperty(Object.prototype, name, { __proto__: null, get() { return 'polluted' }, set() { throw 'polluted' }, configurable: true });",
    "Map.prototype": "for (const name of ['get', 'set', 'has', 'delete', 'forEach']) Map.prototype[name] = () => { throw 'polluted' };",
}


@pytest.mark.parametrize("pollution", POLLUTING.values(), ids=POLLUTING.keys())
@pytest.mark.parametrize("when", ["loading", "running"])
async def test_what_the_code_does_to_the_built_ins_does_not_break_the_bridge(
    scripts: Scripts, pollution: str, when: str
) -> None:
    code = f"""
        {pollution if when == "loading" else ""}
        async function onTrack(event) {{
            {pollution if when == "running" else ""}
            if (event.fail) throw new RetryError('later');
            await new Promise((resolve) => setTimeout(resolve, 5));
            return 'done';
        }}
    """
    script = await scripts(code)
    host = FakeHost()
    assert script.program.handlers == {"onTrack"}
    thrown = await script.thrown(call_of({"fail": True}))
    assert (thrown.name, thrown.message) == ("RetryError", "later")
    ending = (await script.run(call_of({}), host)).ending
    # A timer may be beyond what such code can use; the call then ends with its own error, not with ours.
    assert getattr(ending, "value", b"") == b'"done"' or "polluted" in getattr(ending, "message", ""), ending
