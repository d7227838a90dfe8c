"""crypto: Node's module, its hashes Python's, its randomness the call's own."""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from tests.javascript import Scripts, call_of
from tests.quickjs.expressions import compare, needs_node

from isthmus_quickjs import _natives

EXPRESSIONS = r"""
crypto.createHash("sha256").update("abc").digest("hex")
crypto.createHash("SHA256").update("a").update(Buffer.from("bc")).digest("base64")
crypto.createHash("md5").update("é","latin1").digest("hex")
crypto.createHash("sha1").update("6162","hex").digest("base64url")
crypto.createHash("sha512").update(new Uint16Array([1,2])).digest()
crypto.createHash("nope")
crypto.createHash("sha3-256").update("").digest("hex")
crypto.createHash("sha512-256").update("").digest("hex")
crypto.createHash("shake256",{outputLength:8}).update("a").digest("hex")
crypto.createHash("ripemd160").update("a").digest("hex")
crypto.createHash("RSA-SHA256").update("a").digest("hex")
crypto.createHash("blake2b512").update("a").digest("hex")
crypto.createHash("md5").update(5)
crypto.createHash("md5").update(null)
(()=>{const h=crypto.createHash("md5");h.digest();h.digest()})()
(()=>{const h=crypto.createHash("md5").update("a");const c=h.copy();h.update("b");return [h.digest("hex"),c.digest("hex")]})()
crypto.createHmac("sha256","key").update("data").digest("hex")
crypto.createHmac("sha1",Buffer.from("k")).update("d").digest("base64")
crypto.createHmac("sha256","").update("x").digest("hex")
crypto.createHmac("sha256","k".repeat(200)).update("x").digest("hex")
crypto.timingSafeEqual(Buffer.from("a"),Buffer.from("a"))
crypto.timingSafeEqual(Buffer.from("a"),Buffer.from("b"))
crypto.timingSafeEqual(Buffer.from("a"),Buffer.from("bb"))
crypto.randomBytes(5).length
crypto.randomUUID().length
crypto.randomInt(5)<5
crypto.randomInt(5,4)
crypto.getRandomValues(new Uint8Array(3)).length
crypto.randomBytes(-1)
""".strip().splitlines()


@needs_node
async def test_it_does_what_nodes_does(scripts: Scripts) -> None:
    await compare(scripts, EXPRESSIONS)


HASHES = ["md5", "sha1", "sha224", "sha256", "sha384", "sha512"]


@settings(max_examples=30)
@given(data=st.binary(max_size=300), key=st.binary(max_size=200), cut=st.integers(0, 300))
async def test_hashes_and_hmacs_are_pythons(scripts: Scripts, data: bytes, key: bytes, cut: int) -> None:
    body = """
        const data = Buffer.from(event.data, 'hex'), key = Buffer.from(event.key, 'hex'), { cut } = event;
        return event.names.map((name) => [
            crypto.createHash(name).update(data.slice(0, cut)).update(data.slice(cut)).digest('hex'),
            crypto.createHmac(name, key).update(data.slice(0, cut)).update(data.slice(cut)).digest('hex'),
        ]);
    """
    argument = {"data": data.hex(), "key": key.hex(), "cut": cut, "names": HASHES}
    found: Any = await (await scripts.body(body)).value(call_of(argument))
    assert found == [
        [hashlib.new(name, data).hexdigest(), hmac.digest(key, data, name).hex()] for name in HASHES
    ]


async def test_what_is_written_over_after_update_was_hashed_as_it_was(scripts: Scripts) -> None:
    body = "const b = Buffer.from('abc'), h = crypto.createHash('md5').update(b); b[0] = 0; return h.digest('hex')"
    assert await (await scripts.body(body)).value() == hashlib.md5(b"abc").hexdigest()


async def test_every_hash_it_names_can_be_made(scripts: Scripts) -> None:
    body = "return crypto.getHashes().filter((name) => !crypto.createHash(name).update('x').digest('hex'))"
    script = await scripts.body(body)
    assert await script.value() == []
    names: Any = await (await scripts.body("return crypto.getHashes()")).value()
    assert {"md5", "sha1", "sha256", "sha512", "sha3-256", "RSA-SHA256".lower()} <= set(names)


RANDOM = """
    return {
        uuid: crypto.randomUUID(), bytes: crypto.randomBytes(20).toString('hex'), int: crypto.randomInt(1000),
        values: Array.from(crypto.getRandomValues(new Uint32Array(4))), math: Math.random(),
        filled: crypto.randomFillSync(Buffer.alloc(4), 2).toString('hex'),
    };
"""


async def test_randomness_is_the_calls_own_and_comes_again_with_its_seed(scripts: Scripts) -> None:
    script = await scripts.body(RANDOM)
    first: Any = await script.value(call_of(seed=bytes(32)))
    assert await script.value(call_of(seed=bytes(32))) == first
    other: Any = await script.value(call_of(seed=b"1" * 32))
    assert all(first[name] != other[name] for name in first if name != "int")
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", first["uuid"])
    assert first["filled"].startswith("0000")
    assert 0 <= first["int"] < 1000


async def test_every_number_of_a_range_comes_up(scripts: Scripts) -> None:
    script = await scripts.body(
        "return [...new Set(Array.from({ length: 200 }, () => crypto.randomInt(3, 7)))].sort()"
    )
    assert await script.value(call_of(seed=bytes(32))) == [3, 4, 5, 6]


async def test_callbacks_come_later(scripts: Scripts) -> None:
    body = """
        const order = [];
        const done = new Promise((resolve) => crypto.randomBytes(4, (error, bytes) => { order.push(error, bytes.length); resolve(); }));
        order.push('first');
        await done;
        return order;
    """
    assert await (await scripts.body(body)).value() == ["first", None, 4]


async def test_a_signature_is_checked_over_the_raw_body(scripts: Scripts) -> None:
    code = """
        async function onTrack(event, settings) {
            const expected = crypto.createHmac('sha256', settings.secret).update(event.body).digest();
            return crypto.timingSafeEqual(expected, Buffer.from(event.signature, 'base64'));
        }
    """
    import base64

    script = await scripts(code)
    signature = base64.b64encode(hmac.digest(b"s3cret", b'{"a":1}', "sha256")).decode()
    argument = {"body": '{"a":1}', "signature": signature}
    assert await script.value(call_of(argument, {"secret": "s3cret"})) is True
    assert await script.value(call_of(argument, {"secret": "other!"})) is False


REFUSED = {
    "an unknown operation": ("files", b"", KeyError),
    "an unknown hash": ("hash:sha0", b"", KeyError),
    "a path": ("hash:../../etc/passwd", b"", KeyError),
    "a key longer than the payload": ("hmac:sha256:5", b"abc", ValueError),
    "a negative key": ("hmac:sha256:-1", b"abc", ValueError),
    "a length that is no number": ("hash:shake_128:x", b"", KeyError),
    "an endless output": ("hash:shake128:999999999", b"", ValueError),
    "too much at once": ("hash:md5", bytes(_natives.LARGEST + 1), ValueError),
    "a host name that is no text": ("idna", b"\xff", ValueError),
    "a host name that stands for nothing": ("idna", b"xn--a", ValueError),
}


@pytest.mark.parametrize(("op", "payload", "error"), REFUSED.values(), ids=REFUSED.keys())
def test_the_host_refuses_what_it_does_not_know(op: str, payload: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        _natives.answer(op, payload)
