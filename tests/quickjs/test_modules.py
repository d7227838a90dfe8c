"""ES-module functions: what they may be, what they may import, and what is said of those that don't load."""

from __future__ import annotations

import pytest
from tests.javascript import FakeHost, Scripts, call_of

from isthmus import Kind, LoadError

LOADING = {
    "an exported function": "export async function onTrack() { return 'ran' }",
    "an exported constant": "export const onTrack = async () => 'ran'",
    "a list of exports": "const handler = () => 'ran'\nexport { handler as onTrack }",
    "a default object": "export default { onTrack: () => 'ran' }",
    "a default object's method": "export default { said: 'ran', onTrack() { return 'ran' } }",
    "a default class's static method": "export default class { static onTrack() { return 'ran' } }",
    "an export below a top-level await": "const said = await Promise.resolve('ran'); export const onTrack = () => said",
    "jobs of several turns": "let said; await null; await null; said = 'ran'; export const onTrack = () => said",
    "exports on one line": "let a = 1;export const onTrack = () => 'ran'",
    "a byte order mark": "\ufeffexport const onTrack = () => 'ran'",
    "a hashbang": "#!/usr/bin/env node\nexport const onTrack = () => 'ran'",
    "const beside others": "const onPage = 1; export const onTrack = () => 'ran' && onPage && 'ran'",
    "a comment at the end": "export const onTrack = () => 'ran' // so it is",
    "globals": "export const onTrack = () => typeof fetch === 'function' && typeof Buffer === 'function' && 'ran'",
    "strictness": "export const onTrack = () => { try { undeclared = 1 } catch (e) { return e.name === 'ReferenceError' && 'ran' } }",
    "no this": "const top = this; export const onTrack = () => top === undefined && 'ran'",
    "a module of Node's": "import { createHash } from 'node:crypto'\nexport const onTrack = () => createHash('md5') && 'ran'",
    "its default": "import crypto from 'crypto'\nexport const onTrack = () => crypto.createHash('md5') && 'ran'",
    "all of it": "import * as all from 'buffer'\nexport const onTrack = () => all.Buffer === Buffer && all.default.Buffer && 'ran'",
    "an import in a handler": "export const onTrack = async () => (await import('buffer')).Buffer === Buffer && 'ran'",
}


@pytest.mark.parametrize("code", LOADING.values(), ids=LOADING.keys())
async def test_a_module_is_a_function(scripts: Scripts, code: str) -> None:
    script = await scripts(code)
    assert script.program.handlers == {"onTrack"}
    assert await script.value() == "ran"


async def test_a_module_gets_what_a_script_gets(scripts: Scripts) -> None:
    script = await scripts(
        "export const onRequest = (request, settings) => [request.json().a, settings.b, typeof Segment]",
        kind=Kind.SOURCE,
    )
    call = call_of(
        {"method": "POST", "url": "https://a.b/", "headers": [], "text": '{"a":1}'},
        {"b": 2},
        handler="onRequest",
    )
    assert await script.value(call) == [1, 2, "object"]


async def test_each_call_starts_from_the_module_as_it_was_loaded(scripts: Scripts) -> None:
    script = await scripts("let calls = 0\nexport const onTrack = () => ++calls")
    assert [await script.value() for _ in range(3)] == [1, 1, 1]


SCRIPTS = {
    "a dynamic import": "onTrack = async () => { try { await import('lodash') } catch (e) { return e.name } }",
    "module words in a comment": "// export const x\nonTrack = () => 'x'\n/*\nimport a from 'b'\n*/",
    "module words in a text": "const s = `\nexport default 1`\nonTrack = () => s && 'x'",
    "with": "with ({ x: 'x' }) { onTrack = () => x }",
}


@pytest.mark.parametrize("code", SCRIPTS.values(), ids=SCRIPTS.keys())
async def test_what_can_be_a_script_is_one(scripts: Scripts, code: str) -> None:
    assert await (await scripts(code)).value() in {"x", "ReferenceError", "Error"}


GOALS = {
    ("a.mjs", "export const onTrack = () => this === undefined"): True,
    ("a.mjs", "export const onTrack = 1; onPage = 2"): "onPage is not defined",
    ("a.cjs", "onTrack = () => true"): True,
    ("a.cjs", "export const onTrack = () => 1"): "Cannot use export statement outside a module",
}


@pytest.mark.parametrize(("file", "code"), GOALS.keys())
async def test_a_suffix_decides(scripts: Scripts, file: str, code: str) -> None:
    expected = GOALS[file, code]
    if isinstance(expected, str):
        with pytest.raises(LoadError, match=expected):
            await scripts(code, file=file)
    else:
        assert await (await scripts(code, file=file)).value() is expected


REFUSED = {
    "import _ from 'lodash'\nexport const onTrack = 1": ("Cannot find module 'lodash': what a function imports has to be bundled", 1, 15),
    "export * from './mine.js'": ("Cannot find module './mine.js'", 1, 15),
    "\nimport 'side-effect'": ("Cannot find module 'side-effect'", 2, 8),
    "import fs from 'node:fs'": ("Cannot find module 'node:fs': a function has those of Node's modules that need no files", 1, 16),
    "import fs from 'fs/promises'": ("Cannot find module 'fs/promises': a function has those", 1, 16),
    "import { nope } from 'crypto'\nexport const onTrack = 1": ("Could not find export 'nope' in module 'crypto'", 1, 22),
    "export const onTrack = async () => 1\nthrow new TypeError('no')": ("TypeError: no", 2, None),
    "export const onTrack = async () => 1;\nawait Promise.reject(new TypeError('no'))": ("TypeError: no", 2, None),
    "export const onTrack = async () => 1; await new Promise(() => {})": ("a top-level await waits", None, None),
    "export const a = await fetch('https://a.b/')": ("fetch can't be used while the code loads", 1, None),
    "export async function onTrack() {": ("Unexpected end of input", 1, None),
    "import a from 'crypto'\nasync function onTrack() {}": ("the module exports no handler: write \"export async function onTrack\"", None, None),
    "export const a = onTrack": ("onTrack is not defined", 1, None),
    "export const onTrack = 1; export const onTrack = 2": ("redefinition", 1, None),
}  # fmt: skip


@pytest.mark.parametrize(("code", "expected"), REFUSED.items())
async def test_a_module_does_not_load(
    scripts: Scripts, code: str, expected: tuple[str, int | None, int | None]
) -> None:
    with pytest.raises(LoadError) as caught:
        await scripts(code)
    message, line, column = expected
    assert message in caught.value.message
    assert (caught.value.file, caught.value.line) == ("tested.js", line)
    if column is not None:
        assert caught.value.column == column
    if line is not None:
        assert f"> {line:4} | " in caught.value.excerpt


async def test_a_stack_of_a_module_has_its_lines(scripts: Scripts) -> None:
    code = "const fail = async () => {\n  await null\n  throw new RangeError('far')\n}\nexport async function onTrack() {\n  await fail()\n}"
    thrown = await (await scripts(code)).thrown()
    places = [line.rpartition(":")[0] for line in thrown.stack.splitlines()]
    assert places[0] == "    at fail (tested.js:3"
    assert all("(tested.js:" in place for place in places)


async def test_a_module_that_pollutes_what_is_built_in_loads_all_the_same(scripts: Scripts) -> None:
    code = """
        Promise.prototype.then = Array.prototype[Symbol.iterator] = String.prototype.includes = () => { throw 'polluted' };
        Object.prototype[0] = Object.prototype.default = 'polluted';
        export function onTrack() { return 'done' }
    """
    assert await (await scripts(code)).value(host=FakeHost()) == "done"
