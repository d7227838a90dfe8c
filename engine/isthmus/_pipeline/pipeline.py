"""The pipeline as its owner sees it: takes events and webhooks, and has a lane for each queue."""

from __future__ import annotations

import logging
import math
import uuid
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, final

import msgspec
import trio

from isthmus._rules.retry import RetryAt
from isthmus.archive import EventArchive
from isthmus.errors import EngineError, InvalidInput
from isthmus.events import Event, Request
from isthmus.metrics import Metrics
from isthmus.outcomes import Outcome
from isthmus.pipelines import Destination, Observation, PipelineStats, Sink, Source
from isthmus.queues import Entry, Queue

from .answering import Answering
from .counting import Counted, counted
from .definitions import check_definitions, works_of_destinations, works_of_sources
from .events import ID_LENGTH, MARK_LENGTH, Taken, random_ids, taken, with_replay
from .faults import traced
from .lane import Lane
from .routes import DESTINATION, SOURCE, WEBHOOK, Routes

if TYPE_CHECKING:
    from isthmus._engine import Engine

__all__ = ["Pipeline"]

logger = logging.getLogger("isthmus")


@final
class Pipeline:
    """Events on their way; made by :func:`isthmus.open_pipeline`."""

    def __init__(
        self,
        engine: Engine,
        queue: Queue,
        sources: Sequence[Source],
        destinations: Sequence[Destination],
        *,
        observe: Callable[[Observation], None] | None,
        clock: Callable[[], float],
        event_bytes: int,
        archive: EventArchive | None = None,
    ) -> None:
        self._queue = queue
        self._sources = {source.id: source for source in sources}
        self._destinations = {destination.name: destination for destination in destinations}
        self._observers = (*engine.pipeline_observers, *(() if observe is None else (observe,)))
        self._event_bytes = min(event_bytes, queue.max_body)
        self._closed = False
        self._clock = clock
        self._counted_at = -math.inf
        self._counted = Counted()
        check_definitions(sources, destinations)
        self._routes = Routes(
            queue,
            sources,
            destinations,
            event_bytes=self._event_bytes,
            clock=clock,
            observe=self._observe,
            archive=archive,
        )
        self._answering = {
            source.id: Answering(
                engine, source, source.function, self._routes, clock=clock, observe=self._observe
            )
            for source in sources
            if source.function is not None
        }
        works = [
            *works_of_sources(engine, sources, self._routes, clock),
            *works_of_destinations(engine, destinations, self._routes, clock),
        ]
        self._options = {work.queue: work.options for work in works}
        self._lanes = [
            Lane(queue, work.queue, work.stage, work.policy, clock=clock, observe=self._observe)
            for work in works
            if not work.paused
        ]

    # ------------------------------------------------------------ for its owner

    async def accept(self, source: str, event: Event | Iterable[Event]) -> list[str]:
        """Take an event, or several; they are durable when this returns.

        The same message id of the same source again is kept once, within the queues' ``dedupe_window``.

        Args:
            source: the id of the one it comes from.
            event: JSON text or a mapping, or several of them.

        Returns:
            the message id of each; one without is given one.

        Raises:
            InvalidInput: one is none, or too large; nothing was taken.
            QueueError: it was not kept, or not all of it; taking it again is safe.
        """
        origin = self._source(source)
        events: Iterable[Event]
        events = [event] if isinstance(event, bytes | str) or hasattr(event, "keys") else event  # type: ignore[list-item]
        given = self._taken(events)
        await self._routes.keep(origin, [(one, self._routes.entrances(origin, one)) for one in given])
        return [one.message_id for one in given]

    async def receive(self, source: str, request: Request, *, message_id: str | None = None) -> str:
        """Take a webhook; it is durable when this returns, and its source's function runs later.

        Args:
            source: the id of one with a function.
            request: as it arrived.
            message_id: what tells it from others; a random one by default.

        Raises:
            InvalidInput: the source has no function, or the request is too large.
            QueueError: it was not kept.
        """
        self._receiving(source)
        message_id = _id_of_webhook(message_id)
        await self._keep_webhook(source, request, message_id, 0.0)
        return message_id

    async def answer(
        self, source: str, request: Request, *, message_id: str | None = None, retries: bool = True
    ) -> Outcome:
        """Run the function of a source on a webhook at once; what it sends is durable when this returns.

        Where the outcome is to be retried the webhook is durable as well: the function runs again by the source's schedule,
        whose attempts are counted from then on.

        Args:
            source: the id of one with a function.
            request: as it arrived.
            message_id: what tells it from others; a random one by default.
            retries: false leaves it to the webhook's sender to try again: then it is not kept.

        Returns:
            how the function ended; refused where an event that it sent is too large, of which nothing was taken then.

        Raises:
            InvalidInput: the source has no function, or the request is too large.
            QueueError: not all was kept.
        """
        answering = self._receiving(source)
        message_id = _id_of_webhook(message_id)
        outcome, decision = await answering.run(request, message_id, retries=retries)
        if type(decision) is RetryAt:
            await self._keep_webhook(source, request, message_id, decision.seconds)
        return outcome

    async def replay(
        self,
        source: str,
        events: Iterable[Event],
        *,
        to: Sequence[str],
        mark: str | None = None,
        shown: bool = False,
    ) -> int:
        """Send events to destinations again, those switched off too; they are durable when this returns.

        They pass the destinations' filters and the events' ``integrations``, but no source insert: they are taken as
        they were accepted.  What was delivered before counts as new.

        Args:
            source: the id of the one they came from.
            events: as for :meth:`accept`.
            to: names of destinations.
            mark: what tells this replay from others, 1 to 64 letters and digits: an event replayed again under the same
                one is kept once, within the destination's ``dedupe_window``.  Random by default.
            shown: functions see it, as ``context.replay.id`` of the event; its ``messageId`` stays.

        Returns:
            how many deliveries there are of it.

        Raises:
            InvalidInput: there is no such destination, an event is none, or the mark is.
            QueueError: not all of it was kept.
        """
        origin = self._source(source)
        if unknown := [name for name in to if name not in self._destinations]:
            raise InvalidInput(f"there is no destination {unknown[0]!r}")
        mark = uuid.uuid4().hex if mark is None else mark
        if not (mark.isascii() and mark.isalnum() and len(mark) <= MARK_LENGTH):
            raise InvalidInput(f"a mark has 1 to {MARK_LENGTH} letters and digits, not {mark!r}")
        among = [self._destinations[name] for name in to]
        given = self._taken(events)
        kept = [
            (with_replay(one, mark) if shown else one, self._routes.exits(origin, one, among))
            for one in given
        ]
        await self._routes.keep(origin, kept, f"~{mark}")
        return sum(len(queues) for _, queues in kept)

    async def drain(self) -> None:
        """Wait until everything that can be tried now has been.

        What waits for a retry, or for a destination that is being left alone, is not waited for.
        """
        for tier in (WEBHOOK, SOURCE, DESTINATION):
            async with trio.open_nursery() as nursery:
                for lane in self._lanes:
                    if lane.name.startswith(tier):
                        nursery.start_soon(lane.settle_down)

    def stats(self) -> PipelineStats:
        """What was done since it was opened."""
        return PipelineStats(
            accepted=self._routes.accepted,
            lanes={lane.name: lane.stats(self._routes.published[lane.name]) for lane in self._lanes},
        )

    async def metrics(self, *, max_age: float = 1.0) -> Metrics:
        """Measure the pipeline and its queues.

        A storage that is away leaves its queues out, and raises nothing.

        Args:
            max_age: seconds for which the counts of queues are kept for whoever asks next: counting them makes
                other work on some storages wait.
        """
        now = trio.current_time()
        if now >= self._counted_at + max_age:
            self._counted_at = now
            self._counted = await counted(self._queue, list(self._options))
        else:
            await trio.lowlevel.checkpoint()
        last = self._counted
        return Metrics(at=self._clock(), stats=self.stats(), queues=last.queues, storage=last.storage)

    # ------------------------------------------------------------ ways

    def _source(self, source: str) -> Source:
        if self._closed:
            raise EngineError("the pipeline has been closed")
        origin = self._sources.get(source)
        if origin is None:
            known = ", ".join(map(repr, self._sources)) or "none"
            raise InvalidInput(f"there is no source {source!r}; there is {known}")
        return origin

    def _receiving(self, source: str) -> Answering:
        self._source(source)
        answering = self._answering.get(source)
        if answering is None:
            raise InvalidInput(f"source {source!r} has no function that takes webhooks")
        return answering

    async def _keep_webhook(self, source: str, request: Request, message_id: str, delay: float) -> None:
        body = msgspec.json.encode(request)
        if len(body) > self._queue.max_body:
            raise InvalidInput(
                f"a webhook has at most {self._queue.max_body} bytes as it is kept, not {len(body)}"
            )
        entry = Entry(queue=f"{WEBHOOK}{source}", message_id=message_id, body=body, delay=delay)
        await self._queue.publish([entry])
        self._routes.published[entry.queue] += 1

    def _taken(self, events: Iterable[Event]) -> list[Taken]:
        new_id = random_ids().__next__
        return [taken(event, most=self._event_bytes, default_id=new_id) for event in events]

    def _observe(self, observation: Observation) -> None:
        for observe in self._observers:
            try:
                observe(observation)
            except Exception as exc:  # noqa: BLE001 -- events go on, seen or not
                logger.error("the observer of a pipeline failed: %s", traced(exc))

    # ------------------------------------------------------------ its life

    async def _declare(self) -> None:
        for name, options in self._options.items():
            await self._queue.declare(name, options)

    def _start(self, nursery: trio.Nursery) -> None:
        for lane in self._lanes:
            nursery.start_soon(lane.run)

    def _stop(self) -> None:
        self._closed = True
        for lane in self._lanes:
            lane.stop()

    async def _aclose_sinks(self) -> None:
        for destination in self._destinations.values():
            if isinstance(destination.to, Sink):
                try:
                    await destination.to.aclose()
                except Exception as exc:  # noqa: BLE001 -- the others are to be closed as well
                    logger.error("destination %r: its sink did not close: %s", destination.name, traced(exc))


def _id_of_webhook(given: str | None) -> str:
    message_id = str(uuid.uuid4()) if given is None else given
    if not 1 <= len(message_id) <= ID_LENGTH - 40:
        raise InvalidInput(f"the id of a webhook has 1 to {ID_LENGTH - 40} characters")
    return message_id


Pipeline.__module__ = "isthmus"
