"""One crossing of many calls: what a lane has taken from a queue, on its way through one world."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from isthmus.abc import Killed

from ._frames import WAITING
from ._world import RECORD_LIMIT, CrossingResult, Ran

if TYPE_CHECKING:
    from ._calls import CallQueue, Journey, Landing

__all__ = ["SOFT", "Burst"]

SOFT: Final = 0.004
"""Seconds after which a crossing begins no further record: how long a call can be held up by its elders."""


class Burst:
    """Calls that cross together; all but the first may go back to the queue they came from.

    Attributes:
        taken: the calls, in the order in which they run.
        told: how many of them have landed, from the first on.
        seconds: how long those that ran took, together.
        spent: the processor time of those, together.
        long: it has taken so long that others do not wait for it.
    """

    def __init__(self, queue: CallQueue, taken: list[Journey]) -> None:
        self.taken = taken
        self.told = 0
        self.seconds = 0.0
        self.spent = 0.0
        self.long = False
        self._queue = queue

    def run(self) -> None:
        """Cross, and land what has ended; whatever happens, the world is not lost sight of."""
        self._world = self._queue.take_world()
        self._began, self._cpu = time.monotonic(), time.thread_time()
        try:
            landed = self._finish(self._cross())
        except BaseException:
            self._world.close()
            raise
        if all(journey.world is not self._world for journey, _ in landed):
            self._queue.return_world(self._world)
        self._queue.land(landed)

    def _cross(self) -> CrossingResult:
        first = self.taken[0]
        if len(first.record) > RECORD_LIMIT:
            first.began = self._began
            self._world.restore()
            return self._world.invoke(first.record, self._proceed)
        return self._world.run_many([journey.record for journey in self.taken], SOFT, self._proceed)

    def _proceed(self, index: int, seconds: float) -> bool:
        journey = self.taken[index]
        if journey.began is None:
            journey.began = time.monotonic() - seconds
        if not self.long and time.thread_time() - self._cpu > SOFT:
            # It holds up all others: those before it have ended, those after it go to another lane.  By the processor's
            # time: a crossing of short calls that waited for the processor ends by itself, and another would wait as well.
            self.long = True
            if len(self.taken) > 1:
                self._queue.land(self._tell(self._world.finish_early()))
                self._queue.hand_back(self.taken, index + 1)
            self._queue.is_long()
        return journey.proceed(self._at_most(seconds), self._queue.limits)

    def _at_most(self, seconds: float) -> float:
        """Processor time of a record that ran for so long: others may have had the processor meanwhile."""
        return min(seconds, time.thread_time() - self._cpu)

    def _finish(self, crossing: CrossingResult) -> list[tuple[Journey, Landing]]:
        landed = self._tell(crossing.ran)
        if crossing.stopped is not None and self.told < len(self.taken):
            journey = self.taken[self.told]
            seconds = self._at_most(crossing.seconds)
            found = self._queue.autopsy(journey, self._world, crossing.stopped, crossing.log, seconds)
            landed.append((journey, found))
            self.told += 1
        if self.told < len(self.taken):
            self._queue.hand_back(self.taken, self.told)
        return landed

    def _tell(self, ran: list[Ran]) -> list[tuple[Journey, Landing]]:
        """What became of those that have not landed yet, given all that have run."""
        # The driver's clock goes on while another thread has the processor; the thread's own does not.
        elapsed = time.monotonic() - self._began
        share = min(1.0, (time.thread_time() - self._cpu) / max(elapsed, 1e-9))
        landed: list[tuple[Journey, Landing]] = []
        for journey, each in zip(self.taken[self.told :], ran[self.told :], strict=False):
            if journey.began is None:
                journey.began = self._began + self.seconds
            self.seconds += each.seconds
            self.spent += each.seconds * share
            journey.record = b""
            frame = self._queue.absorb(journey, each.frame, each.log, each.seconds * share)
            if isinstance(frame, Killed):
                self._world.broken = True
            elif frame.status == WAITING:
                journey.world = self._world
                self._world.park()
            landed.append((journey, frame))
        self.told = len(ran)
        return landed
