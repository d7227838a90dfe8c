"""From what its owner defines to what a pipeline works with: checked, and a queue, a stage and bounds for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from isthmus.errors import EngineError
from isthmus.functions import Kind
from isthmus.pipelines import Batching, Destination, Sink, Source
from isthmus.queues import QueueOptions

from .items import Policy, Stage
from .routes import DESTINATION, SOURCE, WEBHOOK, Routes
from .stages import DestinationStage, EventStage, WebhookStage

if TYPE_CHECKING:
    from isthmus._engine import Engine
    from isthmus._instances import Instance

__all__ = ["Work", "check_definitions", "works_of_destinations", "works_of_sources"]

SINK_BATCHING: Final = Batching(count=100, wait=0.0)


class Work(NamedTuple):
    """What one lane does: the queue it works on, how, and whether it does for now."""

    queue: str
    stage: Stage
    policy: Policy
    options: QueueOptions
    paused: bool


def works_of_sources(
    engine: Engine, sources: Sequence[Source], routes: Routes, clock: Callable[[], float]
) -> Iterator[Work]:
    """The lanes between sources and the queues of destinations."""
    for source in sources:
        if source.function is not None:
            stage: Stage = WebhookStage(engine, source, routes.forward, clock)
            policy = Policy(schedule=source.schedule, concurrency=source.concurrency)
            yield Work(f"{WEBHOOK}{source.id}", stage, policy, _options(source, policy), source.paused)
    for source in sources:
        if source.inserts:
            stage = EventStage(engine, source, routes.forward_inserted, clock)
            policy = Policy(schedule=source.insert_schedule, concurrency=source.concurrency)
            yield Work(f"{SOURCE}{source.id}", stage, policy, _options(source, policy), source.paused)


def _options(source: Source, policy: Policy) -> QueueOptions:
    return QueueOptions(lease=policy.lease, dedupe_window=source.dedupe_window)


def works_of_destinations(
    engine: Engine, destinations: Sequence[Destination], routes: Routes, clock: Callable[[], float]
) -> Iterator[Work]:
    """The lanes to destinations."""
    for destination in destinations:
        stage = DestinationStage(engine, destination, routes, clock)
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
        options = QueueOptions(
            lease=destination.lease,
            max_unacked=destination.max_unacked,
            dedupe_window=destination.dedupe_window,
            ordered=destination.ordered_by is not None,
        )
        yield Work(f"{DESTINATION}{destination.name}", stage, policy, options, destination.paused)


def check_definitions(sources: Sequence[Source], destinations: Sequence[Destination]) -> None:
    """See whether they fit together.

    Raises:
        EngineError: they contradict each other.
    """
    by_name = {destination.name for destination in destinations}
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
            if insert.function.fan_out and destination.ordered_by is not None:
                raise EngineError(
                    f"destination {destination.name!r} keeps an order (ordered_by), and its insert {insert.name!r} makes "
                    "several events of one (fan_out), which are behind those that came later: let a source have the insert"
                )


def _check_kind(where: str, instance: Instance, *kinds: Kind) -> None:
    if instance.function.kind not in kinds:
        raise EngineError(
            f"{where} takes a function of the kind {kinds[0].value} there, and {instance.name!r} is of the kind "
            f"{instance.function.kind.value}"
        )
