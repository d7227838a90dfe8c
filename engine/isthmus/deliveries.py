"""A record of each delivery with all its attempts, kept within bounds: in memory, or in a directory.

:class:`DeliveryLog` keeps them for the process it is in.  :func:`open_delivery_log` writes them to files, which
:class:`DeliveryReader` reads in any process.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import final

import msgspec

from ._journal.attempts import AttemptRecord as AttemptRecord
from ._journal.deliverylog import (
    Delivery as Delivery,
    DeliveryReader as DeliveryReader,
    StoredDeliveryLog as StoredDeliveryLog,
    open_delivery_log as open_delivery_log,
)
from .errors import EngineError
from .pipelines import Attempted, Observation
from .rules import Delivered, RetryAt

__all__ = [
    "AttemptRecord",
    "Delivery",
    "DeliveryLog",
    "DeliveryReader",
    "DeliveryRecord",
    "StoredDeliveryLog",
    "open_delivery_log",
]


@final
class DeliveryRecord(msgspec.Struct, frozen=True):
    """What is known of one delivery.

    Attributes:
        attempts: in order, at least one; their problems have no sensitive values in them.
    """

    attempts: tuple[Attempted, ...]

    @property
    def queue(self) -> str:
        """Where it waits, or waited."""
        return self.attempts[0].queue

    @property
    def delivery(self) -> str:
        """What tells it from others in that queue."""
        return self.attempts[0].delivery

    @property
    def is_over(self) -> bool:
        """Whether it will not be tried again."""
        return not isinstance(self.attempts[-1].decision, RetryAt)


@final
class DeliveryLog:
    """Keeps records; hand it to :func:`isthmus.open_pipeline` as ``observe``, or call it from there.

    Args:
        most: records kept; those that were touched longest ago go first.
        age: seconds after its last attempt for which a record is kept.
        sample: the share kept of deliveries that were delivered at the first attempt, 0 to 1; drawn by a hash, so
            that one event is kept for every destination or for none.
        attempts: kept of one record, the last ones.

    Raises:
        EngineError: a number is out of its range.
    """

    def __init__(
        self, *, most: int = 10_000, age: float = 86_400.0, sample: float = 0.01, attempts: int = 50
    ) -> None:
        if most < 1 or attempts < 1 or age <= 0 or not 0 <= sample <= 1:
            raise EngineError(
                "DeliveryLog takes most and attempts from 1, an age above 0 and a sample from 0 to 1, not "
                f"{most!r}, {attempts!r}, {age!r} and {sample!r}"
            )
        self._most = most
        self._age = age
        self._sample = sample * 2**32
        self._attempts = attempts
        self._records: dict[tuple[str, str], DeliveryRecord] = {}  # the one touched last is last

    def __len__(self) -> int:
        return len(self._records)

    def __call__(self, observation: Observation) -> None:
        """Take note of what a pipeline tells."""
        if not isinstance(observation, Attempted):
            return
        key = (observation.queue, observation.delivery)
        before = self._records.pop(key, None)
        at_once = before is None and type(observation.decision) is Delivered and observation.attempt == 1
        if at_once and self._hash(observation.delivery) >= self._sample:
            return
        past = () if before is None else before.attempts
        self._records[key] = DeliveryRecord((*past, observation)[-self._attempts :])
        self._forget(observation.at)

    def find(self, queue: str, delivery: str) -> DeliveryRecord | None:
        """The record of one delivery, None where there is none."""
        return self._records.get((queue, delivery))

    def records(self, queue: str | None = None) -> Iterator[DeliveryRecord]:
        """Those of a queue, or all, the one touched last first."""
        for record in reversed(list(self._records.values())):
            if queue is None or record.queue == queue:
                yield record

    @staticmethod
    def _hash(delivery: str) -> int:
        return zlib.crc32(delivery.encode("utf-8", "surrogatepass"))

    def _forget(self, now: float) -> None:
        while self._records:
            oldest = next(iter(self._records))
            is_old = self._records[oldest].attempts[-1].at < now - self._age
            if len(self._records) <= self._most and not is_old:
                return
            del self._records[oldest]
