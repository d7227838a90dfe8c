"""A call through the engine, by its public API: alone, among many, and with nothing behind it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import AsyncExitStack

import isthmus_quickjs
from benchmarks._figures import Case, timed_async
from benchmarks._subject import API_KEY, EVENT, FUNCTION
from isthmus import Function, Kind, Outcome, open_engine
from isthmus.errors import InvalidInput
from isthmus.outcomes import Status
from isthmus.testing import ScriptedRuntime

__all__ = ["cases"]


async def cases(stack: AsyncExitStack, *, quick: bool) -> list[Case]:
    """Make the cases; within Trio.

    Args:
        stack: closes their engines.
        quick: fewer calls a turn.
    """
    count, many = (10, 100) if quick else (60, 1000)
    idle = ScriptedRuntime({"onTrack": lambda event, settings, world: None})
    engine = await stack.enter_async_context(
        open_engine(plugins=[isthmus_quickjs, idle], load_entry_points=False)
    )
    instance = await engine.load(FUNCTION, settings={"apiKey": API_KEY})
    nothing = await engine.load(Function(name="nothing", kind=Kind.DESTINATION, language="scripted", code=""))

    async def invoke() -> None:
        _check(await engine.invoke(instance, EVENT))

    async def bulk() -> Sequence[float]:
        left = many

        def deliver(_index: int, outcome: Outcome | InvalidInput) -> None:
            nonlocal left
            _check(outcome)
            left -= 1

        began = time.perf_counter()
        await engine.invoke_each(instance, [EVENT] * many, deliver)
        assert not left
        return [(time.perf_counter() - began) / many]

    async def overhead() -> None:
        _check(await engine.invoke(nothing, EVENT))

    return [
        Case(
            name="Engine.invoke",
            what="the same call through the engine, one after the other",
            sample=timed_async(invoke, count),
        ),
        Case(
            name="Engine.invoke_each",
            what=f"{many} events through the engine at once, on all processors; wall time over events",
            sample=bulk,
        ),
        Case(
            name="engine overhead",
            what="a call of a scripted runtime that does nothing: what the engine itself costs",
            sample=timed_async(overhead, count),
        ),
    ]


def _check(outcome: Outcome | InvalidInput) -> None:
    assert isinstance(outcome, Outcome)
    assert outcome.status is Status.DELIVERED, outcome.problem
