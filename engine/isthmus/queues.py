"""Where deliveries wait: what a queue promises, for whoever keeps events in one or writes another.

A *delivery* is an event on its way to one place, over all its attempts.  A queue has a name for each such
place, and the promises are the same on every storage:

- **Durable.**  When :meth:`Queue.publish` returns, what it took survives a kill and a power cut.
- **At least once.**  What is claimed is leased, never owned: a lease that runs out puts the delivery back, and
  its next claim counts as another attempt.  Whoever handles it sees duplicates, and tells them by the message id.
- **Idempotent.**  The same message id published again to the same queue within ``QueueOptions.dedupe_window``
  stores nothing, also where the first one has been acknowledged since.
- **In no order**, unless ``QueueOptions.ordered``: then of one ``Entry.key`` one delivery is claimed at a time, and the next
  only after it has been acknowledged or buried, in the order of publishing.
- **Nothing is dropped for want of room**: :class:`QueueFull` is raised and nothing of the call is kept.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final, Literal, final

import msgspec

from .errors import EngineError

__all__ = [
    "Claim",
    "DeadLetter",
    "Entry",
    "Finding",
    "Measure",
    "OpenQueue",
    "Queue",
    "QueueOptions",
    "QueueStats",
]


@final
class QueueOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How one queue behaves.

    Attributes:
        lease: seconds a claim lasts; :meth:`Queue.extend` begins them anew.
        max_unacked: deliveries that may be claimed or wait for a retry at one time; more are not claimed.
        dedupe_window: seconds for which a message id is remembered from its publishing.
        ordered: deliveries of one key go one after the other.

    Raises:
        EngineError: a number is out of its range.
    """

    lease: float = 30.0
    max_unacked: int = 10_000
    dedupe_window: float = 120.0
    ordered: bool = False

    def __post_init__(self) -> None:
        if not 0.1 <= self.lease <= 86_400:
            raise EngineError(f"QueueOptions.lease takes seconds from 0.1 to a day, not {self.lease!r}")
        if self.max_unacked < 1:
            raise EngineError(f"QueueOptions.max_unacked takes a number from 1, not {self.max_unacked!r}")
        if not 0 <= self.dedupe_window <= 604_800:
            raise EngineError(
                f"QueueOptions.dedupe_window takes seconds from 0 to a week, not {self.dedupe_window!r}"
            )


DEFAULT_OPTIONS: Final = QueueOptions()


@final
class Entry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A delivery as it is published.

    Attributes:
        queue: the name of a queue that has been declared.
        message_id: what tells it from others; 1 to 512 characters.
        body: what is kept, at most :attr:`Queue.max_body` bytes.
        key: whose turn it takes in an ordered queue; None where order is nothing to it.
        delay: seconds before it may be claimed.
    """

    queue: str
    message_id: str
    body: bytes
    key: str | None = None
    delay: float = 0.0


@final
class Claim(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A delivery, leased to whoever claimed it.

    Attributes:
        queue: where it waited.
        message_id: as it was published.
        body: as it was published.
        key: as it was published.
        attempt: how often it has been claimed, this time included, from 1.
        published_at: seconds since the epoch.
        first_at: seconds since the epoch at which it was claimed for the first time, for retries within a window; where a
            storage does not know, the moment of this claim.
        token: the queue's own; says which lease this is.
    """

    queue: str
    message_id: str
    body: bytes
    key: str | None = None
    attempt: int = 1
    published_at: float = 0.0
    first_at: float = 0.0
    token: object = None


@final
class QueueStats(msgspec.Struct, frozen=True, kw_only=True):
    """What is in one queue at a moment.

    Attributes:
        waiting: may be claimed now.
        in_flight: claimed, the lease not yet out.
        delayed: wait for the time of their retry.  A storage that cannot tell these from ``in_flight`` counts them there.
        dead: dead letters.
        oldest: seconds since the oldest delivery that is neither acknowledged nor dead was published; None where there is none.
        bytes: of what is kept, as far as the storage knows.
    """

    waiting: int = 0
    in_flight: int = 0
    delayed: int = 0
    dead: int = 0
    oldest: float | None = None
    bytes: int = 0


@final
class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery that was given up.

    Attributes:
        id: the queue's own name for it, for :meth:`Queue.revive` and :meth:`Queue.discard`.
        queue: where it waited.
        message_id: as it was published.
        body: as it was published.
        key: as it was published.
        reason: as given to :meth:`Queue.dead_letter`.
        attempts: how often it had been claimed.
        published_at: seconds since the epoch.
        buried_at: seconds since the epoch.
    """

    id: str
    queue: str
    message_id: str
    body: bytes
    key: str | None = None
    reason: str = ""
    attempts: int = 0
    published_at: float = 0.0
    buried_at: float = 0.0


@final
class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Something about a storage that its operator should know.

    Attributes:
        level: ``unsafe`` where accepted events can be lost, ``warning`` where less is at stake, ``fine`` where a
            guard was looked at and holds.
        what: a sentence: what was found.
        remedy: a sentence: what to do about it; "" where nothing is to be done.
    """

    level: Literal["unsafe", "warning", "fine"]
    what: str
    remedy: str = ""


@final
class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """One number that a storage tells of itself, for monitoring.

    Attributes:
        name: letters and underscores, beginning with the storage's own; a counter's ends in ``_total``.
        kind: a ``counter`` never falls while the queue is open, a ``gauge`` may.
        help: a sentence.
        value: now.
    """

    name: str
    kind: Literal["counter", "gauge"]
    help: str
    value: float


class Queue(ABC):
    """Keeps deliveries; offered through the hook ``isthmus_queues``, opened by :func:`isthmus.open_queue`.

    Every method may be called by many tasks at once, and is a checkpoint.  Cancelled, ``publish`` may or may not have stored
    what it was given (publishing again is safe), and ``claim`` leaves nothing leased for longer than a lease.

    Attributes:
        max_body: bytes of one body at the most.
        max_batch: how many entries or claims one call takes at the most.
    """

    max_body: int = 1024 * 1024
    max_batch: int = 1000

    @abstractmethod
    async def declare(self, name: str, options: QueueOptions = DEFAULT_OPTIONS) -> None:
        """Make a queue, or change the options of one there is; what waits in it stays.

        Args:
            name: 1 to 200 characters, printable, no white space.
            options: see there.

        Raises:
            InvalidInput: the name is none.
            QueueError: the storage can't do what the options ask, or is away.
        """

    @abstractmethod
    async def publish(self, entries: Sequence[Entry]) -> None:
        """Keep entries; they are durable when this returns, all of them.

        Raises:
            InvalidInput: an entry's queue was not declared, its id or its body is too long; nothing is kept.
            QueueFull: there is no room; nothing is kept.
            QueueError: the storage is away; some may have been kept, and publishing again is safe.
        """

    @abstractmethod
    async def claim(self, name: str, count: int, *, wait: float = 0.0) -> list[Claim]:
        """Lease up to ``count`` deliveries that may be tried now.

        Args:
            name: of the queue.
            count: at the most, from 1.
            wait: seconds to wait for the first one; an empty list where none came.
        """

    @abstractmethod
    async def ack(self, claims: Sequence[Claim]) -> None:
        """Say that they are done with; a lease that has run out meanwhile may be too late, which only makes a duplicate."""

    @abstractmethod
    async def retry(self, retries: Sequence[tuple[Claim, float]]) -> None:
        """Put them back, each to be claimed again in that many seconds, not earlier than one second before that."""

    @abstractmethod
    async def dead_letter(self, buried: Sequence[tuple[Claim, str]]) -> None:
        """Give them up, each with a reason of at most 2,000 characters; they are kept as dead letters."""

    @abstractmethod
    async def extend(self, claims: Sequence[Claim]) -> None:
        """Begin their leases anew, for work that takes longer."""

    @abstractmethod
    async def stats(self, name: str) -> QueueStats:
        """Count what is in a queue."""

    @abstractmethod
    async def names(self) -> list[str]:
        """List the queues there are, sorted."""

    @abstractmethod
    async def dead(self, name: str | None = None, *, after: str = "", count: int = 100) -> list[DeadLetter]:
        """List dead letters, oldest first.

        Args:
            name: of one queue, or None for all.
            after: the id of the last letter seen, to go on from there.
            count: at the most.
        """

    @abstractmethod
    async def revive(self, ids: Sequence[str]) -> int:
        """Put dead letters back into their queues, as if newly published, and say how many there were."""

    @abstractmethod
    async def discard(self, ids: Sequence[str]) -> int:
        """Forget dead letters for good, and say how many there were."""

    async def findings(self) -> list[Finding]:
        """Look at what the promises rest on: for ``isthmus doctor``."""
        return []

    async def measures(self) -> list[Measure]:
        """Tell how the storage fares: for :meth:`isthmus.Pipeline.metrics`."""
        return []


OpenQueue = Callable[[str, Mapping[str, str]], AbstractAsyncContextManager[Queue]]
"""Opens a queue: takes the URL without its query, and the query's names and values."""
