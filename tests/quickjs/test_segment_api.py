"""Segment in source functions, and the request they are handed."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from tests.javascript import FakeHost, Script, Scripts, call_of

from isthmus import Function, Kind, Limits, LoadError
from isthmus.abc import Reply, Returned, Thrown

KEPT = {
    "identify({ userId: 'u', traits: { a: 1 } })": {"type": "identify", "traits": {"a": 1}, "userId": "u"},
    "track({ anonymousId: 'n', event: 'E', properties: { p: 1 } })": {
        "type": "track", "event": "E", "properties": {"p": 1}, "anonymousId": "n",
    },
    "page({ userId: 'u', name: 'N', category: 'C', properties: {} })": {
        "type": "page", "name": "N", "properties": {}, "userId": "u",
    },
    "screen({ userId: 'u', name: 'N' })": {"type": "screen", "name": "N", "userId": "u"},
    "group({ userId: 'u', groupId: 'g', traits: { t: 1 } })": {
        "type": "group", "groupId": "g", "traits": {"t": 1}, "userId": "u",
    },
    "alias({ userId: 'u', previousId: 'p' })": {"type": "alias", "previousId": "p", "userId": "u"},
    "set({ collection: 'c', id: 1, properties: { p: 1 }, other: 2 })": {
        "collection": "c", "id": 1, "properties": {"p": 1},
    },
    "track({ event: 'E', userId: 'u', context: { ip: '1' }, integrations: { All: false }, messageId: 'm', sentAt: 's', "
    "timestamp: new Date(0), unknown: 1, writeKey: 'w', traits: { t: 1 } })": {
        "type": "track", "event": "E", "userId": "u", "context": {"ip": "1"}, "integrations": {"All": False},
        "messageId": "m", "sentAt": "s", "timestamp": "1970-01-01T00:00:00.000Z",
    },
    "track({ event: 'E', userId: 'u', anonymousId: '', properties: null, messageId: 0 })": {
        "type": "track", "event": "E", "userId": "u",
    },
    "track({ event: 0, userId: 'u' })": {"type": "track", "userId": "u"},
}  # fmt: skip


async def source(scripts: Scripts, body: str) -> Script:
    code = f"async function onRequest(request, settings) {{ {body}\n}}"
    return await scripts(code, kind=Kind.SOURCE)


def request(
    body: bytes = b"{}",
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/json"),),
    url: str = "https://fn.segmentapis.com/?b=1",
) -> dict[str, object]:
    raw: dict[str, object] = {"method": "POST", "url": url, "headers": headers}
    try:
        raw["text"] = body.decode()
    except UnicodeDecodeError:
        raw["base64"] = base64.b64encode(body).decode()
    return raw


async def run(script: Script, raw: dict[str, object] | None = None, host: FakeHost | None = None) -> Reply:
    return await script.run(call_of(raw or request(), handler="onRequest"), host)


async def value(script: Script, raw: dict[str, object] | None = None, host: FakeHost | None = None) -> Any:
    ending = (await run(script, raw, host)).ending
    assert isinstance(ending, Returned), ending
    return json.loads(ending.value) if ending.value else None


@pytest.mark.parametrize(("call", "message"), KEPT.items())
async def test_a_message_has_its_fields_and_no_others(
    scripts: Scripts, call: str, message: dict[str, object]
) -> None:
    script = await source(scripts, f"return Segment.{call}")
    reply = await run(script)
    assert json.loads(reply.messages) == [message]
    assert isinstance(reply.ending, Returned)
    assert json.loads(reply.ending.value) == message


REFUSED = {
    "track({ userId: 'u' })": "event is required but not defined",
    "track({ event: '', userId: 'u' })": "event is required but not defined",
    "track({ event: 'E' })": "One of userId,anonymousId is required but not defined",
    "identify({ traits: {} })": "One of userId,anonymousId is required but not defined",
    "page({ name: 'N' })": "One of userId,anonymousId is required but not defined",
    "screen({ userId: '' })": "One of userId,anonymousId is required but not defined",
    "group({ userId: 'u' })": "groupId is required but not defined",
    "group({ groupId: 'g' })": "One of userId,anonymousId is required but not defined",
    "alias({ userId: 'u' })": "previousId is required but not defined",
    "set({ id: 1 })": "collection is required but not defined",
    "set({ collection: 'c' })": "id is required but not defined",
    "track()": "Segment.track takes an object",
    "set('x')": "Segment.set takes an object",
}


@pytest.mark.parametrize(("call", "message"), REFUSED.items())
async def test_choice_1_a_message_without_what_it_needs_is_a_validation_error(
    scripts: Scripts, call: str, message: str
) -> None:
    ending = (await run(await source(scripts, f"Segment.{call}"))).ending
    assert isinstance(ending, Thrown)
    assert (ending.name, ending.message) == ("ValidationError", message)


@pytest.mark.parametrize(
    ("call", "passes"),
    [
        ("group({ groupId: 'g' })", True),
        ("page({ name: 'N' })", True),
        ("screen({})", False),
        ("group({})", False),
    ],
)
async def test_choice_1_a_lenient_function_may_leave_the_user_out(
    scripts: Scripts, call: str, passes: bool
) -> None:
    code = f"function onRequest() {{ Segment.{call} }}"
    function = Function(name="lenient", kind=Kind.SOURCE, language="javascript", code=code, lenient=True)
    program = await scripts.runtime.load(function, Limits())
    reply = await program.run(call_of(request(), handler="onRequest"), FakeHost())
    assert isinstance(reply.ending, Returned) is passes
    await program.aclose()


async def test_messages_keep_their_order_and_what_is_changed_before_the_end_counts(scripts: Scripts) -> None:
    body = """
        const first = Segment.track({ event: 'one', userId: 'u', properties: {} });
        await new Promise((resolve) => setTimeout(resolve, 1));
        Segment.track({ event: 'two', userId: 'u' });
        first.properties.late = true;
    """
    reply = await run(await source(scripts, body))
    assert [message["event"] for message in json.loads(reply.messages)] == ["one", "two"]
    assert json.loads(reply.messages)[0]["properties"] == {"late": True}


async def test_choice_14_a_call_that_throws_sends_nothing(scripts: Scripts) -> None:
    reply = await run(
        await source(scripts, "Segment.track({ event: 'E', userId: 'u' }); throw new RetryError('x')")
    )
    assert isinstance(reply.ending, Thrown)
    assert reply.messages == b""


async def test_a_message_that_is_no_json_fails_the_call(scripts: Scripts) -> None:
    body = "Segment.track({ event: 'E', userId: 'u' }); const o = {}; o.o = o; Segment.track({ event: 'E', userId: 'u', properties: o })"
    reply = await run(await source(scripts, body))
    assert isinstance(reply.ending, Thrown)
    assert reply.ending.name == "TypeError"
    assert "circular" in reply.ending.message
    assert reply.messages == b""


async def test_messages_sent_after_the_handler_has_ended_go_out_with_a_fetch_it_did_not_await(
    scripts: Scripts,
) -> None:
    body = "Segment.track({ event: 'one', userId: 'u' }); fetch('https://a.b/').then(() => Segment.track({ event: 'two', userId: 'u' }))"
    reply = await run(await source(scripts, body))
    assert [message["event"] for message in json.loads(reply.messages)] == ["one", "two"]


async def test_a_world_that_is_kept_sends_each_message_once(scripts: Scripts) -> None:
    code = "function onRequest(request) { const { event } = request.json(); if (event) Segment.track({ event, userId: 'u' }) }"
    script = await scripts(code, kind=Kind.SOURCE, isolation="instance")
    sent = [
        (await run(script, request(json.dumps({"event": event}).encode()))).messages
        for event in ("a", "", "b")
    ]
    assert [json.loads(messages or b"[]") for messages in sent] == [
        [{"type": "track", "event": "a", "userId": "u"}],
        [],
        [{"type": "track", "event": "b", "userId": "u"}],
    ]


async def test_segment_is_for_handlers(scripts: Scripts) -> None:
    with pytest.raises(LoadError, match="Segment can't be used while the code loads"):
        await scripts("Segment.track({ event: 'E', userId: 'u' })", kind=Kind.SOURCE)


# ---------------------------------------------------------------- the request


async def test_choice_13_json_is_parsed_once_and_may_be_awaited(scripts: Scripts) -> None:
    body = (
        "return [request.json() === request.json(), await request.json(), request.json().a, request.text()]"
    )
    assert await value(await source(scripts, body), request(b'{"a": 1}')) == [True, {"a": 1}, 1, '{"a": 1}']


@settings(max_examples=50)
@given(body=st.binary(max_size=60))
async def test_choice_13_the_raw_body_is_there_byte_for_byte(scripts: Scripts, body: bytes) -> None:
    script = await source(scripts, "return Buffer.from(request.body).toString('hex')")
    assert await value(script, request(body)) == body.hex()


async def test_choice_13_method_headers_and_url(scripts: Scripts) -> None:
    body = """
        const { headers, url } = request;
        return [
            request.method, headers.get('X-SIGNATURE'), headers.get('accept'), headers instanceof Headers, headers === request.headers,
            url instanceof URL, url.searchParams.get('b'), url.searchParams.getAll('c'), url === request.url,
        ];
    """
    raw = request(
        headers=(("x-Signature", "s"), ("Accept", "a"), ("accept", "b")),
        url="https://fn.segmentapis.com/?b=1&c=x&c=y",
    )
    assert await value(await source(scripts, body), raw) == [
        "POST", "s", "a, b", True, True, True, "1", ["x", "y"], True,
    ]  # fmt: skip


async def test_headers_and_url_are_there_for_code_that_does_not_name_them(scripts: Scripts) -> None:
    body = "return [request['head' + 'ers'].get('content-type'), request['u' + 'rl'].hostname]"
    assert await value(await source(scripts, body)) == ["application/json", "fn.segmentapis.com"]


FORM = (("content-type", "application/x-www-form-urlencoded; charset=utf-8"),)
FORMS = {
    b"SmsStatus=delivered&Body=a+b%21": {"SmsStatus": "delivered", "Body": "a b!"},
    b"a=1&a=2&b": {"a": ["1", "2"], "b": ""},
    b"": {},
    b"%zz=%41&=x": {"%zz": "A", "": "x"},
    b"__proto__=1&constructor=2": {"__proto__": "1", "constructor": "2"},
    b"n=%C3%A9&m=%FF": {"n": "é", "m": "�"},
}


@pytest.mark.parametrize(("body", "fields"), FORMS.items())
async def test_a_form_is_a_flat_object(scripts: Scripts, body: bytes, fields: dict[str, object]) -> None:
    script = await source(scripts, "return Object.entries(request.json())")
    assert dict(await value(script, request(body, FORM))) == fields


@pytest.mark.parametrize("body", [b"", b"{", b"nope", b"\xff"])
async def test_a_body_that_is_no_json_is_a_syntax_error(scripts: Scripts, body: bytes) -> None:
    ending = (await run(await source(scripts, "return request.json()"), request(body))).ending
    assert isinstance(ending, Thrown)
    assert ending.name == "SyntaxError"


async def test_a_request_is_shown_whole(scripts: Scripts) -> None:
    host = FakeHost()
    await value(await source(scripts, "console.log(request)"), request(b"[1]"), host)
    [text] = host.texts
    assert text.startswith("ServerRequest {")
    assert "body: '[1]'" in text
