"""What each kind may return, for one event and for a batch."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, strategies as st

from isthmus._rules.results import Judged, judge_batch, judge_single, same_for_all
from isthmus.errors import RuntimeFault
from isthmus.functions import Kind
from isthmus.outcomes import Code, ItemResult, Status
from isthmus.testing.strategies import batches, events

INSERTS = [Kind.INSERT, Kind.SOURCE_INSERT]
OTHERS = [Kind.SOURCE, Kind.DESTINATION]
DEEP = b"[" * 5_000 + b"]" * 5_000


def dump(value: Any) -> bytes:
    return json.dumps(value).encode()


def code(judged: Judged | ItemResult) -> Code | None:
    return judged.problem.code if judged.problem else None


def raw(value: msgspec.Raw | None) -> bytes:
    assert value is not None
    return bytes(value)


# ---------------------------------------------------------------- one event

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(st.sampled_from(OTHERS), json_values.map(dump) | st.just(b"") | st.just(DEEP), st.text())
def test_a_destination_and_a_source_may_return_anything(kind: Kind, value: bytes, note: str) -> None:
    judged = judge_single(kind, value, note)
    assert (judged.status, judged.problem, judged.items) == (Status.DELIVERED, None, ())
    assert (bytes(judged.value) if judged.value is not None else b"") == value


@given(st.sampled_from(INSERTS), events())
def test_an_insert_returns_the_event_that_goes_on(kind: Kind, event: dict[str, Any]) -> None:
    judged = judge_single(kind, dump(event), "")
    assert judged == Judged(Status.DELIVERED, value=msgspec.Raw(dump(event)))


@pytest.mark.parametrize("kind", INSERTS)
@pytest.mark.parametrize(("value", "said"), [(b"", "undefined"), (b"null", "null"), (b" null ", "null")])
def test_choice_3_an_insert_that_returns_nothing_drops_the_event(kind: Kind, value: bytes, said: str) -> None:
    judged = judge_single(kind, value, "")
    assert (judged.status, code(judged), judged.value) == (Status.DROPPED, Code.FILTERED, None)
    assert judged.problem is not None
    assert judged.problem.name == "DropEvent"
    assert said in judged.problem.message


@pytest.mark.parametrize("kind", INSERTS)
@given(value=json_values.filter(lambda value: value is not None and not isinstance(value, dict)))
def test_choice_3_an_insert_that_returns_no_object_is_refused(kind: Kind, value: object) -> None:
    judged = judge_single(kind, dump(value), "")
    assert (judged.status, code(judged), judged.value) == (Status.REFUSED, Code.MESSAGE_REJECTED, None)
    assert judged.problem is not None
    assert judged.problem.name == "InvalidEventPayload"


def test_a_refusal_names_what_came() -> None:
    for value, name in (
        (b"[1]", "an array"),
        (b"-3", "a number"),
        (b'"x"', "a string"),
        (b"true", "a boolean"),
    ):
        judged = judge_single(Kind.INSERT, value, "")
        assert judged.problem is not None
        assert f"but {name} came" in judged.problem.message


def test_an_insert_whose_event_cannot_be_encoded_is_refused_with_the_reason() -> None:
    judged = judge_single(Kind.INSERT, b"", "circular structure")
    assert (judged.status, code(judged)) == (Status.REFUSED, Code.MESSAGE_REJECTED)
    assert judged.problem is not None
    assert "circular structure" in judged.problem.message


def test_an_insert_whose_event_is_nested_too_deeply_is_refused() -> None:
    judged = judge_single(Kind.INSERT, b'{"a":' + DEEP + b"}", "")
    assert (judged.status, code(judged)) == (Status.REFUSED, Code.MESSAGE_REJECTED)


@pytest.mark.parametrize("value", [b"{", b'{"a":tru}', b"{}{}", b'{"a":"\\'])
def test_text_that_is_not_json_is_the_runtimes_fault(value: bytes) -> None:
    with pytest.raises(RuntimeFault, match="not JSON"):
        judge_single(Kind.INSERT, value, "")
    with pytest.raises(RuntimeFault, match="not JSON"):
        judge_batch(Kind.INSERT, b"[" + value, "", [b"{}"])
    with pytest.raises(RuntimeFault, match="not JSON"):
        judge_batch(Kind.DESTINATION, b"[" + value, "", [b"{}"])


def test_half_an_emoji_is_replaced_and_loses_no_event() -> None:
    event = rb'{"type":"track","event":"caf\u00e9 \ud83d","ok":"\ud83d\ude00","path":"C:\\ud83d"}'
    judged = judge_single(Kind.INSERT, event, "")
    assert judged.status is Status.DELIVERED
    assert msgspec.json.decode(raw(judged.value)) == {
        "type": "track",
        "event": "caf\u00e9 \ufffd",
        "ok": "\U0001f600",
        "path": "C:\\ud83d",
    }


# ---------------------------------------------------------------- a destination's batch


def expected_of_status(status: float) -> str:
    if 200 <= status <= 299:
        return "delivered"
    return "retry" if status == 429 or 500 <= status <= 599 else "refused"


status_entries: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"status": st.integers(100, 650) | st.sampled_from([200, 204, 400, 429, 500, 503])},
    optional={"errormessage": st.text(), "errorMessage": st.text(), "id": st.integers()},
)


@given(st.data(), st.integers(0, 30))
def test_choice_5_statuses_are_paired_by_index_and_a_missing_one_is_delivered(
    data: st.DataObject, count: int
) -> None:
    returned = data.draw(st.lists(status_entries | st.none(), max_size=count))
    judged = judge_batch(Kind.DESTINATION, dump(returned), "", [b"{}"] * count)
    expected = [expected_of_status(entry["status"]) if entry else "delivered" for entry in returned]
    expected += ["delivered"] * (count - len(returned))
    assert [item.status for item in judged.items] == expected
    assert [item.problem is None for item in judged.items] == [status == "delivered" for status in expected]
    whole = next((status for status in ("retry", "refused") if status in expected), "delivered")
    assert judged.status == whole
    assert (judged.problem is None) == (whole == "delivered")
    assert raw(judged.value) == dump(returned)


@pytest.mark.parametrize("key", ["errormessage", "errorMessage"])
def test_choice_5_both_spellings_of_the_message_are_read(key: str) -> None:
    returned = [{"status": 400, key: "no such list"}, {"status": 503, key: {"why": "busy"}}]
    judged = judge_batch(Kind.DESTINATION, dump(returned), "", [b"{}"] * 3)
    permanent, again, missing = judged.items
    assert permanent.problem is not None
    assert again.problem is not None
    assert permanent.problem.message == "status 400: no such list"
    assert (permanent.status, permanent.problem.code) == (Status.REFUSED, Code.BAD_REQUEST)
    assert again.problem.message == 'status 503: {"why": "busy"}'
    assert (again.status, again.problem.code) == (Status.RETRY, Code.RETRY)
    assert missing == ItemResult(status=Status.DELIVERED)
    assert judged.problem is not None
    assert judged.problem.message.startswith("1 of 3 events; the first: status 503")


@pytest.mark.parametrize("kind", [Kind.DESTINATION, Kind.INSERT])
def test_choice_5_an_array_that_is_too_long_refuses_the_batch(kind: Kind) -> None:
    returned = [{"status": 200, "messageId": "a"}] * 3
    judged = judge_batch(kind, dump(returned), "", [b'{"messageId":"a"}'] * 2)
    assert (judged.status, code(judged)) == (Status.REFUSED, Code.MESSAGE_REJECTED)
    assert judged.problem is not None
    assert judged.problem.message == "onBatch returned 3 entries for 2 events"
    assert judged.items == same_for_all(Status.REFUSED, judged.problem, 2)


@pytest.mark.parametrize("value", [b"", b"null", b'{"status":500}', b'"ok"', b"500", b"true"])
def test_no_array_says_nothing_of_single_events(value: bytes) -> None:
    judged = judge_batch(Kind.DESTINATION, value, "", [b"{}"] * 2)
    assert (judged.status, judged.problem) == (Status.DELIVERED, None)
    assert judged.items == (ItemResult(status=Status.DELIVERED),) * 2


@pytest.mark.parametrize("entry", ["{}", "null", "[]", '"x"', "503", '{"status":null}', '{"ok":true}'])
def test_an_entry_without_status_is_as_good_as_missing(entry: str) -> None:
    judged = judge_batch(Kind.DESTINATION, f"[{entry}]".encode(), "", [b"{}"])
    assert judged.items == (ItemResult(status=Status.DELIVERED),)


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ('{"status":"rejected"}', Code.MESSAGE_REJECTED),
        ('{"status":true}', Code.MESSAGE_REJECTED),
        ('{"status":[200]}', Code.MESSAGE_REJECTED),
        ('{"errormessage":"boom"}', Code.BAD_REQUEST),
        ('{"status":1e999}', Code.BAD_REQUEST),
        ('{"status":302}', Code.BAD_REQUEST),
        ('{"status":0}', Code.BAD_REQUEST),
    ],
)
def test_an_entry_that_speaks_of_an_error_is_not_taken_for_success(entry: str, expected: Code) -> None:
    judged = judge_batch(Kind.DESTINATION, f"[{entry}]".encode(), "", [b"{}"])
    assert [(item.status, code(item)) for item in judged.items] == [(Status.REFUSED, expected)]


@pytest.mark.parametrize(
    ("entry", "after"),
    [
        ('{"status":429,"retryAfter":90}', 90.0),
        ('{"status":503,"retry_after":1.5}', 1.5),
        ('{"status":503,"retryAfter":null,"retry_after":"30"}', 30.0),
        ('{"status":429,"retryAfter":"Thu, 01 Jan 1970 00:10:00 GMT"}', 540.0),
        ('{"status":429,"retryAfter":"Thu, 01 Jan 1970 00:00:10 GMT"}', 0.0),
        ('{"status":429,"retryAfter":"soon"}', None),
        ('{"status":429,"retryAfter":-1}', None),
        ('{"status":429,"retryAfter":1e999}', None),
        ('{"status":429,"retryAfter":true}', None),
        ('{"status":429,"retryAfter":%s}' % ("[" * 5000 + "]" * 5000), None),
        ('{"status":400,"retryAfter":90}', None),
    ],
    ids=range(11),
)
def test_an_entry_says_when_its_event_is_to_be_tried_again(entry: str, after: float | None) -> None:
    judged = judge_batch(Kind.DESTINATION, f"[{entry}]".encode(), "", [b"{}"], at=60.0)
    (item,) = judged.items
    assert item.problem is not None
    assert item.problem.retry_after == after


def test_a_batch_may_be_tried_again_when_the_last_of_its_events_may() -> None:
    value = b'[{"status":429,"retryAfter":5},{"status":429,"retryAfter":70},{"status":503},{"status":400}]'
    judged = judge_batch(Kind.DESTINATION, value, "", [b"{}"] * 4)
    assert judged.problem is not None
    assert judged.problem.retry_after == 70.0
    assert [item.problem.retry_after for item in judged.items if item.problem] == [5.0, 70.0, None, None]


def test_statuses_nested_too_deeply_refuse_the_batch() -> None:
    judged = judge_batch(Kind.DESTINATION, DEEP, "", [b"{}"])
    assert (judged.status, code(judged)) == (Status.REFUSED, Code.MESSAGE_REJECTED)


# ---------------------------------------------------------------- an insert's batch


@given(st.data(), batches(max_size=8))
def test_choice_4_returned_events_are_paired_by_message_id_in_any_order(
    data: st.DataObject, batch: list[dict[str, Any]]
) -> None:
    kept = data.draw(st.lists(st.sampled_from(range(len(batch))), unique=True))
    returned: list[Any] = [{**batch[index], "seen": index} for index in kept]
    nulls = data.draw(st.integers(0, len(batch) - len(kept)))
    judged = judge_batch(Kind.INSERT, dump(returned + [None] * nulls), "", [dump(event) for event in batch])
    for index, item in enumerate(judged.items):
        if index in kept:
            assert item.status is Status.DELIVERED
            assert json.loads(raw(item.event))["seen"] == index
        else:
            assert (item.status, code(item), item.event) == (Status.DROPPED, Code.FILTERED, None)
    assert len(judged.items) == len(batch)
    assert judged.status == (Status.DELIVERED if kept else Status.DROPPED)


@given(st.data(), batches(max_size=8))
def test_choice_4_without_a_known_id_each_they_are_paired_by_index(
    data: st.DataObject, batch: list[dict[str, Any]]
) -> None:
    count = data.draw(st.integers(1, len(batch)))
    returned = [{**event, "seen": index} for index, event in enumerate(batch[:count])]
    returned.reverse()
    spoilt = returned[data.draw(st.integers(0, count - 1))]
    spoilt["messageId"] = data.draw(st.sampled_from(["other", "", 7, None]))
    if data.draw(st.booleans()):
        del spoilt["messageId"]
    judged = judge_batch(Kind.INSERT, dump(returned), "", [dump(event) for event in batch])
    seen = [
        json.loads(bytes(item.event))["seen"] if item.event is not None else None for item in judged.items
    ]
    assert seen == [*(event["seen"] for event in returned), *[None] * (len(batch) - count)]


def test_choice_4_an_id_returned_twice_pairs_by_index() -> None:
    batch = [b'{"messageId":"a"}', b'{"messageId":"b"}']
    judged = judge_batch(Kind.INSERT, b'[{"messageId":"b","n":1},{"messageId":"b","n":2}]', "", batch)
    assert [json.loads(raw(item.event))["n"] for item in judged.items] == [1, 2]


def test_choice_4_two_events_of_one_id_in_the_batch_are_two() -> None:
    batch = [b'{"messageId":"a"}', b'{"messageId":"b"}', b'{"messageId":"a"}']
    judged = judge_batch(Kind.INSERT, b'[{"messageId":"a","n":1},{"messageId":"a","n":2}]', "", batch)
    assert [item.status for item in judged.items] == ["delivered", "dropped", "delivered"]


@pytest.mark.parametrize("odd", ['"messageId"', "[]", '{"messageId":1e999}', "{}"])
def test_choice_4_an_event_whose_id_cannot_be_read_pairs_by_index(odd: str) -> None:
    batch = [b'{"messageId":"a"}', b'{"messageId":"b"}']
    judged = judge_batch(Kind.INSERT, f'[{{"messageId":"b"}},{odd}]'.encode(), "", batch)
    assert judged.items[0].event == msgspec.Raw(b'{"messageId":"b"}')
    assert judged.items[1].status == ("delivered" if odd.startswith("{") else "refused")


def test_an_element_that_is_no_event_is_refused_alone() -> None:
    judged = judge_batch(Kind.INSERT, b'[{"n":0},42,null]', "", [b"{}"] * 4)
    assert [item.status for item in judged.items] == ["delivered", "refused", "dropped", "dropped"]
    assert judged.status is Status.REFUSED
    assert code(judged) is Code.MESSAGE_REJECTED


@pytest.mark.parametrize("value", [b"", b"null"])
def test_choice_3_on_batch_that_returns_nothing_drops_the_batch(value: bytes) -> None:
    judged = judge_batch(Kind.INSERT, value, "", [b"{}"] * 2)
    assert (judged.status, code(judged)) == (Status.DROPPED, Code.FILTERED)
    assert [item.status for item in judged.items] == ["dropped", "dropped"]


@pytest.mark.parametrize(("value", "note"), [(b"{}", ""), (b"1", ""), (b"", "a cycle"), (DEEP, "")])
def test_an_insert_that_returns_no_array_that_can_be_read_is_refused(value: bytes, note: str) -> None:
    judged = judge_batch(Kind.INSERT, value, note, [b"{}"] * 2)
    assert (judged.status, code(judged)) == (Status.REFUSED, Code.MESSAGE_REJECTED)
    assert judged.problem is not None
    assert note in judged.problem.message
    assert [item.status for item in judged.items] == ["refused", "refused"]


def test_an_empty_array_drops_every_event() -> None:
    judged = judge_batch(Kind.INSERT, b" []", "", [b"{}"] * 2)
    assert judged.status is Status.DROPPED
    assert {code(item) for item in judged.items} == {Code.FILTERED}
