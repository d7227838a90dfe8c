"""TextEncoder, TextDecoder, btoa and atob."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from tests.javascript import Scripts, call_of
from tests.quickjs.expressions import compare, needs_node

EXPRESSIONS = r"""
btoa("hi")
btoa("é")
atob("aGk=")
atob(" a G k ")
new TextDecoder("utf-16le").decode(new Uint8Array([0x61,0,0x62]))
new TextDecoder().decode(new Uint8Array([0xef,0xbb,0xbf,0x61]))
new TextDecoder("utf-8",{fatal:true}).decode(new Uint8Array([0xff]))
new TextDecoder("nope")
new TextDecoder("latin1").encoding
new TextEncoder().encodeInto("a€",new Uint8Array(3))
(()=>{const d=new TextDecoder();return [d.decode(new Uint8Array([0xe2,0x82]),{stream:true}),d.decode(new Uint8Array([0xac]),{stream:true}),d.decode()]})()
(()=>{const d=new TextDecoder();return [d.decode(new Uint8Array([0xf0,0x9f]),{stream:true}),d.decode(new Uint8Array([0x61]),{stream:true}),d.decode()]})()
new TextDecoder("utf-16be").decode(new Uint8Array([0,0x61,0xd8]))
new TextDecoder(" UTF8 ").encoding
new TextDecoder("utf-8",{ignoreBOM:true}).decode(new Uint8Array([0xef,0xbb,0xbf,0x61])).length
new TextDecoder().decode("text")
new TextDecoder().decode(new Uint16Array([0x6161]))
new TextDecoder().decode(new ArrayBuffer(2)).length
new TextDecoder().decode()
new TextEncoder().encode()
new TextEncoder().encode("\ud83dx")
new TextDecoder("utf-16le",{fatal:true}).decode(new Uint8Array([0,0xd8]))
btoa(5)
btoa("")
atob("YQ")
atob("YWI=")
Object.prototype.toString.call(new TextDecoder())
""".strip().splitlines()


@needs_node
async def test_text_is_coded_as_nodes_is(scripts: Scripts) -> None:
    await compare(scripts, EXPRESSIONS)


DECODE = """
    const bytes = Uint8Array.from(atob(event.data), (c) => c.charCodeAt(0)), { cuts } = event;
    const whole = new TextDecoder(event.label).decode(bytes), decoder = new TextDecoder(event.label);
    let pieces = '', at = 0;
    for (const cut of [...cuts, bytes.length]) pieces += decoder.decode(bytes.subarray(at, at = cut), { stream: true });
    return [whole, pieces + decoder.decode()];
"""


@settings(max_examples=150)
@given(
    data=st.one_of(st.binary(max_size=24), st.text(max_size=8).map(str.encode)),
    cuts=st.lists(st.integers(0, 24), max_size=5),
)
async def test_utf8_decodes_as_python_decodes_it_whole_or_in_pieces(
    scripts: Scripts, data: bytes, cuts: list[int]
) -> None:
    argument = {
        "data": base64.b64encode(data).decode(),
        "label": "utf-8",
        "cuts": sorted(min(cut, len(data)) for cut in cuts),
    }
    expected = data.decode("utf-8", "replace").removeprefix("\ufeff")
    assert await (await scripts.body(DECODE)).value(call_of(argument)) == [expected, expected]


@settings(max_examples=60)
@given(
    text=st.text(max_size=8),
    cuts=st.lists(st.integers(0, 40), max_size=4),
    label=st.sampled_from(["utf-16le", "utf-16be"]),
)
async def test_utf16_decodes_as_python_decodes_it_whole_or_in_pieces(
    scripts: Scripts, text: str, cuts: list[int], label: str
) -> None:
    data = text.encode(label.replace("le", "-le").replace("be", "-be"))
    argument = {
        "data": base64.b64encode(data).decode(),
        "label": label,
        "cuts": sorted(min(cut, len(data)) for cut in cuts),
    }
    expected = text.removeprefix("\ufeff")
    assert await (await scripts.body(DECODE)).value(call_of(argument)) == [expected, expected]


@settings(max_examples=40)
@given(text=st.text(max_size=20), data=st.binary(max_size=30))
async def test_encoding_and_base64_are_pythons(scripts: Scripts, text: str, data: bytes) -> None:
    body = "return [[...new TextEncoder().encode(event.text)], btoa(event.binary), atob(event.base64) === event.binary]"
    argument = {"text": text, "binary": data.decode("latin1"), "base64": base64.b64encode(data).decode()}
    found: Any = await (await scripts.body(body)).value(call_of(argument))
    assert found == [list(text.encode()), base64.b64encode(data).decode(), True]


async def test_latin1_is_windows_1252(scripts: Scripts) -> None:
    body = "return new TextDecoder('latin1').decode(Uint8Array.from({ length: 256 }, (_, i) => i))"
    holes = {0x81, 0x8D, 0x8F, 0x90, 0x9D}  # the standard has control characters where Python has nothing
    expected = "".join(chr(byte) if byte in holes else bytes([byte]).decode("cp1252") for byte in range(256))
    assert await (await scripts.body(body)).value() == expected


REFUSED = {
    "btoa of what is no Latin-1": ("btoa('€')", "InvalidCharacterError"),
    "atob of one character": ("atob('a')", "InvalidCharacterError"),
    "atob of what is no base64": ("atob('a*b=')", "InvalidCharacterError"),
    "a label nobody knows": ("new TextDecoder('klingon')", "RangeError"),
}


@pytest.mark.parametrize(("expression", "name"), REFUSED.values(), ids=REFUSED.keys())
async def test_what_is_no_text_is_refused(scripts: Scripts, expression: str, name: str) -> None:
    assert (await (await scripts.body(expression)).thrown()).name == name


SAMPLES = {
    "shift_jis": ("日本語テキスト", "cp932"),
    "euc-jp": ("日本語テキスト", "euc_jp"),
    "iso-2022-jp": ("日本語 and ASCII", "iso2022_jp"),
    "gbk": ("简体中文", "gbk"),
    "gb18030": ("简体中文 𠀀", "gb18030"),
    "big5": ("繁體中文", "big5"),
    "euc-kr": ("한국어", "cp949"),
    "windows-1250": ("žluťoučký kůň", "cp1250"),
    "windows-1251": ("Привет", "cp1251"),
    "koi8-r": ("Привет", "koi8_r"),
    "iso-8859-2": ("Łódź", "iso8859_2"),
    "iso-8859-15": ("10 €", "iso8859_15"),
    "macintosh": ("café", "mac_roman"),
}


@pytest.mark.parametrize(("label", "sample"), SAMPLES.items(), ids=SAMPLES.keys())
async def test_what_is_older_than_unicode_is_decoded_whole_and_byte_by_byte(
    scripts: Scripts, label: str, sample: tuple[str, str]
) -> None:
    text, codec = sample
    data = text.encode(codec)
    argument = {"data": base64.b64encode(data).decode(), "label": label, "cuts": list(range(len(data)))}
    assert await (await scripts.body(DECODE)).value(call_of(argument)) == [text, text]


WRONG = {
    "a lead byte without its second": ("shift_jis", b"\x82", "\ufffd"),
    "a lead byte before ASCII": ("gbk", b"\x81\x20", "\ufffd "),
    "a hole of a single-byte encoding": ("windows-1253", b"\xaa", "\ufffd"),
    "a control character where Python has a hole": ("windows-1252", b"\x81", "\x81"),
}


@pytest.mark.parametrize(("label", "data", "expected"), WRONG.values(), ids=WRONG.keys())
async def test_wrong_bytes_are_what_the_standard_makes_of_them(
    scripts: Scripts, label: str, data: bytes, expected: str
) -> None:
    body = """
        const bytes = Uint8Array.from(event.bytes), fatal = new TextDecoder(event.label, { fatal: true });
        let refused = false;
        try { fatal.decode(bytes) } catch (e) { refused = e.name }
        return [new TextDecoder(event.label).decode(bytes), refused];
    """
    refused = "TypeError" if "\ufffd" in expected else False
    found = await (await scripts.body(body)).value(call_of({"label": label, "bytes": list(data)}))
    assert found == [expected, refused]
