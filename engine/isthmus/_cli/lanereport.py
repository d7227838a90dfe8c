"""What a pipeline's lanes have done: a line every few seconds, a table at the end, and the first that went wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final, final

import trio

from isthmus.pipelines import Attempted, BreakerMoved, LaneStats, Observation, PipelineStats
from isthmus.queues import QueueStats
from isthmus.rules import Refused

from .progress import INTERVAL
from .screen import Cell, Screen, visible
from .units import plural

__all__ = ["LaneReport"]

SHOWN_DEAD: Final = 5
"""Of each queue, how many deliveries that were given up are shown as it happens."""

_MOVED: Final = {
    "open": ("fails again and again, and is left alone but for a probe now and then", "yellow"),
    "closed": ("answers again", "green"),
}


@final
class LaneReport:
    """Tells people of a pipeline.

    Args:
        screen: where.
        quiet: only of what went wrong.
    """

    def __init__(self, screen: Screen, *, quiet: bool = False) -> None:
        self._screen = screen
        self._quiet = quiet
        self._dead: Counter[str] = Counter()

    def observe(self, seen: Observation) -> None:
        """Take what a pipeline tells: of deliveries that are given up the first few are shown, and each breaker that moves."""
        if type(seen) is Attempted:
            if type(seen.decision) is Refused:
                self._show_dead(seen)
        elif type(seen) is BreakerMoved and seen.state in _MOVED:
            said, style = _MOVED[seen.state]
            self._screen.print(f"{self._screen.paint(visible(seen.queue), style)} {said}")

    def _show_dead(self, seen: Attempted) -> None:
        self._dead[seen.queue] += 1
        if self._dead[seen.queue] > SHOWN_DEAD:
            return
        problem = seen.problem
        why = f"{problem.code}: {problem.name}: {problem.message}" if problem else "no problem was named"
        more = " (further ones are only counted)" if self._dead[seen.queue] == SHOWN_DEAD else ""
        self._screen.print(
            f"{self._screen.paint(visible(seen.queue), 'red')}: {visible(seen.delivery)} is given up after "
            f"{plural(seen.attempt, 'attempt')}: {' '.join(visible(why).split())}{more}"
        )

    # ------------------------------------------------------------ as it goes

    async def follow(self, look: Callable[[], PipelineStats]) -> None:
        """Print a line every few seconds in which something was done, until cancelled."""
        before, then = _Totals(look()), trio.current_time()
        while not self._quiet:
            await trio.sleep(INTERVAL)
            stats, now = look(), trio.current_time()
            totals = _Totals(stats)
            if totals.done != before.done or totals.retried != before.retried:
                rate = (totals.done - before.done) / (now - then)
                self._screen.print(f"{_line(totals)} · {rate:,.0f}/s · {_by_destination(stats)}")
            before, then = totals, now

    # ------------------------------------------------------------ in the end

    def finish(self, stats: PipelineStats, left: Mapping[str, QueueStats]) -> None:
        """Print a table of it all.

        Args:
            stats: of the pipeline.
            left: what is in each queue now.
        """
        if not self._quiet:
            self._table(stats, left)
        if dead := _Totals(stats).dead:
            noun = "delivery was" if dead == 1 else "deliveries were"
            self._screen.print(f"{dead:,} {noun} given up; `isthmus dead list` shows them")

    def _table(self, stats: PipelineStats, left: Mapping[str, QueueStats]) -> None:
        heads = ("queue", "delivered", "dropped", "retried", "dead", "left", "delayed")
        rows: list[list[Cell]] = [[(head, "dim") for head in heads]]
        for name, lane in stats.lanes.items():
            there = left.get(name, QueueStats())
            retried, dead = sum(lane.retried.values()), sum(lane.dead.values())
            rows.append(
                [
                    (visible(name), "bold"),
                    (f"{lane.delivered:,}", "green" if lane.delivered else ""),
                    f"{lane.dropped:,}",
                    (f"{retried:,}", "yellow" if retried else ""),
                    (f"{dead:,}", "red" if dead else ""),
                    f"{there.waiting + there.in_flight:,}",
                    f"{there.delayed:,}",
                ]
            )
        self._screen.table(rows, right=frozenset(range(1, len(heads))))


@final
class _Totals:
    """The numbers of all lanes together."""

    def __init__(self, stats: PipelineStats) -> None:
        lanes = stats.lanes.values()
        self.delivered = sum(
            lane.delivered for name, lane in stats.lanes.items() if name.startswith("destination:")
        )
        self.dropped = sum(lane.dropped for lane in lanes)
        self.retried = sum(sum(lane.retried.values()) for lane in lanes)
        self.dead = sum(sum(lane.dead.values()) for lane in lanes)
        self.done = self.delivered + self.dropped + self.dead


def _line(totals: _Totals) -> str:
    counts = {
        "delivered": totals.delivered,
        "dropped": totals.dropped,
        "retried": totals.retried,
        "dead": totals.dead,
    }
    return " · ".join(f"{count:,} {what}" for what, count in counts.items() if count)


def _by_destination(stats: PipelineStats) -> str:
    return ", ".join(
        f"{visible(name.removeprefix('destination:'))} {_lane(lane)}"
        for name, lane in stats.lanes.items()
        if name.startswith("destination:")
    )


def _lane(lane: LaneStats) -> str:
    alone = " (left alone)" if lane.breaker not in {"", "closed"} else ""
    return f"{lane.delivered:,}{alone}"
