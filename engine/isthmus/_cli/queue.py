"""``isthmus queue``: what waits in a storage of deliveries, by queue."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import msgspec
import trio

from isthmus.queues import Queue, QueueStats

from . import units
from .faults import OK
from .opening import in_trio
from .options import Parser, add_general
from .screen import Cell, Screen, visible
from .storage import open_beside

__all__ = ["execute", "parser"]


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
    parser.add_argument("--watch", metavar="TIME", type=units.seconds, help="count again and again, so often")
    add_general(parser)
    return parser


@in_trio
async def execute(arguments: argparse.Namespace, plugins: Sequence[object]) -> int:
    """Run the command and give its exit status."""
    screen = Screen(sys.stdout)
    async with open_beside(arguments.url, plugins) as queue:
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
            if not arguments.json:
                screen.print()


async def _count(queue: Queue) -> list[tuple[str, QueueStats]]:
    return [(name, await queue.stats(name)) for name in await queue.names()]


def _show(counted: Sequence[tuple[str, QueueStats]], screen: Screen) -> None:
    if not counted:
        screen.print("there are no queues")
        return
    rows: list[list[Cell]] = [
        [(name, "dim") for name in ("queue", "waiting", "in flight", "delayed", "dead", "oldest", "size")]
    ]
    for name, stats in counted:
        rows.append(
            [
                (visible(name), "bold"),
                f"{stats.waiting:,}",
                f"{stats.in_flight:,}",
                (f"{stats.delayed:,}", "yellow" if stats.delayed else ""),
                (f"{stats.dead:,}", "red" if stats.dead else ""),
                "" if stats.oldest is None else units.seconds_text(stats.oldest),
                units.bytes_text(stats.bytes) if stats.bytes else "",
            ]
        )
    screen.table(rows, right=frozenset(range(1, 7)))
