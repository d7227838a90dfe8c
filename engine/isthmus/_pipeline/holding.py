"""What one lane has claimed: its leases are kept, and what is decided is written in groups."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar, final

import trio

from isthmus.errors import QueueError
from isthmus.queues import Claim, Queue

__all__ = ["Holding", "patiently"]

T = TypeVar("T")

LAST_WORDS: Final = 5.0
"""Seconds for writing down what is decided where the pipeline is cancelled; what is not written is delivered again."""

SHORTEST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 5.0


async def patiently(ask: Callable[[], Awaitable[T]], away: Callable[[QueueError], None]) -> T:
    """Ask a queue until its storage answers, with pauses of 0.1 to 5 s."""
    pause = SHORTEST_PAUSE
    while True:
        try:
            return await ask()
        except QueueError as exc:
            away(exc)
        await trio.sleep(pause)
        pause = min(LONGEST_PAUSE, pause * 2)


@final
class Holding:
    """The claims in hand, and what has been decided of them.

    Args:
        queue: they are of.
        lease: seconds; of each claim.
        away: told where the storage does not answer.
        changed: called where fewer are in hand.
    """

    def __init__(
        self,
        queue: Queue,
        *,
        lease: float,
        away: Callable[[QueueError], None],
        changed: Callable[[], None],
    ) -> None:
        self._queue = queue
        self._lease = lease
        self._away = away
        self._changed = changed
        self._held: dict[int, Claim] = {}
        self._done: list[Claim] = []
        self._again: list[tuple[Claim, float]] = []
        self._buried: list[tuple[Claim, str]] = []
        self._decided = trio.Event()

    def __len__(self) -> int:
        return len(self._held)

    def take(self, claims: Sequence[Claim]) -> None:
        """They are in hand from now on."""
        for claim in claims:
            self._held[id(claim)] = claim

    def ack(self, claim: Claim) -> None:
        """Done with."""
        self._done.append(claim)
        self._decided.set()

    def retry(self, claim: Claim, seconds: float) -> None:
        """To be claimed again."""
        self._again.append((claim, seconds))
        self._decided.set()

    def bury(self, claim: Claim, reason: str) -> None:
        """Given up."""
        self._buried.append((claim, reason))
        self._decided.set()

    async def write(self) -> None:
        """Write down what is decided, for as long as it runs; once more where it is cancelled."""
        try:
            while True:
                await self._decided.wait()
                self._decided = trio.Event()
                await self._write()
        finally:
            with trio.move_on_after(LAST_WORDS, shield=True):
                await self._write()

    async def _write(self) -> None:
        """Each list is cut only once it is written: what is written twice does no harm."""
        most = self._queue.max_batch
        while self._done or self._again or self._buried:
            if done := self._done[:most]:
                await patiently(lambda done=done: self._queue.ack(done), self._away)  # type: ignore[misc]
                del self._done[: len(done)]
                self._let_go(done)
            if again := self._again[:most]:
                await patiently(lambda again=again: self._queue.retry(again), self._away)  # type: ignore[misc]
                del self._again[: len(again)]
                self._let_go([claim for claim, _ in again])
            if buried := self._buried[:most]:
                await patiently(lambda buried=buried: self._queue.dead_letter(buried), self._away)  # type: ignore[misc]
                del self._buried[: len(buried)]
                self._let_go([claim for claim, _ in buried])

    def _let_go(self, claims: Sequence[Claim]) -> None:
        for claim in claims:
            self._held.pop(id(claim), None)
        self._changed()

    async def keep(self) -> None:
        """Begin the leases anew, for as long as it runs."""
        most = self._queue.max_batch
        while True:
            await trio.sleep(self._lease / 3)
            held = list(self._held.values())
            for start in range(0, len(held), most):
                part = held[start : start + most]
                await patiently(lambda part=part: self._queue.extend(part), self._away)  # type: ignore[misc]
