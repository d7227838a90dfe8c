"""Streams of the web: read, written, piped, split, coded and compressed."""

from __future__ import annotations

import base64
import gzip
import zlib
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from tests.javascript import Scripts, call_of

CASES = {
    "chunks come in order, and then the end": (
        (
            "const s = new ReadableStream({ start(c) { c.enqueue(1); c.enqueue(2); c.close() } }), r = s.getReader();"
            "return [await r.read(), await r.read(), (await r.read()).done]"
        ),
        [{"value": 1, "done": False}, {"value": 2, "done": False}, True],
    ),
    "a source is asked for no more than is wanted": (
        (
            "let n = 0; const s = new ReadableStream({ pull(c) { c.enqueue(n++) } }, { highWaterMark: 2 });"
            "const r = s.getReader(); await r.read(); await 0; await 0; return n"
        ),
        3,
    ),
    "a stream is iterated": (
        "const seen = []; for await (const x of ReadableStream.from([1, 2, 3])) seen.push(x); return seen",
        [1, 2, 3],
    ),
    "leaving a loop cancels the source": (
        (
            "let why = 'not'; const s = new ReadableStream({ pull(c) { c.enqueue(1) }, cancel() { why = 'cancelled' } });"
            "for await (const x of s) break; return why"
        ),
        "cancelled",
    ),
    "a locked stream has no second reader": (
        "const s = new ReadableStream(); s.getReader(); try { s.getReader() } catch (e) { return [e.name, e.code, s.locked] }",
        ["TypeError", "ERR_INVALID_STATE", True],
    ),
    "a pipe carries all, changed on its way": (
        (
            "const seen = []; await ReadableStream.from(['a', 'b']).pipeThrough(new TransformStream({"
            " transform(x, c) { c.enqueue(x.toUpperCase()) }, flush(c) { c.enqueue('.') } }))"
            ".pipeTo(new WritableStream({ write(x) { seen.push(x) }, close() { seen.push('closed') } })); return seen"
        ),
        ["A", "B", ".", "closed"],
    ),
    "an error goes down a pipe": (
        (
            "let got; const s = new ReadableStream({ pull() { throw new RangeError('spoilt') } });"
            "await s.pipeTo(new WritableStream({ abort(e) { got = e.message } })).catch((e) => got += e.name); return got"
        ),
        "spoiltRangeError",
    ),
    "a pipe is stopped by its signal": (
        (
            "const a = new AbortController(), s = new ReadableStream({ pull(c) { c.enqueue(1) } });"
            "const end = s.pipeTo(new WritableStream({ write() { a.abort() } }), { signal: a.signal });"
            "return end.catch((e) => e.name)"
        ),
        "AbortError",
    ),
    "both branches of a split stream get all": (
        (
            "const [a, b] = ReadableStream.from([1, 2]).tee(), seen = [];"
            "for await (const x of a) seen.push(x); for await (const x of b) seen.push(x); return seen"
        ),
        [1, 2, 1, 2],
    ),
    "a byte stream fills its reader's buffer": (
        (
            "const s = new ReadableStream({ type: 'bytes', pull(c) { const { view } = c.byobRequest; view.set([7, 8]); c.byobRequest.respond(2) } });"
            "const { value } = await s.getReader({ mode: 'byob' }).read(new Uint8Array(4)); return [[...value], value.buffer.byteLength]"
        ),
        [[7, 8], 4],
    ),
    "a reader may wait for as many bytes as it needs": (
        (
            "let n = 0; const s = new ReadableStream({ type: 'bytes', pull(c) { c.enqueue(new Uint8Array([n++])) } });"
            "const { value } = await s.getReader({ mode: 'byob' }).read(new Uint8Array(3), { min: 3 }); return [...value]"
        ),
        [0, 1, 2],
    ),
    "a writer hears when there is room": (
        (
            "let go; const s = new WritableStream({ write: () => new Promise((r) => (go = r)) }), w = s.getWriter(), seen = [w.desiredSize];"
            "await w.ready; const done = w.write('x'); seen.push(w.desiredSize); await 0; go(); await done; await w.ready; seen.push(w.desiredSize); return seen"
        ),
        [1, 0, 1],
    ),
    "text is coded on its way": (
        (
            "const s = ReadableStream.from(['gr', 'ü\\ud83d', '\\ude00']).pipeThrough(new TextEncoderStream()).pipeThrough(new TextDecoderStream());"
            "let all = ''; for await (const x of s) all += x; return all"
        ),
        "grü😀",
    ),
    "sizes are told by a strategy": (
        (
            "const s = new ReadableStream({ start(c) { c.enqueue(new Uint8Array(3)); this.c = c } }, new ByteLengthQueuingStrategy({ highWaterMark: 10 }));"
            "return [new CountQueuingStrategy({ highWaterMark: 5 }).highWaterMark, new ByteLengthQueuingStrategy({ highWaterMark: 1 }).size(new Uint8Array(3))]"
        ),
        [5, 3],
    ),
}


@pytest.mark.parametrize(("body", "expected"), CASES.values(), ids=CASES.keys())
async def test_streams(scripts: Scripts, body: str, expected: object) -> None:
    assert await (await scripts.body(body)).value() == expected


PIPE = """
    const bytes = Uint8Array.from(atob(event.data), (c) => c.charCodeAt(0));
    const from = new ReadableStream({ start(c) { for (let i = 0; i < bytes.length; i += 7) c.enqueue(bytes.slice(i, i + 7)); c.close() } });
    const out = [];
    for await (const chunk of from.pipeThrough(new event.made(event.form))) out.push(...chunk);
"""
COMPRESS = PIPE.replace("event.made", "CompressionStream") + "return out;"
DECOMPRESS = PIPE.replace("event.made", "DecompressionStream") + "return out;"
FORMS = {"gzip": 31, "deflate": 15, "deflate-raw": -15}


@settings(max_examples=30)
@given(data=st.binary(max_size=200), form=st.sampled_from(sorted(FORMS)))
async def test_what_is_compressed_here_python_decompresses_and_back(
    scripts: Scripts, data: bytes, form: str
) -> None:
    argument = {"data": _base64(data), "form": form}
    packed: Any = await (await scripts.once(_handler(COMPRESS))).value(call_of(argument))
    assert zlib.decompress(bytes(packed), FORMS[form]) == data
    argument = {"data": _base64(bytes(packed)), "form": form}
    assert await (await scripts.once(_handler(DECOMPRESS))).value(call_of(argument)) == list(data)


@pytest.mark.parametrize(
    "data",
    [gzip.compress(b"text")[:-1], gzip.compress(b"text") + b"more", b"no gzip at all", b""],
    ids=["cut off", "with more behind it", "not compressed", "empty"],
)
async def test_what_is_not_wholly_compressed_is_refused(scripts: Scripts, data: bytes) -> None:
    script = await scripts(_handler(DECOMPRESS))
    assert (await script.thrown(call_of({"data": _base64(data), "form": "gzip"}))).name == "TypeError"


async def test_a_small_input_with_a_huge_output_is_refused(scripts: Scripts) -> None:
    bomb = zlib.compress(bytes(64 * 1024 * 1024), 9)
    script = await scripts(_handler(DECOMPRESS))
    assert (await script.thrown(call_of({"data": _base64(bomb), "form": "deflate"}))).name == "TypeError"


def _handler(body: str) -> str:
    return f"async function onTrack(event) {{ {body} }}"


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
