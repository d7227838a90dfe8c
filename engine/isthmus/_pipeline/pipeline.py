"""The pipeline: takes events, keeps them in the queues they go to, and runs a lane for each queue."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, final

import msgspec
import trio

from isthmus._rules.routing import route
from isthmus.errors import EngineError, InvalidInput, QueueError
from isthmus.events import Event, Request
from isthmus.functions import Kind
from isthmus.pipelines import Accepted, Batching, Destination, Observation, PipelineStats, Sink, Source
from isthmus.queues import Entry, Queue, QueueOptions

from .events import ID_LENGTH, Taken, key_of, random_ids, taken
from .holding import patiently
from .lane import Lane, Policy, Stage
from .stages import DestinationStage, EventStage, WebhookStage

if TYPE_CHECKING:
    from isthmus._engine import Engine
    from isthmus._instances import Instance

__all__ = ["Pipeline", "open_pipeline"]

logger = logging.getLogger("isthmus")

EVENT_BYTES: Final = 32 * 1024
"""Bytes of one event (Segment: 32 KB)."""

SINK_BATCHING: Final = Batching(count=100, wait=0.0)


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
    ) -> None:
        self._queue = queue
        self._sources = {source.id: source for source in sources}
        self._destinations = {destination.name: destination for destination in destinations}
        self._observer = observe
        self._event_bytes = min(event_bytes, queue.max_body)
        self._accepted = 0
        self._closed = False
        _check(sources, destinations, self._destinations)
        self._connected = {
            source.id: [
                destination
                for destination in destinations
                if source.destinations is None or destination.name in source.destinations
            ]
            for source in sources
        }
        self._lanes: list[Lane] = []
        self._options: dict[str, QueueOptions] = {}
        for source in sources:
            if source.function is not None:
                self._add(
                    f"webhook:{source.id}",
                    WebhookStage(engine, source, self._forward, clock),
                    Policy(schedule=source.schedule, concurrency=source.concurrency),
                    clock,
                )
        for source in sources:
            if source.inserts:
                self._add(
                    f"source:{source.id}",
                    EventStage(engine, source, self._forward_routed, clock),
                    Policy(schedule=source.insert_schedule, concurrency=source.concurrency),
                    clock,
                )
        for destination in destinations:
            stage = DestinationStage(engine, destination, clock)
            batching = destination.batching
            if not stage.takes_batches:
                batching = None
            elif batching is None:
                batching = SINK_BATCHING if isinstance(destination.to, Sink) else Batching()
            policy = Policy(
                schedule=destination.schedule,
                concurrency=destination.concurrency,
                lease=destination.lease,
                batching=batching,
                rate=destination.rate,
                breaker=destination.breaker,
            )
            name = f"destination:{destination.name}"
            self._add(name, stage, policy, clock)
            self._options[name] = QueueOptions(
                lease=destination.lease,
                max_unacked=destination.max_unacked,
                ordered=destination.ordered_by is not None,
            )

    def _add(self, name: str, stage: Stage, policy: Policy, clock: Callable[[], float]) -> None:
        self._options[name] = QueueOptions(lease=policy.lease)
        self._lanes.append(Lane(self._queue, name, stage, policy, clock=clock, observe=self._observe))

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
        if origin.inserts:
            await self._keep(origin, [(one, [f"source:{origin.id}"]) for one in given])
        else:
            await self._keep(origin, [(one, self._queues_of(origin, one)) for one in given])
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
        origin = self._source(source)
        if origin.function is None:
            raise InvalidInput(f"source {source!r} has no function that takes webhooks")
        message_id = str(uuid.uuid4()) if message_id is None else message_id
        if not 1 <= len(message_id) <= ID_LENGTH - 40:
            raise InvalidInput(f"the id of a webhook has 1 to {ID_LENGTH - 40} characters")
        body = msgspec.json.encode(request)
        if len(body) > self._queue.max_body:
            raise InvalidInput(
                f"a webhook has at most {self._queue.max_body} bytes as it is kept, not {len(body)}"
            )
        await self._queue.publish([Entry(queue=f"webhook:{source}", message_id=message_id, body=body)])
        return message_id

    async def replay(self, source: str, events: Iterable[Event], *, to: Sequence[str]) -> int:
        """Send events to destinations again, those switched off too; they are durable when this returns.

        They pass the destinations' filters and the events' ``integrations``, but no source insert: they are taken as
        they were accepted.  What was delivered before counts as new.

        Args:
            source: the id of the one they came from.
            events: as for :meth:`accept`.
            to: names of destinations.

        Returns:
            how many deliveries there are of it.

        Raises:
            InvalidInput: there is no such destination, or an event is none.
            QueueError: not all of it was kept.
        """
        origin = self._source(source)
        if unknown := [name for name in to if name not in self._destinations]:
            raise InvalidInput(f"there is no destination {unknown[0]!r}")
        mark = f"~{uuid.uuid4().hex}"
        among = [self._destinations[name] for name in to]
        given = self._taken(events)
        kept = [(one, self._queues_of(origin, one, among)) for one in given]
        await self._keep(origin, kept, mark)
        return sum(len(queues) for _, queues in kept)

    async def drain(self) -> None:
        """Wait until everything that can be tried now has been.

        What waits for a retry, or for a destination that is being left alone, is not waited for.
        """
        for tier in ("webhook:", "source:", "destination:"):  # as events go
            async with trio.open_nursery() as nursery:
                for lane in self._lanes:
                    if lane.name.startswith(tier):
                        nursery.start_soon(lane.settle_down)

    def stats(self) -> PipelineStats:
        """What was done since it was opened."""
        return PipelineStats(accepted=self._accepted, lanes={lane.name: lane.stats() for lane in self._lanes})

    # ------------------------------------------------------------ ways

    def _source(self, source: str) -> Source:
        if self._closed:
            raise EngineError("the pipeline has been closed")
        origin = self._sources.get(source)
        if origin is None:
            known = ", ".join(map(repr, self._sources)) or "none"
            raise InvalidInput(f"there is no source {source!r}; there is {known}")
        return origin

    def _taken(self, events: Iterable[Event]) -> list[Taken]:
        events = list(events)
        return [
            taken(event, most=self._event_bytes, default_id=default_id)
            for event, default_id in zip(events, random_ids(len(events)), strict=True)
        ]

    def _queues_of(
        self, source: Source, event: Taken, among: Sequence[Destination] | None = None
    ) -> list[str]:
        head = event.head
        wanted = [
            destination
            for destination in (self._connected[source.id] if among is None else among)
            if destination.filter.admits(head.type, head.event)
        ]
        routed = route(head, wanted, replay=among is not None)
        return [f"destination:{reached.instance.name}" for reached in routed.reached]

    async def _forward(self, source: Source, events: Sequence[tuple[bytes, str]]) -> None:
        """For the messages of a source function, to the source's inserts where it has any."""
        given = [taken(text, most=self._event_bytes, default_id=given_id) for text, given_id in events]
        inserted = [f"source:{source.id}"]
        kept = [(one, inserted if source.inserts else self._queues_of(source, one)) for one in given]
        await patiently(lambda: self._keep(source, kept), self._away)

    async def _forward_routed(self, source: Source, events: Sequence[tuple[bytes, str]]) -> None:
        """For events that have passed the source's inserts."""
        given = [taken(text, most=self._event_bytes, default_id=given_id) for text, given_id in events]
        kept = [(one, self._queues_of(source, one)) for one in given]
        await patiently(lambda: self._keep(source, kept, count=False), self._away)

    async def _keep(
        self,
        source: Source,
        events: Sequence[tuple[Taken, list[str]]],
        mark: str = "",
        *,
        count: bool = True,
    ) -> None:
        """Publish events, all routes of one together."""
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
        if count:
            self._accepted += len(events)
            for event, queues in events:
                self._observe(Accepted(source.id, event.message_id, tuple(queues)))

    def _entry(self, source: Source, event: Taken, queue: str, mark: str) -> Entry:
        key = None
        destination = self._destinations.get(queue.removeprefix("destination:"))
        if destination is not None and destination.ordered_by is not None and queue.startswith("d"):
            key = key_of(event.text, destination.ordered_by)
        # The ids of two sources may be the same.
        return Entry(
            queue=queue, message_id=f"{source.id}:{event.message_id}{mark}", body=event.text, key=key
        )

    def _away(self, exc: QueueError) -> None:
        logger.warning("events that go on are kept back: %s", exc)

    def _observe(self, observation: Observation) -> None:
        if self._observer is not None:
            try:
                self._observer(observation)
            except Exception:
                logger.exception("the observer of a pipeline failed")

    # ------------------------------------------------------------ its life

    async def _run(self, nursery: trio.Nursery) -> None:
        for name, options in self._options.items():
            await self._queue.declare(name, options)
        for lane in self._lanes:
            nursery.start_soon(lane.run)

    def _stop(self) -> None:
        self._closed = True
        for lane in self._lanes:
            lane.stop()

    async def _aclose_sinks(self) -> None:
        for destination in self._destinations.values():
            if isinstance(destination.to, Sink):
                await destination.to.aclose()


def _check(
    sources: Sequence[Source], destinations: Sequence[Destination], by_name: dict[str, Destination]
) -> None:
    for what, names in (
        ("source", [source.id for source in sources]),
        ("destination", [destination.name for destination in destinations]),
    ):
        if twice := {name for name in names if names.count(name) > 1}:
            raise EngineError(f"there are two {what}s of the name {min(twice)!r}")
    for source in sources:
        if unknown := [name for name in source.destinations or () if name not in by_name]:
            raise EngineError(f"source {source.id!r} names a destination {unknown[0]!r}, and there is none")
        if source.function is not None:
            _check_kind(f"source {source.id!r}", source.function, Kind.SOURCE)
        for insert in source.inserts:
            _check_kind(f"source {source.id!r}", insert, Kind.SOURCE_INSERT, Kind.INSERT)
    for destination in destinations:
        if not isinstance(destination.to, Sink):
            _check_kind(f"destination {destination.name!r}", destination.to, Kind.DESTINATION)
        for insert in destination.inserts:
            _check_kind(f"destination {destination.name!r}", insert, Kind.INSERT)


def _check_kind(where: str, instance: Instance, *kinds: Kind) -> None:
    if instance.function.kind not in kinds:
        raise EngineError(
            f"{where} takes a function of the kind {kinds[0].value} there, and {instance.name!r} is of the kind "
            f"{instance.function.kind.value}"
        )


@asynccontextmanager
async def open_pipeline(
    engine: Engine,
    queue: Queue,
    *,
    sources: Sequence[Source],
    destinations: Sequence[Destination],
    observe: Callable[[Observation], None] | None = None,
    grace: float = 10.0,
    event_bytes: int = EVENT_BYTES,
    clock: Callable[[], float] = time.time,
) -> AsyncIterator[Pipeline]:
    """Carry events from sources to destinations, and stop in peace on the way out.

    Left normally, nothing more is claimed; what is under way has ``grace`` seconds to end, and what has not begun
    is given back to the queue.  What is cancelled then, or killed at any time, is delivered again once its lease is out.

    Args:
        engine: runs the functions, whose instances are its own.
        queue: see :func:`isthmus.open_queue`; several processes may work on one.
        sources: where events come from.
        destinations: where they go.
        observe: told of what happens, in the Trio thread; must not block.
        grace: seconds.
        event_bytes: of JSON that one event may have.
        clock: seconds since the epoch, as the queue counts them.

    Raises:
        EngineError: the definitions contradict each other.
        QueueError: the queue can't be made ready.
    """
    pipeline = Pipeline(
        engine, queue, sources, destinations, observe=observe, clock=clock, event_bytes=event_bytes
    )
    error: Exception | None = None
    try:
        async with trio.open_nursery() as nursery:
            await pipeline._run(nursery)  # noqa: SLF001 -- nobody else is to run it
            # Kept out of the nursery, which would hand it on in an exception group.
            try:
                yield pipeline
            except Exception as exc:  # noqa: BLE001 -- raised again below
                error = exc
            pipeline._stop()  # noqa: SLF001
            nursery.cancel_scope.deadline = trio.current_time() + grace
    finally:
        with trio.CancelScope(shield=True):
            await pipeline._aclose_sinks()  # noqa: SLF001
    if error is not None:
        raise error


Pipeline.__module__ = "isthmus"
