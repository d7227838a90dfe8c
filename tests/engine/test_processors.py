"""How many processors are counted on."""

import os

import pytest

from isthmus.processors import processors


@pytest.mark.parametrize(("given", "expected"), [("1", 1), ("12", 12)])
def test_the_operator_may_say(given: str, expected: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISTHMUS_PROCESSORS", given)
    assert processors() == expected


@pytest.mark.parametrize("given", ["", "0", "-1", "many", "1.5", "²"])
def test_what_is_no_number_says_nothing(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ISTHMUS_PROCESSORS", raising=False)
    there = processors()
    assert 1 <= there <= (os.cpu_count() or 1)
    monkeypatch.setenv("ISTHMUS_PROCESSORS", given)
    assert processors() == there
