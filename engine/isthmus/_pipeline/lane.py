"""One queue's way: claims what it has room for, lets a stage try it, and writes down what becomes of it.

A lane has its own nursery, slots, rate and breaker, so that a place which is slow or dead holds up nobody else.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final, Protocol, final

import msgspec
import trio

from isthmus._rules.batching import Batch, Batcher
from isthmus._rules.breaker import (
    CLOSED,
    Breaker,
    BreakerPolicy,
    probing,
    recorded,
    unanswered,
    wait_for_probe,
)
from isthmus._rules.pacing import Bucket, Rate
from isthmus._rules.retry import Delivered, Dropped, Refused, Schedule, decide
from isthmus.errors import QueueError
from isthmus.outcomes import Code, Problem, Status
from isthmus.pipelines import Attempt, Attempted, Batching, BreakerMoved, LaneStats, Observation, QueueAway
from isthmus.queues import Claim, Queue

from .holding import Holding, patiently
from .tallies import Tally

__all__ = ["Item", "Lane", "Policy", "Settle", "Stage"]

logger = logging.getLogger("isthmus")

CHUNK: Final = 200
"""Deliveries claimed together: enough that a claim costs little by the event."""

CLAIM_WAIT: Final = 1.0
"""Seconds that a claim waits for the first delivery."""

REASON_LENGTH: Final = 2000

_UNSETTLED: Final = Attempt(
    status=Status.RETRY,
    problem=Problem(name="RuntimeFault", message="the attempt ended without a result", code=Code.INTERNAL),
)


@final
class Item:
    """A delivery in hand.

    Attributes:
        claim: as it was claimed.
        text: the event, as the last insert left it.
        since: when it was claimed, a ``trio.current_time()``.
        settled: its attempt has ended.
    """

    __slots__ = ("claim", "settled", "since", "text")

    def __init__(self, claim: Claim, since: float) -> None:
        self.claim = claim
        self.text = claim.body
        self.since = since
        self.settled = False


Settle = Callable[[Item, Attempt], None]


class Stage(Protocol):
    """What a lane does with its deliveries."""

    async def prepare(self, items: list[Item], settle: Settle) -> list[Item]:
        """Do what comes before batches are made; those that go on, the others settled."""

    async def attempt(self, items: list[Item], settle: Settle) -> None:
        """Try them, and settle each."""


@final
class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """The bounds of a lane; see :class:`isthmus.pipelines.Destination`."""

    schedule: Schedule
    concurrency: int
    lease: float = 30.0
    batching: Batching | None = None
    rate: Rate | None = None
    breaker: BreakerPolicy | None = None


@final
class Lane:
    """Works on one queue.

    Args:
        queue: where deliveries wait.
        name: of the queue, which has been declared.
        stage: what is done with them.
        policy: the bounds.
        clock: seconds since the epoch, as the queue counts them.
        observe: told of what happens.
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
        self._policy = policy
        self._clock = clock
        self._observe = observe
        self._tally = Tally()
        batching = policy.batching
        self._slots = policy.concurrency * (batching.count if batching else 1)
        self._most_held = 2 * self._slots + CHUNK
        self._taken = 0  # deliveries whose attempt has not ended
        self._batches = trio.CapacityLimiter(policy.concurrency)
        self._batcher: Batcher[Item] | None = None
        if batching:
            self._batcher = Batcher(batching.count, batching.wait or 1e-3, batching.bytes)
        self._bucket = Bucket(policy.rate, trio.current_time()) if policy.rate else None
        self._breaker = CLOSED
        self._changed = trio.Event()
        self._gathering = trio.Event()
        self._holding = Holding(queue, lease=policy.lease, away=self._away, changed=self._wake)
        self._claiming = trio.CancelScope()
        self._empty_claims = 0

    def stats(self) -> LaneStats:
        """What was done since it began."""
        breaker = self._breaker.state if self._policy.breaker else ""
        return self._tally.stats(len(self._holding), breaker)

    @property
    def is_held_back(self) -> bool:
        """Whether its destination is being left alone."""
        return self._breaker.state != "closed"

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
                await self._wait()
            beside.cancel_scope.cancel()

    def stop(self) -> None:
        """Claim no more; what has not begun is given back."""
        self._claiming.cancel()

    async def settle_down(self) -> None:
        """Wait until a claim has found nothing and nothing is in hand; one that is held back counts as well."""
        before = self._empty_claims
        while not self.is_held_back and (self._empty_claims == before or len(self._holding)):
            await self._wait()

    def _give_back(self) -> None:
        for batch in self._batcher.flush() if self._batcher else ():
            for item in batch.items:
                item.settled = True
                self._taken -= 1
                self._tally.given_back += 1
                self._holding.retry(item.claim, 0.0)

    def _wake(self) -> None:
        # All who wait are woken, and look again; there may be several.
        self._changed.set()
        self._changed = trio.Event()

    async def _wait(self) -> None:
        await self._changed.wait()

    def _away(self, exc: QueueError) -> None:
        logger.warning("queue %r: %s", self.name, exc)
        self._observe(QueueAway(self.name, str(exc)))

    # ------------------------------------------------------------ claiming

    async def _claim(self, nursery: trio.Nursery) -> None:
        most = min(CHUNK, self._queue.max_batch)
        while True:
            count = await self._permitted(most)
            claims = await patiently(
                lambda count=count: self._queue.claim(self.name, count, wait=CLAIM_WAIT),  # type: ignore[misc]
                self._away,
            )
            if not claims:
                self._empty_claims += 1
                self._wake()
                continue
            self._holding.take(claims)
            self._taken += len(claims)
            now = trio.current_time()
            if self._bucket is not None:
                self._bucket.take(len(claims), now)
            probe = self._breaker.state == "open"
            if probe:
                self._move(probing(self._breaker))
            nursery.start_soon(self._work, nursery, [Item(claim, now) for claim in claims], probe)

    async def _permitted(self, most: int) -> int:
        """Wait until something may be claimed, and say how much."""
        while True:
            now = trio.current_time()
            count = min(most, self._slots - self._taken)
            if count <= 0 or len(self._holding) >= self._most_held:
                await self._wait()
                continue
            if self._policy.breaker is not None and self._breaker.state != "closed":
                pause = wait_for_probe(self._policy.breaker, self._breaker, now)
                if pause is None or pause > 0:
                    with trio.move_on_after(3600.0 if pause is None else pause):
                        await self._wait()
                    continue
                count = min(count, self._policy.batching.count if self._policy.batching else 1)
            if self._bucket is not None:
                available = self._bucket.available(now)
                if not available:
                    await trio.sleep(self._bucket.wait(now))
                    continue
                count = min(count, available)
            return count

    # ------------------------------------------------------------ working

    async def _work(self, nursery: trio.Nursery, items: list[Item], probe: bool) -> None:
        going = await self._stage.prepare(items, self._settle)
        if self._batcher is None:
            await self._try(going)
        else:
            batches: list[Batch[Item]] = []
            for item in going:
                batches += self._batcher.add(item, len(item.text) + 1, trio.current_time())
            if self._claiming.cancel_called:
                self._give_back()
            elif self._policy.batching and not self._policy.batching.wait:
                batches += self._batcher.flush()
            self._gathering.set()
            if probe and not batches:
                batches = self._batcher.flush()
            async with trio.open_nursery() if probe else _as_is(nursery) as starting:
                for batch in batches:
                    starting.start_soon(self._try_batch, list(batch.items))
        if probe:
            self._move(unanswered(self._breaker))

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

    async def _try_batch(self, items: list[Item]) -> None:
        async with self._batches:
            self._tally.batches += 1
            await self._try(items)

    async def _try(self, items: list[Item]) -> None:
        if items:
            await self._stage.attempt(items, self._settle_attempt)
        for item in items:
            if not item.settled:
                self._settle_attempt(item, _UNSETTLED)

    # ------------------------------------------------------------ what becomes of them

    def _settle_attempt(self, item: Item, attempt: Attempt) -> None:
        if self._policy.breaker is not None and not item.settled:
            failed = attempt.status is Status.RETRY
            now = trio.current_time()
            self._move(recorded(self._policy.breaker, self._breaker, failed=failed, now=now))
        self._settle(item, attempt)

    def _move(self, breaker: Breaker) -> None:
        before, self._breaker = self._breaker, breaker
        if before.state != self._breaker.state:
            self._observe(BreakerMoved(self.name, self._breaker.state))
            self._wake()

    def _settle(self, item: Item, attempt: Attempt) -> None:
        if item.settled:
            return
        item.settled = True
        self._taken -= 1
        claim, problem = item.claim, attempt.problem
        now = self._clock()
        decision = decide(
            attempt.status,
            problem.code if problem else None,
            attempt=claim.attempt,
            first_at=claim.first_at,
            now=now,
            message_id=claim.message_id,
            schedule=self._policy.schedule,
            retry_after=attempt.retry_after,
        )
        attempted = Attempted(
            queue=self.name,
            delivery=claim.message_id,
            attempt=claim.attempt,
            status=attempt.status,
            problem=problem,
            decision=decision,
            at=now,
            age=max(0.0, now - claim.published_at),
            took=trio.current_time() - item.since,
        )
        if type(decision) is Delivered or type(decision) is Dropped:
            self._holding.ack(claim)
        elif type(decision) is Refused:
            self._holding.bury(claim, _reason(decision, problem))
        else:
            self._holding.retry(claim, decision.seconds)
        self._tally.add(attempted)
        self._observe(attempted)
        self._wake()


def _reason(decision: Refused, problem: Problem | None) -> str:
    said = f"{problem.code}: {problem.name}: {problem.message}" if problem else "no problem was named"
    ended = "" if decision.reason == "permanent" else f" (the schedule's {decision.reason} used up)"
    return (said[: REASON_LENGTH - len(ended)] + ended).encode("utf-8", "replace").decode()


@final
class _as_is:  # noqa: N801 -- used as a function
    """A nursery that somebody else waits for."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self._nursery = nursery

    async def __aenter__(self) -> trio.Nursery:
        return self._nursery

    async def __aexit__(self, *exc: object) -> None:
        """Wait for nothing."""
