"""What a pipeline's lanes are doing, live on a terminal: a line for each queue."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, final

import trio

from isthmus.queues import QueueStats

from . import units
from .screen import Screen, visible

if TYPE_CHECKING:
    from rich.table import Table

    from isthmus import Pipeline
    from isthmus.metrics import Metrics
    from isthmus.pipelines import LaneStats

__all__ = ["LiveLanes"]

TICK: Final = 0.25
"""Seconds between two states."""

COUNT_EVERY: Final = 2.0
"""Seconds between two counts of what waits, for which a storage may let other work wait."""

RATE_OVER: Final = 5.0
"""Seconds over which a rate is taken."""

MOST_LINES: Final = 40


@final
class LiveLanes:
    """Draws lanes until it is cancelled; nothing of it is left on the terminal.

    Args:
        pipeline: whose.
        screen: on a terminal; what is printed to it meanwhile stands above.
    """

    def __init__(self, pipeline: Pipeline, screen: Screen) -> None:
        self._pipeline = pipeline
        self._screen = screen
        self._queues: dict[str, QueueStats] = {}
        self._past: deque[tuple[float, dict[str, int]]] = deque()

    async def follow(self) -> None:
        """Draw again and again."""
        async with trio.open_nursery() as nursery:
            # Apart: a storage that is away does not answer, and the lanes are to be seen all the same.
            nursery.start_soon(self._count)
            await self._draw()

    async def _count(self) -> None:
        while True:
            metrics: Metrics = await self._pipeline.metrics(max_age=COUNT_EVERY)
            self._queues = metrics.queues
            await trio.sleep(COUNT_EVERY)

    async def _draw(self) -> None:
        from rich.console import Console  # 60 ms of import, for terminals only
        from rich.live import Live
        from rich.text import Text

        console = Console(file=self._screen.stream, highlight=False)

        def above(text: str) -> None:
            console.print(Text.from_ansi(text))

        # No thread of its own: it would draw in the middle of what others print.
        live = Live(
            console=console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        await trio.sleep(TICK)
        with live:
            self._screen.above = above
            try:
                while True:
                    live.update(self._table(trio.current_time()), refresh=True)
                    await trio.sleep(TICK)
            finally:
                self._screen.above = None

    def _table(self, now: float) -> Table:
        from rich.table import Table

        lanes = self._pipeline.stats().lanes
        done = {name: lane.delivered + lane.dropped + sum(lane.dead.values()) for name, lane in lanes.items()}
        self._past.append((now, done))
        while len(self._past) > 2 and self._past[0][0] < now - RATE_OVER:
            self._past.popleft()
        then, before = self._past[0]
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
        table.add_column("queue", no_wrap=True, overflow="ellipsis")
        for head in (
            "delivered",
            "a second",
            "waiting",
            "in hand",
            "delayed",
            "retried",
            "dead",
            "oldest",
            "",
        ):
            table.add_column(head, justify="right" if head else "left", no_wrap=True)
        for name, lane in list(lanes.items())[:MOST_LINES]:
            rate = (done[name] - before[name]) / (now - then) if now > then else 0.0
            table.add_row(*self._cells(name, lane, rate))
        if len(lanes) > MOST_LINES:
            table.add_row(f"and {len(lanes) - MOST_LINES} more")
        return table

    def _cells(self, name: str, lane: LaneStats, rate: float) -> list[str]:
        from rich.markup import escape

        there = self._queues.get(name)
        dead = there.dead if there is not None else sum(lane.dead.values())
        alone = lane.breaker not in {"", "closed"}
        return [
            f"[bold]{escape(visible(name))}[/]",
            f"[green]{lane.delivered:,}[/]" if lane.delivered else "0",
            f"{rate:,.0f}",
            "?" if there is None else f"{there.waiting:,}",
            f"{lane.in_hand:,}",
            "?" if there is None else f"{there.delayed:,}",
            _painted(sum(lane.retried.values()), "yellow"),
            _painted(dead, "red"),
            "" if there is None or there.oldest is None else units.seconds_text(there.oldest),
            "[yellow]left alone[/]" if alone else "",
        ]


def _painted(count: int, style: str) -> str:
    return f"[{style}]{count:,}[/]" if count else "0"
