"""Whatever is sent: no answer of 500 or above, what is answered with success arrives, and nothing else does."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import httpx
import trio.testing
from hypothesis import given, settings, strategies as st

from isthmus.rules import times
from isthmus_server.ingress import IngressLimits
from isthmus_server.ingress.envelopes import Envelope, Flaw, read_batch, read_single
from isthmus_server.ingress.messages import CALLS, Arrival, as_event

from .conftest import KEY, SECRET, Door, opened, segments_url

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(max_size=8), values, max_size=3),
    max_leaves=6,
)
LIMITS = IngressLimits(batch_bytes=4000, event_bytes=1000, webhook_bytes=2000)
ARRIVAL = Arrival(at=1_790_000_000.0, address="192.0.2.7", source="web")
NAMES = st.sampled_from(
    [
        "type",
        "userId",
        "anonymousId",
        "event",
        "properties",
        "traits",
        "context",
        "integrations",
        "messageId",
        "timestamp",
        "sentAt",
        "originalTimestamp",
        "groupId",
        "previousId",
        "name",
        "writeKey",
        "x",
    ]
)
VALUES = JSON | st.sampled_from([*CALLS, KEY, "2026-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", {}, []])
EVENTS = st.dictionaries(NAMES, VALUES, max_size=8)
GOOD = st.just({"type": "track", "event": "E", "userId": "u"})
BATCHES = st.fixed_dictionaries(
    {"batch": st.lists(GOOD | EVENTS | JSON, max_size=4)},
    optional={"context": VALUES, "integrations": VALUES, "sentAt": VALUES, "writeKey": VALUES},
)
TEXTS = (BATCHES | EVENTS | JSON).map(lambda value: json.dumps(value).encode())


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """JSON that may be a batch, or an event, or nothing of the kind; damaged here and there, and perhaps packed."""
    text = draw(TEXTS | st.binary(max_size=200))
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(st.binary(max_size=3)) + text[at + draw(st.integers(0, 3)) :]
    return gzip.compress(text) if draw(st.booleans()) else text


HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "Content-Type": st.sampled_from(
            ["application/json", "text/plain", "application/x-www-form-urlencoded", "é"]
        ),
        "Content-Encoding": st.sampled_from(["gzip", "identity", "br", ""]),
        "Authorization": st.sampled_from([f"Bearer {SECRET}", "Basic", "Basic é", "Bearer"])
        | st.binary(max_size=9).map(lambda key: "Basic " + base64.b64encode(key).decode())
        | st.just("Basic " + base64.b64encode(f"{KEY}:".encode()).decode()),
        "Host": st.sampled_from(["a b", "[::1", "é", "x:99999999", "h.example.com:8"]),
    },
)
PATHS = st.sampled_from(
    ["/v1/batch", "/v1/track", "/v1/t", "/v1/group", "/v1/none", "/webhooks/hook", "/webhooks/%00", "/"]
) | st.sampled_from([segments_url(), "/?b=%C3%28", "/?b=a&b=b", f"{segments_url()}&x=%ff&y"])
METHODS = st.sampled_from(["POST"] * 8 + ["GET", "PUT", "DELETE", "OPTIONS"])
REQUESTS = st.lists(st.tuples(METHODS, PATHS, HEADERS, bodies()), min_size=1, max_size=12)


@settings(max_examples=30)
@given(REQUESTS)
def test_no_request_is_answered_with_a_servers_error(
    requests: list[tuple[str, str, dict[str, str], bytes]],
) -> None:
    async def ask() -> None:
        async with opened(limits=LIMITS) as door:
            promised = 0
            for method, path, headers, body in requests:
                answer = await _sent(door, method, path, headers, body)
                assert answer.status_code < 500, (method, path, headers, body, answer.text)
                if answer.status_code == 200 and path.startswith("/v1/") and method == "POST":
                    promised += _taken(path, body, headers, answer)
                elif answer.status_code == 200 and method == "POST":
                    promised += 1  # one event for a webhook
            ids = {event["messageId"] for event in await door.drained()}
            given_twice = promised - len(door.texts)
            assert len(ids) == len(door.texts) <= promised
            assert given_twice == 0 or any(b"messageId" in _plain(body) for *_, body in requests)

    trio.run(ask, clock=trio.testing.MockClock(autojump_threshold=0))


async def _sent(door: Door, method: str, path: str, headers: dict[str, str], body: bytes) -> httpx.Response:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    return await door.client.request(method, path, headers=raw, content=body)


def _taken(path: str, body: bytes, headers: dict[str, str], answer: httpx.Response) -> int:
    if path != "/v1/batch":
        return 1
    text = gzip.decompress(body) if headers.get("Content-Encoding") == "gzip" else body
    return len(json.loads(text)["batch"]) - int(answer.json().get("rejected", 0))


def _plain(body: bytes) -> bytes:
    return gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body


@given(TEXTS | st.binary(max_size=100), st.sampled_from([*CALLS, None]))
def test_what_is_made_of_a_body_is_an_event_or_it_is_said_what_is_wrong(
    text: bytes, call: str | None
) -> None:
    try:
        envelope = read_batch(text) if call is None else read_single(text)
        made = [
            as_event(bytes(one), envelope, ARRIVAL, call=call, most=10_000, message_id=lambda: "given")
            for one in envelope.events
        ]
    except Flaw:
        return
    for before, after in zip(envelope.events, made, strict=True):
        given_, event = json.loads(bytes(before)), json.loads(after)
        assert event["type"] in CALLS
        assert event["messageId"] == (given_.get("messageId") or "given")
        assert event.get("userId") or event.get("anonymousId")
        assert "writeKey" not in event
        kept = {"properties", "traits", "event", "userId", "name", "groupId"} & given_.keys()
        emptied: dict[str, Any] = {name: {} for name in kept if given_[name] == []}
        assert {name: event[name] for name in kept} == {name: given_[name] for name in kept} | emptied


@given(st.dictionaries(NAMES, VALUES), EVENTS)
def test_what_an_event_says_wins_over_what_its_batch_says(
    shared: dict[str, Any], own: dict[str, Any]
) -> None:
    event = {"type": "track", "event": "E", "userId": "u", "context": own}
    text = json.dumps({"batch": [event], "context": shared}).encode()
    envelope = read_batch(text)
    made = json.loads(
        as_event(bytes(envelope.events[0]), envelope, ARRIVAL, call=None, most=10**6, message_id=lambda: "m")
    )
    made.get("context", {}).pop("ip", None)
    assert made.get("context", {}) == {**shared, **own}


@given(st.datetimes(), st.datetimes(), st.floats(0, 4e9))
def test_an_event_is_as_long_before_its_arrival_as_before_its_sending(
    original: Any, sent: Any, received: float
) -> None:
    from datetime import datetime, timedelta

    told = times(f"{original.isoformat()}Z", None, f"{sent.isoformat()}Z", received)
    assert all(text.endswith("Z") and len(text) == 24 for text in told.values())
    moments = {name: datetime.fromisoformat(text) for name, text in told.items()}
    try:
        before = moments["receivedAt"] - (sent - original)
    except OverflowError:
        assert told["timestamp"] == told["receivedAt"]
    else:
        assert abs(moments["timestamp"] - before) < timedelta(milliseconds=3)
    assert Envelope([]).sent_at is None
