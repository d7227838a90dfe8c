"""structuredClone: everything that is data, nothing that is code."""

from __future__ import annotations

from hypothesis import given, settings, strategies as st
from tests.javascript import Scripts, call_of
from tests.quickjs.expressions import compare, needs_node

EXPRESSIONS = r"""
structuredClone({a:[1,{b:new Date(5)}],m:new Map([[1,new Set([2])]]),u:undefined,n:null,r:/x/g,e:new TypeError("t").message,big:1n})
(()=>{const a={};a.a=a;const b=structuredClone(a);return b.a===b&&b!==a})()
structuredClone(new Uint8Array([1,2]))
structuredClone(Object.assign(new (class A{x=1})))
structuredClone(new Error("x")) instanceof Error
structuredClone(new RangeError("x",{cause:5})).cause
structuredClone(()=>1)
structuredClone(Symbol("a"))
structuredClone([1,,3])
structuredClone(new Map([[{a:1},new Map()]]))
structuredClone(Object.create({a:1}))
structuredClone(new Boolean(true))
structuredClone(new Date(NaN))
structuredClone(new DataView(new ArrayBuffer(2),1))
structuredClone(new Float64Array([1.5])) instanceof Float64Array
structuredClone(Object.assign([1],{x:2}))
structuredClone({get a(){return 5}})
structuredClone(Object.defineProperty({},"h",{value:1}))
structuredClone(null)
structuredClone({f(){}})
structuredClone(new WeakMap())
structuredClone(Promise.resolve())
(()=>{const b=new ArrayBuffer(4),c=structuredClone(b,{transfer:[b]});return [b.byteLength,c.byteLength]})()
(()=>{const e=structuredClone(Object.assign(new (class X extends TypeError{})("m"),{name:"Odd"}));return [e.name,e.message,e instanceof Error]})()
(()=>{const s={a:1},c=structuredClone([s,s]);return c[0]===c[1]})()
structuredClone(/a/gi).flags
structuredClone({a:undefined})
""".strip().splitlines()


@needs_node
async def test_copies_are_those_node_makes(scripts: Scripts) -> None:
    await compare(scripts, EXPRESSIONS)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=12,
)


@settings(max_examples=60)
@given(value=json_values)
async def test_a_copy_is_equal_and_shares_nothing(scripts: Scripts, value: object) -> None:
    body = """
        const objects = (v, found = new Set()) => {
            if (typeof v === 'object' && v !== null) {
                found.add(v);
                Object.values(v).forEach((each) => objects(each, found));
            }
            return found;
        };
        const copy = structuredClone(event), mine = objects(event);
        return [copy, [...objects(copy)].filter((each) => mine.has(each)).length];
    """
    assert await (await scripts.body(body)).value(call_of([value])) == [[value], 0]


async def test_a_proxy_is_not_looked_into(scripts: Scripts) -> None:
    body = "let ran = 0; try { structuredClone(new Proxy({}, { ownKeys() { ran++; return [] } })) } catch (e) { return [e.name, ran] }"
    assert await (await scripts.body(body)).value() == ["DataCloneError", 0]
