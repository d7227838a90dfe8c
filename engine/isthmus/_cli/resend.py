"""``isthmus resend``: events out of a pipeline's archive to destinations again."""

from __future__ import annotations

import argparse
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, final

import trio

from isthmus import open_engine, open_pipeline
from isthmus._pipeline.events import MARK_LENGTH
from isthmus.archive import ArchivedEvent
from isthmus.errors import InvalidInput, QueueError

from .acceptingqueue import AcceptingQueue
from .assembly import Assembly
from .faults import FAILED, INTERRUPTED, OK
from .interrupts import interrupts
from .moments import moment, moment_text
from .opening import in_trio
from .options import Parser, add_general
from .pipelinefile import PipelineFile, read_pipeline
from .screen import Screen, visible
from .selection import Selection
from .sending import EVENT_BYTES
from .storage import open_beside
from .units import count, plural, whole

if TYPE_CHECKING:
    from isthmus import Pipeline

__all__ = ["execute", "parser"]

SHARE: Final = 500
"""Events sent by one call, and bytes of them at the most below."""
SHARE_BYTES: Final = 1024 * 1024


def parser() -> Parser:
    """The command's arguments."""
    parser = Parser(
        prog="isthmus resend",
        usage="isthmus resend PIPELINE --queue URL --to NAME --since TIME [options]",
        description="""
            Sends events out of the archive of a pipeline (its [archive]) to destinations again, whether they were
            delivered before, given up, or dropped on the way: those of a time range, as the inserts of their source left them.
            The destinations' filters and the events' `integrations` decide anew; a destination that is switched off
            is reached as well.

            It delivers nothing itself; `isthmus work` does.  Functions see a resent event's own messageId, and
            in context.replay.id what tells this run from others.
        """,
        epilog="""
            examples:
              isthmus resend pipeline.toml --queue nats://127.0.0.1:4222 --to crm --since 6h --dry-run
              isthmus resend pipeline.toml --queue sqlite:q.db --to crm --since 2026-11-29T10:00 --until 2026-11-29T12:00
              isthmus resend pipeline.toml --queue sqlite:q.db --to crm --since 7d --where "type = 'identify'"

            A file of sqlite: is one process's: while `isthmus work` has it, that process takes the events in.

            exit status:
              0  all was sent
              1  the queue did not keep all, an event cannot be sent any more, or a file of the archive is damaged
              2  a wrong call         3  a function does not load
              130  interrupted: it says where to go on
        """,
    )
    parser.add_argument("pipeline", metavar="PIPELINE", help="its pipeline.toml")
    parser.add_argument("--queue", metavar="URL", required=True, help="the storage, such as sqlite:PATH")
    parser.add_argument(
        "--to", metavar="NAME", action="append", required=True, help="a destination; may be repeated"
    )
    group = parser.add_argument_group("which events")
    group.add_argument(
        "--since",
        metavar="TIME",
        type=moment,
        required=True,
        help="accepted from then on: 2026-11-29T14:00 (UTC), or 2h ago",
    )
    group.add_argument("--until", metavar="TIME", type=moment, help="accepted up to then (default: now)")
    group.add_argument("--source", metavar="ID", help="those of one source")
    group.add_argument(
        "--message",
        metavar="ID",
        action="append",
        default=[],
        help="those of that messageId; may be repeated",
    )
    group.add_argument("--where", metavar="CONDITION", default="", help="a condition as of a filter")
    group.add_argument("--limit", metavar="N", type=count, help="so many at the most")
    group = parser.add_argument_group("how")
    group.add_argument("--dry-run", action="store_true", help="only count them")
    group.add_argument(
        "--unmarked", action="store_true", help="leave the events as they are, without context.replay"
    )
    group.add_argument(
        "--mark",
        metavar="TEXT",
        type=_mark,
        help="letters and digits that tell this run from others (default: random)",
    )
    group.add_argument("--skip", metavar="N", type=whole, default=0, help="leave out the first N of them")
    add_general(parser)
    return parser


def _mark(text: str) -> str:
    if not (text.isascii() and text.isalnum() and len(text) <= MARK_LENGTH):
        raise argparse.ArgumentTypeError(f"a mark has 1 to {MARK_LENGTH} letters and digits, not {text!r}")
    return text


@in_trio
async def execute(arguments: argparse.Namespace, plugins: Sequence[object]) -> int:
    """Run the command and give its exit status."""
    screen = Screen(sys.stderr)
    path = Path(arguments.pipeline)
    written = read_pipeline(path)
    arguments.until = time.time() if arguments.until is None else arguments.until
    selection = Selection(arguments, path, written)
    if arguments.dry_run:
        there = sum(1 for _ in selection.events())
        names = visible(", ".join(arguments.to))
        screen.print(f"{plural(there, 'event')} would be sent to {names}, as far as their filters let them")
        return FAILED if selection.say_damaged(screen) else OK
    async with (
        open_engine(plugins=plugins) as engine,
        open_beside(arguments.queue, plugins) as queue,
    ):
        assembly = Assembly(engine, path, written, serving=False)
        async with open_pipeline(
            engine,
            AcceptingQueue(queue),
            sources=await assembly.sources(),
            destinations=await assembly.destinations(),
            event_bytes=EVENT_BYTES,
        ) as pipeline:
            resending = Resending(pipeline, selection, arguments, written, screen)
            interrupted = await _unless_interrupted(resending)
    resending.say(screen)
    damaged = selection.say_damaged(screen)
    if interrupted:
        return INTERRUPTED
    return FAILED if damaged or resending.failed else OK


async def _unless_interrupted(resending: Resending) -> bool:
    """Send until all is sent or somebody interrupts, and say whether somebody did."""
    interrupted = False
    with interrupts() as received:
        async with trio.open_nursery() as nursery:

            async def listen() -> None:
                nonlocal interrupted
                async for _ in received:
                    interrupted = True
                    nursery.cancel_scope.cancel()

            nursery.start_soon(listen)
            await resending.run()
            nursery.cancel_scope.cancel()
    return interrupted


@final
class Resending:
    """Sends a selection.

    Attributes:
        failed: not all of it was sent.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        selection: Selection,
        arguments: argparse.Namespace,
        written: PipelineFile,
        screen: Screen,
    ) -> None:
        self.failed = False
        self._pipeline = pipeline
        self._selection = selection
        self._arguments = arguments
        self._screen = screen
        self._mark: str = arguments.mark or uuid.uuid4().hex
        self._to = {
            entry.id: [
                name for name in arguments.to if entry.destinations is None or name in entry.destinations
            ]
            for entry in written.source
        }
        self._read = 0
        self._deliveries = 0
        self._broken = 0
        self._ended = False

    async def run(self) -> None:
        """Send until nothing is left, or the queue does not keep more."""
        shares = self._shares()
        try:
            # A search through much for little takes long.
            while share := await trio.to_thread.run_sync(next, shares, None, abandon_on_cancel=True):
                await self._send(share)
            self._ended = True
        except QueueError as exc:
            self.failed = True
            self._screen.print(f"the queue did not keep all: {visible(str(exc))}")

    def _shares(self) -> Iterator[list[ArchivedEvent]]:
        """Events of one source that follow each other, so many at a time."""
        share: list[ArchivedEvent] = []
        size = 0
        for one in self._selection.events():
            if share and (len(share) == SHARE or size > SHARE_BYTES or share[0].source != one.source):
                yield share
                share, size = [], 0
            share.append(one)
            size += len(bytes(one.event))
        if share:
            yield share

    async def _send(self, share: Sequence[ArchivedEvent]) -> None:
        source = share[0].source
        to = self._to[source]
        if not to:
            await trio.lowlevel.checkpoint()
        else:
            try:
                self._deliveries += await self._replay(source, share, to)
            except InvalidInput:
                # One of them is too large by now, say: the others go on.
                for one in share:
                    await self._send_alone(one, to)
        self._read += len(share)

    async def _send_alone(self, one: ArchivedEvent, to: Sequence[str]) -> None:
        try:
            self._deliveries += await self._replay(one.source, [one], to)
        except InvalidInput as exc:
            self._broken += 1
            self.failed = True
            self._screen.print(f"an event of {moment_text(one.at)} cannot be sent: {visible(str(exc))}")

    async def _replay(self, source: str, share: Sequence[ArchivedEvent], to: Sequence[str]) -> int:
        return await self._pipeline.replay(
            source,
            [bytes(one.event) for one in share],
            to=to,
            mark=self._mark,
            shown=not self._arguments.unmarked,
        )

    def say(self, screen: Screen) -> None:
        """Say what was sent, and where to go on."""
        screen.print(
            f"{plural(self._read - self._broken, 'event')} sent again, {self._deliveries:,} "
            f"{'delivery' if self._deliveries == 1 else 'deliveries'}; context.replay.id is {self._mark}"
        )
        if not self._ended:
            since, until = (
                datetime.fromtimestamp(moment, UTC).isoformat().removesuffix("+00:00")
                for moment in (self._arguments.since, self._arguments.until)
            )
            screen.print(
                f"go on with --mark {self._mark} --since {since} --until {until} "
                f"--skip {self._arguments.skip + self._read}"
            )
