"""What the public strategies promise: everything they draw is valid."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs

import msgspec
import pytest
from hypothesis import given, strategies as st

from isthmus.events import Request
from isthmus.functions import Function, Kind, SettingDefinition
from isthmus.settings import validate
from isthmus.testing import strategies

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
