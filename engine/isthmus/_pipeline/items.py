"""What a lane works with: deliveries in hand, the stage that tries them, and the bounds it keeps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, final

import msgspec

from isthmus._rules.breaker import BreakerPolicy
from isthmus._rules.pacing import Rate
from isthmus._rules.retry import Schedule
from isthmus.pipelines import Attempt, Batching
from isthmus.queues import Claim

__all__ = ["Item", "Policy", "Settle", "Stage"]


@final
class Item:
    """A delivery in hand.

    Attributes:
        claim: as it was claimed.
        text: the event, as the last insert left it.
        since: when it was claimed, a ``trio.current_time()``.
        settled: its attempt has ended.
        more: further events that an insert of its source made of it.
    """

    __slots__ = ("claim", "more", "settled", "since", "text")

    def __init__(self, claim: Claim, since: float) -> None:
        self.claim = claim
        self.text = claim.body
        self.since = since
        self.settled = False
        self.more: Sequence[bytes] = ()

    @property
    def texts(self) -> Sequence[bytes]:
        """All events that are made of it."""
        return (self.text, *self.more) if self.more else (self.text,)

    @texts.setter
    def texts(self, texts: Sequence[bytes]) -> None:
        self.text, *self.more = texts


Settle = Callable[[Item, Attempt], None]


class Stage(Protocol):
    """What a lane does with its deliveries.

    An exception of either ends the attempt of those that are not settled yet; they are tried again.
    """

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

    @property
    def slots(self) -> int:
        """Deliveries that may be under way at one time."""
        return self.concurrency * (self.batching.count if self.batching else 1)
