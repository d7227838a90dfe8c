"""Calls of functions: numbers of all, and a span of each that is made while somebody waits for its request."""

from __future__ import annotations

from typing import Final, final

from opentelemetry.metrics import Meter
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer, get_current_span

from isthmus.calls import CallEnded, CallEvent, CallStarted

__all__ = ["Calls"]

BOUNDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds."""


@final
class Calls:
    """Observes an engine.

    Args:
        tracer: makes the spans.
        meter: makes the numbers.
    """

    def __init__(self, tracer: Tracer, meter: Meter) -> None:
        self._tracer = tracer
        self._under_way: dict[int, Span] = {}
        self._duration = meter.create_histogram(
            "isthmus.call.duration",
            unit="s",
            description="Time of calls of functions.",
            explicit_bucket_boundaries_advisory=BOUNDS,
        )
        self._cpu = meter.create_counter(
            "isthmus.call.cpu", unit="s", description="Time that their code ran."
        )
        self._fetches = meter.create_counter("isthmus.call.fetches", description="Requests that they began.")

    def observe(self, event: CallEvent) -> None:
        """Take what an engine tells."""
        if type(event) is CallEnded:
            self._ended(event)
        elif type(event) is CallStarted and get_current_span().get_span_context().is_valid:
            attributes = {"isthmus.function": event.function, "isthmus.instance": event.instance}
            self._under_way[event.call] = self._tracer.start_span(
                f"{event.handler} {event.function}", kind=SpanKind.INTERNAL, attributes=attributes
            )

    def _ended(self, event: CallEnded) -> None:
        status = "cancelled" if event.status is None else event.status.value
        attributes = {"isthmus.function": event.function, "isthmus.status": status}
        if event.code is not None:
            attributes["error.type"] = event.code.value
        self._duration.record(event.usage.wall, attributes)
        plain = {"isthmus.function": event.function}
        self._cpu.add(event.usage.cpu, plain)
        if event.usage.fetches:
            self._fetches.add(event.usage.fetches, plain)
        span = self._under_way.pop(event.call, None)
        if span is None:
            return
        span.set_attributes(attributes)
        span.set_attribute("isthmus.cpu", event.usage.cpu)
        span.set_attribute("isthmus.fetches", event.usage.fetches)
        if event.code is not None:
            span.set_status(StatusCode.ERROR, event.code.value)
        span.end()
