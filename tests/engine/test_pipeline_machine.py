"""Any course of arrivals, failures, time, crashes and storage that is away, against what is to become of each event."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar

import msgspec
import trio
import trio.testing
from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from tests.engine.piping import Unsteady, opened, track

import isthmus
from isthmus import Code, QueueError, Status
from isthmus.outcomes import Problem
from isthmus.pipelines import Attempt, Batching, BreakerPolicy, Destination, Sink, Source
from isthmus.rules import Schedule

T = TypeVar("T")

QUEUE: Final = "destination:d"
CONCURRENCY: Final = 2
GRACE: Final = 3.0
LEASE: Final = 5.0
CLOSED_WITHIN: Final = 30.0
"""Seconds: grace, the last words to a storage that is away, and some."""

WINDOW: Final = 100.0
"""Seconds for which a message id is surely remembered."""

METHODS: Final = ("publish", "claim", "ack", "retry", "dead_letter", "extend")
PLANS: Final = ("well", "fails once", "is refused", "poisons its batch", "is slow once")
UNDELIVERABLE: Final = ("is refused", "poisons its batch")


class Planned(Sink):
    """Does with each event what its plan says."""

    def __init__(self) -> None:
        self.delivered: Counter[int] = Counter()
        self.most_at_once = 0
        self._under_way = 0
        self._once: set[int] = set()

    def _first(self, number: int) -> bool:
        is_first = number not in self._once
        self._once.add(number)
        return is_first

    async def deliver(self, events: Sequence[bytes]) -> Attempt | Sequence[Attempt]:
        self._under_way += 1
        self.most_at_once = max(self.most_at_once, self._under_way)
        try:
            return await self._deliver([msgspec.json.decode(event) for event in events])
        finally:
            self._under_way -= 1

    async def _deliver(self, events: list[dict[str, Any]]) -> Attempt | Sequence[Attempt]:
        plans = {event["n"]: event["plan"] for event in events}
        if "poisons its batch" in plans.values():
            return _failed(Status.REFUSED, Code.BAD_REQUEST)
        if [number for number, plan in plans.items() if plan == "is slow once" and self._first(number)]:
            await trio.sleep_forever()
        await trio.sleep(0.3)
        return [self._one(number, plan) for number, plan in plans.items()]

    def _one(self, number: int, plan: str) -> Attempt:
        if plan == "is refused":
            return _failed(Status.REFUSED, Code.BAD_REQUEST)
        if plan == "fails once" and self._first(number):
            return _failed(Status.RETRY, Code.RETRY)
        self.delivered[number] += 1
        return Attempt(status=Status.DELIVERED)


def _failed(status: Status, code: Code) -> Attempt:
    return Attempt(status=status, problem=Problem(name="Planned", message="as planned", code=code))


class Portal:
    """Trio in a thread, with a clock that stands still but for what it is told."""

    def __init__(self, main: Callable[[Callable[[], None]], Awaitable[None]]) -> None:
        self.clock = trio.testing.MockClock()
        self._error: BaseException | None = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(main,), daemon=True)
        self._thread.start()
        self._ready.wait()

    def _run(self, main: Callable[[Callable[[], None]], Awaitable[None]]) -> None:
        async def begin() -> None:
            self._token = trio.lowlevel.current_trio_token()
            await main(self._ready.set)

        try:
            trio.run(begin, clock=self.clock)
        except BaseException as exc:  # noqa: BLE001 -- raised by the next call
            self._error = exc
        finally:
            self._ready.set()

    def call(self, call: Callable[..., Awaitable[T]], *arguments: object) -> T:
        try:
            return trio.from_thread.run(call, *arguments, trio_token=self._token)
        except trio.RunFinishedError:
            raise self._error or AssertionError("it ended by itself") from None

    def join(self) -> None:
        self._thread.join()
        if self._error is not None:
            raise self._error


class PipelineMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.sink = Planned()
        self.plans: dict[int, str] = {}
        self.accepted: dict[int, float] = {}  # when
        self.numbers = 0
        self.interrupted = 0
        self.was_away = False
        self.pipeline: isthmus.Pipeline | None = None
        self.portal = Portal(self._main)

    # ------------------------------------------------------------ in Trio's thread

    async def _main(self, ready: Callable[[], None]) -> None:
        self._over = trio.Event()
        async with opened({}) as (self._engine, memory), trio.open_nursery() as self._nursery:
            self.queue = Unsteady(memory)
            ready()
            await self._over.wait()

    async def _live(self, task_status: trio.TaskStatus[isthmus.Pipeline]) -> None:
        destination = Destination(
            name="d",
            to=self.sink,
            concurrency=CONCURRENCY,
            batching=Batching(count=4, wait=0.4),
            timeout=2.0,
            schedule=Schedule(first=(1.0, 2.0), cap=4.0, attempts=10_000),
            breaker=BreakerPolicy(failures=4, interval=3.0),
            lease=LEASE,
        )
        self._ended = trio.Event()
        self._ending = trio.Event()
        with trio.CancelScope() as self._life:
            async with isthmus.open_pipeline(
                self._engine,
                self.queue,
                sources=[Source(id="s")],
                destinations=[destination],
                grace=GRACE,
                clock=self.queue.queue._now,
            ) as pipeline:
                task_status.started(pipeline)
                await self._ending.wait()
        self._ended.set()

    async def _open(self) -> isthmus.Pipeline:
        pipeline: isthmus.Pipeline = await self._nursery.start(lambda task_status: self._live(task_status))
        return pipeline

    async def _pass(self, seconds: float, until: Callable[[], bool] = lambda: False) -> None:
        while seconds > 0 and not until():
            await trio.testing.wait_all_tasks_blocked()
            step = min(0.25, seconds)
            self.portal.clock.jump(step)
            seconds -= step
        await trio.testing.wait_all_tasks_blocked()

    async def _finish(self, *, crash: bool) -> None:
        assert self.pipeline is not None
        await trio.testing.wait_all_tasks_blocked()
        self.interrupted += self.pipeline.stats().lanes[QUEUE].in_hand
        if crash:
            self._life.cancel()
        else:
            self._ending.set()
        await self._pass(CLOSED_WITHIN, self._ended.is_set)
        assert self._ended.is_set(), "it did not close in time"

    async def _accept(self, numbers: list[int]) -> None:
        assert self.pipeline is not None
        events = [track(number, plan=self.plans[number]) for number in numbers]
        try:
            await self.pipeline.accept("s", events)
        except QueueError:
            assert "publish" in self.queue.away
        else:
            self.accepted.update(dict.fromkeys(numbers, trio.current_time()))

    async def _dead(self) -> set[int]:
        return {msgspec.json.decode(letter.body)["n"] for letter in await self.queue.dead(count=10_000)}

    async def _is_empty(self) -> bool:
        return (await self.queue.stats(QUEUE)).oldest is None

    # ------------------------------------------------------------ what happens

    def _opened(self) -> None:
        if self.pipeline is None:
            self.pipeline = self.portal.call(self._open)

    @rule(plans=st.lists(st.sampled_from(PLANS), min_size=1, max_size=8))
    def events_arrive(self, plans: list[str]) -> None:
        self._opened()
        numbers = list(range(self.numbers, self.numbers + len(plans)))
        self.numbers += len(plans)
        self.plans.update(zip(numbers, plans, strict=True))
        self.portal.call(self._accept, numbers)

    @rule(back=st.integers(1, 20))
    def an_event_arrives_again(self, back: int) -> None:
        self._opened()
        number = self.numbers - back
        at = self.accepted.get(number)
        if at is not None and self.portal.clock.current_time() - at < WINDOW:
            self.portal.call(self._accept, [number])
            self.accepted[number] = at

    @rule(seconds=st.floats(0.1, 15.0))
    def time_passes(self, seconds: float) -> None:
        self.portal.call(self._pass, seconds)

    @rule(methods=st.sets(st.sampled_from(METHODS), min_size=1), late=st.booleans())
    def the_storage_goes_away(self, methods: set[str], late: bool) -> None:
        self.queue.away, self.queue.late = methods, late
        self.was_away = True

    @rule()
    def the_storage_is_back(self) -> None:
        self.queue.away = set()

    @rule(crash=st.booleans())
    def the_pipeline_ends(self, crash: bool) -> None:
        if self.pipeline is not None:
            self.portal.call(lambda: self._finish(crash=crash))
            self.pipeline = None

    # ------------------------------------------------------------ what holds

    @invariant()
    def nothing_arrives_that_should_not(self) -> None:
        assert not [number for number in self.sink.delivered if self.plans[number] in UNDELIVERABLE]
        assert self.sink.most_at_once <= CONCURRENCY
        if not self.was_away:
            again = sum(self.sink.delivered.values()) - len(self.sink.delivered)
            assert again <= self.interrupted

    def teardown(self) -> None:
        try:
            self.queue.away = set()
            self._opened()
            for _ in range(100):
                if self.portal.call(self._is_empty):
                    break
                self.portal.call(self._pass, 10.0)
            assert self.portal.call(self._is_empty), "it does not come to an end"
            dead = self.portal.call(self._dead)
            arrived = set(self.sink.delivered)
            assert {self.plans[number] for number in dead} <= set(UNDELIVERABLE)
            assert set(self.accepted) <= arrived | dead
            assert not arrived & dead
            self.portal.call(lambda: self._finish(crash=False))
        finally:
            self.portal.call(self._stop)
            self.portal.join()

    async def _stop(self) -> None:
        await trio.lowlevel.checkpoint()
        self._over.set()
        self._nursery.cancel_scope.cancel()


TestPipeline = PipelineMachine.TestCase
TestPipeline.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
