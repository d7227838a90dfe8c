"""Webhooks: who may send, what the function sees, and what senders are told of how it ended."""

from __future__ import annotations

import pytest
import trio

from isthmus.errors import EngineError
from isthmus.pipelinefiles import Entrance
from isthmus.testing import MemoryQueue
from isthmus_server.ingress import IngressLimits

from .conftest import SECRET, Parts, bearer, opened, segments_url

# ---------------------------------------------------------------- who may send


async def test_the_secret_is_in_the_url_as_segments_or_in_a_header(autojump_clock: object) -> None:
    async with opened() as door:
        post = door.client.post
        ways = [
            await post(segments_url(), json={}),
            await post(segments_url().replace("%3D", ""), json={}),
            await post("/webhooks/hook", json={}, headers=bearer()),
            await post("/webhooks/hook", json={}, headers={"X-Segment-Source-Function-Token": SECRET}),
        ]
        assert [way.status_code for way in ways] == [200] * 4
        assert len(await door.drained()) == 4
        assert all(SECRET not in str(request) for request in door.requests)


async def test_whoever_looks_on_sees_what_was_let_in_and_nothing_else(autojump_clock: object) -> None:
    async with opened() as door:
        assert (await door.hook({"throw": "TypeError"})).status_code == 400
        assert (await door.client.post(segments_url(secret="wrong"), json={})).status_code == 401
        ((source, webhook),) = door.received
        assert (source, webhook.body) == ("hook", b'{"throw":"TypeError"}')
        assert SECRET not in str(webhook)


@pytest.mark.parametrize(
    ("url", "headers", "status"),
    [
        (segments_url(secret="wrong"), {}, 401),
        (segments_url(source="web"), {}, 401),
        (segments_url(source="nobody"), {}, 401),
        ("/?b=%ff%fe", {}, 404),
        ("/?b=", {}, 404),
        ("/", {}, 404),
        ("/webhooks/hook", {}, 401),
        ("/webhooks/hook", bearer(""), 401),
        ("/webhooks/hook", bearer(f"{SECRET}x"), 401),
        ("/webhooks/web", bearer(), 401),
        ("/webhooks/hook/more", bearer(), 404),
    ],
)
async def test_nobody_else_may(
    url: str, headers: dict[str, str], status: int, autojump_clock: object
) -> None:
    async with opened() as door:
        answer = await door.client.post(url, json={}, headers=headers)
        assert answer.status_code == status
        assert not door.requests


# ---------------------------------------------------------------- what the function sees


async def test_the_function_sees_the_request_byte_for_byte_but_for_the_secret(autojump_clock: object) -> None:
    async with opened() as door:
        body = b'{ "b": 1,\t"a": "\xc3\xa9" }'
        headers = {"Content-Type": "application/json", "X-Signature": "t=1,v1=ab"}
        answer = await door.client.post(f"{segments_url()}&x=1&x=2&y=%20", content=body, headers=headers)
        assert answer.status_code == 200
        (request,) = door.requests
    assert request["text"].encode() == body
    assert request["url"] == "http://hooks.test/?x=1&x=2&y=+"
    assert ["x-signature", "t=1,v1=ab"] in [[name.lower(), value] for name, value in request["headers"]]


async def test_the_url_is_what_senders_see_where_the_operator_says_so(autojump_clock: object) -> None:
    async with opened(public_url="https://hooks.example.com/") as door:
        await door.client.post("/webhooks/hook?a=1", json={}, headers=bearer() | {"Host": "inside"})
        assert door.requests[0]["url"] == "https://hooks.example.com/webhooks/hook?a=1"
        assert not any(name.lower() == "authorization" for name, _ in door.requests[0]["headers"])


async def test_forms_are_taken_and_other_kinds_of_bodies_are_not(autojump_clock: object) -> None:
    async with opened() as door:
        form = await door.client.post(segments_url(), data={"SmsStatus": "sent"})
        assert form.status_code == 200
        assert door.requests[0]["text"] == "SmsStatus=sent"
        hal = {"Content-Type": "application/hal+json; charset=utf-8"}
        assert (await door.client.post(segments_url(), content=b"{}", headers=hal)).status_code == 200
        for kind in ("text/plain", "", "multipart/form-data; boundary=b", "application/jsonx"):
            answer = await door.client.post(segments_url(), content=b"{}", headers={"Content-Type": kind})
            assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")
        gzipped = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        assert (await door.client.post(segments_url(), content=b"", headers=gzipped)).status_code == 415


async def test_a_body_above_the_limit_is_413_also_where_its_length_is_not_said(
    autojump_clock: object,
) -> None:
    async with opened(limits=IngressLimits(webhook_bytes=1000)) as door:
        headers = {"Content-Type": "application/json"}

        said = await door.client.post(segments_url(), content=b" " * 1001, headers=headers)
        unsaid = await door.send_parts(
            segments_url(), Parts(*[b" " * 100] * 11), content_type="application/json"
        )
        assert said.status_code == unsaid.status_code == 413
        kept = await door.client.post(segments_url(), content=b"{}" + b" " * 998, headers=headers)
        assert kept.status_code == 200


# ---------------------------------------------------------------- how it ended


async def test_choice_8_success_is_200_and_a_throw_is_told_by_its_class(autojump_clock: object) -> None:
    async with opened() as door:
        done = await door.hook({"a": 1})
        assert (done.status_code, done.json()) == (200, {"success": True})
        for name in ("ValidationError", "EventNotSupported", "TypeError"):
            refused = await door.hook({"throw": name})
            assert (refused.status_code, refused.json()) == (400, {"success": False, "error": name})
        assert [event["properties"] for event in await door.drained()] == [{"a": 1}]


async def test_what_is_to_be_retried_is_kept_here_and_its_function_runs_again(autojump_clock: object) -> None:
    async with opened() as door:
        answer = await door.hook({"throw": "RetryError"})
        assert (answer.status_code, answer.json()["error"]) == (202, "RetryError")
        stats = await door.queue.stats("webhook:hook")
        assert stats.delayed + stats.waiting == 1
        with trio.fail_after(400):  # the first wait is of one to three minutes
            while len(door.requests) < 2:  # noqa: ASYNC110 -- the function has no event for it
                await trio.sleep(1)
        assert door.requests[0] == door.requests[1]


async def test_or_the_sender_is_told_to_try_again_and_nothing_is_kept(autojump_clock: object) -> None:
    async with opened(sender_retries=True) as door:
        answer = await door.hook({"throw": "RetryError"})
        assert (answer.status_code, answer.json()) == (503, {"success": False, "error": "RetryError"})
        assert int(answer.headers["retry-after"]) >= 1
        assert (await door.queue.stats("webhook:hook")).oldest is None


async def test_a_webhook_may_be_answered_before_its_function_runs(autojump_clock: object) -> None:
    async with opened(run_later=True) as door:
        answer = await door.hook({"throw": "ValidationError"})
        assert (answer.status_code, answer.json()) == (200, {"success": True})
        await door.hook({"a": 2})
        assert [event["properties"] for event in await door.drained()] == [{"a": 2}]
        (letter,) = await door.queue.dead("webhook:hook")
        assert "ValidationError" in letter.reason


async def test_where_what_the_function_sent_is_not_kept_the_sender_keeps_the_webhook(
    autojump_clock: object,
) -> None:
    async with opened(queue=MemoryQueue(max_bytes=50)) as door:
        answer = await door.hook({"a": 1})
        assert (answer.status_code, answer.json()["code"]) == (503, "queue_full")
        assert not await door.drained()


async def test_choice_17_an_event_above_the_limit_refuses_its_webhook(autojump_clock: object) -> None:
    async with opened() as door:
        answer = await door.hook({"x": "x" * 40_000})
        assert (answer.status_code, answer.json()["error"]) == (400, "InvalidEventPayload")
        assert not await door.drained()


# ---------------------------------------------------------------- custom responses


@pytest.mark.parametrize(
    ("returned", "status", "body", "kind"),
    [
        ({"status": 201, "body": {"a": 1}}, 201, b'{"a":1}', "application/json"),
        ({"body": "<Response/>", "headers": {"Content-Type": "text/xml"}}, 200, b"<Response/>", "text/xml"),
        ({"body": "text"}, 200, b"text", "text/plain; charset=utf-8"),
        ({"status": 204, "body": "none"}, 204, b"", None),
        ({"headers": {"X-N": 7, "Content-Length": "9", "Transfer-Encoding": "chunked"}}, 200, b"", None),
        ("challenge", 502, None, "application/json"),
        ({"status": 99}, 502, None, "application/json"),
        ({"status": "200"}, 502, None, "application/json"),
        ({"headers": {"X": "a\r\nSet-Cookie: b"}}, 502, None, "application/json"),
        ({"headers": {"X Y": "a"}}, 502, None, "application/json"),
        (None, 200, b'{"success":true}', "application/json"),
    ],
)
async def test_choice_8_what_a_function_returns_is_the_answer_where_that_is_switched_on(
    returned: object, status: int, body: bytes | None, kind: str | None, autojump_clock: object
) -> None:
    async with opened(custom_response=True) as door:
        answer = await door.hook({"answer": returned})
        assert answer.status_code == status
        assert answer.headers.get("content-type") == kind
        assert "set-cookie" not in answer.headers
        if body is not None:
            assert answer.content == body
        assert len(await door.drained()) == 1
    async with opened() as door:
        assert (await door.hook({"answer": returned})).json() == {"success": True}


async def test_choice_8_other_methods_are_answered_only_then(autojump_clock: object) -> None:
    async with opened(custom_response=True) as door:
        answer = await door.client.get(f"{segments_url()}&hub.challenge=7")
        assert answer.status_code == 200
        assert door.requests[0]["method"] == "GET"
        assert (await door.client.delete(segments_url())).status_code == 405
    async with opened() as door:
        answer = await door.client.get(segments_url())
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_an_answer_before_the_function_runs_cannot_be_its_own() -> None:
    with pytest.raises(EngineError, match="run_later"):
        Entrance(source="s", secrets=("a",), run_later=True, custom_response=True)
    with pytest.raises(EngineError, match="empty"):
        Entrance(source="s", secrets=("",))
    assert SECRET not in repr(Entrance(source="s", secrets=(SECRET,), write_keys=(SECRET,)))
