"""What became of a backfill: how far it has come, and what there is to say at its end."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import reduce
from operator import add
from typing import Any, Final, final

import msgspec

from isthmus.commands import Screen, Snapshot, bytes_text, counts_text, plural, seconds_text, visible

from ._ledger import Counts, Ledger, PartResult
from ._messages import Failed, Finished, Progress
from ._plan import Place, Plan

__all__ = ["Report"]

SHOWN: Final = 20
"""Parts and files that are named; further ones are only counted."""


@final
class Report:
    """Hears of everything.

    Args:
        screen: is told of what goes wrong.
        ledger: where results are.
        plan: what there is to do.
        before: parts that earlier runs did.
    """

    def __init__(
        self, screen: Screen, ledger: Ledger, plan: Plan, before: Mapping[Place, PartResult]
    ) -> None:
        self._screen = screen
        self._ledger = ledger
        self._plan = plan
        self._before = dict(before)
        self._now: dict[Place, PartResult] = {}
        self._live: dict[object, Progress] = {}
        self._told: set[object] = set()
        self._begun = time.monotonic()
        self.failed: list[tuple[str, str]] = []
        self._size = plan.bytes - sum(result.bytes for result in before.values())

    def tell(self, said: Finished | Failed | Progress | str, who: object = None) -> None:
        """Hear of what happens; of ``who`` the last :class:`Progress` counts."""
        if isinstance(said, Progress):
            self._live[who] = said
            self._tell_of_breaker(said, who)
        elif isinstance(said, Finished):
            self._forget(said.place, who)
            self._now[said.place] = said.result
        elif isinstance(said, Failed):
            self._forget(said.place, who)
            self.leave(said.place, said.reason)
        else:
            self._screen.print(said)

    def leave(self, place: Place, reason: str) -> None:
        """A part is not done in this run."""
        file, number = place
        part = f"part {number + 1} of {self._plan.files[file].path}"
        self.failed.append((part, reason))
        if len(self.failed) <= SHOWN:
            more = " (further ones are only counted)" if len(self.failed) == SHOWN else ""
            self._screen.print(f"{visible(part)} is not done: {visible(reason)}{more}")

    def settle(self, results: Mapping[Place, PartResult]) -> None:
        """Nothing goes on any more: what is in the ledger counts, also where nobody was told of it."""
        self._live.clear()
        self._now = {place: result for place, result in results.items() if place not in self._before}

    def _forget(self, place: Place, who: object) -> None:
        """What was told of a part on its way is not counted beside its result."""
        if live := self._live.get(who):
            parts = [one for one in live.parts if one[0] != place]
            self._live[who] = Progress(parts, live.left_alone)

    def _tell_of_breaker(self, said: Progress, who: object) -> None:
        if said.left_alone and who not in self._told:
            self._told.add(who)
            self._screen.print(
                "the destination does not answer: it is left alone, and tried now and then, until it does"
            )
        elif not said.left_alone and who in self._told:
            self._told.discard(who)

    # ------------------------------------------------------------ how far it has come

    def snapshot(self) -> Snapshot:
        """This run at this moment."""
        live = [one for progress in self._live.values() for one in progress.parts]
        counts = _sum([*(result.counts for result in self._now.values()), *(one[2] for one in live)])
        return Snapshot(
            events=counts.events,
            counts=_by_status(counts),
            consumed=sum(result.bytes for result in self._now.values()) + sum(one[1] for one in live),
            size=self._size,
            elapsed=time.monotonic() - self._begun,
        )

    @property
    def done(self) -> dict[Place, PartResult]:
        """The parts that are done, by this run and by those before."""
        return self._before | self._now

    @property
    def is_whole(self) -> bool:
        """Whether every part is done, and no event failed."""
        done = self.done
        return len(done) == self._plan.parts and not any(result.counts.failed for result in done.values())

    # ------------------------------------------------------------ what there is to say

    def value(self, *, interrupted: bool) -> dict[str, Any]:
        """The report as JSON: numbers of this run, and of all runs together."""
        seconds = time.monotonic() - self._begun
        now, everything = _sum_of(self._now), _sum_of(self.done)
        failed_files = [
            str(path) for result in self.done.values() if (path := self._ledger.failed_file(result))
        ]
        return {
            "destination": self._plan.destination,
            "ledger": str(self._ledger.path),
            "parts": {
                "planned": self._plan.parts,
                "done": len(self.done),
                "done_before": len(self._before),
                "not_done": [{"part": part, "reason": reason} for part, reason in self.failed],
            },
            "bytes": self._plan.bytes,
            "seconds": round(seconds, 3),
            "events_per_second": round(now.events / seconds, 1) if seconds else 0.0,
            "run": {"events": now.events} | msgspec.structs.asdict(now),
            "total": {"events": everything.events} | msgspec.structs.asdict(everything),
            "failed_files": failed_files,
            "interrupted": interrupted,
        }

    def print(self) -> None:
        """Say it to people."""
        screen, plan = self._screen, self._plan
        now, everything, done = _sum_of(self._now), _sum_of(self.done), self.done
        seconds = time.monotonic() - self._begun
        before = f", {len(self._before):,} of them before" if self._before else ""
        rate = f"{plural(now.events, 'event')} in {seconds_text(seconds)}, {now.events / max(seconds, 1e-6):,.0f}/s"
        screen.print(
            f"{visible(plan.destination)}: {len(done):,} of {plural(plan.parts, 'part')} done{before}; "
            + (rate if self._now else "nothing was done now")
        )
        said = counts_text(_by_status(everything), screen)
        if everything.filtered:
            said += f"{' · ' if said else ''}{everything.filtered:,} filtered"
        if everything.retried:
            said += f"{' · ' if said else ''}{plural(everything.retried, 'attempt')} tried again"
        if said:
            screen.print(f"in all: {said}")
        files = [path for result in done.values() if (path := self._ledger.failed_file(result))]
        for path in files[:SHOWN]:
            screen.print(f"what failed, with reasons: {visible(str(path))}")
        if len(files) > SHOWN:
            screen.print(f"and {plural(len(files) - SHOWN, 'file')} more beside them")
        if len(done) < plan.parts:
            screen.print(f"the same command again does what is left ({bytes_text(self._left())})")

    def _left(self) -> int:
        return self._plan.bytes - sum(result.bytes for result in self.done.values())


def _sum_of(results: Mapping[Place, PartResult]) -> Counts:
    return _sum([result.counts for result in results.values()])


def _sum(counts: list[Counts]) -> Counts:
    return reduce(add, counts, Counts())


def _by_status(counts: Counts) -> dict[str, int]:
    """As the other commands count: what was given up was refused."""
    return {
        "delivered": counts.delivered,
        "dropped": counts.dropped,
        "refused": counts.refused + counts.given_up,
        "broken": counts.broken,
    }
