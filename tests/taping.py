"""Calls recorded and replayed in the hands of a test: many at a time, and nothing goes out for a replay."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import trio

import isthmus
from isthmus import FetchError, Function, Limits, Outcome
from isthmus.abc import FetchRequest, FetchResponse
from isthmus.tapes import Recording, Replayed, Tape, decode
from isthmus.testing import MockFetcher

LIMITS: Final = Limits(wall=60, cpu=60)
Taken = tuple[Tape, bytes]
NOTHING: Final[Mapping[str, object]] = {}


async def respond(asked: FetchRequest) -> FetchResponse:
    """A network: answers after a time that nobody can foresee, and with what nobody can."""
    chance = random.random()
    await trio.sleep(60 if asked.url.endswith("/slow") else chance / 500)
    if asked.url.endswith("/broken"):
        raise FetchError("read ECONNRESET", code="ECONNRESET")
    if asked.url.endswith("/any/1"):
        raise FetchError("no", code="ENOTFOUND")
    body = json.dumps({"chance": chance}).encode()
    return FetchResponse(status=200, headers=(("x-chance", str(chance)),), body=body)


def refuse(asked: FetchRequest) -> FetchResponse:
    """No network."""
    raise AssertionError(f"{asked} went out")


def keep_in(tapes: list[Taken]) -> Callable[[Tape, bytes], str]:
    def keep(tape: Tape, data: bytes) -> str:
        tapes.append((tape, data))
        return f"tape {len(tapes)}"

    return keep


async def record(
    plugin: object,
    subject: Function,
    events: Iterable[bytes],
    fetcher: Any = respond,
    *,
    settings: Mapping[str, object] = NOTHING,
) -> tuple[list[Taken], list[Outcome]]:
    """Calls for events, many at a time, each on a tape."""
    tapes: list[Taken] = []
    outcomes: list[Outcome] = []

    def deliver(_index: int, outcome: object) -> None:
        assert isinstance(outcome, Outcome)
        outcomes.append(outcome)

    async with isthmus.open_engine(
        plugins=[plugin, MockFetcher(fetcher)],
        load_entry_points=False,
        limits=LIMITS,
        record=Recording(keep=keep_in(tapes)),
    ) as engine:
        instance = await engine.load(subject, settings=settings)
        await engine.invoke_each(instance, events, deliver, concurrency=16)
    assert len(tapes) == len(outcomes)
    return tapes, outcomes


async def replay_all(
    plugin: object, subject: Function, tapes: Iterable[Taken], *, settings: Mapping[str, object] = NOTHING
) -> list[Replayed]:
    """The replay of each, out of its bytes."""
    async with isthmus.open_engine(
        plugins=[plugin, MockFetcher(refuse)], load_entry_points=False, limits=LIMITS
    ) as engine:
        await engine.load(subject, settings=settings)  # held, so that all replays are of one program
        return [await engine.replay(decode(data)) for _, data in tapes]


def check_all(tapes: list[Taken], replays: list[Replayed]) -> None:
    """All is as on the tapes, to the last digit."""
    for (tape, _), again in zip(tapes, replays, strict=True):
        ended = tape.outcome
        assert again.identical, (tape.argument, again.divergence, again.differences, ended.problem)
        assert bytes(again.outcome.value or b"") == bytes(ended.value or b"")
        assert again.outcome.usage.memory == ended.usage.memory
