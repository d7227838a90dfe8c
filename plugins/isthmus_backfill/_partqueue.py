"""The events of parts as a queue that a pipeline's lane claims from: nothing is stored, for the files are the storage.

A part that is not finished is carried again from its beginning, so there is nothing to be durable here.  Claims are
never leased to another, and an id that comes twice is delivered twice: an archive holds what it holds, and every line of
it is accounted for.
"""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, final

import msgspec
import trio

from isthmus.errors import InvalidInput
from isthmus.pipelines import Attempted, Observation
from isthmus.queues import Claim, DeadLetter, Entry, Queue, QueueOptions, QueueStats
from isthmus.rules import Refused, RetryAt

from ._account import Account

__all__ = ["PartQueue"]

AHEAD: Final = 2000
"""Events that are read and not yet claimed, before reading waits."""

DEFAULT_OPTIONS: Final = QueueOptions()


@final
class PartQueue(Queue):
    """One queue, fed by :meth:`put`, whose deliveries are told apart by part and place.

    Args:
        finished: told of each account whose last event is settled, in the Trio thread.
        clock: seconds since the epoch, for windows; waits go by Trio's, which nobody sets back.
    """

    max_batch = 100_000

    def __init__(self, finished: Callable[[Account], None], clock: Callable[[], float]) -> None:
        self._finished = finished
        self._clock = clock
        self._accounts: dict[str, Account] = {}  # of parts that are not finished
        self._fresh: deque[tuple[Account, str, bytes]] = deque()
        self._later: list[tuple[float, int, Claim]] = []  # by the time at which it may be claimed
        self._order = itertools.count()
        self._attempted: dict[str, Attempted] = {}  # of those that are refused, until they are written down
        self._most = DEFAULT_OPTIONS.max_unacked
        self._claimed = 0
        self._changed = trio.Event()

    # ------------------------------------------------------------ for the reader

    def open(self, account: Account) -> None:
        """Events of this account will come."""
        self._accounts[account.name] = account

    async def put(self, account: Account, events: Sequence[tuple[str, bytes]]) -> None:
        """Let events be claimed, once there is room for them.

        Args:
            account: of their part.
            events: what each is called, beginning with its account's name and a colon, and its JSON text.
        """
        account.open += len(events)
        self._fresh.extend((account, name, text) for name, text in events)
        self._wake()
        await trio.lowlevel.checkpoint()
        while len(self._fresh) > AHEAD:
            await self._changed.wait()

    def read(self, account: Account) -> None:
        """There are no more events of this account."""
        account.read = True
        self._settle(account, 0)

    def observe(self, seen: Observation) -> None:
        """Count what a pipeline tells of."""
        if type(seen) is not Attempted:
            return
        account = self._accounts[seen.delivery.partition(":")[0]]
        decision = seen.decision
        if type(decision) is RetryAt:
            account.retried += 1
        elif type(decision) is Refused:
            self._attempted[seen.delivery] = seen
        else:
            account.count(seen.status)

    # ------------------------------------------------------------ for the lane

    async def declare(self, name: str, options: QueueOptions = DEFAULT_OPTIONS) -> None:
        self._most = options.max_unacked
        await trio.lowlevel.checkpoint()

    async def publish(self, entries: Sequence[Entry]) -> None:
        raise InvalidInput("events come from the files of a backfill")

    async def claim(self, name: str, count: int, *, wait: float = 0.0) -> list[Claim]:
        await trio.lowlevel.checkpoint()
        with trio.move_on_after(wait):
            while True:
                claims = self._taken(name, count)
                if claims:
                    self._wake()
                    return claims
                pause = self._later[0][0] - trio.current_time() if self._later else 3600.0
                with trio.move_on_after(max(0.0, pause)):
                    await self._changed.wait()
        return []

    def _taken(self, name: str, count: int) -> list[Claim]:
        claims: list[Claim] = []
        due = trio.current_time()
        while self._later and self._later[0][0] <= due and len(claims) < count:
            claims.append(heapq.heappop(self._later)[2])
        room = min(count, self._most - self._claimed - len(self._later)) - len(claims)
        now = self._clock()
        for _ in range(min(room, len(self._fresh))):
            account, message_id, text = self._fresh.popleft()
            claims.append(
                Claim(
                    queue=name,
                    message_id=message_id,
                    body=text,
                    published_at=now,
                    first_at=now,
                    token=account,
                )
            )
        self._claimed += len(claims)
        return claims

    async def ack(self, claims: Sequence[Claim]) -> None:
        for claim in claims:
            self._claimed -= 1
            self._settle(self._account(claim), 1)
        await trio.lowlevel.checkpoint()

    async def retry(self, retries: Sequence[tuple[Claim, float]]) -> None:
        now = trio.current_time()
        for claim, seconds in retries:
            self._claimed -= 1
            again = msgspec.structs.replace(claim, attempt=claim.attempt + 1)
            heapq.heappush(self._later, (now + seconds, next(self._order), again))
        self._wake()
        await trio.lowlevel.checkpoint()

    async def dead_letter(self, buried: Sequence[tuple[Claim, str]]) -> None:
        for claim, reason in buried:
            self._claimed -= 1
            account = self._account(claim)
            account.fail(claim, self._attempted.pop(claim.message_id, None), reason)
            self._settle(account, 1)
        await trio.lowlevel.checkpoint()

    async def extend(self, claims: Sequence[Claim]) -> None:
        await trio.lowlevel.checkpoint()

    async def stats(self, name: str) -> QueueStats:
        await trio.lowlevel.checkpoint()
        return QueueStats(waiting=len(self._fresh), in_flight=self._claimed, delayed=len(self._later))

    async def names(self) -> list[str]:
        await trio.lowlevel.checkpoint()
        return []

    async def dead(self, name: str | None = None, *, after: str = "", count: int = 100) -> list[DeadLetter]:
        await trio.lowlevel.checkpoint()
        return []

    async def revive(self, ids: Sequence[str]) -> int:
        await trio.lowlevel.checkpoint()
        return 0

    async def discard(self, ids: Sequence[str]) -> int:
        await trio.lowlevel.checkpoint()
        return 0

    # ------------------------------------------------------------

    def _settle(self, account: Account, count: int) -> None:
        account.open -= count
        if account.read and not account.open:
            del self._accounts[account.name]
            self._finished(account)

    @staticmethod
    def _account(claim: Claim) -> Account:
        assert isinstance(claim.token, Account)  # noqa: S101 -- the claim is one of ours
        return claim.token

    def _wake(self) -> None:
        self._changed.set()
        self._changed = trio.Event()
