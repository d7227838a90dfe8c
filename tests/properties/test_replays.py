"""A replay of a Python call is the call again, whatever it was made of; JavaScript's and WebAssembly's are in their folders."""

from __future__ import annotations

import json
from typing import Final

import pytest
import trio
from hypothesis import given, strategies as st
from tests import taping
from tests.properties.batched import batched

import isthmus_cpython
import isthmus_cpython_wasm
from isthmus import Function, Kind, Status

CODE: Final = """
import asyncio, random, secrets, time, uuid
from isthmus_guest import FetchError, InvalidEventPayload, RetryError, afetch, asleep, cache, fetch, log, sleep

said = []

def out(*values):
    said.append([str(value) for value in values])
    log.info(*said[-1])

def one_request(n):
    out(fetch(f"https://api.example/{n}", method="POST", body=str(random.random())).json())

def broken(n):
    try:
        fetch("https://api.example/broken")
    except FetchError as error:
        out(type(error).__name__, error, getattr(error, "code", ""))

def uncaught(n):
    fetch("https://api.example/any/1")

def cached(n):
    out(cache.load(f"key {n % 2}", 60, lambda: secrets.token_hex(4)))

def forgotten(n):
    cache.delete(f"key {n % 2}")

def chance(n):
    out(random.random(), uuid.uuid4(), secrets.randbelow(10**9), random.choice("abc"))

def clocks(n):
    out(time.time(), time.time_ns(), time.perf_counter())

def naps(n):
    sleep(0.002)
    out(time.time())

def sends(n):
    raise (RetryError, InvalidEventPayload, ValueError)[n % 3](f"not {random.random()}")

async def together(n):
    answers = await asyncio.gather(*(afetch(f"https://api.example/{n}/{place}") for place in range(3)))
    out(*(answer.json() for answer in answers))


async def slept(n):
    await asleep(0.001)
    out(time.time())

async def on_track(event, settings):
    for step in event["steps"]:
        made = globals()[step](event["n"])
        if made is not None:
            await made
    return said
"""
STEPS: Final = [
    "one_request", "broken", "cached", "forgotten", "chance", "clocks", "naps", "together", "slept", "uncaught", "sends",
]  # fmt: skip
PLANS = st.lists(st.lists(st.sampled_from(STEPS), min_size=1, max_size=5), min_size=10, max_size=20)
RUNTIMES: Final = {"processes": (isthmus_cpython, "call"), "WebAssembly": (isthmus_cpython_wasm, "wasm")}


@pytest.mark.slow
@pytest.mark.usefixtures("component")
@pytest.mark.parametrize("runtime", RUNTIMES)
@batched(2)
@given(plans=PLANS)
def test_whatever_a_function_does_its_replay_is_the_call_again(runtime: str, plans: list[list[str]]) -> None:
    plugin, isolation = RUNTIMES[runtime]
    subject = Function(
        name="taped",
        kind=Kind.DESTINATION,
        language="python",
        code=CODE,
        file="taped.py",
        isolation=isolation,  # type: ignore[arg-type] # one of two words
    )
    events = [
        json.dumps({"type": "track", "n": n, "messageId": f"m-{n}", "steps": plan}).encode()
        for n, plan in enumerate(plans)
    ]

    async def run() -> None:
        tapes, outcomes = await taping.record(plugin, subject, events)
        assert {outcome.status for outcome in outcomes} <= {Status.DELIVERED, Status.RETRY, Status.REFUSED}
        assert not [
            outcome.problem for outcome in outcomes if outcome.problem and outcome.problem.name == "NameError"
        ]
        replays = await taping.replay_all(plugin, subject, tapes)
        for (tape, _), again in zip(tapes, replays, strict=True):
            assert again.identical, (tape.argument, again.divergence, again.differences)
            assert again.outcome.value == tape.outcome.value
            assert again.outcome.problem == tape.outcome.problem
            assert [line.text for line in again.outcome.logs] == [line.text for line in tape.outcome.logs]

    trio.run(run)
