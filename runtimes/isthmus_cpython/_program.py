"""A loaded Python function: every call in a process of its own, or one process kept for each instance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

import trio

from isthmus.abc import Call, Host, Killed, Program, Reply

from ._endings import of_silence
from ._levels import Isolation
from ._pool import Pool
from ._process import Exit, Process
from ._talk import Told, hold
from ._zygote import Zygote

if TYPE_CHECKING:
    from isthmus.limits import Limits

__all__ = ["CPythonProgram"]

LAST_WORDS: Final = 0.5
"""Seconds between hanging up and being gone, for a process that ends by itself: how it does is worth knowing."""


@final
class CPythonProgram(Program):
    """A Python function, its zygote, and its processes.

    Args:
        zygote: has adopted the function.
        pool: of its processes.
        handlers: that the function defines.
        limits: of every call.
        room: processes with a call that may live at once, of all programs.
        keep: one process for all calls of an instance.
        lines: of its code that have something to run.
    """

    def __init__(
        self,
        zygote: Zygote,
        pool: Pool,
        *,
        handlers: frozenset[str],
        limits: Limits,
        room: trio.Semaphore,
        keep: bool,
        lines: frozenset[int] = frozenset(),
    ) -> None:
        self.handlers = handlers
        self._lines = lines
        self._zygote = zygote
        self._pool = pool
        self._limits = limits
        self._room = room
        self._keep = keep
        self._kept: dict[str, Process] = {}
        self._turns: dict[str, trio.Lock] = {}

    @property
    def isolation(self) -> Isolation:
        """What separates its processes from the host."""
        return self._zygote.isolation

    async def run(self, call: Call, host: Host) -> Reply:
        """Run one call; see :class:`isthmus.abc.Program`."""
        if not self._keep:
            return await self._run_alone(call, host)
        async with self._turns.setdefault(call.instance, trio.Lock()), self._room:
            return await self._run_kept(call, host)

    async def forget(self, instance: str) -> None:
        """End the process kept for an instance."""
        self._turns.pop(instance, None)
        if process := self._kept.pop(instance, None):
            await process.end()

    async def aclose(self) -> None:
        """End all processes."""
        for instance in list(self._kept):
            await self.forget(instance)
        await self._pool.aclose()
        await self._zygote.aclose()

    async def _run_alone(self, call: Call, host: Host) -> Reply:
        await self._room.acquire()
        started = trio.current_time()
        try:
            process = await self._pool.take()
        except BaseException:
            self._room.release()
            raise
        used = process.cpu() or 0.0
        told, exit_ = None, Exit()
        try:
            told = await self._heard(process, call, host, used)
            if told is None:
                told, exit_ = await self._silence(process)
        finally:
            if told is None or isinstance(told.ending, Killed):
                exit_ = await process.end()
                self._leave()
            else:
                # That it ends takes as long as a call does, and nobody waits for it.
                # It tells of its time to the nanosecond, and of no more than there was.
                cpu = min(told.cpu, used + trio.current_time() - started)
                exit_ = process.ended or Exit(cpu=max(cpu, process.cpu() or used), memory=process.memory())
                if self._pool.take_back(process, exit_.memory):
                    self._leave()
                else:
                    process.let_go(self._leave)
        return Reply(told.ending, told.messages, max(0.0, exit_.cpu - used), exit_.memory, started)

    async def _heard(self, process: Process, call: Call, host: Host, used: float) -> Told | None:
        """How a call ended, None where its process hung up; which lines ran is told its host."""
        told = await hold(process, call, host, self._limits, used)
        if told is not None and host.traced:
            host.ran(told.lines, self._lines)
        return told

    async def _silence(self, process: Process) -> tuple[Told, Exit]:
        """What became of a process that has hung up."""
        exit_ = await process.end(LAST_WORDS)
        return Told(of_silence(exit_, self._limits, killed=process.killed)), exit_

    def _leave(self) -> None:
        self._pool.leave()
        self._room.release()

    async def _run_kept(self, call: Call, host: Host) -> Reply:
        started = trio.current_time()
        process = await self._resumed(call.instance)
        used = process.cpu() or 0.0
        told = None
        try:
            told = await self._heard(process, call, host, used)
            if told is None:
                told, _ = await self._silence(process)
        finally:
            if told is None or isinstance(told.ending, Killed):
                await process.end()  # what a limit has ended may not be fit to go on
        cpu, memory = process.cpu(), process.memory()
        if process.ended is None and not process.connection.whole:
            process.let_go()  # half an answer is on its way to it, and would garble the next call
        elif process.ended is None:
            process.stop()
            self._kept[call.instance] = process
        else:
            cpu, memory = process.ended.cpu, process.ended.memory
        cpu = max(min(told.cpu, used + trio.current_time() - started), cpu or used)
        return Reply(told.ending, told.messages, max(0.0, cpu - used), memory, started)

    async def _resumed(self, instance: str) -> Process:
        """The instance's process; a new one where it has none, or that one has ended."""
        process = self._kept.pop(instance, None)
        if process is not None and process.ended is None:
            return process
        if process is not None:
            process.release()
        process = await self._pool.take()
        self._pool.leave()
        return process
