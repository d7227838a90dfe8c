"""A function's process as the host holds it: its connection, its signals, its clock, and how it ended."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from typing import Final, final

import msgspec
import trio

from ._wire import Connection

__all__ = ["Exit", "Process"]

ENDING: Final = 5.0
"""Seconds that the kernel may take to end what was killed, before it is left to its zygote."""


@final
class Exit(msgspec.Struct, frozen=True):
    """How a process ended.

    Attributes:
        status: as ``waitpid`` gives it, None where that is not known.
        cpu: seconds, its own and the kernel's for it.
        memory: bytes resident at the most.
    """

    status: int | None = None
    cpu: float = 0.0
    memory: int = 0


@final
class Process:
    """One process that a zygote has forked.

    Args:
        connection: to it.
        pidfd: a descriptor of it, -1 where the system has none.
        kill: has its zygote kill it, for systems without such descriptors.

    Attributes:
        ended: how, once it has.
        killed: by :meth:`end`.
        stopped: by :meth:`stop`.
    """

    __slots__ = ("_after", "_gone", "_id", "_kill", "_pidfd", "connection", "ended", "killed", "stopped")

    def __init__(self, connection: Connection, pidfd: int, kill: Callable[[], None]) -> None:
        self.connection = connection
        self.ended: Exit | None = None
        self.killed = False
        self.stopped = False
        self._pidfd = pidfd
        self._kill = kill
        self._gone = trio.Event()
        self._after: Callable[[], None] | None = None
        self._id = _id_of(pidfd)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal; a process that is gone takes none."""
        if self.ended is not None:
            return
        if self._pidfd >= 0:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, number)
        elif number == signal.SIGKILL:
            self._kill()

    def stop(self) -> None:
        """Let it have no time until it is resumed: it has nothing to do, whatever threads its code has left."""
        self.stopped = True
        self.signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        if self.stopped:
            self.stopped = False
            self.signal(signal.SIGCONT)

    def cpu(self) -> float | None:
        """Seconds of processor time used so far, None where that cannot be told.

        Of a process that runs at this moment the system says what it had at its last tick.
        """
        if self._id <= 0 or self.ended is not None:
            return None
        try:
            # The kernel's number for the clock of another process: its id, inverted, over the kind of clock.
            return time.clock_gettime((~self._id << 3) | 2)
        except OSError:
            return None

    def memory(self) -> int:
        """Bytes resident at the most so far, 0 where that cannot be told."""
        try:
            with open(f"/proc/{self._id}/status", encoding="ascii", errors="replace") as opened:
                for line in opened:
                    if line.startswith("VmHWM:"):
                        return int(line.split()[1]) * 1024
        except (OSError, ValueError, IndexError):
            pass
        return 0

    async def wait(self) -> Exit:
        """Wait until it has ended."""
        await self._gone.wait()
        return self.ended or Exit()

    async def end(self, patience: float = 0.0) -> Exit:
        """Kill it where it still runs, wait until it is gone, and give back what is held of it.

        It is done whoever cancels, within a bound.

        Args:
            patience: seconds that it is given to end by itself.
        """
        try:
            if patience:
                with trio.move_on_after(patience):
                    await self._gone.wait()
            if self.ended is None:
                self.killed = True
                self.signal(signal.SIGKILL)
            with trio.CancelScope(shield=True, deadline=trio.current_time() + ENDING):
                await self._gone.wait()
        finally:
            self.release()
        return self.ended or Exit()

    def let_go(self, after: Callable[[], None] = lambda: None) -> None:
        """Kill it without waiting; when it is gone what is held of it is given back, and ``after`` called."""
        self.signal(signal.SIGKILL)
        self.connection.close()
        self._after = after
        if self.ended is not None:
            self.gone(self.ended)

    def release(self) -> None:
        """Give back what is held of it, once it is gone or killed: hung up alone, hostile code would run on."""
        self.connection.close()
        if self._pidfd >= 0:
            os.close(self._pidfd)
            self._pidfd = -1

    def gone(self, exit_: Exit) -> None:
        """It has ended."""
        self.ended = exit_
        self._gone.set()
        if self._after is not None:
            after, self._after = self._after, None
            self.release()
            after()


def _id_of(pidfd: int) -> int:
    """A process's id as this process sees it, 0 where that cannot be told."""
    if pidfd < 0:
        return 0
    try:
        with open(f"/proc/self/fdinfo/{pidfd}", encoding="ascii") as opened:
            for line in opened:
                if line.startswith("Pid:"):
                    return int(line[4:])
    except (OSError, ValueError):
        pass
    return 0
