"""Errands: what the host does for a call that waits, and how its answers come back."""

from __future__ import annotations

import json
from typing import Any

import pytest
import trio
from tests.javascript import FakeHost

from isthmus.abc import FetchRequest, FetchResponse
from isthmus.errors import FetchError, RuntimeFault
from isthmus_quickjs._errands import Errands
from isthmus_quickjs._frames import Operation


class Talk:
    """Errands in a nursery of the test's."""

    def __init__(self, host: FakeHost, nursery: trio.Nursery, most: int = 10) -> None:
        self.errands = Errands(host, nursery, most)

    def begin(self, *operations: Operation) -> None:
        self.errands.begin(list(operations))

    async def answers(self) -> list[dict[str, Any]]:
        with trio.fail_after(60):
            answers = json.loads(await self.errands.answers())
        assert isinstance(answers, list)
        return answers


def fetch(number: int) -> Operation:
    return Operation(op="fetch", id=number, url="http://a.example/")


async def test_answers_that_are_there_together_go_together() -> None:
    async with trio.open_nursery() as nursery:
        talk = Talk(FakeHost(), nursery)
        talk.begin(fetch(1), Operation(op="sleep", id=2, ms=0), Operation(op="cache_load", id=3, key="k"))
        got = await talk.answers()
        while len(got) < 3:
            got += await talk.answers()
        assert sorted(answer["id"] for answer in got) == [1, 2, 3]


async def test_an_operation_that_was_cancelled_has_no_answer() -> None:
    host = FakeHost(gate=trio.Event())
    async with trio.open_nursery() as nursery:
        talk = Talk(host, nursery)
        talk.begin(fetch(1))
        await host.arrived.wait()
        talk.begin(Operation(op="cancel", id=1), Operation(op="sleep", id=2, ms=0))
        assert [answer["id"] for answer in await talk.answers()] == [2]


async def test_what_is_cancelled_in_the_same_breath_is_not_begun() -> None:
    host = FakeHost()
    async with trio.open_nursery() as nursery:
        talk = Talk(host, nursery)
        talk.begin(fetch(1), Operation(op="cancel", id=1), Operation(op="sleep", id=2, ms=0))
        assert [answer["id"] for answer in await talk.answers()] == [2]
    assert host.requests == []


async def test_cancelling_what_is_over_or_never_was_is_nothing() -> None:
    async with trio.open_nursery() as nursery:
        talk = Talk(FakeHost(), nursery)
        talk.begin(fetch(1))
        assert [answer["id"] for answer in await talk.answers()] == [1]
        talk.begin(Operation(op="cancel", id=1), Operation(op="cancel", id=99), fetch(1))
        talk.begin(fetch(2))
        assert [answer["id"] for answer in await talk.answers()] == [2]


@pytest.mark.parametrize(
    "operations",
    [
        [fetch(1), fetch(1)],
        [Operation(op="evil", id=1)],
        [Operation(op="", id=1)],
        [Operation(op="sleep", id=1, ms=1e6), Operation(op="cache_load", id=1, key="k")],
    ],
    ids=["an id twice", "an unknown operation", "no operation", "an id twice, of two kinds"],
)
async def test_what_no_prelude_asks_is_a_fault(operations: list[Operation]) -> None:
    async with trio.open_nursery() as nursery:
        with pytest.raises(RuntimeFault, match="no operation"):
            Talk(FakeHost(), nursery).begin(*operations)
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    "operation",
    [
        Operation(op="fetch", id=1, url="http://a.example/", body="!", base64=True),
        Operation(op="fetch", id=1, url="http://a.example/", redirect="sideways"),
    ],
    ids=["a body that is not base64", "an unknown redirect mode"],
)
async def test_a_fetch_that_is_none_is_a_fault(operation: Operation) -> None:
    host = FakeHost()
    async with trio.open_nursery() as nursery:
        with pytest.raises(RuntimeFault, match="a fetch that is none"):
            Talk(host, nursery).begin(operation)
    assert host.requests == []


async def test_more_operations_than_the_limit_are_answered_with_an_error() -> None:
    host = FakeHost(gate=trio.Event())
    async with trio.open_nursery() as nursery:
        talk = Talk(host, nursery, most=2)
        talk.begin(fetch(1), fetch(2), fetch(3))
        answers = await talk.answers()
        assert [(answer["id"], answer["error"]["type"]) for answer in answers] == [(3, "limit")]
        talk.begin(Operation(op="cancel", id=1))
        talk.begin(fetch(4), fetch(5))
        assert [answer["id"] for answer in await talk.answers()] == [5]
        nursery.cancel_scope.cancel()


async def test_a_failed_fetch_says_why() -> None:
    class Unreachable(FakeHost):
        async def fetch(self, request: FetchRequest) -> FetchResponse:
            raise FetchError("connect ECONNREFUSED", code="ECONNREFUSED")

    async with trio.open_nursery() as nursery:
        talk = Talk(Unreachable(), nursery)
        talk.begin(fetch(7))
        assert await talk.answers() == [
            {
                "id": 7,
                "error": {
                    "name": "FetchError",
                    "message": "connect ECONNREFUSED",
                    "code": "ECONNREFUSED",
                    "type": "system",
                },
            }
        ]
