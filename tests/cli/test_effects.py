"""A call's effects, each told in a line, or with its headers and bodies."""

from __future__ import annotations

import io

import pytest

from isthmus._cli.effects import LONGEST, told
from isthmus._cli.screen import Screen
from isthmus.abc import FetchRequest, FetchResponse
from isthmus.effects import (
    Answered,
    CacheDelete,
    CacheFail,
    CacheLoad,
    CacheStore,
    Capability,
    Done,
    Drawn,
    Effect,
    Failed,
    Fetch,
    Found,
    Passed,
    Responded,
    Sleep,
)

ASKED = Fetch(1, FetchRequest(method="POST", url="https://a.example/", headers=(("x", "1"),), body=b"hello"))
RESPONSE = FetchResponse(status=404, reason="Not\x1bFound", headers=(("y", "2"),), body=b"gone")


@pytest.mark.parametrize(
    ("effect", "says"),
    [
        (ASKED, "POST https://a.example/  5 B out"),
        (Fetch(1, FetchRequest(url="https://a.example/")), "GET https://a.example/  no body"),
        (Sleep(2, 0.25), "wait 250 ms"),
        (CacheLoad(3, "k"), "cache load k"),
        (Capability(4, "geo.lookup", b'"Oslo"'), 'geo.lookup "Oslo"'),
        (CacheStore("k", b"1"), "cache store k = 1"),
        (CacheFail("k"), "cache fail k"),
        (CacheDelete("k"), "cache delete k"),
        (Answered(1, Failed("x" * (LONGEST + 1))), f"{'x' * LONGEST}…"),
        (Answered(3, Found(None)), "nothing"),
        (Answered(3, Found(b'{"a":1}')), '{"a":1}'),
        (Answered(2, Done()), "done"),
        (Passed(0.5), "the world goes on, 500 ms after its start"),
        (Drawn("a nonce", b"", b"12345"), "drawn a nonce, 5 B"),
    ],
)
def test_an_effect_is_told_in_a_line(effect: Effect | Drawn, says: str) -> None:
    line = told(effect, Screen(io.StringIO()))
    assert says in line
    assert "\n" not in line


def test_an_answer_says_to_what_and_has_its_headers_and_its_body_where_they_are_wanted() -> None:
    screen = Screen(io.StringIO())
    answer = Answered(1, Responded(RESPONSE))
    line = told(answer, screen, asked={1: ASKED})
    assert "404 Not" in line
    assert "4 B in" in line
    assert line.endswith("to https://a.example/")
    assert "\x1b" not in line
    whole = told(answer, screen, bodies=True).splitlines()
    assert [each.strip() for each in whole[1:]] == ["y: 2", "gone"]
    asked = told(ASKED, screen, bodies=True).splitlines()
    assert [each.strip() for each in asked[1:]] == ["POST https://a.example/", "x: 1", "hello"]
