"""The tracking API: what is taken, what it becomes, and what senders are told of the rest."""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from typing import Any

import httpx
import pytest
import trio
import trio.testing

from isthmus.testing import MemoryQueue
from isthmus_server.ingress import IngressLimits

from .conftest import ADDRESS, KEY, Parts, codes, event, opened


async def test_an_event_is_kept_before_it_is_answered_and_has_its_times_and_ids(
    autojump_clock: object,
) -> None:
    async with opened() as door:
        sent = {"userId": "u", "event": "E", "properties": {"n": 1}, "writeKey": KEY}
        answer = await door.client.post("/v1/track", json=sent)
        assert (answer.status_code, answer.json()) == (200, {"success": True})
        (arrived,) = await door.drained()
    moment = "2026-09-21T14:13:20.000Z"
    assert arrived.pop("messageId")
    assert arrived == {
        "type": "track",
        "userId": "u",
        "event": "E",
        "properties": {"n": 1},
        "projectId": "web",
        **dict.fromkeys(("receivedAt", "sentAt", "originalTimestamp", "timestamp"), moment),
    }


@pytest.mark.parametrize(
    ("path", "kind", "more"),
    [
        ("identify", "identify", {"traits": {"a": 1}}),
        ("i", "identify", {}),
        ("track", "track", {"event": "E"}),
        ("t", "track", {"event": "E", "type": "page"}),
        ("page", "page", {"name": None}),
        ("p", "page", {}),
        ("screen", "screen", {"name": "S"}),
        ("s", "screen", {}),
        ("group", "group", {"groupId": "g"}),
        ("g", "group", {"groupId": "g"}),
        ("alias", "alias", {"previousId": "p"}),
        ("a", "alias", {"previousId": "p"}),
    ],
)
async def test_the_path_says_of_which_kind_a_call_is(
    path: str, kind: str, more: dict[str, Any], autojump_clock: object
) -> None:
    async with opened() as door:
        answer = await door.client.post(f"/v1/{path}", json={"userId": "u", **more}, auth=(KEY, ""))
        assert answer.status_code == 200, answer.text
        assert [arrived["type"] for arrived in await door.drained()] == [kind]


@pytest.mark.parametrize("path", ["batch", "import", "b"])
async def test_a_batch_says_for_all_its_events_what_they_do_not_say_themselves(
    path: str, autojump_clock: object
) -> None:
    async with opened() as door:
        batch = {
            "batch": [
                event(context={"app": {"n": 2}}, integrations={"A": True}, messageId="m1"),
                {"type": "identify", "anonymousId": "a", "userId": None, "traits": []},
            ],
            "context": {"app": {"n": 1}, "library": {"name": "l"}},
            "integrations": {"A": False, "All": True},
            "writeKey": KEY,
        }
        answer = await door.client.post(f"/v1/{path}", json=batch)
        assert answer.json() == {"success": True}
        first, second = sorted(await door.drained(), key=lambda each: str(each["type"]), reverse=True)
    assert first["context"] == {"app": {"n": 2}, "library": {"name": "l"}}
    assert first["integrations"] == {"A": True, "All": True}
    assert first["messageId"] == "m1"
    assert second["context"] == {"app": {"n": 1}, "library": {"name": "l"}}
    assert "writeKey" not in first | second


async def test_a_clock_that_is_wrong_is_corrected_by_when_it_says_it_sent(autojump_clock: object) -> None:
    async with opened() as door:
        # Sent 10 s after it happened, by a clock a year late.
        late = event(timestamp="2025-09-21T14:00:00Z")
        assert (await door.track(late, sentAt="2025-09-21T16:00:10+02:00")).status_code == 200
        unsent = event(timestamp="2025-09-21T14:00:00.5")
        assert (await door.track(unsent, event(timestamp="yesterday"))).status_code == 200
        corrected, kept, received = await door.drained()
    assert corrected["timestamp"] == "2026-09-21T14:13:10.000Z"
    assert corrected["originalTimestamp"] == "2025-09-21T14:00:00.000Z"
    assert corrected["sentAt"] == "2025-09-21T14:00:10.000Z"
    assert kept["timestamp"] == "2025-09-21T14:00:00.500Z"
    assert received["timestamp"] == "2026-09-21T14:13:20.000Z"


async def test_no_number_loses_a_digit_and_half_a_surrogate_pair_does_no_harm(autojump_clock: object) -> None:
    async with opened() as door:
        text = b'{"userId":"u\\ud83d","event":"E","properties":{"n":12345678901234567890123,"f":1.10}}'
        answer = await door.client.post("/v1/track", content=text, auth=(KEY, ""))
        assert answer.status_code == 200
        await door.drained()
    (kept,) = door.texts
    assert b'"n":12345678901234567890123,"f":1.10' in kept
    assert json.loads(kept)["userId"] == "u\ufffd"


async def test_an_address_is_added_where_the_sender_says_that_it_is_the_users_own(
    autojump_clock: object,
) -> None:
    async with opened() as door:
        await door.track(event(context={"direct": True}), event(context={"direct": True, "ip": "x"}), event())
        first, second, third = await door.drained()
    assert first["context"] == {"direct": True, "ip": ADDRESS}
    assert second["context"]["ip"] == "x"
    assert "context" not in third


# ---------------------------------------------------------------- whose it is


@pytest.mark.parametrize(
    ("authorization", "in_body", "status"),
    [
        (f"Basic {base64.b64encode(f'{KEY}:'.encode()).decode()}", "", 200),
        (f"basic {base64.b64encode(KEY.encode()).decode()}", "", 200),
        ("", KEY, 200),
        ("Bearer of-an-oauth-app", KEY, 200),
        ("", "", 401),
        ("", "another", 401),
        ("Basic !!!", "", 401),
        (f"Basic {base64.b64encode(b'another:').decode()}", "", 401),
        ("Basic /////w==", "", 401),
    ],
)
async def test_a_write_key_lets_in_from_the_header_or_the_body(
    authorization: str, in_body: str, status: int, autojump_clock: object
) -> None:
    async with opened() as door:
        headers = {"Authorization": authorization} if authorization else {}
        answer = await door.client.post("/v1/track", json=event(writeKey=in_body), headers=headers)
        assert answer.status_code == status
        assert len(await door.drained()) == (status == 200)


# ---------------------------------------------------------------- what is not taken


@pytest.mark.parametrize(
    ("code", "wrong"),
    [
        ("no_user_anon_id", {"userId": ""}),
        ("no_user_anon_id", {"userId": None, "anonymousId": None}),
        ("id_not_string", {"userId": 7}),
        ("id_not_string", {"anonymousId": []}),
        ("event_not_defined", {"event": None}),
        ("event_not_defined", {"event": ""}),
        ("event_not_string", {"event": 7}),
        ("properties_not_object", {"properties": "p"}),
        ("properties_not_object", {"properties": [1]}),
        ("traits_not_object", {"traits": 1}),
        ("context_not_object", {"context": True}),
        ("integrations_not_object", {"integrations": ["A"]}),
        ("invalid_type", {"type": "delete"}),
        ("invalid_type", {"type": ["track"]}),
        ("invalid_type", {"type": None}),
        ("no_group_id", {"type": "group"}),
        ("no_previous_id", {"type": "alias", "previousId": ""}),
        ("name_not_string", {"type": "page", "name": 1}),
        ("message_id_not_string", {"messageId": 7}),
        ("message_id_too_long", {"messageId": "m" * 101}),
        ("message_too_large", {"properties": {"x": "x" * 33_000}}),
    ],
)
async def test_what_breaks_a_rule_is_left_out_of_its_batch_and_named(
    code: str, wrong: dict[str, Any], autojump_clock: object
) -> None:
    async with opened() as door:
        answer = await door.track(event(messageId="before"), event(**wrong), event(messageId="after"))
        assert answer.status_code == 200
        assert codes(answer) == [code]
        assert answer.json()["errors"][0]["index"] == 1
        assert {each["messageId"] for each in await door.drained()} == {"before", "after"}
        alone = await door.track(event(**wrong))
        assert (alone.status_code, alone.json()["success"], codes(alone)) == (400, False, [code])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b'{"batch":{}}',
        b"{}",
        b"\xff\xfe",
        b'{"batch":[1,"\xff"]}',
        b"[" * 100_000,
    ],
)
async def test_a_body_that_is_none_is_400(body: bytes, autojump_clock: object) -> None:
    async with opened() as door:
        answer = await door.client.post("/v1/batch", content=body, auth=(KEY, ""))
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed_body")


async def test_bodies_and_batches_have_limits_as_segments(autojump_clock: object) -> None:
    async with opened() as door:
        large = await door.client.post(
            "/v1/track", json=event(properties={"x": "x" * 33_000}), auth=(KEY, "")
        )
        assert (large.status_code, large.json()["code"]) == (400, "payload_too_large")
        many = await door.track(*[event()] * 2501)
        assert (many.status_code, many.json()["code"]) == (400, "batch_too_long")
        heavy = await door.track(*[event(properties={"x": "x" * 30_000})] * 18)
        assert (heavy.status_code, heavy.json()["code"]) == (400, "payload_too_large")
        assert (await door.track(*[event()] * 2500)).status_code == 200
        assert len(await door.drained()) == 2500


async def test_what_a_batch_says_for_all_does_not_make_a_small_body_fill_the_queue(
    autojump_clock: object,
) -> None:
    async with opened() as door:
        answer = await door.track(*[event()] * 2000, context={"x": "x" * 30_000})
        assert answer.status_code == 200
        assert set(codes(answer)) == {"message_too_large"}
        assert answer.json()["rejected"] > 1800


async def test_gzip_is_undone_within_the_limit_whatever_it_unpacks_to(autojump_clock: object) -> None:
    async with opened() as door:

        async def send(body: bytes, encoding: str = "gzip") -> httpx.Response:
            return await door.client.post(
                "/v1/batch", content=body, headers={"Content-Encoding": encoding}, auth=(KEY, "")
            )

        text = json.dumps({"batch": [event(messageId="m")]}).encode()
        whole = gzip.compress(text)
        assert (await send(whole)).status_code == 200
        two = gzip.compress(text[:10]) + gzip.compress(text[10:])
        assert (await send(two)).status_code == 200
        bomb = gzip.compress(bytes(40 << 20))
        assert len(bomb) < 500 * 1024
        assert (await send(bomb)).json()["code"] == "payload_too_large"
        assert (await send(whole[:-9])).json()["code"] == "malformed_body"
        assert (await send(text)).json()["code"] == "malformed_body"
        assert (await send(zlib.compress(text), "deflate")).status_code == 415
        assert len(await door.drained()) == 1


async def test_the_same_message_id_is_kept_once_within_the_queues_window(autojump_clock: object) -> None:
    async with opened() as door:
        for _ in range(3):
            assert (await door.track(event(messageId="m"), event(messageId="n"))).status_code == 200
        assert len(await door.drained()) == 2


# ---------------------------------------------------------------- how much at once


async def test_more_than_the_rate_is_told_when_to_come_back(autojump_clock: Any) -> None:
    async with opened(limits=IngressLimits(events_per_second=10)) as door:
        assert (await door.track(*[event()] * 40)).status_code == 200  # a batch is taken whole
        refused = await door.track(event())
        assert refused.status_code == 429
        assert refused.headers["retry-after"] == refused.headers["x-ratelimit-reset"] == "4"
        autojump_clock.jump(4)
        assert (await door.track(event())).status_code == 200


async def test_a_queue_without_room_loses_nothing_it_says_so(autojump_clock: object) -> None:
    async with opened(queue=MemoryQueue(max_bytes=100)) as door:
        refused = await door.track(event())
        assert (refused.status_code, refused.json()["code"]) == (503, "queue_full")
        assert int(refused.headers["retry-after"]) > 0
        assert not await door.drained()


async def test_no_more_requests_are_under_way_than_may_be(autojump_clock: object) -> None:
    async with opened(limits=IngressLimits(requests=1)) as door:
        statuses: list[int] = []
        may_end = trio.Event()

        async def send(parts: Parts) -> None:
            statuses.append((await door.send_parts("/v1/batch", parts)).status_code)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(send, Parts(b'{"batch":[', may_end, b"]}"))
            await trio.testing.wait_all_tasks_blocked()
            await send(Parts(b"{}"))
            may_end.set()
    assert statuses == [503, 200]


async def test_a_body_that_does_not_come_is_not_waited_for(autojump_clock: object) -> None:
    async with opened(limits=IngressLimits(patience=5)) as door:
        answer = await door.send_parts("/v1/track", Parts(b"{", trio.Event()))
        assert answer.status_code == 408


# ---------------------------------------------------------------- browsers


async def test_browsers_may_send_from_any_page_also_without_asking_first(autojump_clock: object) -> None:
    async with opened() as door:
        origin = {"Origin": "https://shop.example.com"}
        asked = await door.client.options(
            "/v1/t",
            headers={
                **origin,
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "authorization,content-type",
            },
        )
        assert asked.status_code == 200
        assert asked.headers["access-control-allow-origin"] == "*"
        # text/plain is what a browser's library sends, so that the browser need not ask.
        sent = await door.client.post(
            "/v1/t", content=json.dumps(event(writeKey=KEY)), headers={**origin, "Content-Type": "text/plain"}
        )
        assert (sent.status_code, sent.headers["access-control-allow-origin"]) == (200, "*")
        refused = await door.client.post("/v1/t", content=b"{", headers=origin)
        assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (400, "*")
