"""What counts for a crossing of many calls is what they have of a processor, not how long they wait for one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from isthmus import Limits
from isthmus.abc import Call
from isthmus_quickjs import _burst, _calls
from isthmus_quickjs._burst import SOFT, Burst
from isthmus_quickjs._calls import CallQueue, Journey
from isthmus_quickjs._world import Ran

CALLS = 3
FRAME = b"\0" * 32  # returned nothing


class Clocks:
    """The clock on the wall, and that of the lane's thread."""

    def __init__(self) -> None:
        self.wall = 1000.0
        self.cpu = 10.0

    def monotonic(self) -> float:
        return self.wall

    def thread_time(self) -> float:
        return self.cpu

    def pass_(self, *, wall: float, cpu: float) -> None:
        self.wall += wall
        self.cpu += cpu


class Scene:
    """A burst of a few calls under way in a world that is none; its queue notes what it is told."""

    def __init__(self, clocks: Clocks) -> None:
        self.clocks = clocks
        self.landed: list[Journey] = []
        self.handed_back: list[Journey] = []
        self.long = 0
        nothing: Any = SimpleNamespace()
        queue: Any = SimpleNamespace(
            limits=Limits(),
            absorb=CallQueue(nothing, Limits(), nothing).absorb,
            land=lambda landed: self.landed.extend(journey for journey, _ in landed),
            hand_back=self._hand_back,
            is_long=self._is_long,
            take_world=lambda: self.world,
            return_world=lambda _: None,
        )
        call = Call("onTrack", b"{}", b"{}", "one", 0.0, bytes(32))
        self.journeys = [Journey(call, nothing, lambda *_: None, place) for place in range(CALLS)]
        self.burst = Burst(queue, list(self.journeys))

    def _hand_back(self, taken: list[Journey], start: int) -> None:
        self.handed_back += taken[start:]
        del taken[start:]

    def _is_long(self) -> None:
        self.long += 1

    def second_is_looked_at(self, *, wall: float, cpu: float) -> bool:
        """The first call has ended, and the clock ticks while the second runs, so long after the burst's begin."""

        ran, answers = Ran(FRAME, b"", wall / 2), []

        def run_many(records: list[bytes], soft: float, proceed: Any) -> Any:
            self.clocks.pass_(wall=wall, cpu=cpu)
            answers.append(proceed(1, wall / 2))
            return SimpleNamespace(ran=[ran] * len(self.burst.taken), stopped=None)

        self.world = SimpleNamespace(run_many=run_many, finish_early=lambda: [ran])
        self.burst.run()
        return answers == [True]


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    clocks = Clocks()
    monkeypatch.setattr(_burst, "time", clocks)
    monkeypatch.setattr(_calls, "time", clocks)
    return Scene(clocks)


def test_one_that_waits_for_a_processor_keeps_its_calls(scene: Scene) -> None:
    assert scene.second_is_looked_at(wall=20 * SOFT, cpu=SOFT / 2)
    assert (scene.long, scene.handed_back) == (0, [])
    assert scene.landed == scene.journeys


def test_one_that_uses_a_processor_for_long_gives_up_what_has_not_begun(scene: Scene) -> None:
    assert scene.second_is_looked_at(wall=2 * SOFT, cpu=2 * SOFT)
    assert (scene.long, scene.handed_back) == (1, scene.journeys[2:])
    assert scene.landed == scene.journeys[:2]
    assert scene.burst.long


def test_what_calls_cost_is_their_processor_time(scene: Scene) -> None:
    scene.second_is_looked_at(wall=0.03, cpu=0.003)
    assert scene.burst.seconds == pytest.approx(CALLS * 0.015)
    assert scene.burst.spent == pytest.approx(CALLS * 0.0015)
