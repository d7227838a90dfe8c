"""A pipeline's observations counted into the store, some seconds' worth in one transaction."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from isthmus.pipelines import Observation

from .delivery_counts import CountKey, count_of
from .faults import StoreError
from .flushing import flushing
from .store import Store

__all__ = ["counting"]

LOG: Final = logging.getLogger("isthmus_server.store")


@asynccontextmanager
async def counting(
    store: Store, *, every: float = 5.0, clock: Callable[[], float] = time.time
) -> AsyncIterator[Callable[[Observation], None]]:
    """Count what a pipeline tells; what comes out is for its ``observe``, and does not block.

    What was counted since the last transaction is lost where the process is killed. While the store is away it is kept in
    memory, in as many numbers as there are kinds of things in a minute.

    Args:
        store: where counts go.
        every: seconds between two transactions.
        clock: seconds since the epoch.
    """
    counts: Counter[CountKey] = Counter()

    def observe(seen: Observation) -> None:
        key = count_of(seen, clock())
        if key is not None:
            counts[key] += 1

    async def flush() -> None:
        taken = counts.copy()
        if not taken:
            return
        counts.clear()
        try:
            await store.write(lambda tx: tx.delivery_counts.add(taken))
        except StoreError as exc:
            counts.update(taken)
            LOG.warning("counts of deliveries wait for the store: %s", exc)

    async with flushing(flush, every=every):
        yield observe
