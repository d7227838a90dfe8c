"""fetch and what belongs to it: node-fetch's contract, and the signals that end it."""

from __future__ import annotations

import json
from typing import Any

import pytest
import trio
from hypothesis import given, settings, strategies as st
from tests.javascript import FakeHost, Script, Scripts, call_of
from tests.quickjs.expressions import compare, needs_node

from isthmus.abc import FetchRequest, FetchResponse
from isthmus.errors import FetchError

EMPTY = FetchResponse(status=200, reason="OK")


class Web(FakeHost):
    """Answers every request with the same response, or the same failure, or never."""

    def __init__(self, answer: FetchResponse | FetchError | None = EMPTY) -> None:
        super().__init__()
        self.answer = answer
        self.cancelled = 0

    async def fetch(self, request: FetchRequest) -> FetchResponse:
        self.requests.append(request)
        await trio.lowlevel.checkpoint()
        if self.answer is None:
            try:
                await trio.sleep_forever()
            finally:
                self.cancelled += 1
        if isinstance(self.answer, FetchError):
            raise self.answer
        assert self.answer is not None
        return self.answer

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await trio.lowlevel.checkpoint()


def response(body: bytes = b"", status: int = 200, **fields: Any) -> FetchResponse:
    return FetchResponse(
        status=status, reason=fields.pop("reason", "OK"), body=body, url="https://a.b/", **fields
    )


async def sent(scripts: Scripts, call: str) -> FetchRequest:
    """What goes out for one call of fetch."""
    web = Web()
    await (await scripts.body(f"await fetch({call})")).value(host=web)
    [request] = web.requests
    return request


async def found(script: Script, answer: FetchResponse | FetchError, argument: object = None) -> Any:
    return await script.value(call_of(argument), Web(answer))


ACCEPT = ("accept", "*/*")
TEXT = ("content-type", "text/plain;charset=UTF-8")
SENT = {
    "'https://a.b/c?d=e'": FetchRequest(url="https://a.b/c?d=e", headers=(ACCEPT,)),
    "new URL('/c', 'https://a.b')": FetchRequest(url="https://a.b/c", headers=(ACCEPT,)),
    "'HTTPS://A.B:443/x/../y#part'": FetchRequest(url="https://a.b/y", headers=(ACCEPT,)),
    "'https://a.b/ü x?q=ü#h'": FetchRequest(url="https://a.b/%C3%BC%20x?q=%C3%BC", headers=(ACCEPT,)),
    "'https://münchen.de/'": FetchRequest(url="https://xn--mnchen-3ya.de/", headers=(ACCEPT,)),
    "'https://user:pa%20ss@a.b/'": FetchRequest(
        url="https://a.b/", headers=(("authorization", "Basic dXNlcjpwYSBzcw=="), ACCEPT)
    ),
    "'https://a.b/', { method: 'post', body: '{}' }": FetchRequest(
        url="https://a.b/", method="POST", headers=(TEXT, ACCEPT), body=b"{}"
    ),
    "'https://a.b/', { method: 'PATCH', body: '', headers: { 'Content-Type': 'application/json', Accept: 'text/csv' } }": (
        FetchRequest(
            url="https://a.b/",
            method="PATCH",
            headers=(("content-type", "application/json"), ("accept", "text/csv")),
            body=b"",
        )
    ),
    "'https://a.b/', { method: 'PUT', body: Buffer.from([0, 255]) }": FetchRequest(
        url="https://a.b/", method="PUT", headers=(ACCEPT,), body=b"\x00\xff"
    ),
    "'https://a.b/', { method: 'POST', body: new Uint16Array([258]).subarray(0) }": FetchRequest(
        url="https://a.b/", method="POST", headers=(ACCEPT,), body=b"\x02\x01"
    ),
    "'https://a.b/', { method: 'POST', body: new TextEncoder().encode('é').buffer }": FetchRequest(
        url="https://a.b/", method="POST", headers=(ACCEPT,), body="é".encode()
    ),
    "'https://a.b/', { method: 'POST', body: new URLSearchParams({ a: '1 2' }) }": FetchRequest(
        url="https://a.b/",
        method="POST",
        headers=(("content-type", "application/x-www-form-urlencoded;charset=UTF-8"), ACCEPT),
        body=b"a=1+2",
    ),
    "'https://a.b/', { method: 'POST', body: new Blob(['x'], { type: 'text/csv' }) }": FetchRequest(
        url="https://a.b/", method="POST", headers=(("content-type", "text/csv"), ACCEPT), body=b"x"
    ),
    "'https://a.b/', { method: 'POST', body: { a: 1 } }": FetchRequest(
        url="https://a.b/", method="POST", headers=(TEXT, ACCEPT), body=b"[object Object]"
    ),
    "'https://a.b/', { method: 'POST', body: '\\ud83d' }": FetchRequest(
        url="https://a.b/", method="POST", headers=(TEXT, ACCEPT), body="�".encode()
    ),
    "new Request('https://a.b/', { method: 'DELETE', headers: [['X-A', '1'], ['x-a', '2']] })": FetchRequest(
        url="https://a.b/", method="DELETE", headers=(("x-a", "1"), ("x-a", "2"), ACCEPT)
    ),
    "new Request('https://a.b/', { method: 'POST', body: 'x' }), { headers: new Headers({ k: 'v' }) }": FetchRequest(
        url="https://a.b/", method="POST", headers=(("k", "v"), ACCEPT), body=b"x"
    ),
    "'https://a.b/', { redirect: 'manual' }": FetchRequest(
        url="https://a.b/", headers=(ACCEPT,), redirect="manual"
    ),
    "'https://a.b/', { headers: null, body: null, signal: null }": FetchRequest(
        url="https://a.b/", headers=(ACCEPT,)
    ),
}


@pytest.mark.parametrize(("call", "request_sent"), SENT.items())
async def test_a_request_goes_out_as_node_fetch_sends_it(
    scripts: Scripts, call: str, request_sent: FetchRequest
) -> None:
    assert await sent(scripts, call) == request_sent


REFUSED = {
    "'/relative'": "Only absolute URLs are supported",
    "'ftp://a.b/'": "Only HTTP(S) protocols are supported",
    "'http://'": "Invalid URL",
    "undefined": "Only absolute URLs are supported",
    "'https://a.b/', { body: 'x' }": "Request with GET/HEAD method cannot have body",
    "'https://a.b/', { headers: { 'a b': 'c' } }": "a b is not a legal HTTP header name",
    "'https://a.b/', { headers: { a: 'b\\nc: d' } }": "b\nc: d is not a legal HTTP header value",
    "'https://a.b/', { headers: { a: '\\u20ac' } }": "€ is not a legal HTTP header value",
    "'https://a.b/', { redirect: 'maybe' }": 'redirect is "follow", "manual" or "error", not "maybe"',
    "'https://a.b/', { signal: 'now' }": "Expected signal to be an instanceof AbortSignal",
}


@pytest.mark.parametrize(("call", "message"), REFUSED.items())
async def test_a_request_that_is_none_is_a_rejected_type_error(
    scripts: Scripts, call: str, message: str
) -> None:
    web = Web()
    script = await scripts.body(
        f"const p = fetch({call}); try {{ await p }} catch (e) {{ return [e.name, e.message] }}"
    )
    assert await script.value(host=web) == ["TypeError", message]
    assert web.requests == []


async def test_a_form_is_sent_in_parts(scripts: Scripts) -> None:
    request = await sent(
        scripts,
        """'https://a.b/', (() => {
            const form = new FormData();
            form.append('text', 'é');
            form.append('file', Buffer.from([0, 255]), { filename: 'a "b".png' });
            form.append('blob', new Blob(['x'], { type: 'text/csv' }), 'x.csv');
            return { method: 'POST', body: form };
        })()""",
    )
    headers = dict(request.headers)
    boundary = headers["content-type"].removeprefix("multipart/form-data;boundary=")
    assert boundary != headers["content-type"]
    assert (
        request.body
        == (
            f"--{boundary}\r\n"
            'Content-Disposition: form-data; name="text"\r\n\r\né\r\n'
            f"--{boundary}\r\n"
            'Content-Disposition: form-data; name="file"; filename="a %22b%22.png"\r\nContent-Type: image/png\r\n\r\n'
        ).encode()
        + b"\x00\xff\r\n"
        + (
            f"--{boundary}\r\n"
            'Content-Disposition: form-data; name="blob"; filename="x.csv"\r\nContent-Type: text/csv\r\n\r\nx\r\n'
            f"--{boundary}--\r\n"
        ).encode()
    )


async def test_a_form_tells_its_headers_as_the_package_does(scripts: Scripts) -> None:
    body = """
        const form = new FormData();
        form.append('n', 5);
        const headers = form.getHeaders({ 'X-A': '1' });
        return [
            headers['x-a'], headers['content-type'] === `multipart/form-data; boundary=${form.getBoundary()}`,
            form.getLengthSync() === form.getBuffer().length, form.get('n'),
        ];
    """
    assert await (await scripts.body(body)).value() == ["1", True, True, "5"]


# ---------------------------------------------------------------- responses


async def test_a_response_is_node_fetchs(scripts: Scripts) -> None:
    answer = response(
        b'{"a": 1}',
        status=201,
        reason="Created",
        headers=(("Content-Type", "application/json"), ("set-cookie", "a=1"), ("Set-Cookie", "b=2")),
        redirected=True,
    )
    body = """
        const r = await fetch('https://a.b/');
        const { status, statusText, ok, url, redirected, bodyUsed } = r;
        return [
            { status, statusText, ok, url, redirected, bodyUsed }, r.headers.get('CONTENT-TYPE'), r.headers.raw(), [...r.headers],
            await r.json(), r.bodyUsed, r instanceof Response, r.headers instanceof Headers,
        ];
    """
    assert await found(await scripts.body(body), answer) == [
        {"status": 201, "statusText": "Created", "ok": True, "url": "https://a.b/", "redirected": True, "bodyUsed": False},
        "application/json",
        {"content-type": ["application/json"], "set-cookie": ["a=1", "b=2"]},
        [["content-type", "application/json"], ["set-cookie", "a=1, b=2"]],
        {"a": 1},
        True,
        True,
        True,
    ]  # fmt: skip


READ = """
    const r = await fetch('https://a.b/'), hex = (bytes) => Buffer.from(bytes).toString('hex');
    const chunks = [];
    for await (const chunk of r.clone().body ?? []) chunks.push(chunk);
    const buffer = await r.clone().buffer();
    return [
        await r.clone().text(), buffer.toString('hex'), Buffer.isBuffer(buffer), hex(await r.clone().arrayBuffer()),
        hex(await (await r.clone().blob()).arrayBuffer()), hex(Buffer.concat(chunks)),
    ];
"""


@settings(max_examples=50)
@given(data=st.one_of(st.binary(max_size=60), st.text(max_size=30).map(str.encode)))
async def test_a_body_is_read_whole_in_every_way(scripts: Scripts, data: bytes) -> None:
    text, *ways = await found(await scripts.body(READ), response(data))
    assert text == data.decode("utf-8", "replace")
    assert ways == [data.hex(), True, data.hex(), data.hex(), data.hex()]


async def test_a_body_is_read_once(scripts: Scripts) -> None:
    body = """
        const r = await fetch('https://a.b/'), said = [];
        await r.text();
        try { await r.json() } catch (e) { said.push(e.name, e.message) }
        try { r.clone() } catch (e) { said.push(e.name, e.message) }
        return said;
    """
    assert await found(await scripts.body(body), response(b"x")) == [
        "TypeError", "body used already for: https://a.b/", "Error", "cannot clone body after it is used",
    ]  # fmt: skip


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff"])
async def test_a_body_that_is_no_json_is_a_fetch_error(scripts: Scripts, body: bytes) -> None:
    script = await scripts.body(
        "try { await (await fetch('https://a.b/')).json() } catch (e) { return [e.name, e.type, e.message, e instanceof FetchError] }"
    )
    name, kind, message, isa = await found(script, response(body))
    assert (name, kind, isa) == ("FetchError", "invalid-json", True)
    assert message.startswith("invalid json response body at https://a.b/ reason: ")


@pytest.mark.parametrize(
    ("status", "ok"), [(199, False), (200, True), (299, True), (300, False), (404, False), (503, False)]
)
async def test_ok_is_two_hundred_and_something(scripts: Scripts, status: int, ok: bool) -> None:
    script = await scripts.body("const r = await fetch('https://a.b/'); return [r.status, r.ok]")
    assert await found(script, response(status=status)) == [status, ok]


async def test_a_failure_is_a_fetch_error(scripts: Scripts) -> None:
    error = FetchError("request to https://a.b/ failed, reason: connect ECONNREFUSED", code="ECONNREFUSED")
    body = """
        try { await fetch('https://a.b/') } catch (e) {
            return [e.name, e.code, e.errno, e.type, e.message, e instanceof Error, e.stack.split('\\n')[0]];
        }
    """
    message = "request to https://a.b/ failed, reason: connect ECONNREFUSED"
    assert await found(await scripts.body(body), error) == [
        "FetchError", "ECONNREFUSED", "ECONNREFUSED", "system", message, True, f"FetchError: {message}",
    ]  # fmt: skip


async def test_a_failure_without_a_code_has_none(scripts: Scripts) -> None:
    script = await scripts.body(
        "try { await fetch('https://a.b/') } catch (e) { return ['code' in e, e.type] }"
    )
    assert await found(script, FetchError("too many", type="max-redirect")) == [False, "max-redirect"]


async def test_a_body_over_the_size_one_asked_for_is_a_fetch_error(scripts: Scripts) -> None:
    script = await scripts.body(
        "try { await (await fetch('https://a.b/', { size: 3 })).text() } catch (e) { return [e.type, e.message] }"
    )
    assert await found(script, response(b"four")) == [
        "max-size",
        "content size at https://a.b/ over limit: 3",
    ]


async def test_a_fetch_nobody_awaits_is_carried_out(scripts: Scripts) -> None:
    web = Web()
    assert (
        await (await scripts.body("fetch('https://a.b/', { method: 'POST', body: 'x' }); return 1")).value(
            host=web
        )
        == 1
    )
    assert [request.body for request in web.requests] == [b"x"]


async def test_fetches_go_out_together(scripts: Scripts) -> None:
    web = Web(response(b"1"))
    body = "const all = await Promise.all([1, 2, 3].map((n) => fetch(`https://a.b/${n}`))); return Promise.all(all.map((r) => r.json()))"
    assert await (await scripts.body(body)).value(host=web) == [1, 1, 1]
    assert {request.url for request in web.requests} == {f"https://a.b/{n}" for n in (1, 2, 3)}


# ---------------------------------------------------------------- signals and time-outs


async def test_an_aborted_fetch_is_cancelled_and_rejects_as_node_fetchs(scripts: Scripts) -> None:
    body = """
        const controller = new AbortController();
        setTimeout(() => controller.abort(), 5);
        try { await fetch('https://a.b/', { signal: controller.signal }) } catch (e) { return [e.name, e.type, e.message] }
    """
    web = Web(None)
    assert await (await scripts.body(body)).value(host=web) == [
        "AbortError",
        "aborted",
        "The user aborted a request.",
    ]
    assert web.cancelled == 1


async def test_a_signal_that_has_gone_off_sends_nothing(scripts: Scripts) -> None:
    web = Web()
    body = "try { await fetch('https://a.b/', { signal: AbortSignal.abort() }) } catch (e) { return e.name }"
    assert await (await scripts.body(body)).value(host=web) == "AbortError"
    assert web.requests == []


async def test_a_signal_that_goes_off_later_changes_nothing(scripts: Scripts) -> None:
    body = "const c = new AbortController(), r = await fetch('https://a.b/', { signal: c.signal }); c.abort(); return r.text()"
    assert await found(await scripts.body(body), response(b"there")) == "there"


async def test_a_time_out_is_node_fetchs(scripts: Scripts) -> None:
    body = """
        try { await fetch('https://a.b/c', { timeout: 250 }) } catch (e) { return [e.name, e.type, e.message] }
    """
    web = Web(None)
    assert await (await scripts.body(body)).value(host=web) == [
        "FetchError", "request-timeout", "network timeout at: https://a.b/c",
    ]  # fmt: skip
    assert web.slept == [0.25]
    assert web.cancelled == 1


async def test_abort_signal_timeout_goes_off(scripts: Scripts) -> None:
    body = """
        const signal = AbortSignal.timeout(40);
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        return [signal.aborted, signal.reason.name];
    """
    web = Web()
    assert await (await scripts.body(body)).value(host=web) == [True, "TimeoutError"]
    assert web.slept == [0.04]


# ---------------------------------------------------------------- the classes by themselves

EXPRESSIONS = r"""
new AbortController().signal.aborted
(()=>{const c=new AbortController(),r=[];c.signal.addEventListener("abort",e=>r.push(e.type,e.target===c.signal));c.signal.onabort=()=>r.push("on");c.abort("why");c.abort();return [r,c.signal.reason,c.signal.aborted]})()
AbortSignal.abort().reason.name
AbortSignal.abort().reason.message
(()=>{try{AbortSignal.abort("x").throwIfAborted()}catch(e){return e}})()
AbortSignal.any([AbortSignal.abort(1),new AbortController().signal]).reason
(()=>{const a=new AbortController(),any=AbortSignal.any([a.signal]);a.abort(5);return [any.aborted,any.reason]})()
new AbortSignal()
(()=>{const t=new EventTarget();let n=0;t.addEventListener("x",()=>n++,{once:true});t.dispatchEvent(new Event("x"));t.dispatchEvent(new Event("x"));return n})()
(()=>{const t=new EventTarget();let n=0;const f=()=>n++;t.addEventListener("x",f);t.addEventListener("x",f);t.removeEventListener("y",f);t.dispatchEvent(new Event("x"));t.removeEventListener("x",f);t.dispatchEvent(new Event("x"));return n})()
(()=>{const t=new EventTarget();const r=[];t.addEventListener("x",{handleEvent(e){r.push(e.type);e.stopImmediatePropagation()}});t.addEventListener("x",()=>r.push("no"));return [t.dispatchEvent(new Event("x",{cancelable:true})),r]})()
(()=>{const t=new EventTarget();t.addEventListener("x",e=>e.preventDefault());return [t.dispatchEvent(new Event("x",{cancelable:true})),t.dispatchEvent(new Event("x"))]})()
Object.prototype.toString.call(new AbortController())
new Headers({B:"1",a:" 2 "}).get("A")
[...new Headers({b:"1",a:"2"})]
[...new Headers([["b","1"],["a","2"]]).keys()]
[...new Headers(new Map([["x","1"]])).values()]
[...new Headers(new Headers({q:"w"})).entries()]
(()=>{const h=new Headers();h.append("x","1");h.append("X","2");h.set("y",3);h.delete("z");return [h.get("x"),h.has("Y"),h.get("nope")]})()
(()=>{const r=[];new Headers({a:"1"}).forEach((v,k,h)=>r.push(v,k,h instanceof Headers));return r})()
new Headers(undefined).has("a")
new Headers([["a"]]) instanceof Headers ? 1 : 2
new Headers({a:["x","y"]}).get("a")
new Headers({a:undefined}).get("a")
new Response("x").status
new Response("x",{status:404,statusText:"no",headers:{a:"b"}}).headers.get("a")
new Response("x").ok
new Response("x").headers.get("content-type").toLowerCase()
new Request("https://a.b/c").method
new Request("https://a.b/c",{method:"post",body:"x"}).headers.get("content-type").toLowerCase()
new Request("https://a.b",{headers:{x:"1"}}).headers.get("X")
new Blob(["ab",new Uint8Array([99]),new Blob(["d"])],{type:"Text/Plain"}).size
new Blob(["ab"],{type:"Text/Plain"}).type
new Blob("text")
new Blob(["abcd"]).slice(1,-1).size
(()=>{const f=new FormData();f.append("a","1");f.append("a","2");f.set("b","3");f.set("a","4");f.delete("c");return [...f]})()
(()=>{const f=new FormData();f.append("a",1);f.append("a",2);return [f.getAll("a"),f.get("z"),f.has("a"),[...f.keys()],[...f.values()]]})()
(()=>{const f=new FormData();f.append("a",new Blob(["x"]),"n.txt");return [f.get("a").name,f.get("a").size]})()
""".strip().splitlines()


@needs_node
async def test_the_classes_are_those_of_node(scripts: Scripts) -> None:
    await compare(scripts, [each for each in EXPRESSIONS if 'new Headers([["a"]])' not in each])


async def test_a_responses_static_makers(scripts: Scripts) -> None:
    body = """
        const made = Response.json({ a: 1 }, { status: 201 }), moved = Response.redirect('https://a.b/', 301);
        return [made.status, made.headers.get('content-type'), await made.json(), moved.status, moved.headers.get('location')];
    """
    assert await (await scripts.body(body)).value() == [
        201,
        "application/json",
        {"a": 1},
        301,
        "https://a.b/",
    ]


header_names = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,6}", fullmatch=True)
header_values = st.from_regex(r"[!-~]([ -~]{0,6}[!-~])?", fullmatch=True)


@settings(max_examples=40)
@given(pairs=st.lists(st.tuples(header_names, header_values), max_size=6))
async def test_headers_lose_nothing_on_their_way_out(scripts: Scripts, pairs: list[tuple[str, str]]) -> None:
    web = Web()
    await (await scripts.body("await fetch('https://a.b/', { headers: event })")).value(call_of(pairs), web)
    [request] = web.requests
    lower = [(name.lower(), value) for name, value in pairs]
    grouped = [pair for name in dict.fromkeys(name for name, _ in lower) for pair in lower if pair[0] == name]
    assert [pair for pair in request.headers if pair != ACCEPT] == [
        pair for pair in grouped if pair != ACCEPT
    ]


async def test_what_goes_out_is_what_was_there_when_fetch_was_called(scripts: Scripts) -> None:
    web = Web()
    body = """
        const bytes = Buffer.from('before'), headers = new Headers({ k: 'before' });
        const going = fetch('https://a.b/', { method: 'POST', body: bytes, headers });
        bytes.fill('x');
        headers.set('k', 'after');
        await going;
    """
    await (await scripts.body(body)).value(host=web)
    [request] = web.requests
    assert request.body == b"before"
    assert dict(request.headers)["k"] == "before"


async def test_a_response_is_shown_in_the_log(scripts: Scripts) -> None:
    web = Web(response(b"secret", headers=(("a", "b"),)))
    await (await scripts.body("console.log(await fetch('https://a.b/'))")).value(host=web)
    [text] = web.texts
    assert text.startswith("Response {")
    assert "status: 200" in text
    assert json.dumps("secret") not in text
