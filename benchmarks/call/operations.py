"""What else is done to a function, by the public API: loaded, given a batch, and called where it waits for a response."""

from __future__ import annotations

import itertools
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack

import msgspec
import trio

import isthmus_fetch
import isthmus_quickjs
from benchmarks._figures import Case, timed_async
from benchmarks._subject import API_KEY, CODE, EVENT, FUNCTION
from isthmus import Engine, Function, Kind, Outcome, open_engine
from isthmus.abc import Egress
from isthmus.outcomes import Status

from .waiting import line

__all__ = ["cases"]

BATCH = 100
BATCHES = """
async function onBatch(events, settings) {
  return events.map((event) => ({
    messageId: event.messageId,
    status: event.properties.items.length > 0 && settings.apiKey ? 200 : 400,
  }));
}
"""
FETCHING = """
async function onTrack(event) {
  const response = await fetch(event.url);
  return (await response.json()).ok;
}
"""


async def cases(stack: AsyncExitStack, *, quick: bool) -> list[Case]:
    """Make the cases; within Trio.

    Args:
        stack: closes their engine, and the server that they fetch from.
        quick: fewer calls a turn.
    """
    engine = await stack.enter_async_context(
        open_engine(plugins=[isthmus_quickjs, isthmus_fetch], load_entry_points=False)
    )
    return [
        _loading(engine, 2 if quick else 4),
        await _batch(engine, 2 if quick else 10),
        await _fetching(engine, stack, 5 if quick else 40),
    ]


def _loading(engine: Engine, count: int) -> Case:
    numbers = itertools.count()

    async def load() -> None:
        # Of equal functions the second would be the first.
        function = msgspec.structs.replace(FUNCTION, code=f"{CODE}\n// {next(numbers)}\n")
        instance = await engine.load(function, settings={"apiKey": API_KEY})
        await instance.aclose()

    return Case(
        name="Engine.load",
        what="a function that was not there before, loaded and closed; its image made",
        sample=timed_async(load, count, warm_up=1),
    )


async def _batch(engine: Engine, count: int) -> Case:
    function = msgspec.structs.replace(FUNCTION, code=BATCHES)
    instance = await engine.load(function, settings={"apiKey": API_KEY})
    event = msgspec.json.decode(EVENT)
    events = [{**event, "messageId": f"m{number}"} for number in range(BATCH)]

    async def sample() -> Sequence[float]:
        seconds = []
        for _ in range(count):
            began = time.perf_counter()
            outcome = await engine.invoke_batch(instance, events)
            seconds.append((time.perf_counter() - began) / BATCH)
            _check(outcome)
            assert len(outcome.items) == BATCH
        return seconds

    return Case(name="onBatch", what=f"a batch of {BATCH} events of 1 KB; time by event", sample=sample)


async def _fetching(engine: Engine, stack: AsyncExitStack, count: int) -> Case:
    function = Function(name="fetching", kind=Kind.DESTINATION, language="javascript", code=FETCHING)
    instance = await engine.load(function, egress=Egress(allow_private=True))
    port = await _endpoint(stack)
    event = {**msgspec.json.decode(EVENT), "url": f"http://127.0.0.1:{port}/"}
    text = msgspec.json.encode(event)

    async def call() -> None:
        _check(await engine.invoke(instance, text))

    return Case(
        name="one fetch",
        what="a call that asks a server in a process of its own, and waits for the response",
        sample=timed_async(call, count),
    )


async def _endpoint(stack: AsyncExitStack) -> int:
    """The port of a server that answers at once; it ends with the stack."""
    command = [sys.executable, "-m", "benchmarks._endpoint", "0"]
    process = await trio.lowlevel.open_process(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    stack.push_async_callback(process.wait)
    stack.push_async_callback(process.stdin.aclose)
    stack.push_async_callback(process.stdout.aclose)
    return int(await line(process.stdout))


def _check(outcome: Outcome) -> None:
    assert outcome.status is Status.DELIVERED, outcome.problem
