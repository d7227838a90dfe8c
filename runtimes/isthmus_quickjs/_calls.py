"""Calls on their way through the lanes, and the queue of those that ask for a fresh world."""

from __future__ import annotations

import enum
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import trio
from wasmtime import TrapCode

from isthmus.abc import Call, Host, Killed, Thrown
from isthmus.errors import RuntimeFault

from ._burst import SOFT, Burst
from ._driver import ENTRY
from ._frames import Frame, pack_record, parse_frame, parse_logs
from ._wasm import Stopped
from ._world import RECORD_LIMIT, ROOM, STACK, CrossingResult, World

if TYPE_CHECKING:
    from isthmus.limits import Limits

    from ._guest import Image
    from ._lanes import Lanes

__all__ = ["CallQueue", "Crossing", "Journey", "Landing", "nonsense"]

MOST: Final = 64
"""Records in one crossing: beyond that the hop to a lane is paid off, and others wait."""
SPARE_WORLDS: Final = 32
"""Unused worlds kept by a program; more are closed as they come back."""
SPARE_READY: Final = 8
"""Unused worlds that keep their guards: who takes one is spared putting one up."""

Landing = Frame | Killed | Thrown | RuntimeFault
"""What becomes of a call for now: it said something, or it was stopped, or its world makes no sense."""

Cross = Callable[[World, Callable[[int, float], bool]], CrossingResult]


class Stop(enum.Enum):
    """Why a running call was stopped."""

    TIMEOUT = "timeout"
    CPU = "cpu"
    CANCELLED = "cancelled"


class Journey:
    """One call, from its queue to its reply.

    Attributes:
        call: what to run.
        host: what it may ask.
        land: called in the Trio thread with each frame, with what killed it, or with a fault.
        place: its index among those it came with.
        record: the call as the guest takes it; dropped once it has run.
        world: where it waits, or is to run; None for a fresh one.
        began: ``time.monotonic()`` when it left the queue; None while it is queued.
        spent: seconds its own code has run.
        memory: bytes of its world at the most.
        logs: console output that the host has not been told yet: (level, text, seconds).
        cancelled: nobody waits for it any more.
        stop: why it was stopped.
    """

    __slots__ = (
        "began",
        "call",
        "cancelled",
        "host",
        "land",
        "logs",
        "memory",
        "now_us",
        "place",
        "record",
        "spent",
        "stop",
        "world",
    )

    def __init__(
        self, call: Call, host: Host, land: Callable[[Journey, Landing], None], place: int = 0
    ) -> None:
        self.call = call
        self.host = host
        self.land = land
        self.place = place
        self.now_us = int(call.now * 1e6)
        self.record = pack_record(call, self.now_us)
        self.world: World | None = None
        self.began: float | None = None
        self.spent = 0.0
        self.memory = 0
        self.logs: list[tuple[str, str, float]] = []
        self.cancelled = False
        self.stop: Stop | None = None

    def leave_world(self) -> None:
        """Close the world it waits in, if any; in the Trio thread, while no lane has it."""
        if self.world is not None:
            self.world.close()
            self.world = None

    def forget(self) -> None:
        """Be as before it began: it is to be run again."""
        self.began = None
        self.spent = 0.0
        self.memory = 0
        self.logs = []

    def proceed(self, seconds: float, limits: Limits) -> bool:
        """Whether the call may run on, having had so much of the processor in this crossing."""
        if self.cancelled:
            self.stop = Stop.CANCELLED
        elif self.spent + seconds >= limits.cpu:
            self.stop = Stop.CPU
        elif self.began is not None and time.monotonic() - self.began >= limits.wall:
            self.stop = Stop.TIMEOUT
        return self.stop is None


def nonsense(fault: RuntimeFault) -> Killed:
    """What a world says that makes no sense has cost it that world, and its call: it is a hostile one, or broken."""
    return Killed("crash", f"the function's world failed: {fault}")


class CallQueue:
    """The calls of one program that ask for a fresh world; work for the lanes."""

    def __init__(self, image: Image, limits: Limits, lanes: Lanes) -> None:
        self.image = image
        self.limits = limits
        self.lanes = lanes
        self._waiting: deque[Journey] = deque()
        self._worlds: deque[World] = deque()
        self._lock = threading.Lock()
        self._running = 0
        self._closed = False
        self._typical = 0.0001  # seconds of the processor for one call, a moving average
        self.trio_ahead = 0.0  # seconds that Trio's clock is ahead of time.monotonic's

    def compare_clocks(self) -> None:
        """Note how Trio's clock stands to the lanes'; in the Trio thread, before replies are made."""
        self.trio_ahead = trio.current_time() - time.monotonic()

    def submit(self, journeys: list[Journey]) -> None:
        """Queue calls; in the Trio thread."""
        with self._lock:
            self._waiting.extend(journeys)
        self._wake()

    def submit_alone(self, journey: Journey) -> None:
        """Run a call in a crossing of its own, where nothing is begun twice; in the Trio thread."""
        record = journey.record
        self.lanes.offer(Crossing(self, journey, lambda world, proceed: world.invoke(record, proceed)))

    def _wake(self) -> None:
        """Have as many lanes run as there are calls for; those that run are busy, for how long nobody knows."""
        with self._lock:
            more = max(0, min(self.lanes.count - self._running, len(self._waiting)))
            self._running += more
        for _ in range(more):
            self.lanes.offer(self)

    def hand_back(self, taken: list[Journey], start: int) -> None:
        """Queue again what was taken and not begun, in its order, before all others."""
        with self._lock:  # _take looks at the first and takes it: nothing may come between
            self._waiting.extendleft(reversed(taken[start:]))
        del taken[start:]
        self._wake()

    def step(self, lanes: int) -> bool:
        """Run one crossing's worth; in a lane."""
        taken = self._take(lanes)
        long = bool(taken) and self._cross(taken)
        if long:
            self._wake()
            return False
        with self._lock:
            if self._waiting:
                return True
            self._running -= 1
            return False

    def _cross(self, taken: list[Journey]) -> bool:
        """Run calls in one crossing; whether it was so long that its lane is not counted on any more."""
        burst = Burst(self, taken)
        try:
            burst.run()
        except Exception as error:  # noqa: BLE001 -- handed to whoever awaits the calls
            fault = (
                error if isinstance(error, RuntimeFault) else RuntimeFault(f"{type(error).__name__}: {error}")
            )
            self.land([(journey, fault) for journey in taken[burst.told :]])
        if burst.told:
            average = burst.spent / burst.told
            self._typical += (max(average, 1e-6) - self._typical) / 4
        return burst.long

    def is_long(self) -> None:
        """A crossing has become long, and another may begin beside it."""
        with self._lock:
            self._running -= 1
        self._wake()

    def _take(self, lanes: int) -> list[Journey]:
        waiting = self._waiting
        share = -(-len(waiting) // lanes)
        most = max(1, min(MOST, share, int(SOFT / self._typical) + 1)) if self.image.copied else 1
        taken: list[Journey] = []
        size = 0
        with self._lock:
            while waiting and len(taken) < most:
                journey = waiting[0]
                length = len(journey.record)
                size += length + ENTRY.size
                large = length > RECORD_LIMIT
                if taken and (large or size > ROOM):
                    break
                waiting.popleft()
                if not journey.cancelled:
                    taken.append(journey)
                if large:
                    break
        return taken

    def land(self, landed: list[tuple[Journey, Landing]]) -> None:
        def deliver() -> None:
            self.compare_clocks()
            for journey, frame in landed:
                journey.land(journey, frame)

        self.lanes.post(deliver)

    # -- what a crossing says of a call

    def absorb(self, journey: Journey, frame: bytes, log: bytes, seconds: float) -> Frame | Killed:
        """A crossing's frame, its log kept for the host, its usage added up."""
        journey.spent += seconds
        try:
            parsed = parse_frame(frame)
            memory = parsed.heap_top - STACK
            if memory > journey.memory:
                journey.memory = memory
            if log:
                journey.logs += parse_logs(log, journey.now_us)
        except RuntimeFault as fault:
            return nonsense(fault)
        return parsed

    def autopsy(
        self, journey: Journey, world: World, stopped: Stopped, log: bytes, seconds: float
    ) -> Killed | Thrown:
        """What killed a call."""
        journey.spent += seconds
        try:
            journey.logs += parse_logs(log, journey.now_us)
            journey.memory = max(journey.memory, world.memory_used())
        except RuntimeFault as fault:
            return nonsense(fault)
        limits = self.limits
        if journey.stop is Stop.TIMEOUT:
            return Killed("timeout", f"the call took longer than its limit of {limits.wall:g} s")
        if journey.stop is Stop.CPU:
            return Killed("cpu", f"the function's own code ran longer than its limit of {limits.cpu:g} s")
        if journey.stop is Stop.CANCELLED:
            return Killed("crash", "the call was cancelled")
        if stopped.code is TrapCode.STACK_OVERFLOW:
            # What QuickJS itself counts gives the same error, to be caught; this came from code that does not count.
            return Thrown("RangeError", "Maximum call stack size exceeded")
        if stopped.code is TrapCode.UNREACHABLE and journey.memory > limits.memory // 4 * 3:
            return Killed("memory", f"the call needed more memory than its limit of {limits.memory} bytes")
        return Killed(
            "crash",
            f"the function's world failed: {stopped.code.name.lower() if stopped.code else 'stopped'}",
        )

    # -- worlds

    def take_world(self) -> World:
        """A world that has been used and can be restored, or a new one."""
        try:
            return self._worlds.pop()
        except IndexError:
            return World(self.image)

    def return_world(self, world: World) -> None:
        """Keep a world for a later call, unless it can't be restored or there are enough."""
        used_up = world.broken or world.outgrown or not self.image.copied
        if used_up or self._closed or len(self._worlds) >= SPARE_WORLDS:
            world.close()
        else:
            if len(self._worlds) >= max(SPARE_READY, self.lanes.count):
                world.park()
            self._worlds.append(world)

    def close(self) -> None:
        """Close the spare worlds; those in use are closed as they come back."""
        self._closed = True
        while self._worlds:
            self._worlds.pop().close()


class Crossing:
    """One call going straight into the world it has: it goes on, or its world is kept; work for the lanes."""

    def __init__(self, queue: CallQueue, journey: Journey, cross: Cross) -> None:
        self._queue = queue
        self._journey = journey
        self._cross = cross

    def step(self, lanes: int) -> bool:
        journey, queue = self._journey, self._queue
        world = journey.world
        landing: Landing
        try:
            if journey.cancelled:
                queue.land([(journey, Killed("crash", "the call was cancelled"))])
                return False
            if world is None:
                world = journey.world = queue.take_world()
                world.restore()
            if journey.began is None:
                journey.began = time.monotonic()
            if journey.host.taped:
                world.memory.host = journey.host
            cpu = time.thread_time()
            result = self._cross(world, lambda *_: journey.proceed(time.thread_time() - cpu, queue.limits))
            cpu = time.thread_time() - cpu
            if result.stopped is not None:
                landing = queue.autopsy(journey, world, result.stopped, result.log, cpu)
            else:
                landing = queue.absorb(journey, result.ran[0].frame, result.ran[0].log, cpu)
        except RuntimeFault as fault:
            landing = nonsense(fault)
        except Exception as error:  # noqa: BLE001 -- handed to whoever awaits the call
            landing = RuntimeFault(f"{type(error).__name__}: {error}")
        if world is not None:
            if journey.host.taped:
                world.memory.host = None
            if not isinstance(landing, Frame):
                world.broken = True
        queue.land([(journey, landing)])
        return False
