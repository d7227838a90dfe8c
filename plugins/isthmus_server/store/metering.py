"""What functions use, metered into the store some seconds' worth in one transaction; and what is locked for it."""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Final, final

import msgspec
import trio

from isthmus.calls import CallEnded, CallEvent
from isthmus.pipelines import Accepted, Observation

from .bounds import WORKSPACE
from .faults import StoreError
from .flushing import flushing
from .store import Store
from .transactions import Transaction
from .usage import DAY, SECOND, Standing, UsageKey, Used, day_of

__all__ = ["NOTHING_LOCKED", "Locks", "Meter", "metering"]

LOG: Final = logging.getLogger("isthmus.server")


@final
class Locks(msgspec.Struct, frozen=True):
    """What is stopped, as its quota is used up.

    Attributes:
        functions: class ids; :data:`.bounds.WORKSPACE` among them stands for all functions.
        events: no event is taken.
    """

    functions: frozenset[str] = frozenset()
    events: bool = False

    def hold(self, function: str) -> bool:
        """Whether a function does not run."""
        return function in self.functions or WORKSPACE in self.functions


NOTHING_LOCKED: Final = Locks()


def _locks_of(standings: Iterable[Standing]) -> Locks:
    locked = [standing for standing in standings if standing.is_locked]
    return Locks(
        functions=frozenset(each.function for each in locked if each.measure == "execution"),
        events=any(each.measure == "events" for each in locked),
    )


@final
class Meter:
    """Gathers what is used; made by :func:`metering`.

    Attributes:
        locks: what is stopped now, as far as is known: other processes' usage is looked at with every flush.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.locks = NOTHING_LOCKED
        self._clock = clock
        self._functions: dict[str, str] = {}
        self._day = 0
        self._day_ends = 0.0  # seconds since the epoch
        self._calls: dict[str, Used] = {}  # of the day, by instance: a call costs two look-ups
        self._events: dict[str, Used] = {}
        self._used: dict[UsageKey, Used] = defaultdict(Used)
        self._moved = trio.Event()

    def know(self, functions: Mapping[str, str]) -> None:
        """Learn whose instances those that run are; calls of others, such as previews, are not metered.

        Args:
            functions: class ids by the instances' ids.
        """
        self._functions |= functions

    def call(self, event: CallEvent) -> None:
        """Take what an engine tells; does not block."""
        if type(event) is not CallEnded:
            return
        if self._clock() >= self._day_ends:
            self._begin_day()
        used = self._calls.get(event.instance)
        if used is None:
            if event.instance not in self._functions:
                return
            used = self._calls[event.instance] = Used()
        usage = event.usage
        used.calls += 1
        used.failed += event.code is not None
        used.wall += round(usage.wall * SECOND)
        used.cpu += round(usage.cpu * SECOND)

    def observe(self, seen: Observation) -> None:
        """Take what a pipeline tells; does not block."""
        if type(seen) is Accepted:
            if self._clock() >= self._day_ends:
                self._begin_day()
            used = self._events.get(seen.source)
            if used is None:
                used = self._events[seen.source] = Used()
            used.events += 1

    async def wait_moved(self, known: Locks) -> None:
        """Wait until something else is locked than what is known."""
        while self.locks == known:
            await self._moved.wait()

    async def flush(self, store: Store) -> None:
        """Write what was gathered into the store, and see what that means for the quotas."""
        self._gather()
        taken, self._used = self._used, defaultdict(Used)
        try:
            standings = await (_settle(store, taken) if taken else _look(store))
        except StoreError as exc:
            for key, more in taken.items():
                self._used[key].add(more)
            LOG.warning("usage waits for the store: %s", exc)
            return
        locks = _locks_of(standings)
        if locks != self.locks:
            self.locks = locks
            self._moved.set()
            self._moved = trio.Event()

    def _begin_day(self) -> None:
        self._gather()
        self._day = day_of(int(self._clock() * 1000))
        self._day_ends = (self._day + DAY) / 1000

    def _gather(self) -> None:
        """Put what was counted of the day to what is to be written."""
        for instance, used in self._calls.items():
            self._used[UsageKey(self._day, self._functions[instance], instance)].add(used)
        for source, used in self._events.items():
            self._used[UsageKey(self._day, "", source)].add(used)
        self._calls.clear()
        self._events.clear()


async def _look(store: Store) -> list[Standing]:
    def look(tx: Transaction) -> tuple[list[Standing], bool]:
        standings = tx.usage.standings()
        return standings, bool(standings and tx.usage.unnoticed(standings))

    standings, is_news = await store.read(look)
    return await _settle(store, {}) if is_news else standings


async def _settle(store: Store, taken: Mapping[UsageKey, Used]) -> list[Standing]:
    def settle(tx: Transaction) -> tuple[list[Standing], list[tuple[Standing, int]]]:
        tx.usage.add(taken)
        standings = tx.usage.standings()
        return standings, tx.usage.notice(standings)

    standings, news = await store.write(settle)
    for standing, percent in news:
        fields = {"function": standing.function, "used": standing.used, "quota": standing.quota}
        fields |= {"measure": standing.measure, "percent": percent, "locked": standing.is_locked}
        LOG.warning("quota used", extra={"fields": fields})
    return standings


@asynccontextmanager
async def metering(
    store: Store, *, every: float = 5.0, clock: Callable[[], float] = time.time
) -> AsyncIterator[Meter]:
    """Meter what an engine and a pipeline tell, and keep :attr:`Meter.locks` up to date.

    What was used since the last transaction is not counted where the process is killed.  A quota that locks is overdrawn by what
    is used between two transactions.

    Args:
        store: where usage goes.
        every: seconds between two transactions.
        clock: seconds since the epoch.
    """
    meter = Meter(clock)
    await meter.flush(store)

    async def flush() -> None:
        await meter.flush(store)

    async with flushing(flush, every=every):
        yield meter
