"""The times that a message of a source function gets on its way."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, strategies as st

from isthmus._rules.times import stamped, times

NOW = 1_767_225_600.25
WRITTEN = "2026-01-01T00:00:00.250Z"


def test_a_message_without_times_happened_when_it_came_in() -> None:
    stamp = json.loads(stamped(b'{"type":"track","event":"E","properties":{"n":1.50}}', NOW))
    times = dict.fromkeys(("receivedAt", "sentAt", "originalTimestamp", "timestamp"), WRITTEN)
    assert stamp == {"type": "track", "event": "E", "properties": {"n": 1.5}, **times}


@pytest.mark.parametrize("name", ["timestamp", "originalTimestamp"])
def test_a_time_that_the_function_gave_is_kept(name: str) -> None:
    stamp = json.loads(stamped(json.dumps({name: "2025-06-01T12:00:00+02:00"}).encode(), NOW))
    assert stamp["timestamp"] == stamp["originalTimestamp"] == "2025-06-01T10:00:00.000Z"
    assert stamp["receivedAt"] == stamp["sentAt"] == WRITTEN


@given(st.dictionaries(st.text(max_size=20), st.none() | st.integers() | st.text(max_size=40), max_size=5))
def test_nothing_else_of_a_message_changes(message: dict[str, object]) -> None:
    stamp = json.loads(stamped(json.dumps(message).encode(), NOW))
    times = {"receivedAt", "sentAt", "originalTimestamp", "timestamp"}
    assert times <= stamp.keys()
    assert {name: stamp[name] for name in stamp if name not in times} == {
        name: message[name] for name in message if name not in times
    }


@pytest.mark.parametrize("text", [b"", b"[]", b"1", b"{", b'{"a"'])
def test_what_is_no_message_is_left_to_who_refuses_it(text: bytes) -> None:
    assert stamped(text, NOW) == text


@pytest.mark.parametrize(
    ("original", "sent", "happened"),
    [
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:10Z", "2025-12-31T23:59:50.250Z"),  # a clock that is right
        (
            "2020-01-01T00:00:00",
            "2020-01-01T00:01:00",
            "2025-12-31T23:59:00.250Z",
        ),  # and one that is years late
        ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", WRITTEN),  # before there are years
        ("0001-01-01T00:00:00+23:00", None, WRITTEN),
        ("soon", "2020-01-01", WRITTEN),
        (None, None, WRITTEN),
    ],
)
def test_a_devices_clock_is_corrected_by_when_it_sent(
    original: str | None, sent: str | None, happened: str
) -> None:
    assert times(original, None, sent, NOW)["timestamp"] == happened
    assert times(original, sent, None, NOW)["timestamp"] == happened
