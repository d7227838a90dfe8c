"""The language's own errors, in the words that Node has for them: functions compare messages, log them and send them on."""

from __future__ import annotations

import json

from hypothesis import given, settings, strategies as st
from tests.javascript import Scripts, call_of
from tests.quickjs.expressions import compare, needs_node, run_node

ERRORS = r"""
null.name
undefined.a.b
({}).a.b
(()=>{undefined.a=1})()
(()=>{null[0]=1})()
(()=>{const one=1;one=2})()
(()=>{late();let late})()
nothing
[].reduce((a,b)=>a)
new Array(-1)
(()=>{[].length=-1})()
Symbol('s')+''
+Symbol('s')
1n+1
Object.keys(null)
Object.assign(undefined)
Object.entries(undefined)
decodeURIComponent('%')
decodeURIComponent('%zz')
decodeURI('%E0%A4')
encodeURIComponent('\ud800')
(()=>{function again(){again()}again()})()
""".strip().splitlines()
TEXTS = r"""
{bad
[1,]
[1 2]
{"a":1
{"a":1,}
{"a" 1}
{"a":1 "b":2}
{'a':1}
<html>
<!DOCTYPE html><html><head><title>502 Bad Gateway</title>
nope
true false
tru
nulx
undefined
[object Object]
1 2
01
-
-x
1.
1e
"a
"a\q"
{"key":"a long text before it","other":oops,"more":"and after it"}
{"a":"ü€𝄞","b":ü}
ü
{"text": 'single quotes in a long text'}
[1,2,3,4,5,6,7,8,9,10,]
{"a":tru}
{"a":1}}
""".strip("\n").splitlines()


@needs_node
async def test_errors_say_what_nodes_say(scripts: Scripts) -> None:
    await compare(scripts, ERRORS)


@needs_node
async def test_what_is_no_json_is_told_as_in_node(scripts: Scripts) -> None:
    await compare(scripts, [f"JSON.parse({json.dumps(text)})" for text in TEXTS])


@needs_node
@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.text(alphabet="{}[]:,\"'-.e01aüntf€𝄞 ", min_size=1, max_size=50), min_size=50, max_size=50)
)
async def test_what_is_no_json_is_refused_where_node_refuses_it(scripts: Scripts, texts: list[str]) -> None:
    parse = "(text) => { try { JSON.parse(text); return true } catch (error) { return error.name } }"
    script = await scripts.once(f"function onTrack(event) {{ return event.texts.map({parse}) }}")
    said = run_node(f"console.log(JSON.stringify({json.dumps(texts)}.map({parse})))")
    assert await script.value(call_of({"texts": texts})) == json.loads(said)
