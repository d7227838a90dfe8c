"""A function that never ends, beside fifty calls of others: how soon it is stopped, and that they are not hurt."""

from __future__ import annotations

import time
from typing import final

import msgspec
import trio

import isthmus_quickjs
from benchmarks._subject import API_KEY, CODE, EVENT, FUNCTION
from isthmus import Limits, Outcome, open_engine
from isthmus.outcomes import Status

__all__ = ["Stopping", "run"]

BESIDE = 50
LIMIT = 0.1
ENDLESS = CODE + "\nfunction onPage() { for (;;); }\n"


@final
class Stopping(msgspec.Struct, frozen=True):
    """What became of it.

    Attributes:
        stopped: seconds from each invocation of the loop to its outcome.
        beside: seconds from then until the last of the fifty had ended, each time.
    """

    stopped: list[float]
    beside: list[float]


async def run(times: int) -> Stopping:
    """Do it so many times."""
    function = msgspec.structs.replace(FUNCTION, code=ENDLESS)
    found = Stopping([], [])
    async with open_engine(
        plugins=[isthmus_quickjs], load_entry_points=False, limits=Limits(wall=LIMIT)
    ) as engine:
        instance = await engine.load(function, settings={"apiKey": API_KEY})
        await engine.invoke(instance, EVENT)
        for number in range(1 + times):
            outcomes: list[Outcome] = []
            ended = [0.0]
            began = time.perf_counter()

            async def loop(began: float = began) -> None:
                outcome = await engine.invoke(instance, b'{"type":"page"}')
                found.stopped.append(time.perf_counter() - began)
                assert outcome.problem is not None
                assert outcome.problem.name == "Timeout", outcome.problem

            async def other(outcomes: list[Outcome] = outcomes, ended: list[float] = ended) -> None:
                outcomes.append(await engine.invoke(instance, EVENT))
                ended.append(time.perf_counter())

            async with trio.open_nursery() as nursery:
                nursery.start_soon(loop)
                for _ in range(BESIDE):
                    nursery.start_soon(other)
            if number:
                assert [outcome.status for outcome in outcomes] == [Status.DELIVERED] * BESIDE
            found.beside.append(max(ended) - began)
    # As everywhere, the first round does not count: it makes the lanes and the worlds that the others find.
    return Stopping(found.stopped[1:], found.beside[1:])
