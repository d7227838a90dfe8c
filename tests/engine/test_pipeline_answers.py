"""A webhook whose sender waits: its function runs at once, and what it sends is kept before it is answered."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from tests.engine.piping import QUICKLY, Kept, Unsteady, load, opened

import isthmus
from isthmus import InvalidInput, QueueError, Request, Status
from isthmus.pipelines import Attempted, Destination, Observation, Source
from isthmus.queues import Queue
from isthmus.rules import RetryAt
from isthmus.sinks import CallableSink
from isthmus.testing import Throw, World

HOOK = Request(body=b"{}")


class Hook:
    """A function that ends as it is told, one ending a call; the last one again and again."""

    def __init__(self, *endings: str) -> None:
        self.endings = list(endings)
        self.calls = 0

    def __call__(self, request: Any, settings: Any, world: World) -> object:
        self.calls += 1
        ending = self.endings.pop(0) if len(self.endings) > 1 else self.endings[0]
        world.sent.append({"type": "track", "event": "E", "userId": "u", "n": self.calls})
        if ending != "ok":
            raise Throw(ending)
        return {"status": 201}


async def _answered(
    hook: Hook, queue: Queue | None = None, **options: Any
) -> tuple[Any, Kept, list[Observation]]:
    """How it ended, what arrived once all has been tried, and what the pipeline told."""
    kept, told = Kept(), list[Observation]()
    async with opened({"hook": {"onRequest": hook}}) as (engine, memory):
        source = Source(id="s", function=await load(engine, "hook", isthmus.Kind.SOURCE), schedule=QUICKLY)
        async with isthmus.open_pipeline(
            engine,
            queue or memory,
            sources=[source],
            destinations=[Destination(name="d", to=CallableSink(kept))],
            observe=told.append,
            clock=memory._now,
        ) as pipeline:
            outcome = await pipeline.answer("s", HOOK, message_id="w", **options)
            for _ in range(6):
                await pipeline.drain()
                await trio.sleep(5)
    return outcome, kept, told


async def test_what_it_sends_is_on_its_way_when_it_is_answered(autojump_clock: object) -> None:
    outcome, kept, told = await _answered(Hook("ok"))
    assert (outcome.status, bytes(outcome.value)) == (Status.DELIVERED, b'{"status":201}')
    assert [event["messageId"] for event in kept.events] == ["w.0"]
    attempts = [seen for seen in told if isinstance(seen, Attempted) and seen.queue == "webhook:s"]
    assert [(seen.delivery, seen.attempt, seen.status) for seen in attempts] == [("w", 1, Status.DELIVERED)]


async def test_a_retry_is_kept_and_runs_again_without_doubling_anything(autojump_clock: object) -> None:
    hook = Hook("RetryError", "RetryError", "ok")
    outcome, kept, told = await _answered(hook)
    assert outcome.status is Status.RETRY
    assert kept.numbers == [3]
    assert hook.calls == 3
    first = next(seen for seen in told if isinstance(seen, Attempted))
    assert isinstance(first.decision, RetryAt)


async def test_or_is_left_to_the_sender(autojump_clock: object) -> None:
    hook = Hook("RetryError")
    outcome, kept, _ = await _answered(hook, retries=False)
    assert outcome.status is Status.RETRY
    assert (hook.calls, kept.numbers) == (1, [])


async def test_what_is_refused_is_kept_nowhere(autojump_clock: object) -> None:
    hook = Hook("ValidationError")
    outcome, kept, _ = await _answered(hook)
    assert outcome.status is Status.REFUSED
    assert (hook.calls, kept.numbers) == (1, [])


async def test_a_storage_that_is_away_is_the_callers_to_wait_for(autojump_clock: object) -> None:
    async with opened({"hook": {"onRequest": Hook("ok")}}) as (engine, memory):
        queue = Unsteady(memory)
        sources = [
            Source(id="s", function=await load(engine, "hook", isthmus.Kind.SOURCE)),
            Source(id="plain"),
        ]
        kept = Kept()
        async with isthmus.open_pipeline(
            engine,
            queue,
            sources=sources,
            destinations=[Destination(name="d", to=CallableSink(kept))],
            clock=memory._now,
        ) as pipeline:
            queue.away = {"publish"}
            with pytest.raises(QueueError, match="away"):
                await pipeline.answer("s", HOOK)
            queue.away = set()
            for source, message_id, said in (
                ("plain", "w", "has no function"),
                ("nobody", "w", "there is no source"),
                ("s", "", "1 to 215 characters"),
            ):
                with pytest.raises(InvalidInput, match=said):
                    await pipeline.answer(source, HOOK, message_id=message_id)
            await pipeline.drain()
    assert not kept.events
