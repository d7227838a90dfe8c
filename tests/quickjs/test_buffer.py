"""Buffer: Node's, byte for byte and message for message."""

from __future__ import annotations

import base64
import json
import re
import struct
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from tests.javascript import Script, Scripts, call_of
from tests.quickjs.expressions import compare, needs_node

EXPRESSIONS = r"""
Buffer.from("héllo😀").toString("hex")
Buffer.from("aGk=","base64").toString()
Buffer.from("aGk_-w","base64url").toString("base64")
Buffer.from("68 69","hex")
Buffer.from("6869zz","hex")
Buffer.from("686","hex")
Buffer.from([1,256,-1,"3",1.9])
Buffer.from(new Uint16Array([1,258]))
Buffer.from(new Uint8Array([1,2,3]).buffer,1,1)
Buffer.from({type:"Buffer",data:[1,2]})
Buffer.from({length:2,0:5,1:6})
Buffer.from(new String("ab"))
Buffer.from(5)
Buffer.from(null)
Buffer.from(undefined)
Buffer.from({})
Buffer.from("a","nope")
Buffer.from("é","latin1").toString("binary")
Buffer.from("éa","ascii").toString("ascii")
Buffer.from("ab","utf16le")
Buffer.from("ab","ucs2").toString("utf-16le")
Buffer.from([0xff,0xfe,0x61]).toString()
Buffer.from([0xe2,0x82]).toString()
Buffer.from("abc").toString("utf8",1,2)
Buffer.from("abc").toString("utf8",-1,9)
Buffer.from("abc").toString("utf8",2,1)
Buffer.from("abc").toString("nope")
Buffer.alloc(3)
Buffer.alloc(5,"ab")
Buffer.alloc(5,1)
Buffer.alloc("1")
Buffer.alloc(3,"616263","hex")
Buffer.concat([Buffer.from("a"),Buffer.from("bc")])
Buffer.concat([Buffer.from("abc")],2)
Buffer.concat([Buffer.from("abc")],5)
Buffer.concat([])
Buffer.byteLength("é")
Buffer.byteLength("aGk=","base64")
Buffer.byteLength("6869","hex")
Buffer.byteLength(new ArrayBuffer(3))
Buffer.isBuffer(Buffer.alloc(1))
Buffer.isBuffer(new Uint8Array(1))
Buffer.isEncoding("UTF-8")
Buffer.isEncoding("x")
Buffer.compare(Buffer.from("a"),Buffer.from("b"))
Buffer.from("b").compare(Buffer.from("a"))
Buffer.from("abc").equals(Buffer.from("abc"))
Buffer.from("abc").equals(new Uint8Array([97,98,99]))
JSON.stringify(Buffer.from("ab"))
Buffer.from("abcdef").slice(1,3)
Buffer.from("abcdef").slice(-3)
Buffer.from("abcdef").subarray(-3,-1)
(()=>{const b=Buffer.from("abc");b.slice(1)[0]=65;return b.toString()})()
Buffer.from("abcabc").indexOf("c")
Buffer.from("abcabc").indexOf("c",3)
Buffer.from("abcabc").lastIndexOf("a")
Buffer.from("abcabc").lastIndexOf("a",2)
Buffer.from("abcabc").lastIndexOf("b",-3)
Buffer.from("abcabc").includes("bca")
Buffer.from("abcabc").indexOf(98)
Buffer.from("abcabc").indexOf(Buffer.from("ca"))
Buffer.from("abc").indexOf("")
Buffer.from("abcabc").indexOf("b",-2)
Buffer.from("abc").fill("x")
Buffer.from("abcdef").fill("xy",1,4)
Buffer.from("abcdef").fill(0)
Buffer.from("abcdef").fill("")
(()=>{const b=Buffer.alloc(4);return [b.write("é€"),b]})()
(()=>{const b=Buffer.alloc(4);return [b.write("ab",2),b]})()
(()=>{const b=Buffer.alloc(4);return [b.write("abcdef",1,2),b]})()
(()=>{const b=Buffer.alloc(4);return [b.write("6162","hex"),b]})()
(()=>{const b=Buffer.alloc(2);b.write("a",3)})()
(()=>{const a=Buffer.from("abcd"),b=Buffer.alloc(3);return [a.copy(b,1,2),b]})()
(()=>{const a=Buffer.from("abcd"),b=Buffer.alloc(3);return [a.copy(b),b]})()
Buffer.from([1,2,3,4]).readUInt16BE(1)
Buffer.from([1,2,3,4]).readUInt16LE()
Buffer.from([255,255]).readInt16LE()
Buffer.from([1,2,3,4]).readUInt32BE()
Buffer.from([255,2,3,4]).readInt32BE()
Buffer.from([1,2,3,4,5,6]).readUIntBE(0,6)
Buffer.from([255,254]).readIntBE(0,2)
Buffer.from([1,2,3,4,5,6]).readUIntLE(1,3)
Buffer.from([1,2,3,4,5,6,7,8]).readBigUInt64LE()
Buffer.from([0,0,0,0,0,0,0,128]).readBigInt64LE()
Buffer.from([0,0,128,63]).readFloatLE()
Buffer.from([63,240,0,0,0,0,0,0]).readDoubleBE()
Buffer.from([1]).readUInt16BE()
Buffer.from([1,2]).readUInt16BE(1)
Buffer.from([1,2]).readUInt8(2)
Buffer.from([1,2]).readUInt8(0.5)
Buffer.from([1,2]).readUInt8("0")
Buffer.from([200]).readInt8()
(()=>{const b=Buffer.alloc(8);return [b.writeUInt32BE(4294967295),b.writeInt16LE(-2,4),b]})()
(()=>{const b=Buffer.alloc(8);b.writeUInt8(256)})()
(()=>{const b=Buffer.alloc(8);b.writeInt8(-129)})()
(()=>{const b=Buffer.alloc(8);b.writeUInt16LE(70000)})()
(()=>{const b=Buffer.alloc(8);b.writeUInt32LE(2**32)})()
(()=>{const b=Buffer.alloc(8);b.writeInt32LE(2**31)})()
(()=>{const b=Buffer.alloc(8);return [b.writeBigInt64BE(-1n),b]})()
(()=>{const b=Buffer.alloc(8);return [b.writeDoubleLE(1.5),b]})()
(()=>{const b=Buffer.alloc(8);return [b.writeUIntBE(0x123456,1,3),b]})()
(()=>{const b=Buffer.alloc(8);return [b.writeIntLE(-5,0,6),b]})()
Buffer.from([1,2,3,4]).swap16()
Buffer.from([1,2,3,4]).swap32()
Buffer.from([1,2,3]).swap16()
Buffer.from("abc").map(x=>x+1)
Buffer.from("abc").filter(x=>x>97)
[...Buffer.from("ab")]
new Buffer("ab")
Buffer("6162","hex")
Buffer.from("abc") instanceof Uint8Array
Buffer.from("abc").constructor.name
Buffer.of(1,2)
Buffer.from("abc").length
Buffer.from(Buffer.from("x"))
`${Buffer.from("hi")}`
Buffer.from("x")+"y"
Buffer.alloc(60)
Buffer.from("  aGk = ","base64").toString()
Buffer.from("aGk","base64").toString("base64url")
Buffer.from("\ud83d").toString("hex")
Object.keys(Buffer.from("ab"))
Buffer.from("ab").toJSON()
typeof Buffer.prototype.readUint8
Buffer.from("test").at(-1)
Buffer.from("abc").reverse().toString()
""".strip().splitlines()


@needs_node
async def test_buffers_do_what_nodes_do(scripts: Scripts) -> None:
    await compare(scripts, EXPRESSIONS)


async def asked(script: Script, argument: object) -> Any:
    return await script.value(call_of(argument))


ENCODE = """
    const bytes = Buffer.from(event.hex, 'hex');
    const texts = {};
    for (const name of ['hex', 'base64', 'base64url', 'latin1', 'utf16le', 'utf8', 'ascii']) texts[name] = bytes.toString(name);
    return texts;
"""


@settings(max_examples=60)
@given(data=st.binary(max_size=70))
async def test_bytes_as_text_are_what_python_makes_of_them(scripts: Scripts, data: bytes) -> None:
    texts = await asked(await scripts.body(ENCODE), {"hex": data.hex()})
    halves = data[: len(data) & ~1].decode("utf-16-le", "surrogatepass")
    assert texts["hex"] == data.hex()
    assert texts["base64"] == base64.b64encode(data).decode()
    assert texts["base64url"] == base64.urlsafe_b64encode(data).decode().rstrip("=")
    assert texts["latin1"] == data.decode("latin1")
    # Half a surrogate pair is replaced on its way out of the world.
    assert texts["utf16le"] == re.sub("[\ud800-\udfff]", "\ufffd", halves)
    assert texts["utf8"] == data.decode("utf-8", "replace")
    assert texts["ascii"] == bytes(byte & 127 for byte in data).decode("ascii")


DECODE = """
    const bytes = {};
    for (const name of Object.keys(event)) bytes[name] = Buffer.from(event[name], name).toString('hex');
    return bytes;
"""


@settings(max_examples=60)
@given(text=st.text(max_size=40), data=st.binary(max_size=50))
async def test_text_as_bytes_is_what_python_makes_of_it(scripts: Scripts, text: str, data: bytes) -> None:
    given_texts = {
        "hex": data.hex().upper(),
        "base64": base64.b64encode(data).decode(),
        "base64url": base64.urlsafe_b64encode(data).decode(),
        "latin1": data.decode("latin1"),
        "utf8": text,
        "utf16le": text,
    }
    found = await asked(await scripts.body(DECODE), given_texts)
    expected = dict.fromkeys(["hex", "base64", "base64url", "latin1"], data.hex())
    expected |= {"utf8": text.encode().hex(), "utf16le": text.encode("utf-16-le").hex()}
    assert found == expected


NUMBERS = {
    "UInt8": "B", "Int8": "b",
    "UInt16LE": "<H", "UInt16BE": ">H", "Int16LE": "<h", "Int16BE": ">h",
    "UInt32LE": "<I", "UInt32BE": ">I", "Int32LE": "<i", "Int32BE": ">i",
    "BigUInt64LE": "<Q", "BigUInt64BE": ">Q", "BigInt64LE": "<q", "BigInt64BE": ">q",
    "DoubleLE": "<d", "DoubleBE": ">d",
}  # fmt: skip


@settings(max_examples=40)
@given(data=st.binary(min_size=8, max_size=8))
async def test_numbers_are_read_as_struct_reads_them_and_written_back_the_same(
    scripts: Scripts, data: bytes
) -> None:
    body = """
        const bytes = Buffer.from(event.hex, 'hex'), found = {};
        for (const name of event.names) {
            const value = bytes['read' + name](0), copy = Buffer.from(bytes);
            copy['write' + name](value, 0);
            found[name] = [String(value), copy.toString('hex')];
        }
        return found;
    """
    found = await asked(await scripts.body(body), {"hex": data.hex(), "names": list(NUMBERS)})
    for name, layout in NUMBERS.items():
        (value,) = struct.unpack_from(layout, data)
        if name.startswith("Double"):
            again = float(found[name][0].replace("Infinity", "inf"))
            assert again == value or value != value, name
            assert found[name][1] == data.hex() or value != value, name
        else:
            assert found[name] == [str(value), data.hex()], name


@settings(max_examples=40)
@given(data=st.binary(min_size=7, max_size=7), size=st.integers(1, 6))
async def test_integers_of_any_size_are_python_integers(scripts: Scripts, data: bytes, size: int) -> None:
    body = """
        const bytes = Buffer.from(event.hex, 'hex'), { size } = event;
        return ['UIntLE', 'UIntBE', 'IntLE', 'IntBE'].map((name) => {
            const value = bytes['read' + name](1, size), copy = Buffer.alloc(7);
            copy['write' + name](value, 1, size);
            return [value, copy.toString('hex', 1, 1 + size)];
        });
    """
    found = await asked(await scripts.body(body), {"hex": data.hex(), "size": size})
    part = data[1 : 1 + size]
    expected = [
        [int.from_bytes(part, order, signed=signed), part.hex()]
        for signed in (False, True)
        for order in ("little", "big")
    ]
    assert found == expected


@settings(max_examples=60)
@given(text=st.text("abc", max_size=20), sought=st.text("abc", max_size=3), start=st.integers(-25, 25))
async def test_searching_finds_what_python_finds(
    scripts: Scripts, text: str, sought: str, start: int
) -> None:
    body = "const b = Buffer.from(event.text); return [b.indexOf(event.sought, event.start), b.includes(event.sought)]"
    found = await asked(await scripts.body(body), {"text": text, "sought": sought, "start": start})
    begin = max(0, start + len(text) if start < 0 else start)
    # Past the end JavaScript finds nothing at the end, where Python finds nothing at all.
    expected = len(text) if sought == "" and begin > len(text) else text.find(sought, begin)
    assert found == [expected, sought in text]


async def test_a_slice_shares_its_memory_and_a_copy_does_not(scripts: Scripts) -> None:
    body = """
        const whole = Buffer.from('abcd'), part = whole.slice(1, 3), copy = Buffer.from(whole);
        part[0] = 88;
        return [whole.toString(), part.toString(), copy.toString(), part.buffer === whole.buffer];
    """
    assert await (await scripts.body(body)).value() == ["aXcd", "Xc", "abcd", True]


async def test_a_buffer_crosses_json_as_nodes_does(scripts: Scripts) -> None:
    script = await scripts.body(
        "return Buffer.from(JSON.parse(JSON.stringify(Buffer.from('hi')))).toString()"
    )
    assert await script.value() == "hi"


@pytest.mark.parametrize("size", [2**31, 1e12, "'1'", -1, "NaN"])
async def test_no_buffer_of_an_impossible_size(scripts: Scripts, size: object) -> None:
    thrown = await (await scripts.body(f"Buffer.alloc({size})")).thrown()
    assert thrown.name in {"RangeError", "TypeError"}
    assert json.dumps(thrown.message)
