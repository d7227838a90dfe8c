"""Deliveries: a span of each from acceptance to its end, and within it one of each attempt.

A delivery goes on the trace of the request that its event came with, as far as this process took that; what another one
accepted, or this one before it was started anew, begins a trace of its own.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, TypeVar, final

from opentelemetry.context import Context
from opentelemetry.metrics import Meter
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    Tracer,
    get_current_span,
    set_span_in_context,
)

from isthmus.pipelines import LATENCY_BOUNDS, Accepted, Attempted, Observation
from isthmus.rules import Delivered, Dropped, RetryAt

__all__ = ["Deliveries"]

K = TypeVar("K")
V = TypeVar("V")

MOST: Final = 50_000
"""Deliveries, and events, that are known of at one time; of more, those known longest are forgotten."""

NANO: Final = 1_000_000_000
NOWHERE: Final = Context()


@final
class Deliveries:
    """Observes pipelines.

    Args:
        tracer: makes the spans.
        meter: makes the numbers.
    """

    def __init__(self, tracer: Tracer, meter: Meter) -> None:
        self._tracer = tracer
        self._origins: OrderedDict[str, SpanContext] = OrderedDict()
        self._under_way: OrderedDict[tuple[str, str], Span] = OrderedDict()
        self._accepted = meter.create_counter("isthmus.events.accepted", description="Events that are kept.")
        self._attempts = meter.create_counter(
            "isthmus.attempts", description="Attempts to deliver that have ended."
        )
        self._duration = meter.create_histogram(
            "isthmus.delivery.duration",
            unit="s",
            description="From acceptance to success.",
            explicit_bucket_boundaries_advisory=LATENCY_BOUNDS,
        )

    def observe(self, seen: Observation) -> None:
        """Take what a pipeline tells."""
        if type(seen) is Accepted:
            self._accepted.add(1, {"isthmus.source": seen.source})
            origin = get_current_span().get_span_context()
            if origin.is_valid:
                _keep(self._origins, f"{seen.source}:{seen.message_id}", origin)
        elif type(seen) is Attempted:
            self._attempted(seen)

    def _attempted(self, seen: Attempted) -> None:
        attributes = {"isthmus.queue": seen.queue, "isthmus.status": seen.status.value}
        if seen.problem is not None:
            attributes["error.type"] = seen.problem.code.value
        self._attempts.add(1, attributes)
        if type(seen.decision) is Delivered:
            self._duration.record(seen.age, {"isthmus.queue": seen.queue})
        key = (seen.queue, seen.delivery)
        delivery = self._under_way.pop(key, None) or self._begun(seen)
        attempt = self._tracer.start_span(
            f"attempt {seen.queue}",
            set_span_in_context(delivery, NOWHERE),
            kind=SpanKind.INTERNAL,
            attributes={**attributes, "isthmus.attempt": seen.attempt},
            start_time=_nanoseconds(seen.at - seen.took),
        )
        if seen.problem is not None and type(seen.decision) is not Dropped:
            attempt.set_status(StatusCode.ERROR, seen.problem.code.value)
        attempt.end(_nanoseconds(seen.at))
        if type(seen.decision) is RetryAt:
            if (forgotten := _keep(self._under_way, key, delivery)) is not None:
                forgotten.end()
            return
        delivery.set_attribute("isthmus.attempts", seen.attempt)
        if type(seen.decision) not in {Delivered, Dropped}:
            delivery.set_status(StatusCode.ERROR, attributes.get("error.type", ""))
        delivery.end(_nanoseconds(seen.at))

    def _begun(self, seen: Attempted) -> Span:
        """The span of a delivery that is heard of for the first time."""
        origin = self._origins.get(seen.delivery.partition("~")[0])
        parent = NOWHERE
        if origin is not None:
            parent = set_span_in_context(NonRecordingSpan(origin), NOWHERE)
        elif (current := get_current_span()).get_span_context().is_valid:  # a webhook that is being answered
            parent = set_span_in_context(current, NOWHERE)
        attributes = {"isthmus.queue": seen.queue, "messaging.message.id": seen.delivery}
        return self._tracer.start_span(
            f"delivery {seen.queue}",
            parent,
            kind=SpanKind.CONSUMER,
            attributes=attributes,
            start_time=_nanoseconds(seen.at - max(seen.age, seen.took)),
        )


def _keep(kept: OrderedDict[K, V], key: K, value: V) -> V | None:
    """Keep a value, and give what had to go for it."""
    kept[key] = value
    return kept.popitem(last=False)[1] if len(kept) > MOST else None


def _nanoseconds(at: float) -> int:
    return int(at * NANO)
