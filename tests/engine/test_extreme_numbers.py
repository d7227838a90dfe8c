"""Numbers that are JSON and beyond all doubles: whoever may send an event may write one, and it is an event like another."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
from hypothesis import given, strategies as st
from tests.engine.piping import Kept, opened

import isthmus
from isthmus.pipelines import Attempt, Destination, Filter, Sink, Source
from isthmus.rules import condition, fields_of
from isthmus.sinks import CallableSink

LONG = "9" * 5000
NUMBERS = ["1e999", "-1e999", LONG, f"-{LONG}", f"{LONG}e1", f"0.{LONG}", "1e-999", "18446744073709551616"]
WAYS: dict[str, dict[str, Any]] = {
    "plainly": {},
    "past a filter": {"filter": Filter(where="properties.total >= 30")},
    "past a filter of the number": {
        "filter": Filter(where="properties.n != 30 and sample(0.99999, properties.n)")
    },
    "in order": {"ordered_by": "properties.n"},
}


class Arrivals(Sink):
    """Keeps what arrives, as it came."""

    def __init__(self) -> None:
        self.texts: list[bytes] = []

    async def deliver(self, events: Sequence[bytes]) -> Attempt:
        await trio.lowlevel.checkpoint()
        self.texts += events
        return Attempt(status=isthmus.Status.DELIVERED)


@asynccontextmanager
async def piped(**more: Any) -> AsyncIterator[tuple[isthmus.Pipeline, Arrivals]]:
    arrivals = Arrivals()
    async with opened({}) as (engine, queue):
        destination = Destination(name="d", to=arrivals, **more)
        async with isthmus.open_pipeline(
            engine, queue, sources=[Source(id="web")], destinations=[destination], clock=queue._now
        ) as pipeline:
            yield pipeline, arrivals


@pytest.mark.parametrize("way", WAYS)
async def test_an_event_with_any_number_reaches_its_destination_as_it_was(
    way: str, autojump_clock: trio.abc.Clock
) -> None:
    texts = [
        b'{"type":"track","messageId":"m%d","properties":{"total":30,"n":%s}}' % (place, number.encode())
        for place, number in enumerate(NUMBERS)
    ]
    async with piped(**WAYS[way]) as (pipeline, arrivals):
        await pipeline.accept("web", texts)
        await pipeline.drain()
    assert sorted(arrivals.texts) == sorted(texts)


async def test_an_id_that_is_given_and_the_mark_of_a_replay_change_nothing_else(
    autojump_clock: trio.abc.Clock,
) -> None:
    async with piped() as (pipeline, arrivals):
        for number in NUMBERS:
            text = b'{"messageId":7,"type":"track","context":{"b":1,"n":%s}}' % number.encode()
            (message_id,) = await pipeline.accept("web", text)
            await pipeline.drain()
            given_id = text.replace(b"7", b'"%s"' % message_id.encode(), 1)
            assert arrivals.texts.pop() == given_id
            await pipeline.replay("web", [given_id], to=["d"], mark="again", shown=True)
            await pipeline.drain()
            assert arrivals.texts.pop() == given_id.replace(b"}}", b',"replay":{"id":"again"}}}')


async def test_a_callable_gets_infinities(autojump_clock: trio.abc.Clock) -> None:
    kept = Kept()
    attempts = await CallableSink(kept).deliver([b'{"n":1e999}', b'{"n":-%s}' % LONG.encode()])
    assert [attempt.status for attempt in attempts] == [isthmus.Status.DELIVERED] * 2
    assert kept.numbers == [float("inf"), float("-inf")]


@given(st.from_regex(r"-?(0|[1-9][0-9]{0,500})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,4})?", fullmatch=True))
def test_any_number_is_looked_into_as_python_reads_it(number: str) -> None:
    fields = fields_of(b'{"messageId":"m","n":%s}' % number.encode())
    is_whole = number.lstrip("-").isdigit()
    expected = int(number) if is_whole and abs(float(number)) < float("inf") else float(number)
    assert fields["n"] == expected
    assert condition("n = n and typeof(n) = 'number' and sample(1, n)")(fields)
