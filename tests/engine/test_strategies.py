"""What the public strategies promise: everything they draw is valid."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs

import msgspec
import pytest
from hypothesis import find, given, settings, strategies as st

from isthmus.abc import FetchRequest
from isthmus.errors import FetchError
from isthmus.events import Request
from isthmus.functions import Function, Kind, SettingDefinition
from isthmus.settings import validate
from isthmus.testing import StubResponse, strategies

REQUIRED = {
    "identify": ["traits"],
    "track": ["event", "properties"],
    "page": ["properties"],
    "screen": ["properties"],
    "group": ["groupId", "traits"],
    "alias": ["userId", "previousId"],
    "delete": ["userId"],
}


@given(strategies.events())
def test_an_event_has_what_the_spec_asks_for(event: dict[str, Any]) -> None:
    assert msgspec.json.decode(msgspec.json.encode(event)) == event
    assert event["messageId"]
    assert event.get("userId") or event.get("anonymousId")
    assert [field for field in REQUIRED[event["type"]] if field not in event] == []


@pytest.mark.parametrize("type_", strategies.EVENT_TYPES)
def test_a_type_can_be_chosen(type_: str) -> None:
    @given(strategies.events(type_), getattr(strategies, f"{type_}_events")())
    def both(one: dict[str, Any], other: dict[str, Any]) -> None:
        assert one["type"] == other["type"] == type_

    both()


def test_a_type_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="not 'wave'"):
        strategies.events("wave")


@given(strategies.batches(min_size=2, max_size=4))
def test_a_batch_holds_each_message_id_once(batch: list[dict[str, Any]]) -> None:
    assert 2 <= len(batch) <= 4
    assert len({event["messageId"] for event in batch}) == len(batch)


@given(strategies.requests())
def test_a_request_has_the_body_its_headers_say(request: Request) -> None:
    if dict(request.headers)["Content-Type"] == "application/json":
        assert isinstance(json.loads(request.body), dict | list)
    else:
        assert isinstance(parse_qs(request.body.decode(), strict_parsing=bool(request.body)), dict)


@given(strategies.requests(bodies=st.just({"id": 7})))
def test_a_request_can_be_given_its_body(request: Request) -> None:
    assert json.loads(request.body) == {"id": 7}


@given(st.data(), strategies.setting_definitions())
def test_settings_fit_their_definitions(
    data: st.DataObject, definitions: tuple[SettingDefinition, ...]
) -> None:
    function = Function(name="f", kind=Kind.DESTINATION, language="javascript", code="", settings=definitions)
    values = data.draw(strategies.settings_for(function))
    assert json.loads(validate(function, values)) == values


# ---------------------------------------------------------------- nearly valid


@given(strategies.nearly(strategies.events()))
def test_what_is_nearly_valid_is_json_still(event: dict[str, Any]) -> None:
    assert isinstance(event, dict)
    assert json.loads(msgspec.json.encode(event)) == event


@pytest.mark.parametrize(
    "wanted",
    [
        lambda event: "properties" not in event,
        lambda event: event.get("properties", {}) is None,
        lambda event: "__proto__" in json.dumps(event),
        lambda event: len(json.dumps(event)) > 1000,
        lambda event: not isinstance(event.get("userId", ""), str | None),
    ],
)
def test_each_way_to_be_wrong_is_drawn(wanted: Any) -> None:
    plain = st.fixed_dictionaries(
        {
            "type": st.just("track"),
            "userId": st.just("u"),
            "properties": st.fixed_dictionaries({"n": st.just(1)}),
        }
    )
    assert wanted(find(strategies.nearly(plain), wanted, settings=settings(max_examples=2000, database=None)))


def test_names_that_are_looked_at_are_changed_more_often() -> None:
    plain = st.just({"a": 1, "b": {str(n): n for n in range(50)}})
    changed = [0, 0]

    @settings(max_examples=200, database=None)
    @given(strategies.nearly(plain, most=1), strategies.nearly(plain, most=1, around=["7"]))
    def both(one: dict[str, Any], other: dict[str, Any]) -> None:
        for number, event in enumerate((one, other)):
            inner = event.get("b")
            changed[number] += isinstance(inner, dict) and inner.get("7") != 7

    both()
    assert changed[1] > changed[0]


@given(strategies.nearly_requests(strategies.requests()))
def test_a_webhook_that_is_nearly_valid_is_a_request(request: Request) -> None:
    assert isinstance(request.body, bytes)
    assert all(isinstance(text, str) for header in request.headers for text in header)


@given(strategies.responses())
def test_a_response_answers_or_fails(response: StubResponse) -> None:
    request = FetchRequest(url="https://api.example.com/")
    if response.error:
        with pytest.raises(FetchError) as caught:
            response.answer(request)
        assert caught.value.code == response.error
    else:
        assert response.answer(request).status == response.status
