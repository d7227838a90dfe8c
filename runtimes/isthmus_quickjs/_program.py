"""A loaded JavaScript function: its calls, and what the host does for those that wait."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

import trio

from isthmus.abc import Call, Host, Killed, Program, Reply, Returned, Thrown
from isthmus.errors import RuntimeFault

from ._calls import CallQueue, Crossing, Journey, Landing, nonsense
from ._errands import Errands
from ._frames import (
    RETURNED,
    STALLED,
    WAITING,
    Frame,
    ThrownValue,
    asks_more_than,
    parse_report,
    parse_thrown,
)
from ._inline import InlineCalls, InlineLane
from ._world import CrossingResult, World

if TYPE_CHECKING:
    from isthmus.limits import Limits

    from ._guest import Image
    from ._lanes import Lanes

__all__ = ["QuickJSProgram"]

BURSTS: Final = 10
"""How many times ``Limits.operations`` a call may ask for without a pause, what it takes back included."""

OUT_OF_MEMORY: Final = ("InternalError", "out of memory")
"""What QuickJS throws at its memory limit; uncaught, it is the limit that ended the call."""


class QuickJSProgram(Program):
    """A JavaScript function over one image; every call in a world restored from it."""

    def __init__(
        self,
        image: Image,
        limits: Limits,
        lanes: Lanes,
        inline: InlineLane | None = None,
        *,
        keep_worlds: bool,
        file: str,
    ) -> None:
        self.handlers = image.handlers
        self._limits = limits
        self._lanes = lanes
        self._file = file
        self._queue = CallQueue(image, limits, lanes)
        self._inline = None if inline is None else InlineCalls(self._queue, inline)
        self._keep_worlds = keep_worlds
        self._kept: dict[str, World] = {}
        self._turns: dict[str, trio.Lock] = {}

    async def run(self, call: Call, host: Host) -> Reply:
        """Run one call; see :class:`isthmus.abc.Program`."""
        if self._keep_worlds:
            async with self._turns.setdefault(call.instance, trio.Lock()):
                return await self._run_kept(call, host)
        trip = _Trip.begin(call, host)
        journey = trip.journey
        landing: Landing | None = None
        if self._inline is not None:
            landing = await self._inline.attempt(journey)
        if landing is None and host.taped:
            landing = await trip.go(lambda: self._queue.submit_alone(journey))
        elif landing is None:
            landing = await trip.go(lambda: self._queue.submit([journey]))
        has_ended = type(landing) is Frame and landing.status != WAITING and not landing.report
        if has_ended and journey.world is None:
            return self._reply(journey, landing)
        return await self._carry_on(trip, landing)

    async def run_many(
        self, calls: Sequence[tuple[Call, Host]], deliver: Callable[[int, Reply], None]
    ) -> None:
        """Run calls together, as many to a crossing as are worth it."""
        if self._keep_worlds:
            await super().run_many(calls, deliver)
            return
        left = len(calls)
        if not left:
            return
        all_landed = trio.Event()
        faults: list[RuntimeFault] = []

        async def wait_for(index: int, trip: _Trip, landing: Landing) -> None:
            try:
                deliver(index, await self._carry_on(trip, landing))
            except RuntimeFault as error:
                fault(error)
            else:
                count_down()

        def fault(error: RuntimeFault) -> None:
            faults.append(error)
            all_landed.set()

        def count_down() -> None:
            nonlocal left
            left -= 1
            if not left:
                all_landed.set()

        async with trio.open_nursery() as nursery:

            def land(journey: Journey, landing: Landing) -> None:
                if journey.cancelled:
                    journey.leave_world()
                elif type(landing) is Frame and landing.status != WAITING and not landing.report:
                    deliver(journey.place, self._reply(journey, landing))
                    count_down()
                elif isinstance(landing, RuntimeFault):
                    fault(landing)
                else:
                    nursery.start_soon(wait_for, journey.place, _Trip(journey), landing)

            journeys = [Journey(call, host, land, place) for place, (call, host) in enumerate(calls)]
            self._queue.submit(journeys)
            try:
                await all_landed.wait()
            finally:
                if left:
                    for journey in journeys:
                        journey.cancelled = True
                    nursery.cancel_scope.cancel()
        if faults:
            raise faults[0]

    async def forget(self, instance: str) -> None:
        """Close the world kept for an instance."""
        self._turns.pop(instance, None)
        if world := self._kept.pop(instance, None):
            world.close()

    async def aclose(self) -> None:
        """Close all worlds."""
        for instance in list(self._kept):
            await self.forget(instance)
        self._queue.close()
        if self._inline is not None:
            self._inline.close()

    async def _run_kept(self, call: Call, host: Host) -> Reply:
        trip = _Trip.begin(call, host)
        journey = trip.journey
        journey.world = self._kept.pop(call.instance, None)

        def cross(world: World, proceed: Callable[[int, float], bool]) -> CrossingResult:
            world.settle()
            return world.invoke(journey.record, proceed)

        landing = await trip.go(lambda: self._lanes.offer(Crossing(self._queue, journey, cross)))
        reply = await self._carry_on(trip, landing, keep=True)
        if isinstance(reply.ending, Killed):
            journey.leave_world()  # what a limit has ended may not be fit to go on
        elif journey.world is not None:
            self._kept[call.instance] = journey.world
        return reply

    # -- a call that waits

    async def _carry_on(self, trip: _Trip, landing: Landing, *, keep: bool = False) -> Reply:
        """Do what the world asks and hand it the answers, until the call has ended."""
        journey = trip.journey
        talk = _Talk(landing)
        left = self._limits.wall - (time.monotonic() - (journey.began or time.monotonic()))
        try:
            with trio.move_on_after(max(left, 0)):
                async with trio.open_nursery() as nursery:
                    errands = Errands(journey.host, nursery, self._limits.operations)
                    try:
                        await self._converse(trip, talk, errands)
                    except RuntimeFault as fault:
                        talk.landing = nonsense(fault)
                        if journey.world is not None:
                            journey.world.broken = True
                    nursery.cancel_scope.cancel()  # the call has ended: what is under way is nobody's
        except BaseException:
            trip.abandon()
            raise
        landing = talk.landing
        if type(landing) is Frame and landing.status == WAITING:
            trip.abandon()  # what it asked for is not there in time
            landing = Killed("timeout", f"the call took longer than its limit of {self._limits.wall:g} s")
        if isinstance(landing, Killed) and landing.reason != "crash" and talk.settled is not None:
            landing = talk.settled  # its handler had ended, and what that left behind changes nothing
        if journey.cancelled:
            trip.abandon()  # by whoever ran it with others, when this task had heard of its end
        elif journey.world is not None and (not keep or journey.world.broken):
            self._queue.return_world(journey.world)
            journey.world = None
        return self._reply(journey, landing, talk.messages)

    async def _converse(self, trip: _Trip, talk: _Talk, errands: Errands) -> None:
        while not isinstance(talk.landing, Killed | Thrown | RuntimeFault):
            frame = talk.landing
            most = max(self._limits.operations, 1) * BURSTS
            if asks_more_than(most, frame.report):
                talk.landing = Killed(
                    "output", f"the call asked its host for more than {most} things in one go"
                )
                return
            report = parse_report(frame.report)
            if report.messages:
                talk.hear(bytes(report.messages))
            errands.begin(report.ops)
            if frame.settled:
                talk.settled = frame
            if frame.status != WAITING:
                return
            answers = await errands.answers()
            talk.landing = await trip.go(partial(self._resume, trip.journey, answers))

    def _resume(self, journey: Journey, answers: bytes) -> None:
        passed = journey.host.elapsed(time.monotonic() - (journey.began or 0.0))
        now_us = journey.now_us + int(passed * 1e6)
        self._lanes.offer(
            Crossing(self._queue, journey, lambda world, go_on: world.resume(answers, now_us, go_on)),
            urgent=True,
        )

    # -- the reply

    def _reply(self, journey: Journey, landing: Landing, sent: bytes = b"") -> Reply:
        if journey.logs:
            told = 0
            for level, text, at in journey.logs:
                journey.host.log(level, text, at)
                told += len(text.encode())
            if isinstance(landing, Frame) and landing.log_total > told:
                journey.host.log_left_out(landing.log_total - told)
            journey.logs = []
        started = self._queue.trio_ahead + (journey.began or time.monotonic())
        limit = self._limits.output_bytes
        if (
            type(landing) is Frame
            and landing.status == RETURNED
            and not landing.note
            and not sent
            and len(landing.value) <= limit
        ):
            return Reply(Returned(landing.value), b"", journey.spent, journey.memory, started)
        ending: Returned | Thrown | Killed
        messages = b""
        if isinstance(landing, RuntimeFault):
            raise landing
        if isinstance(landing, Killed | Thrown):
            ending = landing
        else:
            ending = self._ending(journey, landing)
            if landing.settled and not landing.failed:
                messages = sent
        if isinstance(ending, Returned) and len(ending.value) + len(messages) > limit:
            size = len(ending.value) + len(messages)
            ending = Killed(
                "output", f"the call handed out {size} bytes of JSON, more than its limit of {limit}"
            )
            messages = b""
        return Reply(ending, messages, journey.spent, journey.memory, started)

    def _ending(self, journey: Journey, frame: Frame) -> Returned | Thrown | Killed:
        if frame.settled and not frame.failed:
            if not frame.note:
                return Returned(frame.value)
            why = parse_thrown(frame.note)
            return self._out_of_memory() if _is_out_of_memory(why) else Returned(b"", why.message)
        if frame.status == STALLED:
            return Thrown(
                "Error",
                f"{journey.call.handler} waits for a promise that nothing can settle: "
                "no fetch, timer or cache call is under way",
            )
        thrown = parse_thrown(frame.value)
        if not frame.value or _is_out_of_memory(thrown):
            return self._out_of_memory()
        return Thrown(thrown.name, thrown.message, thrown.stack, thrown.retry_after)

    def _out_of_memory(self) -> Killed:
        return Killed("memory", f"the call needed more memory than its limit of {self._limits.memory} bytes")


def _is_out_of_memory(thrown: ThrownValue) -> bool:
    return (thrown.name, thrown.message) == OUT_OF_MEMORY


def _unfollowed(_journey: Journey, _landing: Landing) -> None:
    pass


class _Talk:
    """What a world and its host have said to each other so far."""

    __slots__ = ("landing", "messages", "settled")

    def __init__(self, landing: Landing) -> None:
        self.landing = landing
        self.messages = b""  # a JSON array of all that was sent
        self.settled: Frame | None = None  # the last frame after the handler had ended

    def hear(self, messages: bytes) -> None:
        """Add what was sent since the last time, a JSON array."""
        if messages[:1] + messages[-1:] != b"[]":
            raise RuntimeFault("messages are no array")
        sent = [array[1:-1] for array in (self.messages, messages) if array[1:-1].strip()]
        self.messages = b"[" + b",".join(sent) + b"]"


class _Trip:
    """A journey that one task follows, landing by landing."""

    __slots__ = ("_landed", "_landing", "journey")

    def __init__(self, journey: Journey) -> None:
        self.journey = journey
        self.journey.land = self.land
        self._landed = trio.Event()
        self._landed.set()  # it is with its task until that sends it off

    @classmethod
    def begin(cls, call: Call, host: Host) -> _Trip:
        """Prepare a journey that this task follows from its start."""
        return cls(Journey(call, host, _unfollowed))

    async def go(self, depart: Callable[[], None]) -> Landing:
        """Send it off, and wait until it lands."""
        self._landed = trio.Event()
        self._landing: Landing | None = None
        depart()
        try:
            await self._landed.wait()
        except BaseException:
            self.abandon()
            raise
        assert self._landing is not None  # noqa: S101 -- set before the event
        return self._landing

    def abandon(self) -> None:
        """Stop it wherever it is; the lane that runs it, or this, closes its world."""
        journey = self.journey
        journey.cancelled = True
        if self._landed.is_set():
            journey.leave_world()

    def land(self, journey: Journey, landing: Landing) -> None:
        self._landing = landing
        self._landed.set()
        if journey.cancelled:
            journey.leave_world()
