"""Events as a pipeline takes them: each is JSON with a message id of its own, or is refused in a sentence."""

from __future__ import annotations

import json
import uuid
from itertools import islice

import msgspec
import pytest

from isthmus import InvalidInput, Request
from isthmus._pipeline.events import (
    ID_LENGTH,
    Taken,
    kept_event,
    kept_request,
    key_of,
    random_ids,
    taken,
    with_replay,
)
from isthmus.events import Event

DEEP = b'{"context":' + b"[" * 5_000 + b"]" * 5_000 + b"}"


def take(event: Event, most: int = 1_000_000) -> Taken:
    return taken(event, most=most, default_id=lambda: "given")


@pytest.mark.parametrize(
    ("event", "message_id"),
    [
        (b'{"messageId":"own"}', "own"),
        (b' {"n":1}', "given"),
        (b"{}", "given"),
        (b'{"messageId":null}', "given"),
        (b'{"messageId":""}', "given"),
        (b'{"messageId":7,"n":1}', "given"),
        (b'{"message\\u0049d":"own"}', "own"),
        ('{"n":"é"}', "given"),
        ({"n": 1}, "given"),
    ],
)
def test_each_has_one_message_id_and_all_else_as_it_was(event: Event, message_id: str) -> None:
    found = take(event)
    given = event if isinstance(event, dict) else json.loads(event)  # type: ignore[arg-type] # text or a mapping
    assert found.message_id == message_id
    assert json.loads(found.text) == {**given, "messageId": message_id}
    assert found.text.count(b"messageId") + found.text.count(b"\\u0049") == 1


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ({"n": {1, 2}.__iter__()}, "an event is what JSON can hold: "),
        ("half \ud83d", "an event is what JSON can hold: "),
        (b"x" * 101, "an event has at most 100 bytes of JSON here, and this has 101"),
        (b"[1]", "an event is a JSON object in UTF-8: "),
        (b"{", "an event is a JSON object in UTF-8: "),
        (b'{"n":"\xff"}', "an event is a JSON object in UTF-8: "),
        (b'{"messageId":"' + b"m" * (ID_LENGTH + 1) + b'"}', "a messageId has at most"),
    ],
)
def test_what_is_none_is_refused(event: Event, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        take(event, most=ID_LENGTH + 100 if said.startswith("a messageId") else 100)


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("userId", "u"),
        ("context.groupId", "7"),
        ("context", None),
        ("context.none", None),
        ("userId.of", None),
        ("empty", None),
        ("yes", None),
        ("price", "1.5"),
    ],
)
def test_the_key_of_an_order_is_a_text_or_a_number(path: str, key: str | None) -> None:
    event = {"userId": "u", "context": {"groupId": 7}, "empty": "", "yes": True, "price": 1.5}
    assert key_of(msgspec.json.encode(event), path) == key


def test_the_mark_of_a_replay_stands_in_the_context_where_that_is_an_object() -> None:
    marked = {"replay": {"id": "r1"}}
    assert json.loads(with_replay(take(b"{}"), "r1").text)["context"] == marked
    assert json.loads(with_replay(take(b'{"context":{"a":1}}'), "r1").text)["context"] == {"a": 1, **marked}
    for event in (take(b'{"context":"odd"}'), Taken(DEEP, take(b"{}").head, "m")):
        assert with_replay(event, "r1") is event


def test_what_comes_out_of_a_queue_may_be_another_programs() -> None:
    request = Request(url="https://a.example/", method="PUT", headers=(("a", "b"),), body=b"\xff")
    assert kept_request(msgspec.json.encode(request)) == request
    assert kept_event(b'{"n": 1}') == b'{"n": 1}'
    for body in (b"", b"[]", b'{"url":1}', b"\xff", b"{"):
        with pytest.raises(InvalidInput, match="no webhook"):
            kept_request(body)
    for body in (b"", b"[]", b"\xff", b"{"):
        with pytest.raises(InvalidInput, match="no event"):
            kept_event(body)


def test_ids_are_random_and_of_version_four() -> None:
    ids = [*islice(random_ids(), 200)]
    assert len(set(ids)) == 200
    assert {uuid.UUID(one).version for one in ids} == {4}
