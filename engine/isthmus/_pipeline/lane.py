"""One queue's way: claims what it has room for, lets a stage try it, and writes down what becomes of it.

A lane has its own nursery, slots, rate and breaker, so that a place which is slow or dead holds up nobody else.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final, final

import trio

from isthmus._rules.batching import Batch, Batcher
from isthmus.errors import QueueError
from isthmus.pipelines import BreakerMoved, LaneStats, Observation, QueueAway
from isthmus.queues import Queue

from .admission import CHUNK, Admission
from .faults import traced
from .holding import Holding, patiently
from .items import Item, Policy, Stage
from .pulse import Pulse
from .settling import UNSETTLED, Settling
from .tallies import Tally

__all__ = ["Lane"]

logger = logging.getLogger("isthmus")

CLAIM_WAIT: Final = 1.0
"""Seconds that a claim waits for the first delivery."""


@final
class Lane:
    """Works on one queue.

    Args:
        queue: where deliveries wait.
        name: of the queue, which has been declared.
        stage: what is done with them.
        policy: the bounds.
        clock: seconds since the epoch, as the queue counts them.
        observe: told of what happens; raises nothing.
    """

    def __init__(
        self,
        queue: Queue,
        name: str,
        stage: Stage,
        policy: Policy,
        *,
        clock: Callable[[], float],
        observe: Callable[[Observation], None],
    ) -> None:
        self.name = name
        self._queue = queue
        self._stage = stage
        self._batching = policy.batching
        self._observe = observe
        self._tally = Tally()
        self._batches = trio.CapacityLimiter(policy.concurrency)
        self._batcher: Batcher[Item] | None = None
        if batching := policy.batching:
            self._batcher = Batcher(batching.count, batching.wait or 1e-3, batching.bytes)
        self._changed = Pulse()
        self._gathering = trio.Event()
        self._holding = Holding(queue, lease=policy.lease, away=self._away, changed=self._changed.wake)
        self._admission = Admission(
            policy, held=lambda: len(self._holding), changed=self._changed, moved=self._moved
        )
        self._settling = Settling(
            name,
            policy.schedule,
            holding=self._holding,
            admission=self._admission,
            tally=self._tally,
            clock=clock,
            observe=observe,
        )
        self._claiming = trio.CancelScope()
        self._empty_claims = 0

    def stats(self, published: int) -> LaneStats:
        """What was done since it began.

        Args:
            published: deliveries that were put into the queue.
        """
        return self._tally.stats(len(self._holding), self._admission.state, published)

    # ------------------------------------------------------------ its life

    async def run(self) -> None:
        """Work until :meth:`stop`, then until nothing is in hand."""
        async with trio.open_nursery() as beside:
            beside.start_soon(self._holding.write)
            beside.start_soon(self._holding.keep)
            async with trio.open_nursery() as nursery:
                if self._batcher is not None:
                    beside.start_soon(self._gather, nursery)
                with self._claiming:
                    await self._claim(nursery)
                self._give_back()
            while len(self._holding):
                await self._changed.wait()
            beside.cancel_scope.cancel()

    def stop(self) -> None:
        """Claim no more; what has not begun is given back."""
        self._claiming.cancel()

    async def settle_down(self) -> None:
        """Wait until a claim has found nothing and nothing is in hand; one that is held back counts as well."""
        before = self._empty_claims
        while not self._admission.is_held_back and (self._empty_claims == before or len(self._holding)):
            await self._changed.wait()

    def _give_back(self) -> None:
        for batch in self._batcher.flush() if self._batcher else ():
            for item in batch.items:
                self._settling.give_back(item)

    def _away(self, exc: QueueError) -> None:
        logger.warning("queue %r: %s", self.name, exc)
        self._tally.away += 1
        self._observe(QueueAway(self.name, str(exc)))

    def _moved(self, state: str) -> None:
        self._observe(BreakerMoved(self.name, state))

    # ------------------------------------------------------------ claiming

    async def _claim(self, nursery: trio.Nursery) -> None:
        most = min(CHUNK, self._queue.max_batch)
        while True:
            count = await self._admission.wait(most)
            claims = await patiently(
                lambda count=count: self._queue.claim(self.name, count, wait=CLAIM_WAIT),  # type: ignore[misc]
                self._away,
            )
            if not claims:
                self._empty_claims += 1
                self._changed.wake()
                continue
            self._holding.take(claims)
            is_probe = self._admission.took(len(claims))
            now = trio.current_time()
            nursery.start_soon(self._work, nursery, [Item(claim, now) for claim in claims], is_probe)

    # ------------------------------------------------------------ working

    async def _work(self, nursery: trio.Nursery, items: list[Item], is_probe: bool) -> None:
        going = await self._prepare(items)
        if self._batcher is None:
            await self._try(going)
        else:
            batches: list[Batch[Item]] = []
            for item in going:
                batches += self._batcher.add(item, len(item.text) + 1, trio.current_time())
            if self._claiming.cancel_called:
                self._give_back()
            elif self._batching and not self._batching.wait:
                batches += self._batcher.flush()
            self._gathering.set()
            if is_probe and not batches:
                batches = self._batcher.flush()
            async with trio.open_nursery() if is_probe else _as_is(nursery) as starting:
                for batch in batches:
                    starting.start_soon(self._try_batch, list(batch.items))
        if is_probe:
            self._admission.end_probe()

    async def _gather(self, nursery: trio.Nursery) -> None:
        """Start the batches whose first event has waited long enough."""
        assert self._batcher is not None  # noqa: S101 -- run() asked
        while True:
            due = self._batcher.next_due()
            if due is None:
                self._gathering = trio.Event()
                await self._gathering.wait()
            else:
                await trio.sleep_until(due)
                for batch in self._batcher.due(trio.current_time()):
                    nursery.start_soon(self._try_batch, list(batch.items))

    async def _prepare(self, items: list[Item]) -> list[Item]:
        try:
            return await self._stage.prepare(items, self._settling.settle)
        except Exception as exc:  # noqa: BLE001 -- one lane's fault is not to end the others
            self._log(exc)
        for item in items:
            self._settling.settle(item, UNSETTLED)
        return []

    async def _try_batch(self, items: list[Item]) -> None:
        async with self._batches:
            self._tally.batches += 1
            self._tally.batched += len(items)
            await self._try(items)

    async def _try(self, items: list[Item]) -> None:
        if not items:
            return
        begun = trio.current_time()
        try:
            await self._stage.attempt(items, self._settling.attempted)
        except Exception as exc:  # noqa: BLE001 -- one lane's fault is not to end the others
            self._log(exc)
        self._tally.trying += trio.current_time() - begun
        for item in items:
            if not item.settled:
                self._settling.attempted(item, UNSETTLED)

    def _log(self, exc: Exception) -> None:
        logger.error("queue %r: an attempt failed: %s", self.name, traced(exc))


@final
class _as_is:  # noqa: N801 -- used as a function
    """A nursery that somebody else waits for."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self._nursery = nursery

    async def __aenter__(self) -> trio.Nursery:
        return self._nursery

    async def __aexit__(self, *exc: object) -> None:
        """Wait for nothing."""
