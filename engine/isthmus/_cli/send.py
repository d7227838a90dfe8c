"""``isthmus send``: events of files into a pipeline's queue, for processes that work on it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import trio

from isthmus import open_engine, open_pipeline
from isthmus.errors import QueueError

from .acceptingqueue import AcceptingQueue
from .assembly import Assembly
from .faults import FAILED, INTERRUPTED, OK
from .feeds import files_of_events
from .interrupts import interrupts
from .journals import archive_of
from .opening import in_trio
from .options import Parser, add_general
from .pipelinefile import read_pipeline
from .screen import Screen, visible
from .sending import EVENT_BYTES, Sending, add_sending, source_of
from .storage import open_beside

__all__ = ["execute", "parser"]


def parser() -> Parser:
    """The command's arguments."""
    parser = Parser(
        prog="isthmus send",
        usage="isthmus send PIPELINE EVENTS ... --queue URL [options]",
        description="""
            Accepts the events of files into the queues of a pipeline and ends: what is accepted is durable.  It
            delivers nothing; `isthmus work` does.  A file is NDJSON, a JSON array, or JSON objects in a row, and
            any of them may be gzip; of a source with a function, the events are webhooks.

            An event without a messageId gets one made of its file (place, size, time of change) and its line, so
            that the same file sent again within two minutes is kept once.
        """,
        epilog="""
            examples:
              isthmus send pipeline.toml events.ndjson.gz --queue nats://127.0.0.1:4222
              tail -f log.ndjson | isthmus send pipeline.toml - --queue nats://127.0.0.1:4222 --source web

            A file of sqlite: is one process's: while `isthmus work` has it, that process takes the events in.

            exit status:
              0  every event was accepted
              1  some lines were no events, or the queue did not keep all; what can be kept has been
              2  a wrong call         3  a function does not load
              130  interrupted: it says where to go on
        """,
    )
    parser.add_argument("pipeline", metavar="PIPELINE", help="its pipeline.toml")
    parser.add_argument("events", metavar="EVENTS", nargs="+", help="files of events, - for standard input")
    parser.add_argument("--queue", metavar="URL", required=True, help="the storage, such as sqlite:PATH")
    add_sending(parser)
    add_general(parser)
    return parser


@in_trio
async def execute(arguments: argparse.Namespace, plugins: Sequence[object]) -> int:
    """Run the command and give its exit status."""
    screen = Screen(sys.stderr)
    path = Path(arguments.pipeline)
    written = read_pipeline(path)
    source = source_of(written, arguments.source)
    files = files_of_events(arguments.events)
    async with (
        open_engine(plugins=plugins) as engine,
        open_beside(arguments.queue, plugins) as queue,
        archive_of(written, path.parent) as archive,
    ):
        assembly = Assembly(engine, path, written, serving=False)
        async with open_pipeline(
            engine,
            AcceptingQueue(queue),
            sources=await assembly.sources(),
            destinations=await assembly.destinations(),
            archive=archive,
            event_bytes=EVENT_BYTES,
        ) as pipeline:
            sending = Sending(pipeline, queue, source, files, first=arguments.from_line, screen=screen)
            failure = await _send(sending)
    if failure is not None:
        screen.print(f"the queue did not keep all: {visible(str(failure))}")
    screen.print(sending.summary())
    if not sending.ended:
        screen.print(sending.where_to_go_on())
        return FAILED if failure is not None else INTERRUPTED
    return FAILED if sending.broken else OK


async def _send(sending: Sending) -> QueueError | None:
    """Send until all is accepted or somebody interrupts; give the trouble with the queue that ended it, if any."""
    failure = None
    with interrupts() as received:
        async with trio.open_nursery() as nursery:

            async def listen() -> None:
                async for _ in received:
                    nursery.cancel_scope.cancel()

            nursery.start_soon(listen)
            try:
                await sending.run()
            except QueueError as exc:
                failure = exc
            nursery.cancel_scope.cancel()
    return failure
