"""What a pipeline measures, as families of numbers that any monitoring system can take.

The names, kinds and labels follow Prometheus' conventions: a counter ends in ``_total``, times are seconds, sizes bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, Literal, final

import msgspec

from .pipelines import LATENCY_BOUNDS, LaneStats, PipelineStats
from .queues import Measure, QueueStats

__all__ = ["Family", "Histogram", "Metrics", "Sample"]

BREAKER_STATES: Final = ("closed", "half_open", "open")


@final
class Sample(msgspec.Struct, frozen=True):
    """One number.

    Attributes:
        value: of a counter since the pipeline was opened; of a gauge, now.
        labels: which of its family it is.
    """

    value: float
    labels: dict[str, str] = {}


@final
class Histogram(msgspec.Struct, frozen=True):
    """How values are spread.

    Attributes:
        bounds: the upper ends of the ranges, rising; a last range without end follows.
        counts: of values in each range alone, one more than there are bounds.
        sum: of all values.
        labels: which of its family it is.
    """

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    sum: float
    labels: dict[str, str] = {}


@final
class Family(msgspec.Struct, frozen=True):
    """Numbers of one name.

    Attributes:
        name: letters and underscores.
        kind: a ``counter`` never falls, a ``gauge`` may; a ``histogram`` has :class:`Histogram` for samples.
        help: a sentence.
        samples: one for each set of labels.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    samples: tuple[Sample | Histogram, ...]


@final
class Metrics(msgspec.Struct, frozen=True, kw_only=True):
    """A pipeline and its queues at one moment; see :meth:`isthmus.Pipeline.metrics`.

    Attributes:
        at: seconds since the epoch.
        stats: what this process did since its pipeline was opened.
        queues: what is in each queue, whoever put it there; one whose storage did not answer is missing.
        storage: what their storage tells of itself.
    """

    at: float
    stats: PipelineStats
    queues: dict[str, QueueStats] = {}
    storage: tuple[Measure, ...] = ()

    def families(self) -> list[Family]:
        """All numbers, each family once, also where it has no sample yet."""
        lanes, queues = self.stats.lanes, self.queues
        accepted = Sample(float(self.stats.accepted))
        families = [Family("isthmus_events_accepted_total", "counter", "Events accepted.", (accepted,))]
        for name, kind, said, of_lane in _OF_LANES:
            samples = [
                Sample(float(value), {"queue": queue, **labels})
                for queue, lane in lanes.items()
                for value, labels in of_lane(lane)
            ]
            families.append(Family(name, kind, said, tuple(samples)))
        families.append(
            Family(
                "isthmus_delivery_latency_seconds",
                "histogram",
                "From publishing to success, of deliveries that were delivered.",
                tuple(
                    Histogram(LATENCY_BOUNDS, lane.latency, lane.latency_sum, {"queue": queue})
                    for queue, lane in lanes.items()
                    if lane.latency
                ),
            )
        )
        for name, said, of_queue in _OF_QUEUES:
            there = [
                Sample(float(value), {"queue": queue})
                for queue, stats in queues.items()
                if (value := of_queue(stats)) is not None
            ]
            families.append(Family(name, "gauge", said, tuple(there)))
        for measure in self.storage:
            of_storage = (Sample(measure.value),)
            families.append(Family(f"isthmus_{measure.name}", measure.kind, measure.help, of_storage))
        return families


_Labelled = Iterator[tuple[float, dict[str, str]]]


def _plain(field: str) -> Callable[[LaneStats], _Labelled]:
    return lambda lane: iter([(getattr(lane, field), {})])


def _mapped(field: str, label: str) -> Callable[[LaneStats], _Labelled]:
    return lambda lane: ((count, {label: key}) for key, count in getattr(lane, field).items())


def _ended(lane: LaneStats) -> _Labelled:
    yield lane.delivered, {"outcome": "delivered"}
    yield lane.dropped, {"outcome": "dropped"}
    yield sum(lane.dead.values()), {"outcome": "dead"}


def _breaker(lane: LaneStats) -> _Labelled:
    return ((float(lane.breaker == state), {"state": state}) for state in BREAKER_STATES if lane.breaker)


_OfLane = tuple[str, Literal["counter", "gauge"], str, Callable[[LaneStats], _Labelled]]

_OF_LANES: Final[tuple[_OfLane, ...]] = (
    ("isthmus_published_total", "counter", "Deliveries put into the queue from here.", _plain("published")),
    ("isthmus_attempts_total", "counter", "Attempts that have ended.", _plain("attempts")),
    ("isthmus_deliveries_total", "counter", "Deliveries that are over, by outcome.", _ended),
    ("isthmus_retries_total", "counter", "Attempts to be repeated, by code.", _mapped("retried", "code")),
    ("isthmus_dead_letters_total", "counter", "Deliveries given up, by reason.", _mapped("dead", "reason")),
    (
        "isthmus_late_deliveries_total",
        "counter",
        "Deliveries delivered by a later attempt than the first, by its number.",
        _mapped("late", "attempt"),
    ),
    ("isthmus_given_back_total", "counter", "Claims given back unbegun.", _plain("given_back")),
    ("isthmus_batches_total", "counter", "Calls with several events.", _plain("batches")),
    ("isthmus_batched_events_total", "counter", "Events in such calls.", _plain("batched")),
    ("isthmus_attempt_seconds_total", "counter", "Time that attempts took, summed.", _plain("trying")),
    ("isthmus_storage_faults_total", "counter", "Times the storage did not answer.", _plain("away")),
    ("isthmus_in_hand", "gauge", "Deliveries claimed here and not done with.", _plain("in_hand")),
    ("isthmus_breaker", "gauge", "1 for the state that the breaker is in.", _breaker),
)

_OF_QUEUES: Final[tuple[tuple[str, str, Callable[[QueueStats], float | None]], ...]] = (
    ("isthmus_queue_waiting", "Deliveries that may be claimed now.", lambda stats: stats.waiting),
    ("isthmus_queue_in_flight", "Deliveries claimed by any process.", lambda stats: stats.in_flight),
    ("isthmus_queue_delayed", "Deliveries that wait for their retry.", lambda stats: stats.delayed),
    ("isthmus_queue_dead", "Dead letters.", lambda stats: stats.dead),
    ("isthmus_queue_oldest_seconds", "Age of the oldest delivery.", lambda stats: stats.oldest),
    ("isthmus_queue_bytes", "Bytes kept.", lambda stats: stats.bytes),
)
