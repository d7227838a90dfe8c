"""A batcher over any course of arrivals, pauses, failures, partial results and ways to stop: nothing lost, nothing twice.

What is to become of each event is told by the event itself, and is looked up here without asking the engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import pytest
import trio
import trio.testing
from hypothesis import given, settings, strategies as st
from tests.engine.scripted import instance_with

from isthmus import ItemResult, Outcome, RuntimeFault, Status
from isthmus.abc import Killed, Reply
from isthmus.testing import Throw, World

FATES: Final = {"well": Status.DELIVERED, "fails": Status.RETRY, "is wrong": Status.REFUSED}
"""What an event comes to in a batch that none of its events spoils."""

SPOILERS: Final = {
    "throws RetryError": Status.RETRY,
    "throws TypeError": Status.REFUSED,
    "is out of time": Status.RETRY,
    "is out of memory": Status.REFUSED,
    "breaks the runtime": Status.RETRY,
}
"""What all events of a batch come to of which this is the first that spoils it."""

STATUSES: Final = {"well": 200, "fails": 503, "is wrong": 404}
PLANS = st.sampled_from([*FATES] * 3 + [*SPOILERS])
STEPS = st.lists(PLANS | st.sampled_from([0.5, 3.0, 20.0]), max_size=40)


class Stopped(Exception):
    """The body of the batcher ends with it."""


async def on_batch(batch: Any, settings: Any, world: World) -> Any:
    await trio.sleep(1.0)
    for event in batch:
        match event["plan"]:
            case "throws RetryError":
                raise Throw("RetryError", "later")
            case "throws TypeError":
                raise TypeError("no")
            case "is out of time":
                return Reply(Killed("timeout", "too long"))
            case "is out of memory":
                return Reply(Killed("memory", "too much"))
            case "breaks the runtime":
                raise RuntimeFault("broken")
            case _:
                pass
    return [{"status": STATUSES[event["plan"]]} for event in batch]


def expected(plans: Sequence[str]) -> list[Status]:
    """What the events of one batch come to."""
    spoiler = next((plan for plan in plans if plan in SPOILERS), None)
    return [SPOILERS[spoiler]] * len(plans) if spoiler else [FATES[plan] for plan in plans]


class Results:
    """What was delivered, with the outcome that it was part of, in the order of the delivery."""

    def __init__(self) -> None:
        self.items: dict[int, ItemResult] = {}
        self.batches: dict[int, list[int]] = {}
        self._kept: list[Outcome] = []  # so that no other outcome gets the id of one

    def __call__(self, index: int, result: ItemResult, outcome: Outcome) -> None:
        assert index not in self.items, "delivered twice"
        self.items[index] = result
        self.batches.setdefault(id(outcome), []).append(index)
        self._kept.append(outcome)


@settings(max_examples=60)
@given(
    steps=STEPS, max_count=st.integers(1, 6), max_wait=st.sampled_from([0.0, 2.0, 10.0]), stops=st.booleans()
)
def test_each_event_comes_to_what_its_batch_does(
    steps: list[str | float], max_count: int, max_wait: float, stops: bool
) -> None:
    results, plans = Results(), [step for step in steps if isinstance(step, str)]

    async def main() -> None:
        async with (
            instance_with({"onBatch": on_batch}) as (engine, instance),
            engine.open_batcher(instance, results, max_count=max_count, max_wait=max_wait) as batcher,
        ):
            added = 0
            for step in steps:
                if isinstance(step, float):
                    await trio.sleep(step)
                else:
                    assert await batcher.add({"type": "track", "plan": step}) == added
                    added += 1
            if stops:
                raise Stopped

    if stops:
        with pytest.raises(Stopped):
            trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    else:
        trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
        assert sorted(results.items) == list(range(len(plans))), "an event is lost"
    for batch in results.batches.values():
        assert batch == list(range(batch[0], batch[0] + len(batch))), (
            "events of a batch are those that came together"
        )
        assert len(batch) <= max_count
        came = [results.items[index].status for index in batch]
        assert came == expected([plans[index] for index in batch])
