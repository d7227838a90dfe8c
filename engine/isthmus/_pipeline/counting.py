"""What is in the queues of a pipeline, counted for its metrics."""

from __future__ import annotations

from collections.abc import Sequence

from isthmus.errors import QueueError
from isthmus.queues import Queue, QueueStats

__all__ = ["counted"]


async def counted(queue: Queue, names: Sequence[str]) -> dict[str, QueueStats]:
    """Count what is in each queue, as far as the storage answers."""
    counts: dict[str, QueueStats] = {}
    for name in names:
        try:
            counts[name] = await queue.stats(name)
        except QueueError:
            return counts  # the lanes say that it is away; metrics are wanted all the more
    return counts
