"""Bodies of requests, responses and Blobs: as streams, as forms, and given as streams."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given, settings, strategies as st
from tests.javascript import FakeHost, Scripts, call_of

STREAMS = {
    "a response's body is a stream of bytes": (
        ("const r = (await fetch('http://a.example')).body.getReader(), { value } = await r.read();"
        "return [new TextDecoder().decode(value), (await r.read()).done]"),
        ['{"ok":true}', True],
    ),
    "its pieces are Buffers to those who iterate": (
        "let text = ''; for await (const piece of (await fetch('http://a.example')).body) text += piece; return text",
        '{"ok":true}',
    ),
    "those who listen hear it as of Node's streams": (
        ("const { body } = await fetch('http://a.example'); return new Promise((done) => { let all = '';"
        "body.on('data', (piece) => { all += piece.toString() }).on('end', () => done(all)) })"),
        '{"ok":true}',
    ),
    "a body flows into what is written to": (
        "const said = []; return new Promise((done) => { new Response('x').body.pipe({ write: (p) => said.push(String(p)), end: () => done(said) }) })",
        ["x"],
    ),
    "a body is read into one's own memory": (
        ("const r = new Response('abcdef').body.getReader({ mode: 'byob' }), read = await r.read(new Uint8Array(4));"
        "return [String.fromCharCode(...read.value), String.fromCharCode(...(await r.read(new Uint8Array(4))).value), (await r.read(new Uint8Array(1))).done]"),
        ["abcd", "ef", True],
    ),
    "a body goes through other streams": (
        "const text = new Response('gr\u00fc\u00df').body.pipeThrough(new TextDecoderStream()); let all = ''; for await (const x of text) all += x; return all",
        "gr\u00fc\u00df",
    ),
    "nothing has no stream": (
        "return [new Response().body, new Response(null).body, new Request('http://a/').body, new Response('').body === null]",
        [None, None, None, False],
    ),
    "what is read by its stream is used": (
        ("const r = new Response('x'), before = r.bodyUsed; await r.body.getReader().read();"
        "try { await r.text() } catch (e) { return [before, r.bodyUsed, e.name, e.message] }"),
        [False, True, "TypeError", "body used already for: "],
    ),
    "what is locked is not read": (
        "const r = new Response('x'); r.body.getReader(); try { await r.text() } catch (e) { return [r.bodyUsed, e.name] }",
        [False, "TypeError"],
    ),
    "what is let go again is read": (
        "const r = new Response('x'); r.body.getReader().releaseLock(); return r.text()",
        "x",
    ),
    "what is used has a stream that nobody reads": (
        "const r = new Response('x'); await r.text(); return [r.body.locked, r.bodyUsed, r.body === r.body]",
        [True, True, True],
    ),
    "a copy is read apart, its stream touched or not": (
        ("const one = new Response('one'), two = one.clone(), three = new Response('three'); three.body; const four = three.clone();"
        "return Promise.all([one, two, three, four].map((r) => r.text()))"),
        ["one", "one", "three", "three"],
    ),
    "what is used has no copy": (
        "const r = new Response('x'); await r.body.cancel(); try { r.clone() } catch (e) { return e.message }",
        "cannot clone body after it is used",
    ),
    "a response may be made of a stream": (
        ("const s = new ReadableStream({ start(c) { c.enqueue(new Uint8Array([104])); c.enqueue(new Uint8Array([105])); c.close() } });"
        "const r = new Response(s); return [r.body === s, await r.text(), r.bodyUsed]"),
        [True, "hi", True],
    ),
    "a stream that fails fails its body": (
        ("const r = new Response(new ReadableStream({ pull() { throw new RangeError('mine') } }));"
        "try { await r.text() } catch (e) { return [e.name, e.message] }"),
        ["RangeError", "mine"],
    ),
    "a stream of anything but bytes is no body": (
        "try { await new Response(ReadableStream.from(['text'])).text() } catch (e) { return [e.name, e.code] }",
        ["TypeError", "ERR_INVALID_ARG_TYPE"],
    ),
    "a stream that was read is no body": (
        "const s = new Response('x').body; await s.cancel(); try { new Response(s) } catch (e) { return [e.name, e.code] }",
        ["TypeError", "ERR_INVALID_STATE"],
    ),
    "bytes() and blob() take streams too": (
        ("const make = () => new Response(new Blob(['a', new Uint8Array([98])]).stream(), { headers: { 'content-type': 'text/x' } });"
        "const blob = await make().blob(); return [[...await make().bytes()], await blob.text(), blob.type]"),
        [[97, 98], "ab", "text/x"],
    ),
    "a Blob's stream": (
        "let n = 0; for await (const piece of new Blob(['x'.repeat(100000)]).stream()) n += piece.length; return n",
        100_000,
    ),
    "an empty Blob's stream is at its end": (
        "return (await new Blob([]).stream().getReader().read()).done",
        True,
    ),
    "a file's parts, lines and dates": (
        ("const f = new File(['a\\r\\nb\\rc'], 'n.txt', { type: 'TEXT/Plain', endings: 'native', lastModified: 5 });"
        "return [await f.text(), f.type, f.name, f.lastModified, f.size, await f.slice(2, 3).text()]"),
        ["a\nb\nc", "text/plain", "n.txt", 5, 5, "b"],
    ),
    "copies of Blobs and Files": (
        ("const [f, b] = structuredClone([new File(['x'], 'n', { type: 'a/b', lastModified: 7 }), new Blob(['y'])]);"
        "return [f instanceof File, f.name, f.type, f.lastModified, await f.text(), b instanceof Blob, await b.text()]"),
        [True, "n", "a/b", 7, "x", True, "y"],
    ),
    "what else the platform has is not copied": (
        ("return [new Headers(), new URL('http://a'), new Response(), new AbortController(), new FormData()].map((x) => {"
        " try { structuredClone(x) } catch (e) { return e.name } })"),
        ["DataCloneError"] * 5,
    ),
    "what fails to be copied is not handed over": (
        "const b = new ArrayBuffer(4); try { structuredClone([b, () => {}], { transfer: [b] }) } catch (e) { return [e.name, b.byteLength] }",
        ["DataCloneError", 4],
    ),
    "what is handed over is a thing, and once": (
        "const b = new ArrayBuffer(4); return [[1], [b, b], [{}]].map((transfer) => { try { structuredClone(0, { transfer }) } catch (e) { return [e.name, b.byteLength] } })",
        [["TypeError", 4], ["DataCloneError", 4], ["DataCloneError", 4]],
    ),
    "an array over memory that is handed over": (
        "const a = new Uint8Array([1, 2, 3]), c = structuredClone({ a }, { transfer: [a.buffer] }); return [[...c.a], a.length, c.a.buffer.byteLength]",
        [[1, 2, 3], 0, 3],
    ),
    "an error is no response": (
        "const r = Response.error(); return [r.status, r.type, r.ok]",
        [0, "error", False],
    ),
    "a request says what browsers ask": (
        "const r = new Request('http://a/', { credentials: 'omit' }); return [r.credentials, r.clone().credentials, r.mode, r.duplex, r.keepalive]",
        ["omit", "omit", "cors", "half", False],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("body", "expected"), STREAMS.values(), ids=STREAMS.keys())
async def test_bodies(scripts: Scripts, body: str, expected: object) -> None:
    assert await (await scripts.body(body)).value() == expected


# ---------------------------------------------------------------- sent

SENT = {
    "a stream": (
        "new ReadableStream({ async pull(c) { await null; c.enqueue(new TextEncoder().encode('piece ')); if (++n === 3) c.close() } })",
        b"piece piece piece ",
    ),
    "bytes that are no text": ("new Blob([new Uint8Array([255, 0, 128])]).stream()", b"\xff\x00\x80"),
    "what yields texts and bytes": (
        "(async function* () { yield 'a'; yield new Uint8Array([98]) })()",
        b"ab",
    ),
    "another response's body": ("new Response('passed on').body", b"passed on"),
    "a form of another package's making": (
        "{ getBoundary: () => 'b', getBuffer: () => Buffer.from('--b--') }",
        b"--b--",
    ),
}


@pytest.mark.parametrize(("body", "expected"), SENT.values(), ids=SENT.keys())
async def test_a_stream_is_read_whole_and_sent(scripts: Scripts, body: str, expected: bytes) -> None:
    host = FakeHost()
    script = await scripts.body(
        f"let n = 0; await fetch('http://a.example', {{ method: 'POST', duplex: 'half', body: {body} }})"
    )
    await script.value(host=host)
    assert [request.body for request in host.requests] == [expected]


async def test_a_stream_that_fails_sends_nothing(scripts: Scripts) -> None:
    host = FakeHost()
    body = "await fetch('http://a.example', { method: 'PUT', body: new ReadableStream({ pull() { throw new RangeError('mine') } }) })"
    thrown = await (await scripts.body(body)).thrown(host=host)
    assert (thrown.name, thrown.message) == ("RangeError", "mine")
    assert host.requests == []


async def test_a_fetch_aborted_while_its_body_is_read_sends_nothing(scripts: Scripts) -> None:
    host = FakeHost()
    body = """
        const c = new AbortController();
        const slow = new ReadableStream({ async pull(s) { await new Promise((r) => setTimeout(r, 5)); s.enqueue(new Uint8Array(1)); s.close() } });
        const sent = fetch('http://a.example', { method: 'PUT', body: slow, signal: c.signal });
        c.abort();
        try { await sent } catch (e) { await new Promise((r) => setTimeout(r, 20)); return e.name }
    """
    assert await (await scripts.body(body)).value(host=host) == "AbortError"
    assert host.requests == []


# ---------------------------------------------------------------- forms

READ = """
    const form = await new Response(Buffer.from(event.body, 'base64'), { headers: { 'content-type': event.type } }).formData();
    return Promise.all([...form].map(async ([name, value]) =>
        typeof value === 'string' ? [name, value] : [name, value.name, value.type, Buffer.from(await value.bytes()).toString('base64')]));
"""


async def form_of(scripts: Scripts, body: bytes, type_: str) -> object:
    script = await scripts.once(f"async function onTrack(event) {{ {READ} }}")
    return await script.value(call_of({"body": base64.b64encode(body).decode(), "type": type_}))


FORMS = {
    "fields and files": (
        (b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\none\r\n--b\r\n'
        b'content-disposition: form-data; name="f"; filename="x.bin"\r\nContent-Type: image/png\r\n\r\n\xff\r\n\x00\r\n--b--\r\n'),
        [["a", "one"], ["f", "x.bin", "image/png", "/w0KAA=="]],
    ),
    "nothing": (b"--b--\r\n", []),
    "a preamble, blanks after a boundary, and what comes after the end": (
        b'before\r\n--b \r\nContent-Disposition: form-data; name=plain\r\n\r\n\r\n--b--after',
        [["plain", ""]],
    ),
    "what names write": (
        'x\r\n--b\r\nContent-Disposition: form-data; name="gr\u00fc\u00df%22%0D%0A"\r\n\r\n\u20ac\r\n--b--'.encode(),
        [["gr\u00fc\u00df\"\r\n", "\u20ac"]],
    ),
    "backslashes and quotes": (
        b'--b\r\nContent-Disposition: form-data; name="a\\"b\\"; filename=x\r\n\r\n1\r\n--b--',
        [['a"b\\', "x", "text/plain", "MQ=="]],
    ),
    "a file without a type is text": (
        b'--b\r\nContent-Disposition: form-data; name="f"; filename=""\r\n\r\nt\r\n--b--',
        [["f", "", "text/plain", "dA=="]],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("body", "expected"), FORMS.values(), ids=FORMS.keys())
async def test_a_form_in_parts_is_read(scripts: Scripts, body: bytes, expected: object) -> None:
    assert await form_of(scripts, body, 'multipart/form-data; boundary="b"') == expected


async def test_a_form_in_a_line_is_read(scripts: Scripts) -> None:
    read = await form_of(scripts, b"a=1&b=x+y&a=%C3%BC", "application/x-www-form-urlencoded; charset=UTF-8")
    assert read == [["a", "1"], ["b", "x y"], ["a", "\u00fc"]]


@pytest.mark.parametrize(
    ("body", "type_", "why"),
    [
        (b"{}", "application/json", 'its content type is "application/json"'),
        (b"x", "multipart/form-data", "its content type has no boundary"),
        (b"x", "multipart/form-data; boundary=b", "its boundary is nowhere"),
        (b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\nx", "multipart/form-data; boundary=b", "it ends within a part"),
        (b"--b\r\n\r\nx\r\n--b--", "multipart/form-data; boundary=b", "a part has a header without a name"),
        (b"--b\r\nContent-Type: a/b\r\n\r\nx\r\n--b--", "multipart/form-data; boundary=b", "a part has no name"),
    ],
)  # fmt: skip
async def test_what_is_no_form_is_a_type_error(scripts: Scripts, body: bytes, type_: str, why: str) -> None:
    code = f"try {{ {READ} }} catch (e) {{ return [e.name, e.message] }}"
    script = await scripts.once(f"async function onTrack(event) {{ {code} }}")
    found = await script.value(call_of({"body": base64.b64encode(body).decode(), "type": type_}))
    assert found == [
        "TypeError",
        f"The body can't be read as a form: {why}" + (", and no form's" if "json" in why else ""),
    ]


names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="%"), min_size=1, max_size=8)
fields = st.lists(st.tuples(names, st.text(max_size=20) | st.binary(max_size=20)), max_size=4)


@given(fields)
@settings(max_examples=40)
async def test_a_form_that_is_written_is_read_back(
    scripts: Scripts, entries: list[tuple[str, str | bytes]]
) -> None:
    script = await scripts.once(
        """async function onTrack(entries) {
            const form = new FormData();
            for (const [name, text, bytes] of entries) {
                if (text === null) form.append(name, new File([new Uint8Array(bytes)], name, { type: 'x/y' }));
                else form.append(name, text);
            }
            const back = await new Response(form).formData();
            return Promise.all([...back].map(async ([name, value]) =>
                typeof value === 'string' ? [name, value, []] : [name, null, [...await value.bytes()]]));
        }"""
    )
    sent = [
        [name, None, list(value)] if isinstance(value, bytes) else [name, value, []]
        for name, value in entries
    ]
    assert await script.value(call_of(sent)) == json.loads(json.dumps(sent))
