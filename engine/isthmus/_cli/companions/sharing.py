"""When a run shares its events with companions, and how."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, final

import msgspec
import trio

from isthmus.outcomes import Code, Outcome, Problem, Status
from isthmus.processors import processors

from .beside import Beside
from .messages import Definition, Done, Setup

if TYPE_CHECKING:
    from isthmus._cli.job import Job
    from isthmus._cli.outlet import Outlet

__all__ = ["Companions", "companions_for"]

MOST: Final = 8
"""Processes of one run: what one deals out and gathers keeps about so many busy."""

WORTH: Final = 4 << 20
"""Bytes of events that are run before a companion would have begun."""

GLANCE: Final = 0.1
"""Seconds over which it is seen what a run waits for."""

BUSY: Final = 0.7
"""Part of that time for which this process must have had a processor: one whose calls wait for others is not held
up by Python, and a companion would be no help."""


def companions_for(asked: int | None, size: int | None, concurrency: int) -> int:
    """How many companions to start.

    Args:
        asked: processes in all, as the command line says, or None.
        size: bytes of all events, None where nobody knows.
        concurrency: events under way at once.
    """
    if os.name != "posix":
        return 0
    if asked is None:
        if size is not None and size < WORTH:
            return 0
        asked = min(processors(), MOST)
    return min(asked, concurrency) - 1


@final
class Companions:
    """The companions of one run.

    Args:
        processes: those that were started.
        outlet: where their outcomes go, or None.
        at_once: let them join whatever the run waits for.
    """

    def __init__(self, processes: Sequence[Beside], outlet: Outlet | None, *, at_once: bool) -> None:
        self._processes = processes
        self._outlet = outlet
        self._at_once = at_once
        self._preparing = trio.CancelScope()

    def no_more(self) -> None:
        """The events are at an end: those that did not join by now need not."""
        self._preparing.cancel()

    async def join(self, job: Job) -> None:
        """Let them take a share of a job's events, to the end."""
        ready: list[Beside] = []
        with self._preparing:
            if self._at_once or await self._busy():
                ready = await self._prepare(job)
        async with trio.open_nursery() as nursery:
            for process in ready:
                nursery.start_soon(self._share, process, job)

    async def _prepare(self, job: Job) -> list[Beside]:
        opened = job.opened
        function = opened.instance.function
        setup = Setup(
            definition=Definition.of(function),
            code=function.code.encode() if isinstance(function.code, str) else function.code,
            is_text=isinstance(function.code, str),
            settings=msgspec.json.encode(opened.settings),
            limits=opened.limits,
            egress=opened.egress,
            heads=job.heads,
            lines=self._outlet is not None,
            concurrency=self._part(job),
        )
        ready: list[Beside] = []

        async def prepare(process: Beside) -> None:
            if not await process.prepare(setup):  # else the run does without it
                ready.append(process)

        async with trio.open_nursery() as nursery:
            for process in self._processes:
                nursery.start_soon(prepare, process)
        return ready

    def _part(self, job: Job) -> int:
        """How many events each has at once."""
        return max(1, job.concurrency // (len(self._processes) + 1))

    async def _share(self, process: Beside, job: Job) -> None:
        def on_done(done: Done) -> None:
            job.take_done(done)
            if self._outlet is not None:
                self._outlet.put_lines(done.lines)

        for place in await process.share(job.stream.take, on_done, concurrency=self._part(job)):
            job.take_lost(place, _lost(job))

    async def _busy(self) -> bool:
        """Whether what holds the run up is this process."""
        began, used = trio.current_time(), time.process_time()
        await trio.sleep(GLANCE)
        return time.process_time() - used > BUSY * (trio.current_time() - began)


def _lost(job: Job) -> Outcome:
    """What becomes of an event whose process has gone."""
    instance = job.opened.instance
    return Outcome(
        function=instance.function.name,
        instance=instance.name,
        handler="",
        status=Status.RETRY,
        problem=Problem(
            name="Crash",
            message="the process that ran it has gone; it may have been done or not",
            code=Code.INTERNAL,
        ),
    )
