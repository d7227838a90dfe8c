"""Cancel a pipeline at each step that any of its tasks makes: what was accepted is delivered by the next one."""

from __future__ import annotations

from typing import Any

import trio
import trio.testing
from tests.engine.piping import QUICKLY, load, opened, track, until_empty

import isthmus
from isthmus.pipelines import Batching, Destination, Source
from isthmus.sinks import CallableSink, Retry
from isthmus.testing import World

MOST_STEPS = 3000
QUEUES = ("webhook:s", "source:s", "destination:function", "destination:sink")


class CancelAt(trio.abc.Instrument):
    """Cancels a scope before the n-th step that any task makes."""

    def __init__(self, scope: trio.CancelScope, steps: int) -> None:
        self._scope = scope
        self._steps = steps

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self._steps -= 1
        if self._steps == 0:
            self._scope.cancel()


class Places:
    """What arrived at a function with ``onBatch`` and at a sink; event 1 fails once, event 2 is refused."""

    def __init__(self) -> None:
        self.arrived: dict[str, list[str]] = {"function": [], "sink": []}
        self._failed: set[str] = set()

    def take(self, place: str, event: dict[str, Any]) -> None:
        if event["n"] == 1 and place not in self._failed:
            self._failed.add(place)
            raise Retry("once")
        if event["n"] == 2:
            raise ValueError("poison")
        self.arrived[place].append(event["messageId"])

    async def sink(self, event: dict[str, Any]) -> None:
        await trio.lowlevel.checkpoint()
        self.take("sink", event)

    async def on_batch(self, events: Any, settings: Any, world: World) -> Any:
        await trio.lowlevel.checkpoint()
        results = []
        for event in events:
            try:
                self.take("function", event)
            except Retry:
                results.append({"status": 500})
            except ValueError:
                results.append({"status": 400})
            else:
                results.append({"status": 200})
        return results


def on_request(request: Any, settings: Any, world: World) -> None:
    world.sent.append({"type": "track", "event": "E", "n": 9})


async def life_and_afterlife(steps: int) -> bool:
    """Whether the life was cut short; what it accepted has arrived after the next one."""
    places = Places()
    accepted: list[str] = []
    webhooks: list[str] = []
    scripts: dict[str, Any] = {
        "insert": {"onTrack": lambda event, settings, world: event},
        "to": {"onBatch": places.on_batch},
        "hook": {"onRequest": on_request},
    }
    async with opened(scripts) as (engine, queue):
        source = Source(
            id="s",
            function=await load(engine, "hook", isthmus.Kind.SOURCE),
            inserts=(await load(engine, "insert", isthmus.Kind.SOURCE_INSERT),),
        )
        destinations = [
            Destination(
                name="function",
                to=await load(engine, "to", isthmus.Kind.DESTINATION),
                batching=Batching(count=2, wait=0.2),
                schedule=QUICKLY,
                lease=5.0,
            ),
            Destination(name="sink", to=CallableSink(places.sink), schedule=QUICKLY, lease=5.0),
        ]

        def pipeline() -> Any:
            return isthmus.open_pipeline(
                engine, queue, sources=[source], destinations=destinations, grace=1.0, clock=queue._now
            )

        instrument: CancelAt | None = None
        with trio.CancelScope() as scope:
            instrument = CancelAt(scope, steps)
            trio.lowlevel.add_instrument(instrument)
            try:
                async with pipeline() as first:
                    accepted += await first.accept("s", [track(number) for number in range(4)])
                    webhooks.append(await first.receive("s", isthmus.Request(body=b"{}")))
                    await trio.sleep(0.1)
                    accepted += await first.accept("s", track(4))
                    await until_empty(queue, *QUEUES)
            finally:
                trio.lowlevel.remove_instrument(instrument)
        async with pipeline():
            await until_empty(queue, *QUEUES)
        dead = {(letter.queue, letter.message_id) for letter in await queue.dead()}
        waiting = [await queue.stats(name) for name in QUEUES]
    wanted = {*accepted, *(f"{webhook}.0" for webhook in webhooks)}
    for place, arrived in places.arrived.items():
        gone = {message_id.removeprefix("s:") for name, message_id in dead if name == f"destination:{place}"}
        assert wanted <= set(arrived) | gone, (steps, place)
        assert gone <= {"m2"}, (steps, place)
        assert scope.cancelled_caught or len(arrived) == len(set(arrived)), (steps, place)
    assert all(stats.oldest is None for stats in waiting)
    return scope.cancelled_caught


def test_cancelled_at_any_step_a_pipeline_loses_nothing() -> None:
    for steps in range(1, MOST_STEPS):
        cut = trio.run(life_and_afterlife, steps, clock=trio.testing.MockClock(autojump_threshold=0))
        if not cut:
            break
    assert not cut
    assert steps > 100
