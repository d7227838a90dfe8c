"""The ways of events into the queues they go to."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import final

import trio

from isthmus._rules.jsontext import fields_of
from isthmus._rules.routing import route
from isthmus._rules.times import stamped
from isthmus.archive import EventArchive
from isthmus.errors import InvalidInput, QueueError
from isthmus.pipelines import Accepted, Destination, Observation, QueueAway, Source
from isthmus.queues import Entry, Queue

from .events import Taken, key_of, taken
from .holding import patiently

__all__ = ["DESTINATION", "SOURCE", "WEBHOOK", "Routes"]

logger = logging.getLogger("isthmus")

# The queues' names begin with these; events go through them in this order.
WEBHOOK = "webhook:"
SOURCE = "source:"
DESTINATION = "destination:"


@final
class Routes:
    """Decides where events go, and keeps them there.

    Args:
        queue: has been told of all the queues.
        sources: where events come from.
        destinations: where they go.
        event_bytes: of JSON that one event may have.
        clock: seconds since the epoch.
        observe: told of what is accepted; raises nothing.
        archive: keeps events on their way to destinations, after the source's inserts; or None.
    """

    def __init__(
        self,
        queue: Queue,
        sources: Sequence[Source],
        destinations: Sequence[Destination],
        *,
        event_bytes: int,
        clock: Callable[[], float],
        observe: Callable[[Observation], None],
        archive: EventArchive | None = None,
    ) -> None:
        self.accepted = 0
        self.published: Counter[str] = Counter()
        self.event_bytes = event_bytes
        self._archive = archive
        self._queue = queue
        self._clock = clock
        self._observe = observe
        self._connected = {
            source.id: [
                destination
                for destination in destinations
                if source.destinations is None or destination.name in source.destinations
            ]
            for source in sources
        }
        self._conditions = {
            destination.name: condition
            for destination in destinations
            if (condition := destination.filter.condition) is not None
        }
        self._switched_on = {
            source: [
                (f"{DESTINATION}{destination.name}", destination.filter)
                for destination in connected
                if destination.enabled
            ]
            for source, connected in self._connected.items()
        }
        self._orders = {
            f"{DESTINATION}{destination.name}": destination.ordered_by
            for destination in destinations
            if destination.ordered_by is not None
        }

    def entrances(self, source: Source, event: Taken) -> list[str]:
        """The queues that a new event of a source goes to: the one before its inserts, where it has any."""
        return [f"{SOURCE}{source.id}"] if source.inserts else self.exits(source, event)

    def exits(self, source: Source, event: Taken, among: Sequence[Destination] | None = None) -> list[str]:
        """The queues of the destinations that an event goes to.

        Args:
            source: of the event.
            event: after the source's inserts.
            among: the destinations of a replay, switched on or not; None for those the source is connected to.

        Raises:
            InvalidInput: a filter looks into the event, and it is nested too deeply for that.
        """
        head = event.head
        if among is None and head.integrations is None and not self._conditions:
            return [
                queue for queue, wants in self._switched_on[source.id] if wants.admits(head.type, head.event)
            ]
        wanted = [
            destination
            for destination in (self._connected[source.id] if among is None else among)
            if destination.filter.admits(head.type, head.event)
        ]
        if self._conditions:
            wanted = self._meeting(event, wanted)
        routed = route(head, wanted, replay=among is not None)
        return [f"{DESTINATION}{reached.instance.name}" for reached in routed.reached]

    def _meeting(self, event: Taken, wanted: Sequence[Destination]) -> list[Destination]:
        """Those whose conditions an event meets; it is decoded once, and only where there is one."""
        conditions = [self._conditions.get(destination.name) for destination in wanted]
        if not any(conditions):
            return list(wanted)
        try:
            fields = fields_of(event.text)
        except RecursionError:
            raise InvalidInput("the event is nested too deeply for a filter to look into it") from None
        return [
            destination
            for destination, condition in zip(wanted, conditions, strict=True)
            if condition is None or condition(fields)
        ]

    async def forward(self, source: Source, events: Sequence[tuple[bytes, str]]) -> None:
        """Keep the messages of a source function; see :data:`.stages.Forward`."""
        kept = self._entering(source, events)
        away = partial(self._away, f"{WEBHOOK}{source.id}")
        await patiently(lambda: self.keep(source, kept), away)

    async def forward_once(self, source: Source, events: Sequence[tuple[bytes, str]]) -> None:
        """Keep them as :meth:`forward` does, but leave it to the caller to wait for a storage that is away.

        Raises:
            InvalidInput: one is too large, or none; nothing was kept.
            QueueError: not all were kept; keeping them again is safe.
        """
        await self.keep(source, self._entering(source, events))

    async def forward_inserted(self, source: Source, events: Sequence[tuple[bytes, str]]) -> None:
        """Keep events that have passed the source's inserts; see :data:`.stages.Forward`."""
        kept = [(one, self.exits(source, one)) for one in self._taken(events)]
        away = partial(self._away, f"{SOURCE}{source.id}")
        await patiently(lambda: self.keep(source, kept, count=False), away)

    async def keep_parts(self, entries: Sequence[Entry]) -> None:
        """Keep deliveries that were made of others in the same queue."""
        for first in range(0, len(entries), self._queue.max_batch):
            chunk = entries[first : first + self._queue.max_batch]
            await patiently(partial(self._queue.publish, chunk), partial(self._away, chunk[0].queue))
            self.published[chunk[0].queue] += len(chunk)

    def _entering(self, source: Source, events: Sequence[tuple[bytes, str]]) -> list[tuple[Taken, list[str]]]:
        now = self._clock()
        timed = [(stamped(text, now), given_id) for text, given_id in events]
        return [(one, self.entrances(source, one)) for one in self._taken(timed)]

    def _taken(self, events: Sequence[tuple[bytes, str]]) -> list[Taken]:
        return [
            taken(text, most=self.event_bytes, default_id=partial(str, given_id)) for text, given_id in events
        ]

    async def keep(
        self,
        source: Source,
        events: Sequence[tuple[Taken, list[str]]],
        mark: str = "",
        *,
        count: bool = True,
    ) -> None:
        """Publish events, all routes of one together.

        Args:
            source: of the events.
            events: each with the queues it goes to.
            mark: makes deliveries of them that are told from those of before.
            count: they are newly accepted.

        Raises:
            QueueError: not all were kept; keeping them again is safe.
        """
        keeping = None
        # What goes to the inserts of its source first is kept as they leave it: what they mask is not to be kept.
        if self._archive is not None and events and not mark and not (count and source.inserts):
            keeping = self._archive.keep(source.id, [event.text for event, _ in events])
        entries: list[Entry] = []
        for event, queues in events:
            routes = [self._entry(source, event, queue, mark) for queue in queues]
            if entries and len(entries) + len(routes) > self._queue.max_batch:
                await self._queue.publish(entries)
                entries = []
            entries += routes
        if entries:
            await self._queue.publish(entries)
        else:
            await trio.lowlevel.checkpoint()
        for _, queues in events:
            for queue in queues:
                self.published[queue] += 1
        if keeping is not None:
            await keeping.wait()
        if count:
            self.accepted += len(events)
            for event, queues in events:
                self._observe(Accepted(source.id, event.message_id, tuple(queues)))

    def _entry(self, source: Source, event: Taken, queue: str, mark: str) -> Entry:
        path = self._orders.get(queue)
        key = key_of(event.text, path) if path is not None else None
        # The ids of two sources may be the same.
        return Entry(
            queue=queue, message_id=f"{source.id}:{event.message_id}{mark}", body=event.text, key=key
        )

    def _away(self, queue: str, exc: QueueError) -> None:
        logger.warning("queue %r: what goes on from it is kept back: %s", queue, exc)
        self._observe(QueueAway(queue, str(exc)))
