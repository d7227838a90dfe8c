"""What a function returns or throws, however strange, is a value, a note or a description."""

from __future__ import annotations

import pytest
from tests.javascript import Scripts

from isthmus.abc import Returned

VALUES = {
    "a cycle": ("const o = {}; o.o = o; return o", "circular"),
    "a BigInt": ("return 1n", "BigInt"),
    "a BigInt within": ("return { a: [1n] }", "BigInt"),
    "a toJSON that throws": ("return { toJSON() { throw new TypeError('no') } }", "no"),
    "a getter that throws": ("return { get x() { throw new Error('shy') } }", "shy"),
    "a getter that throws null": ("return { get x() { throw null } }", "null"),
    "a revoked Proxy": ("const r = Proxy.revocable({}, {}); r.revoke(); return { r: r.proxy }", "revoked"),
    "a Proxy with bad keys": ("return new Proxy({}, { ownKeys() { return [1] } })", ""),
}


@pytest.mark.parametrize(("body", "said"), VALUES.values(), ids=VALUES.keys())
async def test_a_value_that_cannot_be_encoded_is_noted(scripts: Scripts, body: str, said: str) -> None:
    ending = (await (await scripts.body(body)).run()).ending
    assert isinstance(ending, Returned)
    assert ending.value == b""
    assert ending.note
    assert said in ending.note


NOTHING = {
    "a symbol": "return Symbol('s')",
    "a function": "return () => 1",
    "undefined": "return undefined",
    "a toJSON of undefined": "return { toJSON() {} }",
}


@pytest.mark.parametrize("body", NOTHING.values(), ids=NOTHING.keys())
async def test_a_value_json_has_no_word_for_is_none(scripts: Scripts, body: str) -> None:
    assert (await (await scripts.body(body)).run()).ending == Returned()


THROWN = {
    "null": ("throw null", "null"),
    "undefined": ("throw undefined", "undefined"),
    "a string": ("throw 'plain'", "plain"),
    "a number": ("throw 42", "42"),
    "a symbol": ("throw Symbol('mark')", "Symbol(mark)"),
    "a BigInt": ("throw 12n", "12"),
    "a function": ("throw function hurled() {}", "hurled"),
    "an object": ("throw { a: 1 }", "a: 1"),
    "a cycle": ("const o = {}; o.o = o; throw o", ""),
    "a revoked Proxy": ("const r = Proxy.revocable({}, {}); r.revoke(); throw r.proxy", ""),
    "an object without prototype": ("throw Object.create(null)", ""),
    "an object whose toString throws": ("throw { toString() { throw 1 } }", ""),
    "an Error whose message throws": (
        "throw Object.defineProperty(new Error('x'), 'message', { get() { throw 1 } })",
        "",
    ),
    "an Error whose name is a symbol": ("const e = new Error('told'); e.name = Symbol('n'); throw e", "told"),
    "an Error whose message is an object": ("const e = new Error('x'); e.message = { a: 1 }; throw e", ""),
    "an Error with a lone surrogate": (r"throw new Error('half \ud83d')", "half \ufffd"),
    "an Error of another prototype": ("throw Object.setPrototypeOf(new Error('told'), null)", "told"),
    "an AggregateError": ("throw new AggregateError([1, 2], 'several')", "several"),
    "a rejection": ("await Promise.reject(new Error('turned down'))", "turned down"),
    "a rejection with nothing": ("await Promise.reject()", "undefined"),
    "from a thenable": ("return { then(_, no) { no(new Error('from then')) } }", "from then"),
    "from a getter of then": ("return { get then() { throw new Error('from get') } }", "from get"),
}


@pytest.mark.parametrize(("body", "said"), THROWN.values(), ids=THROWN.keys())
async def test_whatever_is_thrown_is_described(scripts: Scripts, body: str, said: str) -> None:
    thrown = await (await scripts.body(body)).thrown()
    assert isinstance(thrown.name, str)
    assert thrown.name
    assert said in thrown.message
