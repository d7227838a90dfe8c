"""What Segment's runtime does, rule by rule: a function that shows it, and what comes of it in the whole engine.

The names begin with the part of the runtime a rule is about: A2 loading, A3 requests, A4 messages of sources, A5 events,
A6 returned values, A7 errors, A12 the cache.  How the parts behave at their edges is tested beside this file.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pytest

from isthmus import Function, Kind, Limits, Outcome, Request, SettingDefinition, open_engine
from isthmus.abc import Runtime
from isthmus.errors import LoadError
from isthmus.hookspecs import hookimpl
from isthmus_quickjs._guest import Guest
from isthmus_quickjs._lanes import Lanes
from isthmus_quickjs._runtime import QuickJSRuntime

D, I, SI, S = Kind.DESTINATION, Kind.INSERT, Kind.SOURCE_INSERT, Kind.SOURCE  # noqa: E741 -- the kinds' initials
TRACK: Final = {"type": "track", "event": "Signed Up", "userId": "u1", "messageId": "m1"}
PAGE: Final = {"type": "page", "name": "Home", "userId": "u1", "messageId": "m2"}


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A function, what it is given, and what is to come of it.

    Attributes:
        code: the function's, or the body of its ``onTrack`` where it defines none.
        kind: which kind it is.
        given: an event, a list of them as a batch, or a webhook's request.
        status: of the outcome; None for whatever.
        problem: its name, message and code.
        value: what was returned.
        messages: what a source has sent.
        items: statuses of a batch's events.
        wall: seconds it may take.
    """

    code: str
    kind: Kind = D
    given: Any = field(default_factory=lambda: TRACK)
    status: str | None = "delivered"
    problem: tuple[str, str, str] | None = None
    value: Any = None
    messages: Sequence[Any] | None = None
    items: Sequence[str] | None = None
    wall: float = 30


def webhook(body: str = "{}", *headers: tuple[str, str], query: str = "b=x") -> Request:
    given = headers or (("Content-Type", "application/json"),)
    return Request(url=f"https://fn.segmentapis.com/?{query}", headers=given, body=body.encode())


def request_rule(body: str, value: Any, given: Request) -> Rule:
    """What a source sees of its request, told in a message."""
    code = (
        f"async function onRequest(request, settings) {{ const seen = await (async () => {{ {body} }})();\n"
    )
    code += "Segment.track({ event: 'seen', userId: 'u', properties: { seen } }) }"
    message = {"type": "track", "userId": "u", "event": "seen", "properties": {"seen": value}}
    return Rule(code=code, kind=S, given=given, messages=[message])


def message_rule(call: str, *messages: Any) -> Rule:
    return Rule(code=f"async function onRequest() {{ {call} }}", kind=S, given=webhook(), messages=messages)


def invalid_message(call: str, message: str) -> Rule:
    return Rule(code=f"async function onRequest() {{ {call} }}", kind=S, given=webhook(), status="refused",
                problem=("ValidationError", message, "message_rejected"), messages=[])  # fmt: skip


def thrown_rule(
    what: str, status: str, problem: tuple[str, str, str], kind: Kind = D, given: Any = TRACK
) -> Rule:
    return Rule(code=f"throw {what}", kind=kind, given=given, status=status, problem=problem)


RULES: Final = {
    # ---------------------------------------------------------------- A2
    "A2 a handler may be declared": Rule(code="async function onTrack() { return 1 }", value=1),
    "A2 a handler may be a variable": Rule(code="var onTrack = () => 1", value=1),
    "A2 a handler may be assigned bare": Rule(code="onTrack = () => 1", value=1),
    "A2 a handler may be assigned on a condition": Rule(
        code="onTrack = () => 1; if (1 + 1 === 2) onTrack = () => 2", value=2
    ),
    "A2 a handler is declared before its place": Rule(
        code="const kept = onTrack; function onTrack() { return kept === onTrack }", value=True
    ),
    "A2 code may return at its top": Rule(code="onTrack = () => 1; return; onTrack = () => 2", value=1),
    "A2 a byte order mark is no code": Rule(code="\ufeffonTrack = () => 1", value=1),
    "A2 this is the global object, and so is window": Rule(
        code="const top = this; onTrack = () => top === globalThis && window === globalThis", value=True
    ),
    "A2 code is sloppy": Rule(code="total = 1; function onTrack() { total += 010; return total }", value=9),
    "A2 guarded exports do no harm": Rule(
        code="onTrack = () => 1; if (typeof module !== 'undefined') module.exports = { onTrack }; try { process.env.X } catch {}",
        value=1,
    ),
    "A2 what Node's modules see is not there": Rule(
        code="return [typeof require, typeof exports, typeof module, typeof process]",
        value=["undefined"] * 4,
    ),
    "A2 a handler that is not defined says what is not supported": Rule(
        code="function onTrack(event) { return onPage(event) }",
        status="refused",
        problem=("EventNotSupported", "page not supported", "unsupported_event_type"),
    ),
    "A2 an event without a handler is not supported": Rule(
        code="onTrack = () => 1",
        given=PAGE,
        status="refused",
        problem=("EventNotSupported", "page not supported", "unsupported_event_type"),
    ),
    "A2 a source without onRequest supports no request": Rule(
        code="const nothing = 1",
        kind=S,
        given=webhook(),
        status="refused",
        problem=("EventNotSupported", "request not supported", "unsupported_event_type"),
    ),
    "A2 an error names its file and the author's line": Rule(
        code="\n\nfunction onTrack() { return new Error('x').stack.includes('handler.js:3') }", value=True
    ),
    # ---------------------------------------------------------------- A3
    "A3 json() is there at once": request_rule("return request.json().a", 1, webhook('{"a":1}')),
    "A3 json() may be awaited": request_rule("return (await request.json()).a", 1, webhook('{"a":1}')),
    "A3 json() is one object, however often it is asked": request_rule(
        "request.json().more = 2; return request.json()", {"a": 1, "more": 2}, webhook('{"a":1}')
    ),
    "A3 text() is the body as it came": request_rule("return request.text()", '{ "a" : 1 }', webhook('{ "a" : 1 }')),
    "A3 headers have no case": request_rule(
        "return [request.headers.get('x-KEY'), request.headers.has('X-Key'), request.headers.get('none')]",
        ["v", True, None],
        webhook("{}", ("Content-Type", "application/json"), ("X-Key", "v")),
    ),
    "A3 a header that came twice is one": request_rule(
        "return request.headers.get('x')", "1, 2",
        webhook("{}", ("Content-Type", "application/json"), ("X", "1"), ("x", "2")),
    ),
    "A3 url is a URL, and query parameters are in it": request_rule(
        "return [request.url instanceof URL, request.url.searchParams.getAll('a'), request.url.searchParams.get('b')]",
        [True, ["1", "2"], "x y"],
        webhook(query="a=1&a=2&b=x%20y"),
    ),
    "A3 a form is a flat object": request_rule(
        "return request.json()", {"SmsStatus": "sent", "To": "+1 2"},
        webhook("SmsStatus=sent&To=%2B1+2", ("Content-Type", "application/x-www-form-urlencoded")),
    ),
    "A3 an empty body is no JSON": Rule(
        code="async function onRequest(request) { request.json() }", kind=S, given=webhook(""), status="refused",
        problem=("SyntaxError", "", "bad_request"), messages=[],
    ),
    "A3 null is JSON": request_rule("return request.json() === null", True, webhook("null")),
    "A3 keys keep their order": request_rule("return Object.keys(request.json()).join()", "z,a", webhook('{"z":1,"a":2}')),
    # ---------------------------------------------------------------- A4
    "A4 identify": message_rule(
        "Segment.identify({ userId: 'u', traits: { a: 1 } })",
        {"type": "identify", "userId": "u", "traits": {"a": 1}},
    ),
    "A4 track": message_rule(
        "Segment.track({ event: 'E', anonymousId: 'a', properties: { b: 2 } })",
        {"type": "track", "anonymousId": "a", "event": "E", "properties": {"b": 2}},
    ),
    "A4 page has no category": message_rule(
        "Segment.page({ userId: 'u', name: 'N', category: 'C', properties: {} })",
        {"type": "page", "userId": "u", "name": "N", "properties": {}},
    ),
    "A4 screen": message_rule("Segment.screen({ userId: 'u', name: 'N' })", {"type": "screen", "userId": "u", "name": "N"}),
    "A4 group": message_rule(
        "Segment.group({ userId: 'u', groupId: 'g', traits: {} })",
        {"type": "group", "userId": "u", "groupId": "g", "traits": {}},
    ),
    "A4 alias": message_rule(
        "Segment.alias({ userId: 'u', previousId: 'p' })", {"type": "alias", "userId": "u", "previousId": "p"}
    ),
    "A4 set is an object of a warehouse": message_rule(
        "Segment.set({ collection: 'rooms', id: '1', properties: { a: 1 } })",
        {"collection": "rooms", "id": "1", "properties": {"a": 1}},
    ),
    "A4 common fields are kept, others and empty ones are not": message_rule(
        "Segment.track({ event: 'E', userId: 'u', anonymousId: '', context: { ip: 'i' }, integrations: { All: true }, messageId: 'm',"
        " timestamp: 't', sentAt: 's', unknown: 1, traits: {} })",
        {"type": "track", "userId": "u", "context": {"ip": "i"}, "integrations": {"All": True}, "messageId": "m", "timestamp": "t",
         "sentAt": "s", "event": "E"},
    ),
    "A4 what is kept is returned": message_rule(
        "Segment.track({ event: Object.keys(Segment.page({ userId: 'u', odd: 1 })).join(), userId: 'u' })",
        {"type": "page", "userId": "u"},
        {"type": "track", "userId": "u", "event": "type,userId"},
    ),
    "A4 a track needs an event": invalid_message("Segment.track({ userId: 'u' })", "event is required but not defined"),
    "A4 an empty event is none": invalid_message("Segment.track({ event: '', userId: 'u' })", "event is required but not defined"),
    "A4 a message needs a user": invalid_message(
        "Segment.identify({ traits: {} })", "One of userId,anonymousId is required but not defined"
    ),
    "A4 a group needs a groupId": invalid_message("Segment.group({ userId: 'u' })", "groupId is required but not defined"),
    "A4 an alias needs a previousId": invalid_message("Segment.alias({ userId: 'u' })", "previousId is required but not defined"),
    "A4 an object needs a collection": invalid_message("Segment.set({ id: '1' })", "collection is required but not defined"),
    "A4 an object needs an id": invalid_message("Segment.set({ collection: 'c' })", "id is required but not defined"),
    "A4 messages keep their order": message_rule(
        "Segment.track({ event: '1', userId: 'u' }); await null; Segment.track({ event: '2', userId: 'u' })",
        {"type": "track", "userId": "u", "event": "1"},
        {"type": "track", "userId": "u", "event": "2"},
    ),
    "A4 a call that throws sends nothing": Rule(
        code="async function onRequest() { Segment.track({ event: 'E', userId: 'u' }); throw new Error('after') }",
        kind=S, given=webhook(), status="refused", problem=("Error", "after", "bad_request"), messages=[],
    ),
    "A4 only sources have it": Rule(code="return typeof Segment", value="undefined"),
    # ---------------------------------------------------------------- A5
    "A5 an event reaches its handler whole": Rule(
        code="return event", given=TRACK | {"context": {"traits": {}}, "integrations": {}, "receivedAt": "2020-01-01T00:00:00Z", "extra": [None]},
        value=TRACK | {"context": {"traits": {}}, "integrations": {}, "receivedAt": "2020-01-01T00:00:00Z", "extra": [None]},
    ),
    "A5 a delete's context is a list": Rule(
        code="onDelete = (event) => Array.isArray(event.context)",
        given={"type": "delete", "userId": "u", "context": [], "integrations": []}, value=True,
    ),
    # ---------------------------------------------------------------- A6
    "A6 a destination returns what it likes": Rule(code="return { a: [1, null] }", value={"a": [1, None]}),
    "A6 a destination may return nothing": Rule(code="return undefined"),
    "A6 a batch without statuses is delivered": Rule(
        code="onBatch = () => {}", given=[TRACK, PAGE], items=["delivered", "delivered"]
    ),
    "A6 a batch's statuses are its events'": Rule(
        code="onBatch = () => [{ status: 200 }, { status: 400, errormessage: 'no' }, { status: 500 }]",
        given=[TRACK, PAGE, TRACK], items=["delivered", "refused", "retry"], status="retry",
    ),
    "A6 an insert returns the event that goes on": Rule(
        code="event.more = 1; return event", kind=I, value=TRACK | {"more": 1}
    ),
    "A6 an insert that returns nothing drops the event": Rule(
        code="return undefined", kind=I, status="dropped", problem=("DropEvent", "", "filtered")
    ),
    "A6 an insert without a handler blocks the type": Rule(
        code="onTrack = (event) => event", kind=I, given=PAGE, status="refused",
        problem=("EventNotSupported", "page not supported", "unsupported_event_type"),
    ),
    "A6 an insert's batch goes on in its order": Rule(
        code="onBatch = (events) => events.map((event) => ({ ...event, seen: true }))", kind=I, given=[TRACK, PAGE],
        items=["delivered", "delivered"],
    ),
    "A6 what an insert's batch leaves out is dropped": Rule(
        code="onBatch = (events) => events.slice(1)", kind=I, given=[TRACK, PAGE], items=["dropped", "delivered"], status=None,
    ),
    "A6 a source insert returns the event that goes on": Rule(code="return event", kind=SI, value=TRACK),
    "A6 what a source returns is nobody's": Rule(
        code="async function onRequest() { return { ignored: true } }", kind=S, given=webhook(), messages=[]
    ),
    # ---------------------------------------------------------------- A7
    "A7 EventNotSupported is not tried again": thrown_rule(
        "new EventNotSupported('why')", "refused", ("EventNotSupported", "why", "unsupported_event_type")
    ),
    "A7 InvalidEventPayload is not tried again": thrown_rule(
        "new InvalidEventPayload('why')", "refused", ("InvalidEventPayload", "why", "message_rejected")
    ),
    "A7 ValidationError is not tried again": thrown_rule(
        "new ValidationError('why')", "refused", ("ValidationError", "why", "message_rejected")
    ),
    "A7 RetryError is tried again": thrown_rule("new RetryError('why')", "retry", ("RetryError", "why", "retry")),
    "A7 DropEvent drops an insert's event": thrown_rule(
        "new DropEvent('why')", "dropped", ("DropEvent", "why", "filtered"), I
    ),
    "A7 DropEvent drops a source insert's event": thrown_rule(
        "new DropEvent('why')", "dropped", ("DropEvent", "why", "filtered"), SI
    ),
    "A7 anything else is a bad request": thrown_rule("new TypeError('why')", "refused", ("TypeError", "why", "bad_request")),
    "A7 an error of one's own is a bad request": thrown_rule(
        "Object.assign(new Error('why'), { name: 'Mine' })", "refused", ("Mine", "why", "bad_request")
    ),
    "A7 what is no error is a bad request": thrown_rule("'why'", "refused", ("Error", "why", "bad_request")),
    "A7 a class made of RetryError is one": thrown_rule(
        "new (class Later extends RetryError {})('why')", "retry", ("RetryError", "why", "retry")
    ),
    "A7 an error knows its class and its name": Rule(
        code="const e = new RetryError('m', { cause: 1 }); return [e instanceof RetryError, e instanceof Error, e.name, e.message, 'cause' in e, String(e)]",
        value=[True, True, "RetryError", "m", False, "RetryError: m"],
    ),
    "A7 a throw ends the call": Rule(
        code="let went = false; try { throw new ValidationError('x') ; went = true } catch (e) { return [went, e.name] }",
        value=[False, "ValidationError"],
    ),
    "A7 a rejection is a throw": thrown_rule(
        "await Promise.reject(new RetryError('why'))", "retry", ("RetryError", "why", "retry")
    ),
    "A7 time that is up is tried again": Rule(
        code="await new Promise((r) => setTimeout(r, 60000))", status="retry", problem=("Timeout", "", "gateway_timeout"), wall=0.1
    ),
    "A7 a batch that throws RetryError is tried again whole": Rule(
        code="onBatch = () => { throw new RetryError('why') }", given=[TRACK, PAGE], status="retry",
        problem=("RetryError", "why", "retry"), items=["retry", "retry"],
    ),
    "A7 a batch that throws anything else is refused whole": Rule(
        code="onBatch = () => { throw new ValidationError('why') }", given=[TRACK, PAGE], status="refused",
        problem=("ValidationError", "why", "message_rejected"), items=["refused", "refused"],
    ),
    # ---------------------------------------------------------------- A11
    "A11 crypto is Node's module": Rule(
        code="return [crypto.createHash('sha256').update(event.userId).digest('hex').slice(0, 8), typeof crypto.subtle, crypto.randomUUID().length]",
        value=["bb82030d", "object", 36],
    ),
    "A11 hashes by HMAC sign a payload": Rule(
        code="return crypto.createHmac('sha1', 'key').update(JSON.stringify({ a: 1 })).digest('base64')",
        value="tVV6S488wwjRnrT2nzNjkqMe73s=",
    ),
    "A11 zlib may take its own name": Rule(
        code="zlib = zlib.zlib; onTrack = () => zlib.gunzipSync(zlib.gzipSync('text')).toString()", value="text"
    ),
    "A11 a library may take its own name": Rule(
        code="uuidv5 = { uuidv5: (space, name) => space + name }; uuidv5 = uuidv5.uuidv5; onTrack = () => uuidv5('a', 'b')", value="ab"
    ),
    "A11 atob reads a token": Rule(
        code="return JSON.parse(atob('eyJzdWIiOiJ1MSJ9')).sub + btoa('x:y')", value="u1eDp5"
    ),
    "A11 Buffer writes Base64": Rule(
        code="return Buffer.from('user:p\u00e4ss').toString('base64') + Buffer.byteLength('\u00e4')", value="dXNlcjpww6Rzcw==2"
    ),
    "A11 a URL is made of parts": Rule(
        code="const url = new URL('/v1/users?a=1', 'https://api.example'); url.searchParams.set('q', 'x y'); return [url.href, String(new URLSearchParams({ a: '1', b: '&' }))]",
        value=["https://api.example/v1/users?a=1&q=x+y", "a=1&b=%26"],
    ),
    "A11 Request, Response and Headers are classes": Rule(
        code="const r = new Request('https://a.example', { method: 'POST', body: '{}', headers: new Headers({ 'X-A': '1' }) });"
        " return [r.method, r.headers.get('x-a'), await r.json(), (await new Response('{\"a\":1}', { status: 201 }).json()).a, new Response('', { status: 404 }).ok]",
        value=["POST", "1", {}, 1, False],
    ),
    "A11 FormData is a form of fields and files": Rule(
        code="const form = new FormData(); form.append('a', '1'); form.append('f', Buffer.from('x'), { filename: 'x.csv' });"
        " return [/boundary=/.test(form.getHeaders()['content-type']), form.getBuffer().toString().includes('filename=\"x.csv\"')]",
        value=[True, True],
    ),
    "A11 timers run and are taken back": Rule(
        code="const said = []; const never = setTimeout(() => said.push('never'), 1); clearTimeout(never);"
        " await new Promise((done) => { let n = 0; const each = setInterval(() => { said.push(n); if (++n === 2) { clearInterval(each); done() } }, 1) }); return said",
        value=[0, 1],
    ),
    "A11 a fetch that fails is a FetchError": Rule(
        code="try { await fetch('https://nowhere.invalid') } catch (e) { return [e.name, e.type, e instanceof Error] }",
        value=["FetchError", "system", True],
    ),
    "A11 https is Node's module": Rule(
        code="return new Promise((done) => https.get('https://nowhere.invalid', () => {}).on('error', (e) => done([e instanceof Error, typeof e.code])))",
        value=[True, "string"],
    ),
    "A11 the console is there for all of them": Rule(
        code="console.log('a', { b: 1 }); console.error(new Error('c')); console.table([{ d: 1 }]); return typeof console.warn", value="function"
    ),
    # ---------------------------------------------------------------- A12
    "A12 a value is loaded and handed over": Rule(code="return cache.load('k', 1000, async () => ({ a: 1 }))", value={"a": 1}),
    "A12 a value that is there is not loaded": Rule(
        code="let loads = 0; const load = async () => ++loads; await cache.load('k', 60000, load); return [await cache.load('k', 60000, load), loads]",
        value=[1, 1],
    ),
    "A12 a time to live of -1 is for good": Rule(
        code="let loads = 0; const load = async () => ++loads; await cache.load('k', -1, load); return cache.load('k', -1, load)", value=1
    ),
    "A12 the time to live may be left out": Rule(
        code="let loads = 0; const load = async () => ++loads; await cache.load('k', load); return cache.load('k', load)", value=1
    ),
    "A12 a value whose time is up is loaded again": Rule(
        code="let loads = 0; const load = async () => ++loads; await cache.load('k', 1, load); await new Promise((r) => setTimeout(r, 10));"
        " return cache.load('k', 1000, load)",
        value=2,
    ),
    "A12 a value that is deleted is loaded again": Rule(
        code="let loads = 0; const load = async () => ++loads; await cache.load('k', 60000, load); return [cache.delete('k'), await cache.load('k', 60000, load)][1]",
        value=2,
    ),
    "A12 a load that fails keeps nothing": Rule(
        code="let loads = 0; const load = async () => { if (!loads++) throw new Error('first'); return loads };"
        " try { await cache.load('k', 60000, load) } catch (e) { return [e.message, await cache.load('k', 60000, load)] }",
        value=["first", 2],
    ),
    "A12 keys are apart": Rule(
        code="return [await cache.load('a', 1000, async () => 1), await cache.load('b', 1000, async () => 2)]", value=[1, 2]
    ),
}  # fmt: skip


class Shared:
    """The runtime, over the one compiled guest of all tests."""

    def __init__(self, guest: Guest) -> None:
        self._guest = guest

    @hookimpl
    def isthmus_runtimes(self) -> list[Runtime]:
        runtime = QuickJSRuntime()
        runtime._guest, runtime._lanes = self._guest, Lanes([self._guest.code.engine], 1)
        return [runtime]


async def outcome_of(rule: Rule, guest: Guest) -> Outcome:
    code = rule.code
    if (
        not any(f"on{name}" in code for name in ("Track", "Page", "Delete", "Batch", "Request", "Nothing"))
        and rule.kind is not S
    ):
        code = f"async function onTrack(event, settings) {{ {code}\n}}"
    function = Function(name="ruled", kind=rule.kind, language="javascript", code=code, file="handler.js")
    async with open_engine(
        plugins=[Shared(guest)], load_entry_points=False, limits=Limits(wall=rule.wall)
    ) as engine:
        instance = await engine.load(function)
        if isinstance(rule.given, list):
            return await engine.invoke_batch(instance, rule.given)
        return await engine.invoke(instance, rule.given)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
async def test_rule(rule: Rule, guest: Guest) -> None:
    outcome = await outcome_of(rule, guest)
    problem = outcome.problem
    if rule.status is not None:
        assert outcome.status == rule.status, outcome
    if rule.problem is not None:
        name, message, code = rule.problem
        assert problem is not None
        assert (problem.name, str(problem.code)) == (name, code)
        assert message in problem.message
    elif rule.items is None:
        assert problem is None
    if rule.items is not None:
        assert [item.status for item in outcome.items] == rule.items
    elif rule.kind is not S:
        assert (json.loads(bytes(outcome.value)) if outcome.value else None) == rule.value
    if rule.messages is not None:
        assert [_without_ids(json.loads(bytes(message))) for message in outcome.messages] == [
            _without_ids(message) for message in rule.messages
        ]


def _without_ids(message: dict[str, Any]) -> dict[str, Any]:
    """A message as the function made it; how it leaves the engine is tested there."""
    return {key: value for key, value in message.items() if key not in {"messageId", "timestamp", "sentAt"}}


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("const onTrack = async () => 1", "Identifier 'onTrack' has already been declared"),
        ("let onPage = async () => 1", "Identifier 'onPage' has already been declared"),
        ("const x = await 1", "await is only valid in async functions"),
        ("const fs = require('fs')", "require is not defined"),
        ("exports.onTrack = () => 1", "exports is not defined"),
    ],
)
async def test_rule_a2_code_that_does_not_load_at_segment_does_not_here(
    code: str, said: str, guest: Guest
) -> None:
    with pytest.raises(LoadError) as caught:
        await outcome_of(Rule(code=f"{code} // onNothing"), guest)
    assert said in caught.value.message


LIBRARIES = [
    "_",
    "moment",
    "xml",
    "xml2js",
    "jsonwebtoken",
    "OAuth",
    "uuidv5",
    "fetchretrylib",
    "libphonenumberjslib",
    "aws4",
    "cryptojslib",
    "AWS",
    "stripe",
    "twilio",
    "sendgrid",
    "jsforce",
    "hubspotlib",
    "mailchimplib",
    "nodemailjet",
    "skyflowlib",
    "winstonlib",
    "google",
    "azure",
    "jsftp",
    "akeylessLabs",
    "oneSignal",
    "pg",
    "snowflakesdk",
    "clickHouseClient",
    "sentrylib",
]


async def test_rule_a11_every_library_has_its_name(guest: Guest) -> None:
    """What each does, or says where it is not there, is tested with the libraries."""
    code = f"return {LIBRARIES}.filter((name) => !(name in globalThis))"
    outcome = await outcome_of(Rule(code=code), guest)
    assert json.loads(bytes(outcome.value or b"")) == []


async def test_rule_a12_instances_share_nothing(guest: Guest) -> None:
    code = "async function onTrack(event, settings) { return cache.load('k', -1, async () => settings.who) }"
    function = Function(
        name="ruled", kind=D, language="javascript", code=code, settings=(SettingDefinition(name="who"),)
    )
    async with open_engine(plugins=[Shared(guest)], load_entry_points=False) as engine:
        instances = [await engine.load(function, settings={"who": who}) for who in ("one", "two")]
        outcomes = [await engine.invoke(instance, TRACK) for instance in instances * 2]
    assert [json.loads(bytes(outcome.value or b"")) for outcome in outcomes] == ["one", "two"] * 2
