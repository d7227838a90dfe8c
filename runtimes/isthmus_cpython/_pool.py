"""Processes that are ready before there is a call for them; how many follows the load."""

from __future__ import annotations

import logging
from collections import deque
from typing import Final, final

import trio

from isthmus.errors import IsthmusError

from ._process import Process
from ._wire import ARMED, ASK, END, FAULT, LOG, METERED, MOST_LINE, Connection
from ._zygote import Zygote

__all__ = ["Pool", "call_caps"]

logger = logging.getLogger("isthmus.cpython")

FADING: Final = 0.98
"""What is left, call by call, of the most that were under way at once."""
YIELDING: Final = 0.001
"""Seconds that making the next process ready holds back for the call that took the last: it is short, most likely."""
RETURNING: Final = 1.0
"""Seconds that a process may take to arm itself anew; calls wait for it, and its code may have no mind to."""
MOST_FAULT: Final = 64 * 1024
MOST_CPU: Final = 0.5
"""Seconds of processor time after which a process is used no more: the kernel's limit counts all its calls."""
MOST_GROWTH: Final = 8 * 1024 * 1024
"""Bytes that a process may have grown by and be used again: what it is reported to take is its peak."""


def call_caps(*, request_bytes: int, output_bytes: int, metered: bool = False) -> dict[int, int]:
    """Bytes of the longest frame of each kind that a call's process may write.

    Args:
        request_bytes: see :class:`isthmus.Limits`.
        output_bytes: likewise.
        metered: what keeps account of its time there is not the author's code.
    """
    escaped = 6  # bytes of JSON for one of text, at the most
    end = output_bytes + 2 * escaped * 16384 * 3 + 4096
    return {
        ARMED: 0,
        # A request's body may be twice its limit: that it is over the limit is said by the host.
        ASK: 2 * escaped * request_bytes + MOST_LINE,
        LOG: MOST_LINE,
        **({METERED: 8 + end} if metered else {END: end}),
        FAULT: MOST_FAULT,
    }


@final
class Pool:
    """Armed processes of one zygote: confined, the module's body run, waiting for a call.

    Args:
        zygote: forks them.
        caps: of their connections.
        most: processes that may be ready at once; 0 keeps none, and every call forks its own.
        patience: seconds that arming may take.
        reused: a process arms itself anew after a call; others end with theirs.
    """

    def __init__(
        self, zygote: Zygote, caps: dict[int, int], *, most: int, patience: float, reused: bool = False
    ) -> None:
        self._zygote = zygote
        self._caps = caps
        self._most = most
        self._patience = patience
        self._reused = reused
        self._ready: deque[Process] = deque()
        self._returning: set[trio.CancelScope] = set()
        self._awaiting = trio.lowlevel.ParkingLot()
        self._usual_memory = 0
        self._busy = 0
        self._peak = 0.0
        self._arming = False
        self._scope: trio.CancelScope | None = None
        self._closed = False

    async def take(self) -> Process:
        """A process for one call: an armed one, which is stopped, or else one that is being forked now.

        Raises:
            RuntimeFault: none could be forked.
        """
        self._busy += 1
        self._peak = max(self._busy, self._peak * FADING)
        try:
            process = await self._next() or await self._zygote.fork(self._caps)
        except BaseException:
            self._busy -= 1
            raise
        self._refill()
        return process

    async def _next(self) -> Process | None:
        """One that is ready, or is about to be and nobody waits for it; None where there is none."""
        while True:
            while self._ready:
                process = self._ready.popleft()
                if process.ended is None:
                    return process
                process.release()
            if len(self._awaiting) >= len(self._returning):
                return None
            try:
                await self._awaiting.park()
            except BaseException:
                self._awaiting.unpark()  # it may have been woken for one that another can have
                raise

    def take_back(self, process: Process, memory: int) -> bool:
        """Have a process, with so many bytes at the most, arm itself anew for another call, if it can; whether it will."""
        if not self._reused or self._closed or process.ended is not None or not process.connection.whole:
            return False
        used = process.cpu()
        if used is None or used >= MOST_CPU or not 0 < memory <= self._usual_memory + MOST_GROWTH:
            return False
        enough = max(1.0, self._peak) + 1  # one more, that arms itself while another runs
        if self._coming >= min(self._most, enough):
            return False
        scope = trio.CancelScope()
        self._returning.add(scope)
        trio.lowlevel.spawn_system_task(self._await_return, process, scope)
        return True

    def leave(self) -> None:
        """A call has ended."""
        self._busy -= 1
        while len(self._ready) > max(1.0, self._peak):
            self._ready.pop().let_go()

    async def fill(self) -> None:
        """Have at least one ready."""
        await self._arm()

    async def aclose(self) -> None:
        """Let those that are ready go."""
        self._closed = True
        if self._scope is not None:
            self._scope.cancel()
        for scope in self._returning:
            scope.cancel()
        while self._ready:
            await self._ready.popleft().end()

    def _refill(self) -> None:
        if not self._arming and not self._closed and self._wanted():
            self._arming = True
            trio.lowlevel.spawn_system_task(self._keep_ready)

    def _wanted(self) -> bool:
        return self._coming < min(self._most, max(1.0, self._peak))

    @property
    def _coming(self) -> int:
        """Processes that are ready, or will be without another fork."""
        return len(self._ready) + len(self._returning)

    async def _keep_ready(self) -> None:
        try:
            with trio.CancelScope() as self._scope:
                await trio.sleep(YIELDING)
                while self._wanted() and await self._arm():
                    pass
        except IsthmusError as error:
            if not self._closed:
                logger.warning("no process could be made ready: %s", error)
        except Exception:  # in a task of the loop's own, where an exception would end the whole program
            logger.exception("making a process ready failed")
        finally:
            self._arming = False
            self._scope = None

    async def _arm(self) -> bool:
        """Fork one and wait until it says that it is ready; whether it did."""
        process = await self._zygote.fork(self._caps)
        armed = False
        try:
            with trio.move_on_after(self._patience):
                armed = await _is_armed(process.connection)
        finally:
            await self._keep(process, armed=armed)
        return armed

    async def _await_return(self, process: Process, scope: trio.CancelScope) -> None:
        """Wait, in a task of the loop's own, until a process has armed itself anew."""
        armed = False
        try:
            with scope, trio.move_on_after(RETURNING):
                armed = await _is_armed(process.connection)
            await self._keep(process, armed=armed)
        except Exception:  # where an exception would end the whole program
            logger.exception("making a process ready again failed")
        finally:
            self._returning.discard(scope)
            self._awaiting.unpark()

    async def _keep(self, process: Process, *, armed: bool) -> None:
        if not armed or self._closed:
            await process.end()
            return
        self._usual_memory = self._usual_memory or process.memory()
        process.stop()
        self._ready.append(process)


async def _is_armed(connection: Connection) -> bool:
    """Whether the next frame says so; what a module's body prints comes before, and is nobody's."""
    try:
        while (frame := await connection.receive()) is not None:
            if frame[0] != LOG:
                return frame[0] == ARMED
    except IsthmusError:
        pass
    return False
