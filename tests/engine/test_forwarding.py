"""What a source function sends on: no writeKey, no messageId of somebody else's, nothing too large."""

from __future__ import annotations

import json
import uuid
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
from hypothesis import given, strategies as st

from isthmus._rules.forwarding import MESSAGE_BYTES, MessagesRefused, derived_id, incoming_ids, outgoing
from isthmus.errors import RuntimeFault
from isthmus.outcomes import Code
from isthmus.testing.strategies import batches, events

DEEP = "[" * 3_000 + "]" * 3_000


def send(
    *messages: Any, body: Any = b"", source_id: str = "src", max_bytes: int = MESSAGE_BYTES
) -> list[dict[str, Any]]:
    text = json.dumps(messages).encode()
    request_body = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = outgoing(text, request_body=request_body, source_id=source_id, max_bytes=max_bytes)
    return [msgspec.json.decode(message) for message in sent]


def keys(value: Any) -> set[str]:
    """Every key at every depth."""
    if isinstance(value, dict):
        return set(value).union(*map(keys, value.values()))
    return set().union(*map(keys, value)) if isinstance(value, list) else set()


# ---------------------------------------------------------------- (d) 19


@given(batches(max_size=4), st.sampled_from(["whole", "fields", "inside"]), st.sampled_from(["a", "b"]))
def test_choice_19_a_forwarded_payload_gives_away_neither_key_nor_id(
    batch: list[dict[str, Any]], how: str, source_id: str
) -> None:
    body = {"batch": batch, "writeKey": "wk_theirs"}
    messages = {
        "whole": batch,
        "fields": [{"type": "track", "event": "e", "messageId": event["messageId"]} for event in batch],
        "inside": [{"type": "track", "event": "e", "properties": {"came": [event]}} for event in batch],
    }[how]
    sent = send(*messages, body=body, source_id=source_id)
    theirs = {event["messageId"] for event in batch}
    assert not any("writeKey" in keys(message) for message in sent)
    assert not any(message.get("messageId") in theirs for message in sent)
    # The same at a retry, and another from another source.
    assert send(*messages, body=body, source_id=source_id) == sent
    if how != "inside":
        elsewhere = send(*messages, body=body, source_id="c")
        ids = [message["messageId"] for message in sent]
        assert not set(ids) & {message["messageId"] for message in elsewhere}
        assert len(set(ids)) == len(theirs)
        assert all(uuid.UUID(message_id) for message_id in ids)


@given(events(), st.text(min_size=1))
def test_choice_19_an_id_the_function_made_itself_is_kept(event: dict[str, Any], made: str) -> None:
    if made != event["messageId"]:
        (sent,) = send({"type": "track", "event": "e", "messageId": made}, body=event)
        assert sent["messageId"] == made


@given(events())
def test_what_needs_no_cleaning_goes_out_byte_for_byte(event: dict[str, Any]) -> None:
    event.pop("writeKey", None)
    text = json.dumps([event, event], indent=1, ensure_ascii=False).encode()
    if "writeKey" in keys(event):
        return
    sent = outgoing(text, request_body=b'{"id":1}', source_id="s")
    assert [json.loads(bytes(message)) for message in sent] == [event, event]
    assert all(bytes(message) in text for message in sent)


def test_everything_but_key_and_id_is_kept() -> None:
    message = {
        "type": "track",
        "event": "Caf\u00e9 \U0001f600",
        "properties": {
            "n": 1.5,
            "big": 2**60,
            "none": None,
            "writeKey": "k",
            "list": [{"writeKey": {"a": 1}, "b": 2}],
        },
        "messageId": "m",
    }
    (sent,) = send(message, body={"event": {"messageId": "m"}})
    assert sent == {
        "type": "track",
        "event": "Caf\u00e9 \U0001f600",
        "properties": {"n": 1.5, "big": 2**60, "none": None, "list": [{"b": 2}]},
        "messageId": derived_id("src", "m"),
    }


def test_an_escaped_spelling_of_the_key_is_the_key() -> None:
    text = rb'[{"type":"track","write\u004bey":"k","properties":{"\u0077riteKey":"k"}}]'
    (sent,) = outgoing(text, request_body=b"", source_id="s")
    assert json.loads(bytes(sent)) == {"type": "track", "properties": {}}


@pytest.mark.parametrize(
    "body",
    [
        '{"messageId":"m-1"}',
        '\ufeff{"messageId":"m-1"}',
        '[[{"a":{"messageId":"m-1"}}]]',
        r'{"message\u0049d":"m-1"}',
        r'{"messageId":"\u006d-1"}',
        '{"half":"\\ud83d","messageId":"m-1"}',
        '{"n":' + "9" * 5_000 + ',"messageId":"m-1"}',
        json.dumps({"Message": json.dumps({"messageId": "m-1"})}),
        json.dumps({"Records": [json.dumps({"body": json.dumps([{"messageId": "m-1"}])})]}),
        urlencode({"messageId": "m-1"}),
        urlencode({"payload": json.dumps({"messageId": "m-1"})}),
        urlencode({"event[messageId]": "m-1"}),
        "message%49d=m-1",
        '{"deep":' + DEEP + ',"messageId":"m-1"}',
    ],
)
def test_choice_19_an_id_is_found_wherever_the_payload_holds_it(body: str) -> None:
    assert "m-1" in incoming_ids(body.encode())
    (sent,) = send({"type": "track", "messageId": "m-1"}, body=body.encode())
    assert sent["messageId"] == derived_id("src", "m-1")


def test_in_a_payload_too_deep_to_parse_every_string_counts_as_an_id() -> None:
    found = incoming_ids(('{"messageId":' + DEEP + r',"half":"\x","id":"m-1"}').encode())
    assert {"m-1", "half", r"\x"} <= found


def test_a_number_is_an_id_too() -> None:
    (sent,) = send({"type": "track", "messageId": 12}, body=b'{"messageId":12}')
    assert sent["messageId"] == derived_id("src", "12")
    (sent,) = send({"type": "track", "messageId": 12}, body=b'{"messageId":12.0}')
    assert sent["messageId"] == derived_id("src", "12")


@pytest.mark.parametrize(
    "body", [b'{"id":"m-1"}', b'"m-1"', b"m-1", b"\xff\xfe", b'{"messageId":null}', b"null"]
)
def test_a_value_under_another_name_is_no_id(body: bytes) -> None:
    (sent,) = send({"type": "track", "messageId": "m-1"}, body=body)
    assert sent["messageId"] == "m-1"


def test_a_message_without_an_id_gets_none() -> None:
    (sent,) = send({"type": "track"}, body=b'{"messageId":"None"}')
    assert sent == {"type": "track"}


def test_sources_and_ids_do_not_run_into_each_other() -> None:
    assert derived_id("a", "b") == derived_id("a", "b")
    assert len({derived_id("a", "bc"), derived_id("ab", "c"), derived_id('a","b', "c")}) == 3


# ---------------------------------------------------------------- (d) 17


@given(st.integers(60, 400), st.integers(0, 400))
def test_choice_17_a_message_over_the_limit_refuses_the_call_with_its_size(limit: int, padding: int) -> None:
    message = {"type": "track", "event": "e", "properties": {"p": "x" * padding}}
    size = len(json.dumps(message).encode())
    if size <= limit:
        assert send(message, max_bytes=limit) == [message]
        return
    with pytest.raises(MessagesRefused) as caught:
        send({"type": "identify"}, message, max_bytes=limit)
    assert f"is {size} bytes, over the limit of {limit} bytes" in caught.value.problem.message
    assert caught.value.problem.code is Code.MESSAGE_REJECTED


def test_choice_17_the_limit_is_32_kb_of_what_is_sent() -> None:
    frame = len(json.dumps({"type": "track", "p": ""}))
    assert len(send({"type": "track", "p": "x" * (32 * 1024 - frame)})) == 1
    with pytest.raises(MessagesRefused, match="32769 bytes"):
        send({"type": "track", "p": "x" * (32 * 1024 - frame + 1)})
    # A derived id counts, as it is sent.
    with pytest.raises(MessagesRefused):
        send({"messageId": "m"}, body={"messageId": "m"}, max_bytes=30)


# ---------------------------------------------------------------- what cannot be read


@pytest.mark.parametrize("text", [b"[", b"{}", b"[1]", b'[{"a":}]', b"null"])
def test_text_that_is_no_array_of_objects_is_the_runtimes_fault(text: bytes) -> None:
    with pytest.raises(RuntimeFault):
        outgoing(text, request_body=b"", source_id="s")


@pytest.mark.parametrize(
    "text",
    [
        '[{"writeKey":1,"p":' + DEEP + "}]",
        '[{"writeKey":1,"p":1e999}]',
        '[{"writeKey":1,"p":' + "9" * 5_000 + "}]",
    ],
)
def test_what_cannot_be_cleaned_is_refused(text: str) -> None:
    with pytest.raises(MessagesRefused):
        outgoing(text.encode(), request_body=b"", source_id="s", max_bytes=100_000)


def test_no_message_is_no_message() -> None:
    assert outgoing(b"", request_body=b"{}", source_id="s") == ()
    assert outgoing(b"[]", request_body=b"{}", source_id="s") == ()


def test_half_an_emoji_goes_out_as_the_replacement_character() -> None:
    (sent,) = outgoing(rb'[{"event":"\ud83d"}]', request_body=b"", source_id="s")
    assert msgspec.json.decode(sent) == {"event": "\ufffd"}
