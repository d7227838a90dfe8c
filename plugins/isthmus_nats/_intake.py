"""Entries on their way in: checked, addressed and published, each into the stream of its queue."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import final

from isthmus.errors import QueueError
from isthmus.queues import Entry
from isthmus.rules import check_entries

from ._address import Address
from ._connection import Connection
from ._directory import Declared, Directory
from ._publishing import Outgoing, Publisher
from ._subjects import Names, lane_of, packed

__all__ = ["Intake"]


@final
class Intake:
    """Publishes entries.

    Args:
        connection: to the cluster.
        address: of it.
        names: of the installation.
        directory: of its queues.
    """

    def __init__(self, connection: Connection, address: Address, names: Names, directory: Directory) -> None:
        self._names = names
        self._directory = directory
        self._publishers = {
            shard: Publisher(connection, names.stream(shard)) for shard in range(address.shards)
        }

    async def publish(self, entries: Sequence[Entry], max_body: int, max_batch: int) -> None:
        """See :meth:`isthmus.queues.Queue.publish`.

        What goes into several streams is whole in each of them, and not over all: where one has no room and another
        had, that is no :class:`QueueFull`.
        """
        now = time.time()
        found = [await self._directory.look(name) for name in {entry.queue for entry in entries}]
        queues = {queue.name: queue for queue in found if queue is not None}
        check_entries(entries, queues, max_body=max_body, max_batch=max_batch)
        by_shard: dict[int, list[Outgoing]] = {}
        for entry in entries:
            queue = queues[entry.queue]
            by_shard.setdefault(queue.shard, []).append(self._outgoing(queue, entry, now))
        endings = await asyncio.gather(
            *(self._publishers[shard].publish(messages) for shard, messages in by_shard.items()),
            return_exceptions=True,
        )
        failed = [ending for ending in endings if ending is not None]
        if failed and len(failed) < len(endings) and isinstance(failed[0], QueueError):
            raise QueueError(f"{failed[0]}; other shards kept theirs") from failed[0]
        if failed:
            raise failed[0]

    async def publish_again(self, name: str, entry: Entry, letter: str) -> None:
        """Publish what was a dead letter; a second time with the same letter stores nothing."""
        queue = await self._directory.find(name)
        message = self._outgoing(queue, entry, time.time())
        message.headers["Nats-Msg-Id"] += f"/{letter}"
        await self._publishers[queue.shard].publish([message])

    def _outgoing(self, queue: Declared, entry: Entry, now: float) -> Outgoing:
        headers = {"Nats-Msg-Id": f"{queue.token}/{packed(entry.message_id)}"}
        lane = 0
        if entry.key is not None:
            headers["Isthmus-Key"] = packed(entry.key)
            if queue.ordered:
                lane = lane_of(entry.key, queue.lanes)
        if entry.delay > 0:
            headers["Isthmus-Due"] = repr(now + entry.delay)
        return Outgoing(self._names.subject(queue.shard, queue.token, lane), entry.body, headers)
