"""How far a run has come: a bar on a terminal, a line every few seconds elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, final

import msgspec
import trio

from .screen import Screen
from .units import plural, seconds_text

__all__ = ["INTERVAL", "Snapshot", "counts_text", "follow"]

TICK: Final = 0.1
"""Seconds between two states of the bar."""

INTERVAL: Final = 5.0
"""Seconds between two lines where there is no terminal."""

_STYLES: Final = {
    "delivered": "green",
    "dropped": "cyan",
    "refused": "red",
    "retry": "yellow",
    "broken": "magenta",
}


@final
class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A run at one moment.

    Attributes:
        events: done.
        counts: of those, by status; and ``broken`` lines, that held no event.
        consumed: bytes of the input.
        size: bytes there are, None where nobody knows.
        elapsed: seconds since the start.
    """

    events: int
    counts: Mapping[str, int]
    consumed: float
    size: int | None
    elapsed: float

    @property
    def part(self) -> float | None:
        """How much of the input is done, from 0 to 1."""
        return min(1.0, self.consumed / self.size) if self.size else None

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.events / self.elapsed if self.elapsed > 0 else 0.0

    @property
    def left(self) -> float | None:
        """Seconds it will still take if it goes on like this; None where it is too soon to say."""
        part = self.part
        return self.elapsed * (1 - part) / part if part and self.elapsed > 2 else None


def counts_text(counts: Mapping[str, int], screen: Screen) -> str:
    """Write ``980 delivered · 20 refused``, without what there is none of."""
    return " · ".join(
        screen.paint(f"{count:,} {status}", _STYLES[status]) for status, count in counts.items() if count
    )


async def follow(look: Callable[[], Snapshot], screen: Screen) -> None:
    """Show how far it has come until cancelled; nothing of it is left on a terminal.

    Args:
        look: takes a snapshot.
        screen: where it is shown.
    """
    if screen.terminal:
        await _follow_live(look, screen)
    else:
        while True:
            await trio.sleep(INTERVAL)
            screen.print(_line(look(), screen))


def _line(now: Snapshot, screen: Screen) -> str:
    parts = [plural(now.events, "event"), f"{now.rate:,.0f}/s"]
    if now.part is not None:
        parts.insert(0, f"{now.part:.0%}")
    if now.left is not None:
        parts.append(f"{seconds_text(now.left)} left")
    if counts := counts_text(now.counts, screen):
        parts.append(counts)
    return " · ".join(parts)


async def _follow_live(look: Callable[[], Snapshot], screen: Screen) -> None:
    from rich.console import Console  # 60 ms of import, for terminals only
    from rich.progress import BarColumn, Progress, TextColumn
    from rich.text import Text

    console = Console(file=screen.stream, highlight=False)
    # No thread of its own: it would draw in the middle of what others print.
    progress = Progress(
        BarColumn(bar_width=24),
        TextColumn("{task.fields[state]}"),
        console=console,
        auto_refresh=False,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    task = progress.add_task("", total=None, state="")

    def above(text: str) -> None:
        progress.console.print(Text.from_ansi(text))

    # A run that is over in an instant shows no bar.
    await trio.sleep(TICK)
    with progress:
        screen.above = above
        try:
            while True:
                now = look()
                state = Text.from_ansi(_line(now, screen), no_wrap=True, overflow="ellipsis")
                progress.update(task, total=now.size, completed=now.consumed, state=state)
                progress.refresh()
                await trio.sleep(TICK)
        finally:
            screen.above = None
