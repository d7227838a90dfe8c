"""Webhooks that came in, offered where a source function is tried out."""

from __future__ import annotations

from tests.console.visiting import Visitor

from isthmus import Request
from isthmus_server.console import Live
from isthmus_server.console.captured import KEPT, LARGEST, Captured, CapturedWebhooks
from isthmus_server.store import Grant, ResourceType, Role


def webhook(body: bytes, *headers: tuple[str, str], query: str = "") -> Request:
    return Request(url=f"http://hooks.test/{query}", headers=headers, body=body)


def test_the_last_of_each_source_are_kept_the_newest_first() -> None:
    captured = CapturedWebhooks(clock=iter(range(100)).__next__)
    for number in range(KEPT + 3):
        captured.keep("a", webhook(b"%d" % number))
    captured.keep("b", webhook(b"7"))
    assert [each.payload["body"] for each in captured.of("a")] == [*range(KEPT + 3)][:2:-1]
    assert [each.at for each in captured.of("b")] == [KEPT + 3]
    assert captured.of("c") == []


def test_neither_credentials_nor_what_is_too_large_is_kept() -> None:
    captured = CapturedWebhooks()
    captured.keep("a", webhook(b"1" * (LARGEST + 1)))
    assert captured.of("a") == []
    captured.keep("a", webhook(b"{}", ("Authorization", "hunter2"), ("Cookie", "hunter2"), ("X-Sign", "s")))
    (kept,) = captured.of("a")
    assert kept.request.headers == (("X-Sign", "s"),)


def test_what_a_trial_gets_is_what_came() -> None:
    came = webhook(b'{"a": 1}', ("X-A", "1"), ("X-A", "2"), ("X-B", "3"), query="?q=%C3%A9&r=")
    assert Captured(0.0, came).payload == {
        "headers": {"X-A": ["1", "2"], "X-B": "3"},
        "queryParameters": {"q": "é", "r": ""},
        "body": {"a": 1},
    }
    assert Captured(0.0, webhook(b"a=1&b=\xff")).payload["body"] == "a=1&b=\ufffd"


async def test_a_source_function_is_tried_out_on_what_came_by_who_may_see_it(
    owner: Visitor, live: Live
) -> None:
    id_ = await owner.made(ResourceType.SOURCE)
    bare = id_.partition("_")[2]
    source = await owner.store.write(lambda tx: tx.sources.create("hooks", bare, {}, enabled=True))
    assert live.captured is not None
    live.captured.keep(source.id, webhook(b'{"event": "Seen by few"}'))
    live.captured.keep("another", webhook(b'{"event": "Of another"}'))
    page = await owner.get(f"/functions/{id_}")
    assert "came 00:00:00 UTC to hooks" in page
    assert "Seen by few" in page
    assert "Of another" not in page
    editor = await owner.other(Grant(Role.FUNCTIONS_ADMIN))
    assert "Seen by few" not in await editor.get(f"/functions/{id_}")
