"""A pipeline over a queue in a file, which is opened anew for each of its lives."""

from __future__ import annotations

import tempfile
from collections import Counter
from typing import Any

import trio
from hypothesis import HealthCheck, given, settings, strategies as st

import isthmus
from isthmus.pipelines import Batching, Destination, Source
from isthmus.rules import Schedule
from isthmus.sinks import CallableSink, Retry
from isthmus_sqlite._opening import opened

QUEUE = "destination:d"


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.tuples(st.integers(1, 30), st.floats(0.0, 0.1), st.sampled_from(["close", "cancel", "raise"])),
        min_size=1,
        max_size=3,
    ),
    st.sets(st.integers(0, 89)),
    st.sets(st.integers(0, 89)),
)
def test_nothing_is_lost_whatever_ends_the_pipeline_when(
    lives: list[tuple[int, float, str]], failing: set[int], poison: set[int]
) -> None:
    """Each life accepts events and is ended at a moment; a last one delivers what is left."""
    accepted: dict[str, int] = {}
    delivered: Counter[str] = Counter()
    failed: set[int] = set()

    async def call(event: dict[str, Any]) -> None:
        await trio.sleep(0.001)
        if event["n"] in poison:
            raise ValueError("poison")
        if event["n"] in failing and event["n"] not in failed:
            failed.add(event["n"])
            raise Retry("once")
        delivered[event["messageId"]] += 1

    destination = Destination(
        name="d",
        to=CallableSink(call),
        batching=Batching(count=5, wait=0.0),
        schedule=Schedule(first=(0.05, 0.1), cap=0.2, attempts=1000),
        lease=0.5,
    )

    class Own(Exception):
        """A body's."""

    async def live(engine: isthmus.Engine, url: str, count: int, seconds: float, ending: str) -> None:
        async with (
            opened(url, {}) as queue,
            isthmus.open_pipeline(
                engine, queue, sources=[Source(id="s")], destinations=[destination], grace=0.05
            ) as pipeline,
        ):
            for _ in range(count):
                number = len(accepted)
                event = {"type": "track", "event": "E", "messageId": f"m{number}", "n": number}
                await pipeline.accept("s", event)
                accepted[f"m{number}"] = number
            if ending == "last":
                while (await queue.stats(QUEUE)).oldest is not None:  # noqa: ASYNC110 -- a queue has no event for it
                    await trio.sleep(0.05)
                return
            await trio.sleep(seconds)
            if ending == "raise":
                raise Own

    async def run(directory: str) -> set[str]:
        url = f"sqlite:{directory}/q.db"
        async with isthmus.open_engine(load_entry_points=False) as engine:
            for count, seconds, ending in lives:
                with trio.CancelScope() as scope:
                    if ending == "cancel":
                        scope.deadline = trio.current_time() + seconds
                    try:
                        await live(engine, url, count, seconds, ending)
                    except Own:
                        assert ending == "raise"
            with trio.fail_after(60):
                await live(engine, url, 0, 0.0, "last")
            async with opened(url, {}) as queue:
                return {letter.message_id.removeprefix("s:") for letter in await queue.dead(count=1000)}

    with tempfile.TemporaryDirectory() as directory:
        dead = trio.run(run, directory)
    poisonous = {message_id for message_id, number in accepted.items() if number in poison}
    # One whose acceptance was cut off may have been kept all the same.
    cut_off = {f"m{number}" for number in range(len(accepted) + 1)} - set(accepted)
    assert dead - cut_off == poisonous
    assert set(delivered) - cut_off == set(accepted) - poisonous
