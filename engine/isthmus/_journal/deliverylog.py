"""The log of deliveries on disk: written by a pipeline's process, read by any other."""

from __future__ import annotations

import math
import os
import re
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, final

import msgspec
import trio

from isthmus.errors import EngineError
from isthmus.pipelines import Attempted, Observation
from isthmus.rules import Delivered, Refused, RetryAt

from .attempts import AttemptRecord, decoded, record_of
from .reading import JournalReader
from .writer import JournalWriter

__all__ = ["Delivery", "DeliveryReader", "StoredDeliveryLog", "open_delivery_log"]

LINGER: Final = 0.25
"""Seconds that an attempt waits for others to be written with it; a killed process loses no more of its log."""

REMEMBERED: Final = 10_000
"""Deliveries given up of which the log knows that they were, to keep what becomes of them once they are put back."""

_REPLAYED: Final = re.compile(r"~[^~]+$")


@final
class StoredDeliveryLog:
    """Writes attempts down; made by :func:`open_delivery_log`, and handed to a pipeline as ``observe``.

    Calling it costs a microsecond, and never waits for the disk.
    """

    def __init__(self, writer: JournalWriter[Attempted], sample: float) -> None:
        self._writer = writer
        self._sample = sample * 2**32
        self._dead: dict[tuple[str, str], None] = {}  # the one given up last is last

    @property
    def lost(self) -> int:
        """Attempts that were left out since it was opened, as the disk did not take them."""
        return self._writer.lost

    def __call__(self, observation: Observation) -> None:
        """Take note of what a pipeline tells."""
        if type(observation) is not Attempted:
            return
        key = (observation.queue, observation.delivery)
        if type(observation.decision) is Refused:
            self._dead[key] = None
            if len(self._dead) > REMEMBERED:
                del self._dead[next(iter(self._dead))]
        elif key in self._dead:  # a dead letter that was put back: how it ends now is not left out
            if type(observation.decision) is not RetryAt:
                del self._dead[key]
        elif observation.attempt == 1 and type(observation.decision) is Delivered:
            hashed = zlib.crc32(observation.delivery.encode("utf-8", "surrogatepass"))
            if hashed >= self._sample:
                return
        self._writer.put(observation)


@asynccontextmanager
async def open_delivery_log(
    directory: str | os.PathLike[str],
    *,
    sample: float = 0.01,
    sample_bytes: int = 2048,
    max_age: float = 7 * 86_400.0,
    max_bytes: int = 1024**3,
) -> AsyncIterator[StoredDeliveryLog]:
    """Keep a log of deliveries in a directory; what waits is written on the way out.

    Every attempt is kept that failed, or that came after one that did, also where a dead letter was put back (as far as this
    process has seen it given up, and no more than 10,000 since); of deliveries that are delivered at their first
    attempt a share is.  Several processes may write to one directory.

    Args:
        directory: made where it is not there, for its owner alone.
        sample: the share kept of deliveries that were delivered at the first attempt, 0 to 1; drawn by a hash, so
            that one event is kept for every destination or for none.
        sample_bytes: characters kept of each text: of a problem, of a body that was sent or came back, of a line printed.
        max_age: seconds for which an attempt is kept at least, as far as ``max_bytes`` allows.
        max_bytes: of the directory; the oldest attempts go first.

    Raises:
        EngineError: a number is out of its range.
        OSError: the directory can't be made.
    """
    if not 0 <= sample <= 1 or sample_bytes < 0 or max_age <= 0 or max_bytes < 1:
        raise EngineError(
            "a delivery log takes a sample from 0 to 1, sample_bytes from 0, and max_age and max_bytes above 0, not "
            f"{sample!r}, {sample_bytes!r}, {max_age!r} and {max_bytes!r}"
        )
    writer: JournalWriter[Attempted] = JournalWriter(
        Path(directory),
        lambda seen: msgspec.json.encode(record_of(seen, sample_bytes)),
        max_bytes=max_bytes,
        max_age=max_age,
        linger=LINGER,
        sync=False,
    )
    try:
        yield StoredDeliveryLog(writer, sample)
    finally:
        with trio.CancelScope(shield=True):
            await trio.to_thread.run_sync(writer.close)


@final
class Delivery(msgspec.Struct, frozen=True):
    """What is known of one delivery.

    Attributes:
        attempts: those that were kept, in the order of their numbers; at least one.
    """

    attempts: tuple[AttemptRecord, ...]

    @property
    def queue(self) -> str:
        """Where it waits, or waited."""
        return self.attempts[0].queue

    @property
    def id(self) -> str:
        """What tells it from others in that queue: the source's id, the message id, and a mark where it is a replay's."""
        return self.attempts[0].delivery

    @property
    def last(self) -> AttemptRecord:
        """The last attempt; it says what became of it."""
        return self.attempts[-1]

    def is_of(self, message_id: str) -> bool:
        """Whether it is the delivery of an event: its id, with or without the source's."""
        plain = _REPLAYED.sub("", self.id)
        return message_id in {self.id, plain} or plain.endswith(f":{message_id}")


@final
class DeliveryReader:
    """Reads a log of deliveries, also while processes write to it.

    Args:
        directory: of the log.
        since: seconds since the epoch; attempts before it are left out.
        until: as ``since``: those after it are.

    Attributes:
        damaged: files that could not be read to their end.
    """

    def __init__(
        self, directory: str | os.PathLike[str], *, since: float = -math.inf, until: float = math.inf
    ) -> None:
        self._reader = JournalReader(Path(directory), since=since, until=until)
        self.damaged = self._reader.damaged

    def attempts(self, *, containing: str = "") -> Iterator[AttemptRecord]:
        """Every attempt that was kept, roughly in their order.

        Args:
            containing: text; lines without it are not looked at, which is ten times as fast.
        """
        yield from self._reader.records(decoded, [containing] if containing else [])

    def deliveries(
        self,
        *,
        containing: str = "",
        wants: Callable[[AttemptRecord], bool] = lambda _: True,
        most: int | None = None,
    ) -> list[Delivery]:
        """Attempts gathered into deliveries, the one tried last first.

        Args:
            containing: as of :meth:`attempts`.
            wants: which attempts are looked at.
            most: how many deliveries are held in memory; those tried longest ago go first.
        """
        found: dict[tuple[str, str], list[AttemptRecord]] = {}
        for record in self.attempts(containing=containing):
            if wants(record):
                key = (record.queue, record.delivery)
                before = found.pop(key, [])
                found[key] = [*before, record]
                if most is not None and len(found) > most:
                    del found[next(iter(found))]
        gathered = [
            Delivery(tuple(sorted(attempts, key=lambda one: (one.at, one.attempt))))
            for attempts in found.values()
        ]
        gathered.sort(key=lambda delivery: delivery.last.at, reverse=True)
        return gathered
