"""What a tape answers where a call asks for something else than it did, or in another order."""

from __future__ import annotations

import pytest

from isthmus._taping.stock import Stock
from isthmus.abc import FetchRequest, FetchResponse
from isthmus.effects import (
    Answered,
    Asked,
    CacheLoad,
    Capability,
    Done,
    Effect,
    Failed,
    Fetch,
    Found,
    Responded,
    Sleep,
)


def fetch(number: int, url: str, body: bytes | None = None, method: str = "GET") -> Fetch:
    return Fetch(number, FetchRequest(method=method, url=url, body=body))


def response(text: str) -> Responded:
    return Responded(FetchResponse(status=200, body=text.encode()))


TAPED: list[Effect] = [
    fetch(1, "https://a.example/x?page=1"),
    fetch(2, "https://a.example/x?page=2"),
    fetch(3, "https://a.example/x?page=2", b"body"),
    CacheLoad(4, "k"),
    Capability(5, "geo.lookup", b'"Oslo"'),
    Capability(6, "geo.lookup", b'"Bergen"'),
    fetch(7, "https://b.example/"),
    Answered(1, response("one")),
    Answered(2, response("two")),
    Answered(3, response("three")),
    Answered(4, Found(b"4")),
    Answered(5, Found(b"5")),
    Answered(6, Found(b"6")),
]


def stock() -> Stock:
    return Stock(TAPED, lambda one, other: one == other)


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        (fetch(9, "https://a.example/x?page=1"), response("one")),
        (fetch(9, "https://a.example/x?page=2", b"body"), response("three")),  # what is likest
        (fetch(9, "https://a.example/x?page=7#there"), response("one")),  # the first of its path
        (fetch(9, "https://a.example/x", method="POST"), None),
        (fetch(9, "https://c.example/x"), None),
        (Capability(9, "geo.lookup", b'"Bergen"'), Found(b"6")),
        (Capability(9, "geo.lookup", b'"Rome"'), Found(b"5")),
        (Capability(9, "mail.send", b"1"), None),
        (CacheLoad(9, "k"), Found(b"4")),
        (CacheLoad(9, "other"), Found(None)),
        (Sleep(9, 3.0), Done()),
    ],
)
def test_what_is_likest_on_the_tape_is_the_answer(asked: Asked, given: object) -> None:
    answer = stock().answer(asked)
    if given is None:
        assert isinstance(answer, Failed)
        assert "the tape has no answer" in answer.message
    else:
        assert answer == given


def test_an_answer_is_given_once_and_then_the_next_like_it() -> None:
    kept = stock()
    pages = [kept.answer(fetch(9, "https://a.example/x?page=9")) for _ in range(4)]
    assert pages[:3] == [response("one"), response("two"), response("three")]
    assert isinstance(pages[3], Failed)
    kept.take(4)
    assert kept.answer(CacheLoad(9, "k")) == Found(None)


def test_what_was_asked_as_the_call_ended_has_no_answer() -> None:
    assert stock().answer_of(7) == Failed("the call had ended before this was answered", kind="system")


def test_a_cache_holds_what_the_world_put_into_it() -> None:
    kept = stock()
    kept.store("k", b"new")
    assert kept.answer(CacheLoad(9, "k")) == Found(b"new")
    kept.delete("k")
    assert kept.answer(CacheLoad(9, "k")) == Found(None)
