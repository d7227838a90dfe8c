"""``isthmus work``: carries the events of a pipeline to their destinations, until it is told to stop."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, final

import trio

from isthmus import open_engine, open_pipeline
from isthmus._queues import open_queue

from .assembly import Assembly
from .faults import FAILED, INTERRUPTED, OK, UsageFault
from .feeds import files_of_events
from .interrupts import interrupts
from .journals import archive_of, log_of
from .lanelive import LiveLanes
from .lanereport import LaneReport
from .opening import in_trio
from .options import Parser, add_general, add_grace, add_limits, add_recording, limits_of, recording_of
from .pipelinefile import PipelineFile, SourceEntry, read_pipeline
from .screen import Screen, visible
from .sending import EVENT_BYTES, Sending, add_sending, source_of
from .units import plural

if TYPE_CHECKING:
    from isthmus import Engine, Pipeline
    from isthmus.archive import EventArchive
    from isthmus.deliveries import StoredDeliveryLog
    from isthmus.errors import QueueError
    from isthmus.pipelines import Observation
    from isthmus.queues import Queue, QueueStats

__all__ = ["execute", "parser"]


def parser() -> Parser:
    """The command's arguments."""
    parser = Parser(
        prog="isthmus work",
        usage="isthmus work PIPELINE --queue URL [options]",
        description="""
            Loads the functions that a pipeline.toml names, and carries what waits in its queues to their
            destinations until Ctrl-C or SIGTERM: then nothing more is begun, and what is under way may end.
            Killed at any time it loses nothing: what was accepted is delivered by the next that works on the queue.

            Any number of processes, on any number of machines, may work on a queue of nats://...; a file of
            sqlite: is one process's, which takes events by --send.
        """,
        epilog="""
            examples:
              isthmus work pipeline.toml --queue nats://127.0.0.1:4222
              isthmus work pipeline.toml --queue sqlite:deliveries.db --send events.ndjson.gz --until-idle

            exit status:
              0  nothing was given up
              1  some deliveries were given up, or lines to be sent were no events
              2  a wrong call, or the queue cannot be opened         3  a function does not load
              130  interrupted
        """,
    )
    parser.add_argument("pipeline", metavar="PIPELINE", help="its pipeline.toml")
    group = parser.add_argument_group("working")
    group.add_argument("--queue", metavar="URL", required=True, help="the storage, such as sqlite:PATH")
    group.add_argument(
        "--until-idle",
        action="store_true",
        help="end once everything that can be tried has been; what waits for a retry stays in the queue",
    )
    add_grace(group)
    group.add_argument(
        "--quiet", "-q", action="store_true", help="no progress and no table: only what went wrong"
    )
    group = parser.add_argument_group("sending")
    group.add_argument(
        "--send",
        metavar="FILE",
        nargs="+",
        default=[],
        help="accept the events of files, - for standard input, as `isthmus send` does",
    )
    add_sending(group)
    add_recording(parser)
    add_limits(parser)
    add_general(parser)
    return parser


@in_trio
async def execute(arguments: argparse.Namespace, plugins: Sequence[object]) -> int:
    """Run the command and give its exit status."""
    path = Path(arguments.pipeline)
    written = read_pipeline(path)
    if arguments.source and not arguments.send:
        raise UsageFault("--source is for --send")
    source = source_of(written, arguments.source) if arguments.send else None
    files = files_of_events(arguments.send)
    work = Work(arguments, path, written, Screen(sys.stderr))
    async with trio.open_nursery() as nursery:
        await nursery.start(work.listen)
        with work.at_once:
            async with (
                open_engine(
                    plugins=plugins, limits=limits_of(arguments), record=recording_of(arguments)
                ) as engine,
                open_queue(arguments.queue, plugins=plugins) as queue,
                log_of(written, path.parent) as log,
                archive_of(written, path.parent) as archive,
            ):
                await work.run(engine, queue, source, files, log=log, archive=archive)
        nursery.cancel_scope.cancel()
    return work.status()


@final
class Work:
    """A pipeline at work.

    Attributes:
        at_once: cancelled where somebody does not want to wait.
    """

    def __init__(
        self, arguments: argparse.Namespace, path: Path, written: PipelineFile, screen: Screen
    ) -> None:
        self._path = path
        self._written = written
        self._first: int = arguments.from_line
        self._until_idle: bool = arguments.until_idle
        self._grace: float = arguments.grace
        self._screen = screen
        self._report = LaneReport(screen, quiet=arguments.quiet)
        self._quiet: bool = arguments.quiet
        self._working = trio.CancelScope()
        self._interrupted = False
        self._failed = False
        self._told_away = -math.inf
        self.at_once = trio.CancelScope()

    async def listen(self, task_status: trio.TaskStatus[None]) -> None:
        """Stop in peace at the first signal, and at once at the second."""
        with interrupts() as received:
            task_status.started()
            async for _ in received:
                if self._interrupted:
                    self.at_once.cancel()
                    return
                self._interrupted = True
                self._working.cancel()
                self._screen.print(
                    f"interrupted: what is under way may go on for {self._grace:g} s; interrupt again to stop at once"
                )

    async def run(
        self,
        engine: Engine,
        queue: Queue,
        source: SourceEntry | None,
        files: Sequence[str],
        *,
        log: StoredDeliveryLog | None,
        archive: EventArchive | None,
    ) -> None:
        """Load what the pipeline is made of, and work until it is over."""
        assembly = Assembly(engine, self._path, self._written, serving=True)
        sources, destinations = await assembly.sources(), await assembly.destinations()
        async with open_pipeline(
            engine,
            queue,
            sources=sources,
            destinations=destinations,
            observe=self._report.observe if log is None else lambda seen: self._observe(log, seen),
            archive=archive,
            grace=self._grace,
            event_bytes=EVENT_BYTES,
        ) as pipeline:
            if not self._quiet:
                names = ", ".join(visible(destination.name) for destination in destinations)
                self._screen.print(f"working: {names}")
            with self._working:
                await self._work(pipeline, queue, source, files)
        stats = pipeline.stats()
        self._report.finish(stats, await _left(queue, stats.lanes))
        self._failed |= any(lane.dead for lane in stats.lanes.values())
        if log is not None and log.lost:
            self._screen.print(f"{plural(log.lost, 'attempt')} could not be written to the log of deliveries")

    def _observe(self, log: StoredDeliveryLog, seen: Observation) -> None:
        log(seen)
        self._report.observe(seen)

    async def _work(
        self, pipeline: Pipeline, queue: Queue, source: SourceEntry | None, files: Sequence[str]
    ) -> None:
        async with trio.open_nursery() as nursery:
            if self._screen.terminal and not self._quiet:
                nursery.start_soon(LiveLanes(pipeline, self._screen).follow)
            else:
                nursery.start_soon(self._report.follow, pipeline.stats)
            if source is not None:
                sending = Sending(
                    pipeline,
                    queue,
                    source,
                    files,
                    first=self._first,
                    screen=self._screen,
                    away=self._away,
                )
                await self._send(sending)
            if not self._until_idle:
                await trio.sleep_forever()
            await pipeline.drain()
            nursery.cancel_scope.cancel()

    async def _send(self, sending: Sending) -> None:
        try:
            await sending.run()
        finally:
            self._failed |= sending.broken > 0
            if not self._quiet:
                self._screen.print(sending.summary())
            if not sending.ended:
                self._screen.print(sending.where_to_go_on())

    def _away(self, exc: QueueError) -> None:
        """Say that events to be sent wait, a line every few seconds at the most."""
        if trio.current_time() - self._told_away >= 10:
            self._told_away = trio.current_time()
            self._screen.print(f"what is sent waits: {visible(str(exc))}")

    def status(self) -> int:
        """The exit status."""
        if self._interrupted:
            return INTERRUPTED
        return FAILED if self._failed else OK


async def _left(queue: Queue, names: Iterable[str]) -> dict[str, QueueStats]:
    return {name: await queue.stats(name) for name in names}
