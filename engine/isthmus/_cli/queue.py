"""``isthmus queue``: what waits in a storage of deliveries, by queue."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Final, NoReturn

import msgspec
import trio

from isthmus.queues import Queue, QueueStats

from . import units
from .faults import OK
from .moments import moment_text
from .opening import in_trio
from .options import Parser, add_general
from .screen import Cell, Screen, visible
from .storage import open_beside

__all__ = ["execute", "parser", "watch"]

SHORTEST_NAME: Final = 12
"""Characters that a queue's name is cut to at the most, where the terminal is narrow."""


def parser() -> Parser:
    """The command's arguments."""
    parser = Parser(
        prog="isthmus queue",
        usage="isthmus queue URL [options]",
        description="""
            Counts what is in each queue of a storage: deliveries that wait, that somebody has claimed, that wait for
            the time of their retry, and that were given up; and says how long the oldest has been there.
        """,
        epilog="""
            examples:
              isthmus queue sqlite:deliveries.db          also while `isthmus work` has it open
              isthmus queue nats://127.0.0.1:4222 --watch 2s
              isthmus queue nats://127.0.0.1:4222 --json | jq 'select(.dead > 0)'

            exit status: 0; 2 for a wrong call, or a storage that can't be opened
        """,
    )
    parser.add_argument(
        "url", metavar="URL", help="the storage, such as sqlite:PATH; `isthmus plugins` lists kinds"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a queue and line")
    parser.add_argument(
        "--watch",
        metavar="TIME",
        type=units.seconds,
        help="count again and again, so often, until Ctrl-C; on a terminal in place, with how fast it changes",
    )
    add_general(parser)
    return parser


@in_trio
async def execute(arguments: argparse.Namespace, plugins: Sequence[object]) -> int:
    """Run the command and give its exit status."""
    screen = Screen(sys.stdout)
    async with open_beside(arguments.url, plugins) as queue:
        if arguments.watch is not None and not arguments.json:
            await watch(queue, screen, arguments.watch)
        while True:
            counted = await _count(queue)
            if arguments.json:
                for name, stats in counted:
                    line = {"queue": name, **msgspec.structs.asdict(stats)}
                    screen.print(msgspec.json.encode(line).decode())
            else:
                _show(counted, screen)
            if arguments.watch is None:
                return OK
            await trio.sleep(arguments.watch)


async def watch(queue: Queue, screen: Screen, every: float) -> NoReturn:
    """Show the counts until it is cancelled: on a terminal in one place, else one after the other.

    Args:
        queue: the storage.
        screen: where to.
        every: seconds.
    """
    before: dict[str, int] = {}
    counted_at = trio.current_time()
    lines = 0
    while True:
        counted = await _count(queue)
        now = trio.current_time()
        left = {name: stats.waiting + stats.in_flight + stats.delayed for name, stats in counted}
        rates = {
            name: (count - before[name]) / (now - counted_at)
            for name, count in left.items()
            if name in before and now > counted_at
        }
        screen.rewind(lines)
        _show(counted, screen, rates)
        if screen.terminal:
            said = f"counted at {moment_text(time.time())}, every {units.seconds_text(every)}; Ctrl-C ends it"
            screen.print(screen.paint(said, "dim"))
            lines = max(1, len(counted) + bool(counted)) + 1
        before, counted_at = left, now
        await trio.sleep(every)
        if not screen.terminal:
            screen.print()


async def _count(queue: Queue) -> list[tuple[str, QueueStats]]:
    return [(name, await queue.stats(name)) for name in await queue.names()]


def _show(
    counted: Sequence[tuple[str, QueueStats]], screen: Screen, rates: Mapping[str, float] | None = None
) -> None:
    if not counted:
        screen.print("there are no queues")
        return
    heads = ["queue", "waiting", "in flight", "delayed", "dead", "oldest", "size"]
    if rates is not None:
        heads.append("a second")
    rows: list[list[Cell]] = [[(head, "dim") for head in heads]]
    for name, stats in counted:
        row: list[Cell] = [
            (visible(name), "bold"),
            f"{stats.waiting:,}",
            f"{stats.in_flight:,}",
            (f"{stats.delayed:,}", "yellow" if stats.delayed else ""),
            (f"{stats.dead:,}", "red" if stats.dead else ""),
            "" if stats.oldest is None else units.seconds_text(stats.oldest),
            units.bytes_text(stats.bytes) if stats.bytes else "",
        ]
        if rates is not None:
            row.append(f"{rates[name]:+,.0f}" if name in rates else "")
        rows.append(row)
    if rates is not None and screen.terminal:
        _cut_names(rows, screen.width)
    screen.table(rows, right=frozenset(range(1, len(heads))))


def _cut_names(rows: list[list[Cell]], width: int) -> None:
    """Have each queue take one line: more would be in the way of what is drawn over it."""
    texts = [[cell if isinstance(cell, str) else cell[0] for cell in row] for row in rows]
    room = width - sum(max(map(len, column)) + 2 for column in list(zip(*texts, strict=True))[1:])
    room = max(room, SHORTEST_NAME)
    for row, (name, *_) in zip(rows[1:], texts[1:], strict=True):
        if len(name) > room:
            row[0] = (name[: room - 1] + "…", "bold")
