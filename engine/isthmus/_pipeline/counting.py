"""What is in the queues of a pipeline and how their storage fares, for its metrics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import msgspec

from isthmus.errors import QueueError
from isthmus.queues import Measure, Queue, QueueStats

__all__ = ["Counted", "counted"]


@final
class Counted(msgspec.Struct, frozen=True):
    """What a storage said.

    Attributes:
        queues: what is in each.
        storage: what it tells of itself.
    """

    queues: dict[str, QueueStats] = {}
    storage: tuple[Measure, ...] = ()


async def counted(queue: Queue, names: Sequence[str]) -> Counted:
    """Count what is in each queue, as far as the storage answers."""
    counts: dict[str, QueueStats] = {}
    measures: tuple[Measure, ...] = ()
    try:
        measures = tuple(await queue.measures())
        for name in names:
            counts[name] = await queue.stats(name)
    except QueueError:
        pass  # the lanes say that it is away; metrics are wanted all the more
    return Counted(counts, measures)
